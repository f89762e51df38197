import asyncio

import pytest

from modelpick_shared.errors import TransientError
from modelpick_shared.telemetry.refreshing import refresh_forever
from modelpick_shared.testing import eventually


@pytest.mark.parametrize("error", [TransientError("the database is away"), ZeroDivisionError("a bug")])
async def test_gauges_that_cannot_be_read_are_read_again_and_end_no_service(error):
    reads = []

    async def read():
        reads.append(1)
        if len(reads) < 3:
            raise error

    refreshing = asyncio.create_task(refresh_forever(read, every_s=0))
    await eventually(lambda: len(reads) > 3)
    assert not refreshing.done()

    refreshing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await refreshing
