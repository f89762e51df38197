import json
import re

import pytest

from modelpick_shared.broker import Service, work_queues
from modelpick_shared.broker.definitions import definitions, main, password_hash, vhost_of
from modelpick_shared.broker.permissions import USERS, rights_of, user_url
from modelpick_shared.broker.topology import Exchange
from modelpick_shared.catalog import load_catalog


def test_a_password_is_hashed_as_rabbitmqs_documentation_shows():
    salt = bytes.fromhex("908DC60A")

    assert password_hash("test12", salt) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


def test_no_password_is_written_and_who_has_none_cannot_log_in():
    content = definitions({Service.CHECKOUT: "s3cret"})

    assert "s3cret" not in json.dumps(content)
    hashes = {user["name"]: user["password_hash"] for user in content["users"]}
    assert [name for name, value in hashes.items() if value] == ["modelpick-checkout"]


def test_every_service_has_a_user_without_tags_and_rights_at_every_exchange():
    content = definitions({}, vhost="mine")

    assert {user["tags"] for user in content["users"]} == {""}
    assert {entry["vhost"] for entry in content["permissions"] + content["topic_permissions"]} == {"mine"}
    for service in set(Service) - {Service.OPS}:
        name = f"modelpick-{service.value}"
        exchanges = {entry["exchange"] for entry in content["topic_permissions"] if entry["user"] == name}
        assert exchanges == {exchange.value for exchange in Exchange}


def test_nobody_may_configure_a_queue_or_exchange_that_lasts_or_use_the_default_exchange():
    lasting = [queue.name for queue in work_queues(model.id for model in load_catalog())]
    lasting += [exchange.value for exchange in Exchange]
    for service in USERS:
        assert not any(re.search(rights_of(service).configure, name) for name in lasting)
        assert not re.search(rights_of(service).write, "amq.default")


def test_the_owner_of_the_address_is_among_the_users_that_are_printed(monkeypatch, capsys):
    monkeypatch.setenv("RABBITMQ_URL", "amqp://own%40er:p%2Fw@one/my%20host,amqp://two/")
    monkeypatch.setenv("RABBITMQ_PASSWORD_MODEL_WORKER", "secret")

    main()

    content = json.loads(capsys.readouterr().out)
    assert content["users"][0]["name"] == "own@er"
    assert content["users"][0]["tags"] == "administrator"
    assert content["vhosts"] == [{"name": "my host"}]
    worker = next(user for user in content["users"] if user["name"] == "modelpick-model-worker")
    assert worker["password_hash"]


@pytest.mark.parametrize(
    ("url", "expected"), [("amqp://h", "/"), ("amqp://h/", "/"), ("amqp://h/a%2Fb", "a/b")]
)
def test_the_virtual_host_is_the_addresss_path(url, expected):
    assert vhost_of(url) == expected


def test_every_host_of_a_cluster_gets_the_user():
    urls = user_url("amqp://o:p@one:1/v, amqps://o:p@two/v?heartbeat=5", "modelpick-checkout", "a/b")

    assert urls == (
        "amqp://modelpick-checkout:a%2Fb@one:1/v,amqps://modelpick-checkout:a%2Fb@two/v?heartbeat=5"
    )
