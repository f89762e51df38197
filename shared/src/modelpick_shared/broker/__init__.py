"""RabbitMQ behind a small interface; the only package that imports aio_pika."""

from modelpick_shared.broker.batches import BatchConsumer
from modelpick_shared.broker.browsing import HeldLetter, QueueBrowser, QueueCounts
from modelpick_shared.broker.connection import BrokerConnector
from modelpick_shared.broker.consumer import Consumer
from modelpick_shared.broker.delivery import Delivery, Verdict
from modelpick_shared.broker.group import ConsumerGroup
from modelpick_shared.broker.publisher import OutgoingMessage, Publisher
from modelpick_shared.broker.sharing import SharedQueues, owners
from modelpick_shared.broker.topology import (
    Exchange,
    QueueSpec,
    Service,
    broadcast_queue,
    dead_letter_queue,
    event_queue,
    model_queue,
    model_slug,
    route,
    subscribers_of,
    work_queues,
)
from modelpick_shared.broker.watching import QueueWatch

__all__ = [
    "BatchConsumer",
    "BrokerConnector",
    "Consumer",
    "ConsumerGroup",
    "Delivery",
    "Exchange",
    "HeldLetter",
    "OutgoingMessage",
    "Publisher",
    "QueueBrowser",
    "QueueCounts",
    "QueueSpec",
    "QueueWatch",
    "Service",
    "SharedQueues",
    "Verdict",
    "broadcast_queue",
    "dead_letter_queue",
    "event_queue",
    "model_queue",
    "model_slug",
    "owners",
    "route",
    "subscribers_of",
    "work_queues",
]
