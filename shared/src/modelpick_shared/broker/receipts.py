"""What a consumer tells the broker about its deliveries, on a channel that may have died meanwhile."""

import asyncio

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from modelpick_shared.broker.connection import CONNECTION_ERRORS, closing_named, reraise_own_cancellation
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()


async def acknowledge(
    incoming: AbstractIncomingMessage, *, multiple: bool = False, flush: bool = True
) -> None:
    """Acknowledge; if the channel died meanwhile the message will come again, which handlers bear.

    Without `flush` it does not wait for the socket: what is sent on the channel later comes behind it anyway.
    """
    try:
        await incoming.channel.basic_ack(incoming.delivery_tag or 0, multiple=multiple, wait=flush)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.ack_lost", error=repr(error))


async def release(incoming: AbstractIncomingMessage) -> None:
    """Give a message back at once; a dead channel has done so already."""
    try:
        await incoming.nack(requeue=True)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.release_lost", error=repr(error))


def still_ours(incoming: AbstractIncomingMessage) -> bool:
    """Say whether the delivery's channel lives; once it is dead the broker delivers the message again."""
    try:
        return not incoming.channel.is_closed
    except aio_pika.exceptions.ChannelInvalidStateError:  # a dead channel's message does not name it
        return False


async def cancel_consumer(queue: AbstractQueue, tag: str) -> None:
    """Stop deliveries; what was delivered stays ours until it is acknowledged."""
    try:
        with closing_named():
            await queue.cancel(tag)
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
