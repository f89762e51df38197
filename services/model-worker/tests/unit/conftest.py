import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from modelpick_model_worker.bill import Bill
from modelpick_model_worker.openrouter.answer import ModelAnswer
from modelpick_shared.contracts import (
    AttemptOutcome,
    ImageRef,
    PriceCap,
    RequestParameters,
    RunRequested,
)
from modelpick_shared.ids import new_id

MODEL = "acme/model"
ANSWER = ModelAnswer(AttemptOutcome.ANSWERED, "{}", Bill(Decimal("0.01"), 5, 6, "gen-1"))


def a_run(**changes) -> RunRequested:
    now = datetime.now(UTC)
    fields = {
        "report_id": new_id(),
        "model_id": MODEL,
        "image_index": 0,
        "run_index": 0,
        "attempt_token": new_id(),
        "lease_ends_at": now + timedelta(seconds=300),
        "deadline_at": now + timedelta(seconds=750),
        "parameters": RequestParameters(max_tokens=4096),
        "prompt": "Read it.",
        "image": ImageRef(key="k", sha256="0" * 64, media_type="image/png"),
        "price_cap": PriceCap(prompt_usd_per_1m=Decimal(1), completion_usd_per_1m=Decimal("2.5")),
    }
    return RunRequested(**(fields | changes))


def a_free_run(**changes) -> RunRequested:
    return a_run(
        price_cap=PriceCap(prompt_usd_per_1m=Decimal(0), completion_usd_per_1m=Decimal(0)), **changes
    )


class ScriptedApi:
    """A model API that answers what it is told: errors are raised, answers returned.

    While `held` calls wait until `release`; `timeouts_s` are those that callers gave.
    """

    def __init__(self, *script, bills=(), key=(), held=False) -> None:
        self.script = list(script)
        self.bills = list(bills)
        self.key = list(key)
        self.calls = 0
        self.looked_up = []
        self.timeouts_s = []
        self._gate = asyncio.Event()
        if not held:
            self._gate.set()

    def release(self) -> None:
        self._gate.set()

    async def complete(self, _body, *, timeout_s):
        self.calls += 1
        self.timeouts_s.append(timeout_s)
        what = self.script.pop(0) if self.script else ANSWER
        await self._gate.wait()
        if isinstance(what, Exception):
            raise what
        return what, 12

    async def bill_of(self, generation_id):
        self.looked_up.append(generation_id)
        return self.bills.pop(0) if self.bills else None

    async def key_works(self):
        return self.key.pop(0) if self.key else True
