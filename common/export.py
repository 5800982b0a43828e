"""A user's conversations as plain values, to take along: every message of every branch."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.db import Reader
from common.models import Conversation, Message
from common.shown import moment

_CONVERSATION = [
    "id",
    "title",
    "title_source",
    "model",
    "params",
    "head_message_id",
    "pinned",
    "archived_at",
    "kind",
    "created_at",
    "updated_at",
]
_MESSAGE = [
    "id",
    "parent_id",
    "turn_index",
    "role",
    "content",
    "in_window",
    "status",
    "model",
    "token_count",
    "finish_reason",
    "created_at",
]


def conversation_ids(session: Session, user_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """Those of the user, the oldest first."""
    mine = select(Conversation.id).where(Conversation.user_id == user_id)
    return session.scalars(mine.order_by(Conversation.id)).all()


def conversation(
    reader: Reader, user_id: uuid.UUID, conversation_id: uuid.UUID
) -> dict[str, Any] | None:
    """One of them with its messages, parents first. None: it isn't there, or isn't the user's."""
    columns = [getattr(Conversation, name) for name in _CONVERSATION]
    mine = (Conversation.id == conversation_id, Conversation.user_id == user_id)
    found = reader.execute(select(*columns).where(*mine)).one_or_none()
    if found is None:
        return None
    of_it = select(*(getattr(Message, name) for name in _MESSAGE))
    messages = reader.execute(
        of_it.where(Message.conversation_id == conversation_id).order_by(
            Message.turn_index, Message.id
        )
    )
    plain = _plain(_CONVERSATION, found)
    return plain | {"messages": [_plain(_MESSAGE, message) for message in messages]}


def _plain(names: list[str], row: Sequence[Any]) -> dict[str, Any]:
    """Ids as text, times in ISO 8601 UTC."""
    return {
        name: moment(value)
        if name.endswith("_at")
        else str(value)
        if isinstance(value, uuid.UUID)
        else value
        for name, value in zip(names, row, strict=True)
    }
