"""Writing a conversation that was had elsewhere: the tree's rules hold, its times are kept.

The readers of the formats (`common/own_format.py`, `common/chatgpt_format.py`) make a Draft, whose
lines alternate already: a turn hangs from a reply or from nothing, a reply from a turn.
"""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from common.catalogue import Catalogue
from common.errors import EpiCodeError
from common.models import Conversation, Message
from common.models.conversation import DEFAULT_TITLE
from common.tokens import count_tokens

# What branches share is written once for each of them: a small file must not become a large tree.
MOST_LINES = 10_000
MOST_CHARACTERS = 4 * 1024 * 1024
_AT_ONCE = 1_000
# The table's own: the class's would send what is absent in statements of their own.
_INSERT = insert(cast(Table, Message.__table__))
# No chat is older, and what is stored must be readable again.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    """A turn or a reply. `parent` is the place of an earlier line, None for one that hangs from the
    system message; `at` None: no time is known."""

    parent: int | None
    role: Literal["user", "assistant"]
    content: str
    at: datetime | None = None
    model: str | None = None
    status: Literal["completed", "incomplete", "failed"] = "completed"
    finish_reason: str | None = None
    in_window: Literal["auto", "always", "never"] = "auto"


@dataclass
class Draft:
    """A conversation as it was read, each line after its parent and siblings in their order.
    `head` is the line whose branch was in view; `system_prompt` None: the usual one."""

    created_at: datetime
    updated_at: datetime
    title: str | None = None
    title_source: Literal["person", "model"] = "person"
    system_prompt: str | None = None
    model: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    pinned: bool = False
    archived: bool = False
    lines: list[Line] = field(default_factory=list)
    head: int | None = None
    _characters: int = 0

    def add(self, line: Line) -> int:
        """The new line's place. Raises `import_too_large`."""
        self._characters += len(line.content)
        if len(self.lines) >= MOST_LINES or self._characters > MOST_CHARACTERS:
            raise EpiCodeError("import_too_large", most=MOST_LINES)
        self.lines.append(line)
        return len(self.lines) - 1


def unreadable(where: str) -> EpiCodeError:
    """The error for a file that isn't what it should be, there."""
    return EpiCodeError("import_unreadable", where=where[:120] or "conversation")


def write(
    session: Session,
    user_id: uuid.UUID,
    draft: Draft,
    *,
    conversation_id: uuid.UUID,
    usual_prompt: str,
    catalogue: Catalogue,
) -> Conversation:
    """The draft as a conversation of the user's. A turn without a reply gets one that is
    incomplete and empty; times yet to come are taken for now."""
    _answer_all(draft)
    now = datetime.now(UTC)
    prompt = usual_prompt if draft.system_prompt is None else draft.system_prompt
    rows = _rows(draft, conversation_id, prompt, now)
    title = _storable(draft.title or "").strip()[:200]
    conversation = Conversation(
        id=conversation_id,
        user_id=user_id,
        title=title or DEFAULT_TITLE,
        title_source=draft.title_source if title else "default",
        model=_known(session, catalogue, _storable(draft.model or "")),
        params=draft.params,
        head_message_id=rows[_head(draft)]["id"],
        pinned=draft.pinned,
        archived_at=now if draft.archived else None,
        created_at=rows[0]["created_at"],
        updated_at=_within(draft.updated_at, now),
    )
    session.add(conversation)
    session.flush()
    for start in range(0, len(rows), _AT_ONCE):
        session.execute(_INSERT, rows[start : start + _AT_ONCE])
    return conversation


def _answer_all(draft: Draft) -> None:
    answered = {line.parent for line in draft.lines if line.role == "assistant"}
    for place, line in enumerate(list(draft.lines)):
        if line.role == "user" and place not in answered:
            draft.add(Line(place, "assistant", "", line.at, status="incomplete"))


def _head(draft: Draft) -> int:
    """The row of the head: the newest leaf below the line that was in view. Row 0 is the root."""
    below = {line.parent: place for place, line in enumerate(draft.lines)}
    head = draft.head
    while head in below:
        head = below[head]
    return 0 if head is None else head + 1


def _rows(
    draft: Draft, conversation_id: uuid.UUID, prompt: str, now: datetime
) -> list[dict[str, Any]]:
    """Rows for `messages`, the root first."""
    created_at = _within(draft.created_at, now)
    root = {"role": "system", "content": prompt, "turn_index": 0, "parent_id": None}
    rows = [_row(root | {"created_at": created_at}, _milliseconds(created_at), 0)]
    marks = [_milliseconds(created_at)]
    newest: dict[int, int] = {}  # by parent's row: the last sibling's mark
    for number, line in enumerate(draft.lines, start=1):
        above = 0 if line.parent is None else line.parent + 1
        at = _within(line.at or rows[above]["created_at"], now)
        # ids tell the order of siblings, and that of parent and child
        mark = max(_milliseconds(at), marks[above], newest.get(above, 0))
        newest[above] = mark
        marks.append(mark)
        values = {
            "role": line.role,
            "content": line.content,
            "turn_index": rows[above]["turn_index"] + 1,
            "parent_id": rows[above]["id"],
            "created_at": at,
            "model": line.model if line.role == "assistant" else None,
            "status": line.status if line.role == "assistant" else "completed",
            "finish_reason": line.finish_reason,
            "in_window": line.in_window,
        }
        rows.append(_row(values, mark, number))
    return [row | {"conversation_id": conversation_id} for row in rows]


def _row(values: dict[str, Any], mark: int, number: int) -> dict[str, Any]:
    usual = {"model": None, "status": "completed", "finish_reason": None, "in_window": "auto"}
    row = usual | values | {"id": _id_at(mark, number), "imported": True}
    row = {key: _storable(value) if isinstance(value, str) else value for key, value in row.items()}
    return row | {"token_count": count_tokens(row["content"])}


def _within(at: datetime, now: datetime) -> datetime:
    # in UTC, for PostgreSQL takes no offset of 16 hours or more
    return min(max(at, EARLIEST), now).astimezone(UTC)


def _storable(text: str) -> str:
    """NUL can't be stored."""
    return text.replace("\0", "")


def _id_at(milliseconds: int, number: int) -> uuid.UUID:
    """A UUIDv7 (RFC 9562) of that moment; among equal moments the number decides the order."""
    high, low = number >> 20 & 0xFFF, number & 0xFFFFF
    tail = low << 42 | secrets.randbits(42)
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | tail)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _known(session: Session, catalogue: Catalogue, model: str | None) -> str | None:
    """The model where it can be had here; None, the default, where not."""
    if not model:
        return None
    try:
        return catalogue.choose(session, model).id
    except EpiCodeError:
        return None
