from collections import OrderedDict
from uuid import UUID

from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db.tables import Report

_KEPT = 64


class Snapshots:
    """The parsed configurations of the reports in hand. A report's configuration never changes."""

    def __init__(self) -> None:
        self._parsed: OrderedDict[UUID, ConfigSnapshot] = OrderedDict()

    def of(self, report: Report) -> ConfigSnapshot:
        if report.id not in self._parsed:
            self._parsed[report.id] = ConfigSnapshot.model_validate(report.config_snapshot)
        self._parsed.move_to_end(report.id)
        while len(self._parsed) > _KEPT:
            self._parsed.popitem(last=False)
        return self._parsed[report.id]
