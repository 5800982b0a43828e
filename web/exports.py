"""A conversation as a file: all of it as JSON, or the branch in view as Markdown."""

import re
from collections.abc import Sequence
from typing import Any

from common.models import Conversation, Message
from common.shown import moment
from web.i18n import Language, translate

VERSION = 1
LONGEST_NAME = 80


def as_json(item: Conversation, messages: Sequence[Message]) -> dict[str, Any]:
    """The whole tree, root first, as `common/own_format.py` reads it again."""
    root, *said = messages
    return {
        "format": "epicode",
        "version": VERSION,
        "title": item.title,
        "title_source": item.title_source,
        "system_prompt": root.content,
        "model": item.model,
        "params": item.params,
        "pinned": item.pinned,
        "archived": item.archived_at is not None,
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "head_message_id": str(item.head_message_id),
        "messages": [
            {
                "id": str(message.id),
                "parent_id": None if message.parent_id == root.id else str(message.parent_id),
                "role": message.role,
                "content": message.content,
                "in_window": message.in_window,
                "status": message.status,
                "model": message.model,
                "finish_reason": message.finish_reason,
                "created_at": moment(message.created_at),
            }
            for message in said
        ],
    }


def as_markdown(item: Conversation, branch: Sequence[Message], lang: Language) -> str:
    """The branch in view, as it was written."""
    parts = [f"# {_in_one_line(item.title)}"]
    for message in branch[1:]:
        is_reply = message.role == "assistant"
        who = message.model or "EpiCode" if is_reply else translate(lang, "ui.turn.you")
        said_at = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
        parts.append(f"## {_in_one_line(who)} · {said_at}")
        parts += [message.content.strip()] if message.content.strip() else []
    return "\n\n".join(parts) + "\n"


def file_name(item: Conversation, ending: str) -> str:
    """A name that every file system takes: the title's letters and digits, else the id."""
    name = "-".join(re.findall(r"\w+", item.title))[:LONGEST_NAME].strip("-_")
    return f"{name or item.id}.{ending}"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
