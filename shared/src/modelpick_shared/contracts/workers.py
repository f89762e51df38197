from typing import ClassVar

from pydantic import AwareDatetime

from modelpick_shared.contracts.envelope import Message


class WorkerAlive(Message):
    """A worker's heartbeat, with the model queues that it consumes."""

    TYPE: ClassVar[str] = "worker.alive"

    worker_id: str
    queues: list[str]


class WorkerClock(Message):
    """The orchestrator's answer to a heartbeat: the database's time, to correct a clock by."""

    TYPE: ClassVar[str] = "worker.clock"

    worker_id: str
    database_time: AwareDatetime
