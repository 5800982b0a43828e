"""Looking for words in what a user said and was told, and in the titles, newest first.

Every word must be there, in any order and as a part of any other. Ids are UUIDv7, so that their
order is that of time; ix_messages_content holds trigrams (pg_trgm) of what is looked through.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, cast, func, literal, null, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from common.models import Conversation, Message

MOST_WORDS = 8
# Characters shown around what was found.
BEFORE, AFTER = 60, 160


@dataclass(frozen=True)
class Hit:
    """Where the words are: a message, or a title (no message and no role). `before`, `match` and
    `after` are one line; "…" stands where it was cut. `key` is where the next page goes on."""

    key: uuid.UUID
    conversation_id: uuid.UUID
    title: str
    message_id: uuid.UUID | None
    role: str | None
    created_at: datetime
    before: str
    match: str
    after: str


def search(
    session: Session,
    user_id: uuid.UUID,
    sought: str,
    *,
    conversation_id: uuid.UUID | None,
    before: uuid.UUID | None,
    limit: int,
) -> list[Hit]:
    """At most `limit` hits, those older than `before` if it is given; in one conversation or all.

    `sought` has at least one word.
    """
    phrase = " ".join(sought.split())
    words = phrase.split()[:MOST_WORDS]
    said = _of(user_id, conversation_id, before, Message.id).add_columns(
        Message.id.label("message_id"), Message.role
    )
    said = said.join(Message, Message.conversation_id == Conversation.id)
    said = said.where(Message.turn_index > 0, *_each(words, Message.content))
    titled = _of(user_id, conversation_id, before, Conversation.id).add_columns(
        cast(null(), Message.id.type).label("message_id"), literal(None).label("role")
    )
    titled = titled.where(*_each(words, Conversation.title))
    both = union_all(said, titled).subquery()
    page = select(both).order_by(both.c.key.desc()).limit(limit).subquery()
    text = func.coalesce(Message.content, Conversation.title)
    # Only of the page's hits: the rest of a long message stays where it is.
    longest = max(words, key=len)
    place = func.coalesce(func.nullif(_place(text, phrase), 0), _place(text, longest))
    start = func.greatest(place - BEFORE, 1)
    rows = session.execute(
        select(
            page,
            Conversation.title,
            func.coalesce(Message.created_at, Conversation.created_at).label("created_at"),
            func.substring(text, start, BEFORE + len(phrase) + AFTER).label("around"),
            (start > 1).label("is_cut_before"),
            (start + BEFORE + len(phrase) + AFTER <= func.length(text)).label("is_cut_after"),
        )
        .join(Conversation, Conversation.id == page.c.conversation_id)
        .outerjoin(Message, Message.id == page.c.message_id)
        .order_by(page.c.key.desc())
    )
    return [
        Hit(
            row.key,
            row.conversation_id,
            row.title,
            row.message_id,
            row.role,
            row.created_at,
            *_parted(row.around, phrase, longest, row.is_cut_before, row.is_cut_after),
        )
        for row in rows
    ]


def _of(
    user_id: uuid.UUID,
    conversation_id: uuid.UUID | None,
    before: uuid.UUID | None,
    key: InstrumentedAttribute[uuid.UUID],
) -> Select[uuid.UUID, uuid.UUID]:
    query = (
        select(key.label("key"), Conversation.id.label("conversation_id"))
        .select_from(Conversation)
        .where(Conversation.user_id == user_id, Conversation.kind == "chat")
    )
    if conversation_id is not None:
        query = query.where(Conversation.id == conversation_id)
    if before is not None:
        query = query.where(key < before)
    return query


def _each(words: list[str], text: InstrumentedAttribute[str]) -> list[ColumnElement[bool]]:
    return [text.icontains(word, autoescape=True) for word in words]


def _place(text: ColumnElement[str], sought: str) -> ColumnElement[int]:
    return func.strpos(func.lower(text), func.lower(sought))


def _parted(
    around: str, phrase: str, word: str, is_cut_before: bool, is_cut_after: bool
) -> tuple[str, str, str]:
    """What stands before the words, they themselves as they were written, and what comes after."""
    line = re.sub(r"\s+", " ", around)
    found = re.search(re.escape(phrase), line, re.IGNORECASE)
    found = found or re.search(re.escape(word), line, re.IGNORECASE)
    if found is None:  # a letter whose capital is two letters
        return line, "", ""
    before, after = line[: found.start()], line[found.end() :]
    if is_cut_before:
        before = "…" + before.partition(" ")[2]
    if is_cut_after:
        after = after.rpartition(" ")[0] + "…"
    return before, found.group(), after
