"""Declare what lasts on the broker: `python -m modelpick_shared.broker.provision` with RABBITMQ_URL set.

The broker's counterpart of a migration: it runs as the broker's owner, before the services, whose own users
may use exchanges and queues but neither make nor remove them. Safe to repeat, also while services run.
"""

import asyncio
import sys
from collections.abc import Iterable

from modelpick_shared.broker.connection import BrokerConnector, backoff_s, declare_lasting
from modelpick_shared.broker.topology import work_queues
from modelpick_shared.catalog import load_catalog
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.settings import BrokerSettings, load_settings

# A broker that has just started may accept connections before it knows its users.
ATTEMPTS = 12


async def provision(connector: BrokerConnector, model_ids: Iterable[str]) -> None:
    """Declare the exchanges, the queues of events and those of these models.

    Raises BrokerUnavailableError.
    """
    connection = await connector.connect()
    async with connection:
        await declare_lasting(await connection.channel(), work_queues(model_ids))


async def _provision_soon(url: str) -> None:
    connector = BrokerConnector(url, name="provision")
    models = [model.id for model in load_catalog()]
    for attempt in range(ATTEMPTS):
        try:
            await provision(connector, models)
        except BrokerUnavailableError:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(backoff_s(attempt, limit_s=2.0))
        else:
            return


def main() -> None:
    settings = load_settings(BrokerSettings, "provision")
    try:
        asyncio.run(_provision_soon(settings.rabbitmq_url.get_secret_value()))
    except BrokerUnavailableError as error:
        sys.stderr.write(f"provision: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
