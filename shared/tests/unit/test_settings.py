import pytest

from modelpick_shared.settings import (
    BenchmarkSettings,
    DatabaseSettings,
    IdentityProviderSettings,
    OpenRouterSettings,
    RateLimit,
    RateLimitSettings,
    ServiceSettings,
    StripeWebhookSettings,
    load_settings,
)


class AllSettings(
    ServiceSettings, DatabaseSettings, BenchmarkSettings, RateLimitSettings, StripeWebhookSettings
):
    pass


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:geheim@h/d")


def test_defaults_are_those_of_the_contract():
    settings = AllSettings()
    assert (settings.per_model_concurrency, settings.max_running_reports, settings.runs_per_image) == (
        3,
        8,
        3,
    )
    assert (settings.lease_s, settings.max_benchmark_duration_s) == (300, 750)
    assert str(settings.cost_ceiling_usd) == "7.00"
    assert settings.rate_limit_sign_in_per_address == RateLimit(5, 3600)
    assert settings.price_cents == 1499


def test_the_environment_beats_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PRICE_CENTS=999\nRUNS_PER_IMAGE=2\n")
    monkeypatch.setenv("PRICE_CENTS", "1200")
    settings = AllSettings()
    assert (settings.price_cents, settings.runs_per_image) == (1200, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRICE_CENTS", "abc"),
        ("COST_CEILING_USD", "-1"),
        ("DEBUG_MOCK_STRIPE", "maybe"),
        ("RATE_LIMIT_UPLOADS", "often"),
        ("DATABASE_URL", "mysql://x"),
        ("SITE_URL", "localhost"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_cannot_be_used_ends_the_start_with_one_line_that_names_it(
    monkeypatch, capsys, name, value
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load_settings(AllSettings, "checkout")
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"checkout: {name}: ")
    assert value not in line


def test_a_missing_setting_is_named(monkeypatch, capsys):
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SystemExit):
        load_settings(AllSettings, "checkout")
    assert capsys.readouterr().err == "checkout: DATABASE_URL: is required\n"


def test_secrets_do_not_show():
    assert "geheim" not in repr(AllSettings())


def test_two_webhook_secrets_are_told_apart(monkeypatch):
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_old, whsec_new")
    assert AllSettings().webhook_secrets == ["whsec_old", "whsec_new"]


@pytest.mark.parametrize(("text", "limit"), [("0", (0, 3600)), ("10/min", (10, 60)), ("3/d", (3, 86400))])
def test_rate_limits_are_written_as_events_a_time(monkeypatch, text, limit):
    monkeypatch.setenv("RATE_LIMIT_CHECKOUTS", text)
    assert AllSettings().rate_limit_checkouts == RateLimit(*limit)


def test_a_mocked_run_never_calls_the_real_api(monkeypatch, capsys):
    monkeypatch.setenv("DEBUG_MOCK_OPENROUTER", "true")
    with pytest.raises(SystemExit):
        load_settings(OpenRouterSettings, "model-worker")
    assert "OPENROUTER_BASE_URL" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["AUTH_JWKS_URL"], ["AUTH_ISSUER", "AUTH_AUDIENCE"]])
def test_an_identity_provider_is_set_up_whole_or_not_at_all(monkeypatch, capsys, given):
    for name in given:
        monkeypatch.setenv(name, "https://identity.test/")
    with pytest.raises(SystemExit):
        load_settings(IdentityProviderSettings, "checkout")
    (line,) = capsys.readouterr().err.splitlines()
    assert "AUTH_JWKS_URL, AUTH_ISSUER and AUTH_AUDIENCE" in line


def test_an_issuer_keeps_its_slash(monkeypatch):
    for name in ("AUTH_JWKS_URL", "AUTH_ISSUER", "AUTH_AUDIENCE"):
        monkeypatch.setenv(name, "https://identity.test/")
    assert IdentityProviderSettings().auth_issuer == "https://identity.test/"


def test_keys_come_over_http_only(monkeypatch, capsys):
    monkeypatch.setenv("AUTH_JWKS_URL", "file:///etc/passwd")
    with pytest.raises(SystemExit):
        load_settings(IdentityProviderSettings, "checkout")
    assert capsys.readouterr().err.startswith("checkout: AUTH_JWKS_URL: ")


def test_trusted_proxies_are_networks(monkeypatch, capsys):
    assert [str(network) for network in RateLimitSettings().trusted_proxies] == ["127.0.0.0/8", "::1/128"]
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32")
    assert len(RateLimitSettings().trusted_proxies) == 3
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1/8")
    with pytest.raises(SystemExit):
        load_settings(RateLimitSettings, "checkout")
    assert capsys.readouterr().err == "checkout: TRUSTED_PROXIES: write it like 10.0.0.0/8,::1\n"
