"""Settings that lie in files, as container engines mount secrets: a file a setting, named like it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SECRETS_DIR = "SECRETS_DIR"
DEFAULT_FOLDER = "/run/secrets"


def secret_file(name: str) -> str:
    """Return what the file of that setting holds, empty when there is none. Raises OSError.

    The folder is `SECRETS_DIR`, else `/run/secrets`; a name counts in any case. An empty file is none.
    """
    folder = Path(os.environ.get(SECRETS_DIR) or DEFAULT_FOLDER)
    for path in _files(folder):
        if path.name.lower() == name.lower():
            return _read(path)
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_file())


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings in files, which the environment beats.

    pydantic-settings has one too; it warns where there is no such folder and takes an empty file for a value.
    """

    def __init__(self, settings_class: type[BaseSettings]) -> None:
        super().__init__(settings_class)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return secret_file(field_name) or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {name: secret_file(name) for name in self.settings_cls.model_fields}
        return {name: value for name, value in found.items() if value}
