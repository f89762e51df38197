import asyncio
import time
from types import SimpleNamespace

import pytest
from prometheus_client import REGISTRY

from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.errors import HeldBackError, StoppedWaitingError
from modelpick_model_worker.gate import ModelGate
from modelpick_shared.testing import eventually

from .conftest import MODEL

QUICK = Backoff(0.05, 0.2)


def a_gate(prefetch=4, backoff=QUICK):
    return ModelGate(MODEL, prefetch, backoff)


async def enter(gate, within_s=5.0):
    return await gate.enter(within_s=within_s, stopped=gate.stopped)


async def call(gate, *, limited=False, retry_after_s=None):
    ticket = await enter(gate)
    if limited:
        gate.limited(ticket, retry_after_s)
    else:
        gate.succeeded(ticket)
    gate.leave(ticket)


def gauge(name):
    return REGISTRY.get_sample_value(name, {"model": MODEL})


async def test_no_more_calls_than_the_prefetch_are_in_flight():
    gate = a_gate(prefetch=2)
    first, _ = [await enter(gate) for _ in range(2)]
    third = asyncio.create_task(enter(gate))
    await asyncio.sleep(0)
    assert not third.done()
    gate.leave(first)
    await third


async def test_a_429_closes_the_gate_and_halves_the_concurrency():
    gate = a_gate()
    await call(gate, limited=True, retry_after_s=30)
    assert 29 < gate.closed_for_s <= 30
    assert gate.limit == gauge("modelpick_model_concurrency") == 2
    assert gauge("modelpick_model_gate_closed") == 1


async def test_the_gate_closes_for_the_longer_of_what_is_asked_and_the_back_off():
    gate = a_gate(backoff=Backoff(10, 60))
    await call(gate, limited=True, retry_after_s=0.001)
    assert gate.closed_for_s + 0.1 >= 5
    assert gate.closed_for_s <= 10


async def test_the_back_off_grows_with_the_429s_of_the_model():
    gate = a_gate(backoff=Backoff(0.02, 0.16))
    waits = []
    for _ in range(4):
        await call(gate, limited=True)
        waits.append(gate.closed_for_s)
    for wait_s, full_s in zip(waits, (0.02, 0.04, 0.08, 0.16), strict=True):
        assert full_s * 0.4 < wait_s <= full_s
    await call(gate)
    await call(gate, limited=True)
    assert gate.closed_for_s <= 0.02


async def test_calls_that_hit_the_limit_together_count_as_one():
    gate = a_gate(prefetch=8, backoff=Backoff(10, 60))
    tickets = [await enter(gate) for _ in range(8)]
    for ticket in tickets:
        gate.limited(ticket, None)
        gate.leave(ticket)
    assert gate.limit == 4
    assert gate.closed_for_s <= 10


async def test_a_later_call_of_the_same_burst_can_still_close_the_gate_for_longer():
    gate = a_gate()
    first, second = await enter(gate), await enter(gate)
    gate.limited(first, 5)
    gate.limited(second, 20)
    assert gate.closed_for_s > 19


async def test_the_concurrency_never_falls_below_one_and_grows_back_by_one_after_as_many_successes():
    gate = a_gate()
    for _ in range(4):
        await call(gate, limited=True)
    assert gate.limit == 1
    limits = []
    for _ in range(12):
        await call(gate)
        limits.append(gate.limit)
    assert limits == [2, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4]


async def test_when_the_gate_opens_one_call_probes_and_the_others_wait_for_its_success():
    gate = a_gate()
    await call(gate, limited=True)
    entering = [asyncio.create_task(enter(gate)) for _ in range(4)]
    await eventually(lambda: any(task.done() for task in entering))
    assert [task.done() for task in entering] == [True, False, False, False]
    probe = entering[0].result()
    gate.succeeded(probe)
    gate.leave(probe)
    await eventually(lambda: sum(task.done() for task in entering) == 3)
    for task in entering[1:3]:
        gate.leave(task.result())
    await entering[3]


async def test_a_probe_that_fails_otherwise_lets_the_next_one_probe():
    gate = a_gate()
    await call(gate, limited=True)
    probe = await enter(gate)
    waiting = asyncio.create_task(enter(gate))
    await asyncio.sleep(0)
    gate.leave(probe)
    assert (await waiting).probes


async def test_a_probe_that_is_limited_goes_to_the_back_of_the_line():
    gate = a_gate(prefetch=3, backoff=Backoff(0.01, 0.02))
    await call(gate, limited=True)
    order = []

    async def job(name):
        for _ in range(2):
            ticket = await enter(gate)
            order.append(name)
            gate.limited(ticket, None)
            gate.leave(ticket)

    await asyncio.gather(*(job(name) for name in "abc"))
    assert "".join(order) == "abcabc"


async def test_a_success_from_before_the_429_does_not_open_the_gate():
    gate = a_gate()
    early = await enter(gate)
    await call(gate, limited=True, retry_after_s=0.05)
    gate.succeeded(early)
    gate.leave(early)
    assert (await enter(gate)).probes


async def test_who_cannot_be_admitted_in_time_learns_at_once_when_the_gate_opens():
    gate = a_gate()
    await call(gate, limited=True, retry_after_s=300)
    started = time.monotonic()
    with pytest.raises(HeldBackError) as caught:
        await enter(gate, within_s=120)
    assert time.monotonic() - started < 1
    assert caught.value.opens_in_s > 299


async def test_a_line_that_does_not_move_is_left_in_time_and_keeps_no_place():
    gate = a_gate(prefetch=1)
    ticket = await enter(gate)
    with pytest.raises(HeldBackError):
        await enter(gate, within_s=0.02)
    gate.leave(ticket)
    await enter(gate)


async def test_a_job_cancelled_as_it_is_admitted_gives_its_place_back():
    gate = a_gate(prefetch=1)
    ticket = await enter(gate)
    waiting = asyncio.create_task(enter(gate))
    await asyncio.sleep(0)
    gate.leave(ticket)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await enter(gate, within_s=0.1)


async def test_those_who_wait_end_at_once_when_told_and_later_ones_may_wait_again():
    gate = a_gate()
    await call(gate, limited=True, retry_after_s=60)
    began_before = gate.stopped
    waiting = asyncio.create_task(enter(gate, within_s=100))
    await asyncio.sleep(0)
    gate.stop_waiting(for_good=False)
    with pytest.raises(StoppedWaitingError):
        await waiting
    with pytest.raises(StoppedWaitingError):
        await gate.enter(within_s=100, stopped=began_before)
    with pytest.raises(HeldBackError):
        await enter(gate, within_s=10)


async def test_told_for_good_nobody_waits_again():
    gate = a_gate()
    gate.stop_waiting(for_good=True)
    gate.stop_waiting(for_good=False)
    with pytest.raises(StoppedWaitingError):
        await enter(gate)


async def test_an_alarm_that_rings_early_leaves_nobody_waiting_for_ever(monkeypatch):
    """Event loops may ring a millisecond early; between two looks at the clock the gate then opens."""
    gate = a_gate()
    await call(gate, limited=True, retry_after_s=30)
    waiting = asyncio.create_task(enter(gate, within_s=60))
    await asyncio.sleep(0)
    opens_at_s = gate._opens_at_s
    looks = iter([opens_at_s - 0.0005])
    clock = SimpleNamespace(monotonic=lambda: next(looks, opens_at_s + 0.0005))
    monkeypatch.setattr("modelpick_model_worker.gate.time", clock)
    gate._admit_waiting()
    assert gate._alarm is not None
    gate._admit_waiting()
    gate.leave(await waiting)
