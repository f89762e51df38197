"""Checkout's metrics, beside those of its routes."""

import shutil
from urllib.parse import urlsplit

from prometheus_client import Gauge

FREE_BYTES = Gauge(
    "modelpick_image_store_free_bytes", "Free space where images lie in a local folder", ["store"]
)
SIZE_BYTES = Gauge(
    "modelpick_image_store_size_bytes", "All space where images lie in a local folder", ["store"]
)


def measure_store(store_url: str) -> None:
    """Tell of the disk under a local image store at every scrape; others have none to tell of."""
    address = urlsplit(store_url)
    if address.scheme == "file":
        FREE_BYTES.labels(store="local").set_function(lambda: float(_usage(address.path)[1]))
        SIZE_BYTES.labels(store="local").set_function(lambda: float(_usage(address.path)[0]))


def _usage(folder: str) -> tuple[int, int]:
    """Return all bytes and the free ones; of a folder that is gone none is free."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 0, 0
    return usage.total, usage.free
