"""What the system forgets, and when: one scheduled job, done by one process at a time."""

from modelpick_shared.housekeeping.chores import Chore, Kind
from modelpick_shared.housekeeping.job import Housekeeping
from modelpick_shared.housekeeping.rules import all_chores

__all__ = ["Chore", "Housekeeping", "Kind", "all_chores"]
