"""A job: one promise of a reply. The row is the queue; `common/jobs.py` alone changes its state."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Base, new_id


class Job(Base):
    """`attempt` is the fence and only grows; `failures` is the budget of retries.

    `waits_for` is the reply above the prompt while that is pending, emptied by its end;
    `rung_at` is when the doorbell was last sent for a queued job; `window` is what was sent to
    the model; `attempts` tells what became of each attempt; `error` holds a code and its numbers.
    `key_id` is the API key that posted it; until it ends, `reserved_tokens` and `reserved_cost`
    count as spent (None: nobody counts).
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("kind IN ('reply', 'ask', 'title')", name="kind"),
        CheckConstraint(
            "status IN ('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')",
            name="status",
        ),
        CheckConstraint("(kind = 'title') = (reply_message_id IS NULL)", name="reply"),
        CheckConstraint("(status = 'in_progress') = (lease_expires_at IS NOT NULL)", name="lease"),
        Index("ix_jobs_queued", "user_id", "queued_at", postgresql_where=text("status = 'queued'")),
        Index(
            "ix_jobs_line",
            "user_id",
            text("(kind = 'title')"),
            "queued_at",
            "id",
            postgresql_where=text("status = 'queued' AND waits_for IS NULL"),
        ),
        Index("ix_jobs_waits_for", "waits_for", postgresql_where=text("waits_for IS NOT NULL")),
        Index("ix_jobs_rung", "rung_at", postgresql_where=text("rung_at IS NOT NULL")),
        Index(
            "ix_jobs_finished",
            "finished_at",
            postgresql_where=text("finished_at IS NOT NULL AND started_at IS NOT NULL"),
        ),
        Index(
            "ix_jobs_in_progress",
            "lease_expires_at",
            postgresql_where=text("status = 'in_progress'"),
        ),
        Index("ix_jobs_listing", "user_id", "id"),
        Index("ix_jobs_conversation_id", "conversation_id"),
        Index("ix_jobs_prompt_message_id", "prompt_message_id"),
        Index(
            "ix_jobs_title",
            "prompt_message_id",
            unique=True,
            postgresql_where=text("kind = 'title'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    # No foreign key: a key is revoked, never deleted, and a post needs no look at it.
    key_id: Mapped[uuid.UUID | None]
    conversation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    prompt_message_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE")
    )
    # None for a title alone.
    reply_message_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), unique=True
    )
    kind: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    status: Mapped[str] = mapped_column(Text, server_default="queued")
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    waits_for: Mapped[uuid.UUID | None]
    not_before: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, server_default=text("'[]'::jsonb")
    )
    window: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    reasoning_tokens: Mapped[int | None]
    cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 8))
    reserved_tokens: Mapped[int | None]
    reserved_cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 8))
    request_id: Mapped[str | None] = mapped_column(Text)
    queued_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    started_at: Mapped[datetime | None]
    first_token_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
