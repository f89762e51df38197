from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db.tables import Report
from modelpick_shared.scoring import AnswerKey

_KEPT = 64


class Snapshot:
    """A report's configuration, with its models at hand and its expected answers prepared for scoring."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = ConfigSnapshot.model_validate(config)
        self.models = {model.id: model for model in self.config.models}
        self.answer_keys = [AnswerKey(image.expected) for image in self.config.images]


class Snapshots:
    """The configurations of the reports in hand. A report's configuration never changes."""

    def __init__(self) -> None:
        self._parsed: OrderedDict[UUID, Snapshot] = OrderedDict()

    async def load(self, session: AsyncSession, report_ids: Iterable[UUID]) -> None:
        """Read the configurations that are not known yet; they can be large, so they are read once."""
        missing = [report_id for report_id in report_ids if report_id not in self._parsed]
        if missing:
            statement = select(Report.id, Report.config_snapshot).where(Report.id.in_(missing))
            for report_id, config in await session.execute(statement):
                self._parsed[report_id] = Snapshot(config)

    def of(self, report_id: UUID) -> Snapshot:
        """Return a configuration that was loaded."""
        self._parsed.move_to_end(report_id)
        return self._parsed[report_id]

    def forget_oldest(self) -> None:
        """Keep the 64 that were used last. Between transactions only: within one, all are needed."""
        while len(self._parsed) > _KEPT:
            self._parsed.popitem(last=False)
