"""A message: a node of the conversation's tree, never rewritten (but for the system message)."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Base, new_id


class Message(Base):
    """`turn_index` is the depth in the tree, 0 for the root; `token_count` is in o200k tokens.

    A reply's row exists from the moment of posting (`pending`); its content is written once.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("role IN ('system', 'user', 'assistant')", name="role"),
        CheckConstraint("in_window IN ('auto', 'always', 'never')", name="in_window"),
        CheckConstraint(
            "status IN ('pending', 'completed', 'incomplete', 'failed')", name="status"
        ),
        CheckConstraint("(parent_id IS NULL) = (role = 'system')", name="root_is_system"),
        Index("ix_messages_conversation_id_turn_index", "conversation_id", "turn_index"),
        Index("ix_messages_parent_id", "parent_id"),
        Index(
            "ix_messages_content",
            "content",
            postgresql_using="gin",
            postgresql_ops={"content": "gin_trgm_ops"},
        ),
        Index(
            "ix_messages_pinned", "conversation_id", postgresql_where=text("in_window = 'always'")
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    parent_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE")
    )
    turn_index: Mapped[int]
    role: Mapped[str] = mapped_column(Text)
    content: Mapped[str] = mapped_column(Text, server_default="")
    in_window: Mapped[str] = mapped_column(Text, server_default="auto")
    status: Mapped[str] = mapped_column(Text, server_default="completed")
    model: Mapped[str | None] = mapped_column(Text)
    token_count: Mapped[int] = mapped_column(server_default=text("0"))
    finish_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    # It was said elsewhere, and no job stands behind it.
    imported: Mapped[bool] = mapped_column(server_default=text("false"))
