from pydantic_settings import BaseSettings, SettingsConfigDict


class MailSettings(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True)

    simulator_port: int
    smtp_port: int
