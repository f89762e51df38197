"""Tables of the checkout service: people, sign-in, drafts and their images."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from modelpick_shared.db.base import Base
from modelpick_shared.ids import new_id


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SignInToken(Base):
    """A mailed link's token, stored as its SHA-256."""

    __tablename__ = "sign_in_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    email: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class UserSession(Base):
    """A signed-in browser; the cookie's token is stored as its SHA-256."""

    __tablename__ = "sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RequestCount(Base):
    """When a limit let a subject pass within its window, oldest first: never more often than it has events.

    The subject is stored as its SHA-256: it may be an address. There is no index on `expires_at`, so that
    counting updates the row in place (HOT); the table is small, as rows go soon after their window.
    """

    __tablename__ = "rate_limits"

    name: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[bytes] = mapped_column(primary_key=True)
    admitted_at: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    expires_at: Mapped[datetime]


class Draft(Base):
    __tablename__ = "drafts"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'ready', 'paid')", name="status"),
        CheckConstraint("data_policy IN ('any', 'no_training')", name="data_policy"),
        Index("ix_drafts_user_id_created_at", "user_id", "created_at"),
        Index("ix_drafts_unpaid", "updated_at", postgresql_where=text("status <> 'paid'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(default="")
    extraction_prompt: Mapped[str]
    json_schema: Mapped[dict[str, Any] | None]
    selected_models: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    data_policy: Mapped[str] = mapped_column(default="any")
    status: Mapped[str] = mapped_column(default="draft")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class DraftImage(Base):
    """An uploaded image. `expected_json` NULL means not given; a JSON null is the document `null`."""

    __tablename__ = "draft_images"
    __table_args__ = (
        UniqueConstraint("draft_id", "sha256"),
        UniqueConstraint("draft_id", "position", deferrable=True, initially="DEFERRED"),
        Index("ix_draft_images_sha256", "sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    draft_id: Mapped[UUID] = mapped_column(ForeignKey("drafts.id", ondelete="CASCADE"))
    position: Mapped[int]
    storage_key: Mapped[str]
    sha256: Mapped[str]
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    bytes: Mapped[int]
    expected_json: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ImageDeletion(Base):
    """A file of the image store that is to go once `due_at` has passed, unless an order or report needs it.

    Written in the transaction in which its row goes, and before a file is stored: so a crash leaves no file
    that nobody knows of. `draft_id` is the draft that the image is or was part of.
    """

    __tablename__ = "image_deletions"

    storage_key: Mapped[str] = mapped_column(primary_key=True)
    draft_id: Mapped[UUID]
    due_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
