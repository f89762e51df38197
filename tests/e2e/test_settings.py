"""A setting that makes no sense stops the start with one line that names it."""

import pytest

from modelpick_local.errors import PartFailedError

pytestmark = pytest.mark.e2e


@pytest.fixture
def stores(postgres_server, rabbit_server):
    """Return the addresses of stores that run already: starting servers takes longer than all the rest."""
    database, broker = postgres_server.create(), rabbit_server.create_vhost()
    yield {"DATABASE_URL": database, "RABBITMQ_URL": broker}
    rabbit_server.delete_vhost(broker)
    postgres_server.drop(database)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "abc"), ("PRICE_CENTS", "abc"), ("RATE_LIMIT_UPLOADS", "many")],
)
def test_a_setting_with_an_unknown_value_is_named_and_nothing_starts(system_with, stores, name, value):
    system = system_with(**stores, **{name: value})
    try:
        with pytest.raises(PartFailedError, match="did not become ready"):
            system.start()

        last_line = system.log.read_text().splitlines()[-1]
        assert name in last_line
        assert value not in last_line
        assert "Traceback" not in system.log.read_text()
        assert system.stop() == 2
        assert system.parts() == {}
    finally:
        system.close()
