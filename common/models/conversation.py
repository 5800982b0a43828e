"""A conversation: the root of a tree of messages, with its settings."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Base, new_id

DEFAULT_TITLE = "Sin título"


class Conversation(Base):
    """`head_message_id` names the leaf of the branch in view; `model` None means the default."""

    __tablename__ = "conversations"
    __table_args__ = (
        CheckConstraint("title_source IN ('default', 'person', 'model')", name="title_source"),
        CheckConstraint("kind IN ('chat', 'ask')", name="kind"),
        Index("ix_conversations_listing", "user_id", "pinned", "updated_at", "id"),
        # or each message of a deleted conversation would be looked for in all of them
        Index("ix_conversations_head_message_id", "head_message_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(Text, server_default=DEFAULT_TITLE)
    title_source: Mapped[str] = mapped_column(Text, server_default="default")
    model: Mapped[str | None] = mapped_column(Text)
    params: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    # Deferred: conversation and first message name each other.
    head_message_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("messages.id", use_alter=True, deferrable=True, initially="DEFERRED")
    )
    pinned: Mapped[bool] = mapped_column(server_default=text("false"))
    archived_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(Text, server_default="chat")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
