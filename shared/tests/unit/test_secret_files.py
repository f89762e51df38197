import pytest

from modelpick_shared.secret_files import secret_file
from modelpick_shared.settings import (
    DatabaseSettings,
    RateLimitSettings,
    StripeWebhookSettings,
    load_settings,
)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Return a folder of secrets; nothing else says what the settings are."""
    for name in ("DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    monkeypatch.setenv("SECRETS_DIR", str(secrets))
    return secrets


def test_a_setting_may_lie_in_a_file(folder):
    (folder / "database_url").write_text("postgresql://of-a-file/modelpick\n")

    assert DatabaseSettings().database_url.get_secret_value() == "postgresql://of-a-file/modelpick"


def test_the_file_may_be_named_as_in_the_environment(folder):
    (folder / "STRIPE_WEBHOOK_SECRET").write_text("whsec_new,whsec_old")

    assert StripeWebhookSettings().webhook_secrets == ["whsec_new", "whsec_old"]


def test_the_environment_beats_a_file(folder, monkeypatch):
    (folder / "stripe_secret_key").write_text("sk_of_file")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_of_environment")

    assert StripeWebhookSettings().stripe_secret_key.get_secret_value() == "sk_of_environment"


def test_an_empty_variable_does_not_hide_a_file(folder, monkeypatch):
    (folder / "stripe_secret_key").write_text("sk_of_file")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "")

    assert StripeWebhookSettings().stripe_secret_key.get_secret_value() == "sk_of_file"


def test_the_settings_file_beats_a_secret_file(folder):
    (folder / "stripe_secret_key").write_text("sk_of_file")
    (folder.parent / ".env").write_text("STRIPE_SECRET_KEY=sk_of_settings_file\n")

    assert StripeWebhookSettings().stripe_secret_key.get_secret_value() == "sk_of_settings_file"


def test_an_empty_file_is_no_value(folder):
    (folder / "stripe_secret_key").write_text("\n")

    assert StripeWebhookSettings().stripe_secret_key is None


def test_links_inside_the_folder_are_followed(folder):
    """As Kubernetes mounts them: a link to a folder that it exchanges when a secret changes."""
    (folder / "..data").mkdir()
    (folder / "..data" / "stripe_secret_key").write_text("sk_of_cluster")
    (folder / "stripe_secret_key").symlink_to("..data/stripe_secret_key")

    assert StripeWebhookSettings().stripe_secret_key.get_secret_value() == "sk_of_cluster"


def test_a_file_is_read_as_the_environment_is(folder):
    (folder / "rate_limit_checkouts").write_text("3/d")

    assert RateLimitSettings().rate_limit_checkouts == (3, 86400)


def test_without_the_folder_there_are_none(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "nothing"))

    assert secret_file("DATABASE_URL") == ""


def test_a_wrong_value_in_a_file_is_named_but_not_shown(folder, capsys):
    (folder / "database_url").write_text("mysql://user:hunter2@host/db")

    with pytest.raises(SystemExit) as ended:
        load_settings(DatabaseSettings, "checkout")

    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("checkout: DATABASE_URL: ")
    assert "hunter2" not in error


def test_a_file_that_cannot_be_read_is_named(folder, capsys):
    (folder / "database_url").symlink_to("/proc/self/mem")  # readable by nobody from its beginning

    with pytest.raises(SystemExit) as ended:
        load_settings(DatabaseSettings, "checkout")

    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith(f"checkout: {folder}/database_url: ")
