"""Reading a conversation that EpiCode exported as JSON (web/exports.py writes it)."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from common.imports import Draft, Line, unreadable
from common.params import Params

Name = Annotated[str, Field(max_length=200)]


class _Message(BaseModel):
    id: Annotated[str, Field(min_length=1, max_length=100)]
    parent_id: str | None
    role: Literal["user", "assistant"]
    content: str
    in_window: Literal["auto", "always", "never"] = "auto"
    status: Literal["pending", "completed", "incomplete", "failed"] = "completed"
    model: Name | None = None
    finish_reason: Name | None = None
    created_at: AwareDatetime


class _Conversation(BaseModel):
    """What else is in the file is of a later version, and left alone."""

    format: Literal["epicode"]
    version: Literal[1]
    title: Name | None = None
    title_source: Literal["default", "person", "model"] = "person"
    system_prompt: str | None = None
    model: Name | None = None
    params: Params = Params()
    pinned: bool = False
    archived: bool = False
    created_at: AwareDatetime
    updated_at: AwareDatetime
    head_message_id: str | None = None
    messages: list[_Message]


def read(content: dict[str, Any]) -> Draft:
    """Raises `import_unreadable`, saying where, and `import_too_large`."""
    try:
        told = _Conversation.model_validate(content)
    except ValidationError as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"]
        raise unreadable(".".join(str(part) for part in place)) from None
    draft = Draft(
        created_at=told.created_at,
        updated_at=told.updated_at,
        title=None if told.title_source == "default" else told.title,
        title_source="model" if told.title_source == "model" else "person",
        system_prompt=told.system_prompt,
        model=told.model,
        params=told.params.given(),
        pinned=told.pinned,
        archived=told.archived,
    )
    places = _add_lines(draft, told.messages)
    if told.head_message_id is not None:
        draft.head = places.get(told.head_message_id)
    return draft


def _add_lines(draft: Draft, messages: list[_Message]) -> dict[str, int]:
    """Adds each after its parent; the place of each by its id."""
    below: dict[str | None, list[_Message]] = {}
    by_id = {message.id: message for message in messages}
    if len(by_id) < len(messages):
        raise unreadable("messages.id")
    for message in messages:
        parent = by_id.get(message.parent_id or "")
        if (parent is None) != (message.parent_id is None):
            raise unreadable(f"messages.{message.id}.parent_id")
        if (message.role == "assistant") != (parent is not None and parent.role == "user"):
            raise unreadable(f"messages.{message.id}.role")
        below.setdefault(message.parent_id, []).append(message)
    places: dict[str, int] = {}
    stack = below.get(None, [])[::-1]
    while stack:
        message = stack.pop()
        places[message.id] = draft.add(_line(message, places.get(message.parent_id or "")))
        stack += below.get(message.id, [])[::-1]
    if len(places) < len(messages):  # the rest hang from each other
        raise unreadable("messages.parent_id")
    return places


def _line(message: _Message, parent: int | None) -> Line:
    status = message.status
    if status == "pending" or (status == "completed" and not message.content):
        status = "incomplete"
    return Line(
        parent,
        message.role,
        message.content,
        message.created_at,
        model=message.model,
        status=status,
        finish_reason=message.finish_reason,
        in_window=message.in_window,
    )
