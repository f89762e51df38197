"""What a consumer tells the broker about its deliveries, on a channel that may have died meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

import aiormq.abc
import structlog
from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage

from modelpick_shared.broker.connection import CONNECTION_ERRORS, closing_named, reraise_own_cancellation
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()


class Consuming(NamedTuple):
    """A consumer that was registered: its channel and its tag."""

    channel: aiormq.abc.AbstractChannel
    tag: str


async def consume(
    channel: AbstractChannel, name: str, receive: Callable[[DeliveredMessage], Coroutine[Any, Any, None]]
) -> Consuming:
    """Have deliveries of a queue go to `receive`, each in a task of its own.

    Not by aio-pika's queue: its message and its own task for each take 5 % of a worker's time.
    """
    underlay = await channel.get_underlay_channel()
    done = await underlay.basic_consume(name, receive)
    return Consuming(underlay, done.consumer_tag or "")


async def acknowledge(incoming: DeliveredMessage, *, multiple: bool = False, flush: bool = True) -> None:
    """Acknowledge; if the channel died meanwhile the message will come again, which handlers bear.

    Without `flush` it does not wait for the socket: what is sent on the channel later comes behind it anyway.
    """
    try:
        await incoming.channel.basic_ack(incoming.delivery_tag or 0, multiple=multiple, wait=flush)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.ack_lost", error=repr(error))


async def release(incoming: DeliveredMessage) -> None:
    """Give a message back at once; a dead channel has done so already."""
    try:
        await incoming.channel.basic_nack(incoming.delivery_tag or 0, requeue=True)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.release_lost", error=repr(error))


def still_ours(incoming: DeliveredMessage) -> bool:
    """Say whether the delivery's channel lives; once it is dead the broker delivers the message again."""
    return not incoming.channel.is_closed


async def cancel_consumer(consuming: Consuming) -> None:
    """Stop deliveries; what was delivered stays ours until it is acknowledged."""
    try:
        with closing_named():
            await consuming.channel.basic_cancel(consuming.tag)
    except (BrokerUnavailableError, *CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.cancel_lost", error=repr(error))


async def close_channel(channel: AbstractChannel) -> None:
    """Give everything on a channel back to the broker; a dead one has done so already."""
    try:
        with closing_named():
            await channel.close()
    except (BrokerUnavailableError, *CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.close_lost", error=repr(error))
