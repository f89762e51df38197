"""The orchestrator's SQL for attempts: what was dispatched, what it may cost and what it did cost."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.contracts import JobKey
from modelpick_shared.db.tables import Attempt, BenchmarkJob


class OpenAttempt(NamedTuple):
    """An attempt that may still settle, with what was done for its job before.

    `live`: its job waits for it; otherwise it lapsed, and the job was dispatched again or is counted.
    """

    token: UUID
    job: JobKey
    live: bool
    reserved_usd: Decimal
    calls: int
    dispatches: int


class Settlement(NamedTuple):
    """How an attempt ends: `settled` with its bill, `released` without one, or `lapsed`, still reserved."""

    token: UUID
    state: str
    billed_usd: Decimal | None = None
    late_result: str | None = None


class PutBack(NamedTuple):
    """A job that waits again, until a time if one is given, and how its counts change."""

    job: JobKey
    due_at: datetime | None = None
    calls: int = 0
    dispatches: int = 0


_BEGIN = text(
    """
    WITH attempt AS (
        SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS attempt (
            token uuid, report_id uuid, model_id text, image_index int, run_index int, reserved_usd numeric,
            lease_ends_at timestamptz
        )
    ), taken AS (
        UPDATE benchmark_jobs AS job SET state = 'in_flight', attempts = job.attempts + 1, due_at = NULL
        FROM attempt
        WHERE job.report_id = attempt.report_id AND job.model_id = attempt.model_id
            AND job.image_index = attempt.image_index AND job.run_index = attempt.run_index
    )
    INSERT INTO attempts (
        token, report_id, model_id, image_index, run_index, state, reserved_usd, lease_ends_at
    )
    SELECT token, report_id, model_id, image_index, run_index, 'in_flight', reserved_usd, lease_ends_at
    FROM attempt
    """
)


async def begin_attempts(session: AsyncSession, attempts: list[dict[str, Any]]) -> None:
    """Insert attempts, and mark the jobs that waited for them as in flight."""
    await session.execute(_BEGIN, {"rows": to_json(attempts).decode()})


_ATTEMPTS_OF_JOBS = select(
    Attempt.token,
    Attempt.report_id,
    Attempt.model_id,
    Attempt.image_index,
    Attempt.run_index,
    Attempt.state == "in_flight",
    Attempt.reserved_usd,
    BenchmarkJob.calls,
    BenchmarkJob.attempts,
).join(
    BenchmarkJob,
    (BenchmarkJob.report_id == Attempt.report_id)
    & (BenchmarkJob.model_id == Attempt.model_id)
    & (BenchmarkJob.image_index == Attempt.image_index)
    & (BenchmarkJob.run_index == Attempt.run_index),
)
_OPEN = (
    _ATTEMPTS_OF_JOBS.where(
        Attempt.token == any_(bindparam("tokens", type_=ARRAY(Uuid))),
        Attempt.state.in_(("in_flight", "lapsed")),
    )
    .order_by(Attempt.token)
    .with_for_update(of=Attempt)
)


async def open_attempts(session: AsyncSession, tokens: Iterable[UUID]) -> dict[UUID, OpenAttempt]:
    """Lock and return the attempts that may still settle: in flight, or lapsed and answered after all."""
    found = await session.execute(_OPEN, {"tokens": list(tokens)})
    return {attempt.token: attempt for attempt in _read(found)}


async def lapsed_attempts(session: AsyncSession) -> list[OpenAttempt]:
    """Lock and return the attempts whose lease has ended by the database's clock."""
    statement = (
        _ATTEMPTS_OF_JOBS.where(Attempt.state == "in_flight", Attempt.lease_ends_at < func.now())
        .order_by(Attempt.token)
        .with_for_update(of=Attempt, skip_locked=True)
    )
    return _read(await session.execute(statement))


async def live_attempt(session: AsyncSession, job: JobKey, token: UUID | None) -> OpenAttempt | None:
    """Lock and return the attempt of that token if it is still what its job waits for."""
    statement = _ATTEMPTS_OF_JOBS.where(
        Attempt.token == token, Attempt.state == "in_flight", BenchmarkJob.state == "in_flight"
    ).with_for_update(of=Attempt)
    found = _read(await session.execute(statement))
    return next((attempt for attempt in found if attempt.job == job), None)


