"""Holds compose, Dockerfile, settings and the local launcher against each other."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from modelpick_checkout.settings import CheckoutSettings
from modelpick_local import image_requirements
from modelpick_local.access import VENDOR_SECRETS
from modelpick_local.home import find_checkout
from modelpick_local.parts import SERVICES
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_notifier.settings import NotifierSettings
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_reports.settings import ReportsSettings
from modelpick_shared.settings import BrokerSettings, BrokerUserSettings, DatabaseRoleSettings
from modelpick_simulators.openrouter.settings import OpenRouterSettings
from modelpick_simulators.stripe.settings import StripeSettings
from modelpick_webhook.settings import WebhookSettings

CHECKOUT = find_checkout()
SETTINGS = {
    "checkout": CheckoutSettings,
    "webhook": WebhookSettings,
    "orchestrator": OrchestratorSettings,
    "model-worker": ModelWorkerSettings,
    "notifier": NotifierSettings,
    "reports": ReportsSettings,
    "migrate": DatabaseRoleSettings,
    "provision": BrokerSettings,
    "stripe-simulator": StripeSettings,
    "openrouter-simulator": OpenRouterSettings,
}
PRODUCT = [service.name for service in SERVICES]
ONCE = ["migrate", "provision"]
# What makes the services' roles and users.
PREPARING = (DatabaseRoleSettings, BrokerUserSettings)
# For tests alone.
NOT_IN_CONTAINERS = {"fault_dir"}
# What the simulators offer tests; and where they listen, which is no setting of a class.
OPTIONAL_THERE = {"simulator_latency_ms", "simulator_rate_limit_share", "simulator_journal"}
# What the launcher, compose and Caddy read themselves.
GATEWAY = {"SITE_ADDRESS", "GATEWAY_HTTPS_PORT", "GATEWAY_LOG_LEVEL", "GATEWAY_TRUSTED_PROXIES"}
NOT_OF_A_SERVICE = {"PORT", "MODELPICK_HOME", "SECRETS_DIR", "DATABASE_ROLES", *GATEWAY}
SECRETS_OF_SERVERS = {"postgres_password", "rabbitmq_conf", "grafana_password"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def secrets_of(service):
    """Return the secrets of a service, by the name of their file in it."""
    given = service.get("secrets", [])
    pairs = [(item, item) if isinstance(item, str) else (item["target"], item["source"]) for item in given]
    return dict(pairs)


def is_secret(field):
    return SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))


def default_of(text):
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


@pytest.mark.parametrize("name", PRODUCT)
def test_the_launcher_and_the_containers_run_the_same(services, name):
    (launched,) = [service for service in SERVICES if service.name == name]
    grace_s = int(services[name].get("stop_grace_period", "10s").removesuffix("s"))

    assert services[name]["command"] == [launched.module]
    assert grace_s > launched.stop_timeout_s


@pytest.mark.parametrize("name", [*PRODUCT, *ONCE])
def test_a_service_is_given_every_setting_it_knows_and_no_other(services, name):
    fields = {
        key: field for key, field in SETTINGS[name].model_fields.items() if key not in NOT_IN_CONTAINERS
    }
    secret = {key for key, field in fields.items() if is_secret(field)}

    assert set(secrets_of(services[name])) == secret
    assert {key.lower() for key in services[name].get("environment", {})} == fields.keys() - secret


@pytest.mark.parametrize("name", ["stripe-simulator", "openrouter-simulator"])
def test_a_simulator_is_given_settings_that_it_knows(services, name):
    given = {key.lower() for key in services[name]["environment"]} - {"simulator_host"}

    assert given == SETTINGS[name].model_fields.keys() - OPTIONAL_THERE


@pytest.mark.parametrize("name", [*PRODUCT, *ONCE])
def test_a_service_starts_with_the_simulated_values(services, name, tmp_path, monkeypatch):
    folder = CHECKOUT / "deploy" / "docker" / "simulated-secrets"
    for target, source in secrets_of(services[name]).items():
        (tmp_path / target).write_text((folder / source).read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    for key in (*SETTINGS[name].model_fields, *services[name].get("environment", {})):
        monkeypatch.delenv(key.upper(), raising=False)
    for key, value in services[name].get("environment", {}).items():
        monkeypatch.setenv(key, default_of(value))

    settings = SETTINGS[name]()

    assert getattr(settings, "service_port", 8000) == 8000


@pytest.mark.parametrize("name", PRODUCT)
def test_the_launcher_hands_out_the_same_keys(services, name):
    keys = {key for key, holders in VENDOR_SECRETS.items() if name in holders}
    mounted = {target.upper() for target in secrets_of(services[name])}

    assert mounted - {"DATABASE_URL", "RABBITMQ_URL"} == keys


def test_an_interpolated_variable_sets_the_setting_of_its_name(services):
    for name in PRODUCT:
        for key, value in services[name]["environment"].items():
            if value.startswith("${"):
                assert value.startswith(f"${{{key}:-"), (name, key)


def test_every_setting_of_the_example_is_known_and_the_other_way_round():
    text = (CHECKOUT / ".env.example").read_text()
    listed = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    own = {"service_host", "service_port", *NOT_IN_CONTAINERS}
    known = {key.upper() for name in PRODUCT for key in SETTINGS[name].model_fields.keys() - own}

    prepared = {key.upper() for group in PREPARING for key in group.model_fields}
    assert listed - NOT_OF_A_SERVICE - known - prepared == set()
    assert known - listed == set()


def test_compose_and_its_secrets_know_each_other(compose, services):
    used = {source for service in services.values() for source in secrets_of(service).values()}

    assert used == compose["secrets"].keys()
    for name, secret in compose["secrets"].items():
        assert secret == {"file": f"${{SECRETS_DIR:-./secrets}}/{name}"}
        assert (CHECKOUT / "deploy" / "docker" / "simulated-secrets" / name).exists()


def test_the_secrets_are_made_once_and_kept(compose, tmp_path):
    script = CHECKOUT / "deploy" / "docker" / "secrets.sh"
    for key in ("sk_first", "sk_second"):
        environment = {"PATH": "/usr/bin:/bin", "SECRETS_DIR": str(tmp_path), "STRIPE_SECRET_KEY": key}
        subprocess.run([script], env=environment, check=True)
    made = {path.name: path for path in tmp_path.iterdir()}

    assert compose["secrets"].keys() <= made.keys()
    assert made["stripe_secret_key"].read_text() == "sk_first"
    assert made["database_password_checkout"].read_text() in made["database_url_checkout"].read_text()
    assert len(made["postgres_password"].read_text()) == 48
    assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o444}


def test_an_upgrade_tells_the_broker_what_its_users_may_do_now(tmp_path):
    script = CHECKOUT / "deploy" / "docker" / "secrets.sh"
    environment = {"PATH": "/usr/bin:/bin", "SECRETS_DIR": str(tmp_path)}
    subprocess.run([script], env=environment, check=True)
    made = tmp_path / "rabbitmq_definitions"
    wanted = made.read_text()
    password = (tmp_path / "rabbitmq_password_reports").read_text()
    made.chmod(0o600)
    made.write_text("of an older release")

    subprocess.run([script], env=environment, check=True)

    assert made.read_text() == wanted
    users = {user["name"]: user["password"] for user in json.loads(wanted)["users"]}
    assert users["modelpick-reports"] == password
    assert users.keys() == {"modelpick", *(f"modelpick-{name}" for name in PRODUCT)}


def test_only_the_gateway_is_published(services):
    for name, service in services.items():
        for port in service.get("ports", []):
            assert name == "gateway" or port.startswith("127.0.0.1:"), name


def test_the_worker_does_not_reach_the_database(compose, services):
    database = set(services["postgres"]["networks"])

    assert compose["networks"]["data"] == {"internal": True}
    assert database == {"data"}
    assert database.isdisjoint(services["model-worker"]["networks"])
    assert database.isdisjoint(services["gateway"]["networks"])
    assert set(services["rabbitmq"]["networks"]).isdisjoint(services["gateway"]["networks"])
    assert not any(source.startswith("database") for source in secrets_of(services["model-worker"]).values())


def test_whoever_needs_a_server_shares_a_network_with_it(services):
    for name in PRODUCT:
        networks = set(services[name]["networks"])
        assert networks & set(services["rabbitmq"]["networks"])
        assert networks & set(services["prometheus"]["networks"])
        assert ("data" in networks) == ("database_url" in SETTINGS[name].model_fields)
    for upstream in ("checkout", "webhook", "notifier", "reports"):
        assert "web" in services[upstream]["networks"]
    for name, needed in (
        ("prometheus", ("gateway", "rabbitmq", "blackbox")),
        ("blackbox", ("gateway",)),
        ("grafana", ("prometheus",)),
        ("stripe-simulator", ("gateway", "checkout", "webhook")),
        ("openrouter-simulator", ("postgres", "model-worker")),
        ("mailpit", ("notifier",)),
    ):
        for server in needed:
            assert set(services[name]["networks"]) & set(services[server]["networks"]), (name, server)


def test_every_container_is_confined(services):
    for name, service in services.items():
        limits = service["deploy"]["resources"]["limits"]
        assert limits.keys() == {"cpus", "memory", "pids"}, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] == (name != "rabbitmq"), name
        assert "healthcheck" in service, name
        assert "restart" in service, name


def test_images_are_pinned_by_tag(services):
    dockerfile = (CHECKOUT / "deploy" / "docker" / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", dockerfile, re.MULTILINE))
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) - stages
    pulled = {service["image"] for service in services.values() if "build" not in service}

    for image in bases | pulled:
        assert re.search(r":v?\d", image), image
    for service in services.values():
        assert service.get("build", {"target": "base"})["target"] in stages


def test_the_images_run_as_nobody_in_particular():
    dockerfile = (CHECKOUT / "deploy" / "docker" / "Dockerfile").read_text()
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", dockerfile, re.MULTILINE | re.DOTALL))
    users = {name: re.findall(r"^USER (.+)", body, re.MULTILINE) for name, body in stages.items()}

    assert {name: found[-1] for name, found in users.items() if found} == dict.fromkeys(
        ("base", "ops", "gateway"), "10001:10001"
    )


def test_every_package_of_a_service_is_in_the_image():
    dockerfile = (CHECKOUT / "deploy" / "docker" / "Dockerfile").read_text()
    projects = [*CHECKOUT.glob("services/*/pyproject.toml"), CHECKOUT / "shared" / "pyproject.toml"]
    for project in projects:
        name = tomllib.loads(project.read_text())["project"]["name"].replace("-", "_")
        assert f"/wheels/{name}-*.whl" in dockerfile


def test_what_the_images_install_is_of_the_lock():
    for path, text in image_requirements.wanted(CHECKOUT).items():
        assert path.read_text() == text, f"{path.name} is old: run `make lock`"


def test_the_gateway_reads_what_it_is_given(services):
    caddyfile = (CHECKOUT / "deploy" / "gateway" / "Caddyfile").read_text()
    read = dict(re.findall(r"\{\$([A-Z_]+):([^}]*)\}", caddyfile))

    assert services["gateway"]["environment"].keys() <= read.keys()
    for name, value in services["gateway"]["environment"].items():
        assert default_of(value) == read[name] or name == "GATEWAY_LOG_LEVEL"
    upstreams = {value.partition(":")[0] for name, value in read.items() if name.endswith("_UPSTREAM")}
    assert upstreams <= services.keys()
    assert f":{read['GATEWAY_HTTP_PORT']}" in services["gateway"]["ports"][0]
    assert services["gateway"]["ports"][1].endswith(f":{read['GATEWAY_HTTPS_PORT']}")


def test_what_is_mounted_is_there(services):
    for service in services.values():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (CHECKOUT / Path(volume.partition(":")[0])).exists(), volume


def test_prometheus_scrapes_every_service_and_server(services):
    scraped = (CHECKOUT / "deploy" / "prometheus" / "prometheus.yml").read_text()

    for name in (*PRODUCT, "gateway:9180", "rabbitmq:15692", "blackbox:9115"):
        assert name in scraped
        assert name.partition(":")[0] in services
