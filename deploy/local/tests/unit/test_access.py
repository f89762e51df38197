import stat

import pytest

from modelpick_local.access import VENDOR_SECRETS, Access
from modelpick_local.access_files import wanted
from modelpick_local.errors import SettingError
from modelpick_local.home import Home, find_checkout
from modelpick_local.parts import SERVICES
from modelpick_local.planning import make_plan
from modelpick_local.settings import LauncherSettings
from modelpick_shared.broker import Service
from modelpick_shared.db.grants import Role

OWNER = "postgresql://owner:0wn3r@db:5432/shop"
BROKER = "amqp://owner:0wn3r@broker:5672/"


@pytest.fixture
def settings_of(tmp_path):
    def make(**values):
        return LauncherSettings(Home.at(tmp_path), tmp_path, values, 8080, None)

    return make


@pytest.fixture
def access_of(settings_of):
    def make(*, own=True, **values):
        return Access(settings_of(**values), OWNER, BROKER, broker_is_own=own)

    return make


def test_a_service_gets_its_own_role_and_user(access_of):
    environment = access_of().of("checkout", {"DATABASE_URL": OWNER, "RABBITMQ_URL": BROKER, "A": "1"})

    assert environment["A"] == "1"
    assert environment["DATABASE_URL"].startswith("postgresql://shop_checkout:")
    assert environment["DATABASE_URL"].endswith("@db:5432/shop")
    assert environment["RABBITMQ_URL"].startswith("amqp://modelpick-checkout:")


def test_the_worker_gets_no_database(access_of):
    environment = access_of().of("model-worker", {"DATABASE_URL": OWNER, "RABBITMQ_URL": BROKER})

    assert "DATABASE_URL" not in environment


def test_no_service_gets_the_owners_secret_or_anothers(access_of):
    given = {
        "DATABASE_PASSWORD_WEBHOOK": "of the webhook",
        "RABBITMQ_PASSWORD_WEBHOOK": "at the broker",
        "DATABASE_URL": OWNER,
        "RABBITMQ_URL": BROKER,
    }
    access = access_of(**given)
    for service in SERVICES:
        environment = access.of(service.name, given)
        others = {name for name in environment if "PASSWORD" in name}
        assert not others
        assert not any("0wn3r" in value for value in environment.values())


def test_a_vendors_key_is_given_to_whoever_speaks_to_the_vendor(settings_of, tmp_path):
    given = {"DATABASE_URL": OWNER, "RABBITMQ_URL": BROKER, "WEB_ROOT": str(tmp_path)}
    keys = {name: f"{name} canary" for name in VENDOR_SECRETS} | {"SMTP_URL": "smtp://mail"}
    plan = make_plan(settings_of(**given, **keys), "run", print)
    had = {part.name: VENDOR_SECRETS.keys() & part.prepare().env.keys() for part in plan.parts}

    assert had.pop("gateway") == set()
    assert had == {
        service.name: {key for key, holders in VENDOR_SECRETS.items() if service.name in holders}
        for service in SERVICES
    }


def test_passwords_stay_the_same_and_are_private(access_of, tmp_path):
    assert access_of().role_passwords() == access_of().role_passwords()
    assert len(set(access_of().role_passwords().values())) == len(Role)
    secrets = list((tmp_path / "secrets").iterdir())
    assert secrets
    assert all(stat.S_IMODE(secret.stat().st_mode) == 0o600 for secret in secrets)


def test_a_password_that_is_set_is_used(access_of):
    access = access_of(DATABASE_PASSWORD_REPORTS="mine", RABBITMQ_PASSWORD_MODEL_WORKER="too")

    assert access.database_as(Role.REPORTS) == "postgresql://shop_reports:mine@db:5432/shop"
    assert access.role_passwords()["DATABASE_PASSWORD_REPORTS"] == "mine"
    assert access.broker_as(Service.MODEL_WORKER) == "amqp://modelpick-model-worker:too@broker:5672/"


def test_without_roles_everybody_is_the_owner(access_of):
    access = access_of(DATABASE_ROLES="owner")

    assert access.database_as(Role.REPORTS) == OWNER
    assert access.role_passwords() == {}


def test_another_word_for_roles_is_refused(access_of):
    with pytest.raises(SettingError, match="DATABASE_ROLES: must be own or owner"):
        access_of(DATABASE_ROLES="none")


def test_somebody_elses_broker_is_used_as_it_was_given(access_of):
    assert access_of(own=False).broker_as(Service.REPORTS) == BROKER
    named = access_of(own=False, RABBITMQ_PASSWORD_REPORTS="theirs")
    assert named.broker_as(Service.REPORTS) == "amqp://modelpick-reports:theirs@broker:5672/"


def test_the_plan_hands_out_no_more_than_that(settings_of, tmp_path):
    given = {"DATABASE_URL": OWNER, "RABBITMQ_URL": BROKER, "WEB_ROOT": str(tmp_path)}
    plan = make_plan(settings_of(**given), "run", print)

    assert plan.preparations["migrate"].env["DATABASE_URL"] == OWNER
    assert plan.preparations["migrate"].env["DATABASE_PASSWORD_CHECKOUT"]
    assert plan.preparations["provision"].env["RABBITMQ_URL"] == BROKER
    for part in plan.parts:
        assert part.prepare().env.get("DATABASE_URL", "") != OWNER, part.name


def test_the_files_for_administrators_are_up_to_date():
    for path, text in wanted(find_checkout()).items():
        assert path.read_text() == text