def _read(found: Iterable[Any]) -> list[OpenAttempt]:
    return [OpenAttempt(row[0], JobKey(*row[1:5]), *row[5:]) for row in found]


_SETTLE = text(
    """
    UPDATE attempts SET
        state = ending.state,
        billed_usd = ending.billed_usd,
        late_result = CAST(ending.late_result AS json),
        settled_at = CASE WHEN ending.state = 'lapsed' THEN NULL ELSE clock_timestamp() END
    FROM unnest(
        CAST(:tokens AS uuid[]), CAST(:states AS text[]), CAST(:bills AS numeric[]), CAST(:late AS text[])
    ) AS ending (token, state, billed_usd, late_result)
    WHERE attempts.token = ending.token
    """
)


async def settle(session: AsyncSession, settlements: Sequence[Settlement]) -> None:
    if settlements:
        await session.execute(
            _SETTLE,
            {
                "tokens": [str(settlement.token) for settlement in settlements],
                "states": [settlement.state for settlement in settlements],
                "bills": [settlement.billed_usd for settlement in settlements],
                "late": [settlement.late_result for settlement in settlements],
            },
        )


_PUT_BACK = text(
    """
    UPDATE benchmark_jobs AS job SET
        state = CASE WHEN job.state = 'in_flight' THEN 'pending' ELSE job.state END,
        due_at = CASE WHEN job.state = 'in_flight' THEN back.due_at ELSE job.due_at END,
        calls = job.calls + back.calls,
        attempts = job.attempts + back.dispatches
    FROM unnest(
        CAST(:report_ids AS uuid[]), CAST(:model_ids AS text[]), CAST(:images AS int[]), CAST(:runs AS int[]),
        CAST(:due AS timestamptz[]), CAST(:calls AS int[]), CAST(:dispatches AS int[])
    ) AS back (report_id, model_id, image_index, run_index, due_at, calls, dispatches)
    WHERE job.report_id = back.report_id AND job.model_id = back.model_id
        AND job.image_index = back.image_index AND job.run_index = back.run_index
    """
)


async def put_back(session: AsyncSession, jobs: Sequence[PutBack]) -> None:
    """Let jobs, each named once, wait again; those counted meanwhile stay done."""
    if jobs:
        await session.execute(
            _PUT_BACK,
            {
                "report_ids": [str(back.job.report_id) for back in jobs],
                "model_ids": [back.job.model_id for back in jobs],
                "images": [back.job.image_index for back in jobs],
                "runs": [back.job.run_index for back in jobs],
                "due": [back.due_at for back in jobs],
                "calls": [back.calls for back in jobs],
                "dispatches": [back.dispatches for back in jobs],
            },
        )


async def lapse_all(session: AsyncSession, report_id: UUID) -> None:
    """Let no job of a report wait for a call that is still under way; its bill and answer stay welcome."""
    await session.execute(
        update(Attempt)
        .where(Attempt.report_id == report_id, Attempt.state == "in_flight")
        .values(state="lapsed")
        .execution_options(synchronize_session=False)
    )


async def dearest_bills(session: AsyncSession, report_id: UUID) -> dict[str, Decimal]:
    """Return each model's highest bill in a report so far, in USD."""
    statement = (
        select(Attempt.model_id, func.max(Attempt.billed_usd))
        .where(Attempt.report_id == report_id, Attempt.state == "settled", Attempt.billed_usd > 0)
        .group_by(Attempt.model_id)
    )
    bills = await session.execute(statement)
    return {model_id: billed_usd for model_id, billed_usd in bills if billed_usd}


async def late_results(session: AsyncSession, report_id: UUID) -> list[dict[str, Any]]:
    """Return the results of a report that came after it had ended, as they were sent, oldest first."""
    statement = (
        select(Attempt.late_result)
        .where(Attempt.report_id == report_id, Attempt.late_result.is_not(None))
        .order_by(Attempt.settled_at)
    )
    return [result for result in await session.scalars(statement) if result]


async def forget_late_results(session: AsyncSession, report_id: UUID) -> None:
    await session.execute(
        update(Attempt)
        .where(Attempt.report_id == report_id)
        .values(late_result=None)
        .execution_options(synchronize_session=False)
    )
