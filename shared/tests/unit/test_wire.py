import asyncio

from aiormq.abc import ChannelFrame

from modelpick_shared.broker.wire import FRAMES_WAITING, WRITE_BYTES, WriteQueue


def a_frame(
    payload: bytes, *, closes: bool = False, drained: asyncio.Future[None] | None = None
) -> ChannelFrame:
    return ChannelFrame(payload, closes, drained)


def queue_of(*frames: ChannelFrame) -> WriteQueue:
    queue = WriteQueue(FRAMES_WAITING)
    for frame in frames:
        queue.put_nowait(frame)
    return queue


async def test_what_waits_is_one_frame_in_its_order():
    queue = queue_of(a_frame(b"one "), a_frame(b"two "), a_frame(b"three"))

    joined = await queue.get()
    queue.task_done()

    assert (joined.payload, joined.should_close, joined.should_drain) == (b"one two three", False, False)
    await asyncio.wait_for(queue.join(), 1)  # nothing is left, and nothing is counted as left


async def test_a_single_frame_is_handed_on_as_it_is():
    frame = a_frame(b"one")

    assert await queue_of(frame).get() is frame


async def test_all_who_wait_for_the_socket_are_told():
    first, second = asyncio.Future[None](), asyncio.Future[None]()
    queue = queue_of(a_frame(b"1", drained=first), a_frame(b"2"), a_frame(b"3", drained=second))

    joined = await queue.get()

    assert joined.should_drain
    joined.drain()
    assert first.done()
    assert second.done()
    assert not joined.should_drain


async def test_nothing_is_written_behind_the_frame_that_closes():
    queue = queue_of(a_frame(b"last", closes=True), a_frame(b"too late"))
    behind = queue_of(a_frame(b"more, "), a_frame(b"last", closes=True), a_frame(b"too late"))

    assert (await queue.get()).payload == b"last"
    joined = await behind.get()
    assert (joined.payload, joined.should_close) == (b"more, last", True)


async def test_a_large_frame_is_not_copied_together_with_others():
    queue = queue_of(a_frame(bytes(WRITE_BYTES)), a_frame(b"next"))

    assert len((await queue.get()).payload) == WRITE_BYTES
    assert (await queue.get()).payload == b"next"
