"""What tests of several parts share: waiting for a condition, and named builders."""

from modelpick_shared.testing.builders import an_image, an_order_for, config_snapshot, insert_report
from modelpick_shared.testing.waiting import eventually

__all__ = ["an_image", "an_order_for", "config_snapshot", "eventually", "insert_report"]
