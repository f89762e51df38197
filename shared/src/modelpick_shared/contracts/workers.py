from typing import ClassVar

from pydantic import AwareDatetime

from modelpick_shared.contracts.envelope import Message


class WorkerAlive(Message):
    """A worker's heartbeat, with the model queues that it consumes.

    `sent_at` is by the worker's own clock. `key_works` is False from a 401 or 402 of the model API until its
    key answers again: while it is False for any worker, no paid model is dispatched. `leaving` is a worker's
    last word: others take its queues over at once.
    """

    TYPE: ClassVar[str] = "worker.alive"

    worker_id: str
    queues: list[str]
    sent_at: AwareDatetime
    key_works: bool = True
    leaving: bool = False


class WorkerClock(Message):
    """The orchestrator's answer to a heartbeat: the database's time, to correct a clock by.

    `alive_sent_at` repeats the heartbeat's `sent_at`, so that the worker knows how long the answer took.
    """

    TYPE: ClassVar[str] = "worker.clock"

    worker_id: str
    database_time: AwareDatetime
    alive_sent_at: AwareDatetime
