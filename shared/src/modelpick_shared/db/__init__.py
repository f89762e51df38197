"""PostgreSQL: tables, sessions, the transactional outbox and the inbox."""

from modelpick_shared.db.base import Base
from modelpick_shared.db.commits import after_commit
from modelpick_shared.db.engine import Database
from modelpick_shared.db.inbox import insert_once
from modelpick_shared.db.outbox import Outbox
from modelpick_shared.db.relay import OutboxRelay

__all__ = ["Base", "Database", "Outbox", "OutboxRelay", "after_commit", "insert_once"]
