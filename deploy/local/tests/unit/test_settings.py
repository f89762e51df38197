import pytest

from modelpick_local.errors import SettingError
from modelpick_local.home import Home
from modelpick_local.settings import LauncherSettings, read_settings
from modelpick_local.simulators import needed_simulators


@pytest.fixture
def settings_of(tmp_path):
    def build(**values):
        return LauncherSettings(Home.at(tmp_path), tmp_path, values, port=8080, stop_timeout_s=None)

    return build


def vendors(settings):
    return [simulator.part.name for simulator in needed_simulators(settings, "postgresql://x/y")]


def test_every_vendor_without_key_and_address_is_simulated(settings_of):
    assert vendors(settings_of()) == ["stripe-simulator", "openrouter-simulator", "mail-simulator"]


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"STRIPE_SECRET_KEY": "sk_live_1"}, ["openrouter-simulator", "mail-simulator"]),
        ({"STRIPE_API_BASE": "http://stripe"}, ["openrouter-simulator", "mail-simulator"]),
        ({"OPENROUTER_API_KEY": "sk-or-1"}, ["stripe-simulator", "mail-simulator"]),
        ({"OPENROUTER_BASE_URL": "http://models"}, ["stripe-simulator", "mail-simulator"]),
        ({"RESEND_API_KEY": "re_1"}, ["stripe-simulator", "openrouter-simulator"]),
        ({"SMTP_URL": "smtp://mail"}, ["stripe-simulator", "openrouter-simulator"]),
    ],
)
def test_a_vendor_with_a_key_or_an_address_is_not_simulated(settings_of, values, left):
    assert vendors(settings_of(**values)) == left


def test_the_mock_setting_brings_the_model_simulator_even_with_a_key(settings_of):
    settings = settings_of(OPENROUTER_API_KEY="sk-or-1", DEBUG_MOCK_OPENROUTER="true")

    assert "openrouter-simulator" in vendors(settings)


def test_an_empty_value_counts_as_none(settings_of):
    assert "stripe-simulator" in vendors(settings_of(STRIPE_SECRET_KEY=" "))


def test_the_services_are_led_to_the_simulators(settings_of):
    stripe, openrouter, mail = needed_simulators(settings_of(), "postgresql://x/y")

    assert stripe.variables["STRIPE_API_BASE"] == stripe.part.address
    assert stripe.variables["STRIPE_WEBHOOK_SECRET"].startswith("whsec_")
    assert openrouter.variables["OPENROUTER_BASE_URL"] == f"{openrouter.part.address}/api/v1"
    assert mail.variables["SMTP_URL"].startswith("smtp://127.0.0.1:")


@pytest.mark.parametrize("text", ["0", "eighty", "65536", "-1"])
def test_a_port_that_is_none_is_named(monkeypatch, tmp_path, text):
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))
    monkeypatch.setenv("PORT", text)

    with pytest.raises(SettingError, match=r"^PORT: "):
        read_settings()


def test_the_site_is_the_local_gateway_unless_it_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.delenv("SITE_URL", raising=False)
    assert read_settings().site_url == "http://localhost:9000"

    monkeypatch.setenv("SITE_URL", "https://modelpick.example")
    assert read_settings().site_url == "https://modelpick.example"
