"""What shows only over a real connection."""

import asyncio

import httpx
import pytest


@pytest.fixture
def connected(make_app, served, port, simulator_for):
    """Return a context with an app that is served, and a simulator client that speaks to it."""

    class Connected:
        def __init__(self, **changes):
            self.app = make_app(**changes)
            self._serving = served(self.app, port)

        async def __aenter__(self):
            address = await self._serving.__aenter__()
            key = {"Authorization": "Bearer sk-or-simulated"}
            self._client = httpx.AsyncClient(base_url=address, headers=key, timeout=10)
            return self.app.state.desk, simulator_for(self._client)

        async def __aexit__(self, *problem):
            await self._client.aclose()
            await self._serving.__aexit__(*problem)

    return Connected


async def given_up(desk, simulator, eventually, **more):
    """Make a call, and leave once the simulator works on it."""
    call = asyncio.create_task(simulator.chat(**more))
    await eventually(lambda: any(call.in_flight_of_model for call in desk.journal.calls))
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)


async def test_a_hanging_call_ends_when_the_caller_gives_up(connected, eventually):
    async with connected() as (desk, simulator):
        await simulator.script("hang", count=1)
        await given_up(desk, simulator, eventually)
        call = await eventually(lambda: desk.journal.calls[0].finished_at and desk.journal.calls[0])
        assert (call.outcome, call.cancelled, call.cost_usd > 0) == ("fault:hang", True, True)
        assert desk.journal.in_flight["acme/premium"] == 0


async def test_a_trickling_answer_can_be_given_up(connected, eventually):
    async with connected() as (desk, simulator):
        await simulator.script("trickle", count=1)
        await given_up(desk, simulator, eventually)
        call = await eventually(lambda: desk.journal.calls[0].finished_at and desk.journal.calls[0])
        assert call.cancelled


async def test_a_call_given_up_during_its_latency_is_billed_and_done_again_as_the_same_run(
    connected, eventually
):
    async with connected(simulator_latency_ms="60000") as (desk, simulator):
        await given_up(desk, simulator, eventually)
        first = await eventually(lambda: desk.journal.calls[0].finished_at and desk.journal.calls[0])
        assert (first.outcome, first.cancelled, first.cost_usd > 0) == ("cancelled", True, True)
        await simulator.script("normal", latency_ms=0)
        assert (await simulator.chat()).status_code == 200
        assert (desk.journal.calls[1].run, desk.journal.calls[1].attempt) == (first.run, first.attempt)


async def test_a_reset_breaks_the_connection_in_the_middle_of_the_body(connected):
    async with connected() as (_, simulator):
        await simulator.script("reset", count=1)
        with pytest.raises(httpx.RemoteProtocolError):
            await simulator.chat()
        assert (await simulator.chat()).status_code == 200


async def test_calls_in_flight_are_counted_for_each_model(connected, pictures):
    async with connected(simulator_latency_ms="150") as (_, simulator):
        calls = [simulator.chat(image, "acme/mid") for image in pictures[:5]]
        calls += [simulator.chat(image, "acme/premium") for image in pictures[:3]]
        await asyncio.gather(*calls)
        journal = await simulator.journal()
        assert journal["max_in_flight"] == {"acme/mid": 5, "acme/premium": 3}
        assert set(journal["in_flight"].values()) == {0}
        assert max(call["in_flight_of_model"] for call in journal["calls"]) == 5


async def test_the_latency_is_within_its_range(connected, pictures):
    async with connected(simulator_latency_ms="50-100") as (desk, simulator):
        await asyncio.gather(*(simulator.chat(image) for image in pictures[:10]))
        for call in desk.journal.calls:
            assert 0.05 <= call.finished_at - call.received_at < 1
