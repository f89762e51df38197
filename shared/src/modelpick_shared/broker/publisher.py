import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Self
from uuid import UUID, uuid4

import aio_pika
import aiormq
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from modelpick_shared.broker.connection import (
    CONNECTION_ERRORS,
    BrokerConnector,
    declare,
    reraise_own_cancellation,
)
from modelpick_shared.broker.topology import QueueSpec, destinations, route
from modelpick_shared.contracts import Envelope, Message
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.telemetry import trace_headers
from modelpick_shared.telemetry.metrics import PUBLISH_FAILURES, PUBLISHED
from modelpick_shared.telemetry.tracing import carry_on, traces_are_recorded

log = structlog.get_logger()

PUBLISH_TIMEOUT_S = 5.0
# All publishing waits for the channel: a broker that dies while it opens must not hold it for ever.
OPEN_TIMEOUT_S = 20.0
CONNECTION_CHECK_S = 5.0


@dataclass(frozen=True)
class OutgoingMessage:
    """A message as it goes on the wire. A `persistent` one must reach a queue; a transient one need not."""

    exchange: str
    routing_key: str
    body: bytes
    type: str
    message_id: str
    correlation_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    persistent: bool = True

    @classmethod
    def of(cls, message: Message, *, message_id: UUID | None = None, persistent: bool = True) -> Self:
        """Wrap a message, with the present trace context."""
        message_id = message_id or uuid4()
        exchange, routing_key = route(message)
        report_id = message.correlation_id()
        return cls(
            exchange=exchange.value,
            routing_key=routing_key,
            body=Envelope.encode(message, message_id=message_id).encode(),
            type=message.TYPE,
            message_id=str(message_id),
            correlation_id=str(report_id) if report_id else None,
            headers=trace_headers(),
            persistent=persistent,
        )


class Publisher:
    """Publishes with confirms on a connection of its own.

    Its own, because a broker alarm blocks connections that publish and would block acknowledgements with
    them. A nack closes the channel: RabbitMQ 3.10 nacks every later publish of a channel that was opened
    during a leader election.
    """

    def __init__(self, connector: BrokerConnector, *, queues: list[QueueSpec] | None = None) -> None:
        self._connector = connector
        self._queues = queues or []
        self._lock = asyncio.Lock()
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    @property
    def connected(self) -> bool:
        return self._channel is not None and not self._channel.is_closed

    async def connect(self) -> None:
        """Open the channel now, so that the queues exist. Raises BrokerUnavailableError."""
        await self._ready_channel()

    async def stay_connected(self) -> None:
        """Connect again whenever the connection is lost, until cancelled; for those who rarely publish."""
        while True:
            try:
                await self.connect()
            except BrokerUnavailableError as error:
                log.warning("broker.unavailable", reason=str(error))
            await asyncio.sleep(CONNECTION_CHECK_S)

    async def send(self, message: Message, *, persistent: bool = True) -> None:
        """Wrap and publish a message; see `publish`."""
        await self.publish(OutgoingMessage.of(message, persistent=persistent))

    async def publish(self, message: OutgoingMessage) -> None:
        """Publish and wait until the broker has the message.

        Raises BrokerUnavailableError when it did not confirm within 5 s, refused, returned it as unroutable,
        or was lost; the message may have arrived all the same.
        """
        if not traces_are_recorded():
            await self._publish(message)
            return
        with carry_on(f"publish {message.type}", message.headers, _attributes(message)) as headers:
            await self._publish(replace(message, headers=dict(headers)))

    async def _publish(self, message: OutgoingMessage) -> None:
        channel = await self._ready_channel()
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                # Not by aio-pika's exchange: it holds up the next message until this one is on the socket.
                underlay = await channel.get_underlay_channel()
                await underlay.basic_publish(  # type: ignore[call-arg] # its abstract class knows no wait
                    message.body,
                    exchange=message.exchange,
                    routing_key=message.routing_key,
                    properties=_properties(message),
                    mandatory=message.persistent,
                    wait=False,
                )
        except aio_pika.exceptions.PublishError as error:
            PUBLISH_FAILURES.labels(type=message.type, reason="unroutable").inc()
            raise BrokerUnavailableError(f"no queue for {message.type} at {message.routing_key}") from error
        except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
            reraise_own_cancellation(error)
            await self._discard(channel)
            PUBLISH_FAILURES.labels(type=message.type, reason="unconfirmed").inc()
            raise BrokerUnavailableError(f"{message.type} is not confirmed: {error!r}") from error
        for queue in destinations(message.exchange, message.routing_key):
            PUBLISHED.labels(queue=queue).inc()

    async def _ready_channel(self) -> AbstractChannel:
        async with self._lock:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._open_channel()
            return self._channel

    async def _open_channel(self) -> AbstractChannel:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                if self._connection is None or self._connection.is_closed:
                    self._connection = await self._connector.connect()
                channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                await declare(channel, self._queues)
        except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
            reraise_own_cancellation(error)
            await self._close_quietly(self._connection)
            self._connection = None
            raise BrokerUnavailableError(f"cannot open a channel: {error!r}") from error
        return channel

    async def _discard(self, channel: AbstractChannel) -> None:
        if self._channel is channel:
            self._channel = None
        await self._close_quietly(channel)

    async def _close_quietly(self, closable: AbstractChannel | AbstractConnection | None) -> None:
        if closable is None or closable.is_closed:
            return
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await closable.close()
        except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
            reraise_own_cancellation(error)
            log.info("broker.close_failed", error=repr(error))


def _attributes(message: OutgoingMessage) -> dict[str, str]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "send",
        "messaging.destination.name": message.exchange,
        "messaging.rabbitmq.destination.routing_key": message.routing_key,
        "messaging.message.id": message.message_id,
        "modelpick.report_id": message.correlation_id or "",
    }


def _properties(message: OutgoingMessage) -> aiormq.spec.Basic.Properties:
    mode = aio_pika.DeliveryMode.PERSISTENT if message.persistent else aio_pika.DeliveryMode.NOT_PERSISTENT
    return aiormq.spec.Basic.Properties(
        content_type="application/json",
        delivery_mode=mode.value,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        message_type=message.type,
        timestamp=datetime.now(UTC),
        headers=dict(message.headers),
    )
