"""A whole report of 22 paid models x 10 receipts x 3 runs at 300 ms a call, against its lower bound.

Free models run one call at a time by rule and would only measure that rule.
"""

import asyncio
import sys
from datetime import datetime

from modelpick_local.demo.customer import Customer
from modelpick_local.demo.samples import PROMPT, sample_uploads
from modelpick_local.demo.vendors import NO_VENDORS
from modelpick_local.system import System

LATENCY_MS = 300
IMAGES = 10
RUNS = 3
PER_MODEL_CONCURRENCY = 3
REPEATS = 3


def bound_s() -> float:
    """Return the time that the calls of one model take when its slots are never empty."""
    return -(-IMAGES * RUNS // PER_MODEL_CONCURRENCY) * LATENCY_MS / 1000


async def report_s(system: System, number: int) -> float:
    """Buy a report; return the seconds from its first dispatch to its end, by the database's clock."""
    mail = system.simulators()["mail"]
    async with Customer.visiting(system.site_url, mail, f"bench-{number}@example.com") as customer:
        await customer.sign_in()
        paid = [model.id for model in await customer.models() if model.tier != "free"]
        draft = await customer.prepare_draft(sample_uploads(IMAGES), paid, PROMPT)
        payable = await customer.check_out(draft.id)
        await customer.pay(payable)
        report_id = await customer.report_of(payable.session_id)
        async for report in customer.watch(report_id):
            if report.is_over:
                break
        body = (await customer.client.get(f"/api/reports/{report_id}")).json()
    return (
        datetime.fromisoformat(body["completed_at"]) - datetime.fromisoformat(body["started_at"])
    ).total_seconds()


async def measure(system: System) -> list[float]:
    return sorted([await report_s(system, number) for number in range(REPEATS)])


def main() -> None:
    settings = {"SIMULATOR_LATENCY_MS": str(LATENCY_MS), "SIMULATOR_RATE_LIMIT_SHARE": "0"}
    with System(env={**NO_VENDORS, **settings}, stop_timeout_s=150.0) as system:
        seconds = asyncio.run(measure(system))
    ratios = [value / bound_s() for value in seconds]
    sys.stdout.write(
        f"full report at {LATENCY_MS} ms: {ratios[len(ratios) // 2]:.2f} x the bound of {bound_s():.2f} s"
        f" (median of {REPEATS}; {ratios[0]:.2f} to {ratios[-1]:.2f})\n"
    )


if __name__ == "__main__":
    main()
