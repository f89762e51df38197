import time

import pytest


@pytest.fixture
def eventually():
    """Return a function that polls until a condition is true, or its time is over, and tells which."""

    def poll(condition, within_s=30.0):
        deadline = time.monotonic() + within_s
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        return condition()

    return poll
