"""What a request may say: one model a body, query or path. Numbers and booleans are strict."""

import re
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Literal, Self

from flask import request
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from common.errors import EpiCodeError
from common.params import Params

MAX_WAIT_SECONDS = 20
PAGE = 40
MAX_PAGE = 200
PATH_MODEL = "ItemPath"
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_PREFERRED_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)


def usable(text: str) -> str:
    """NUL can't be stored, a lone surrogate can't be sent: both are refused at the door."""
    if _UNUSABLE.search(text):
        raise PydanticCustomError("unusable_text", "NUL or a lone surrogate")
    return text


def _in_utc(moment: datetime) -> datetime:
    """PostgreSQL takes no offset of 16 hours or more; in UTC the first or last year may be left."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("not within the years 1 to 9999") from None


Text = Annotated[str, AfterValidator(usable)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Content = Annotated[Text, StringConstraints(min_length=1)]
Title = Annotated[Text, StringConstraints(max_length=200, strip_whitespace=True)]
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(usable),
]
ModelId = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
PromptName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(usable),
]
PromptText = Annotated[Text, StringConstraints(min_length=1, max_length=32_000)]
OpaqueCursor = Annotated[str, StringConstraints(max_length=200)]
PageLimit = Annotated[int, Field(ge=1, le=MAX_PAGE)]


class Query(BaseModel):
    """flask-openapi asks for the schema at every request: it is made once a class."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().model_json_schema(*args, **kwargs) if args or kwargs else _schema_of(cls)


@cache
def _schema_of(query: type[Query]) -> dict[str, Any]:
    return super(Query, query).model_json_schema()


class Body(BaseModel):
    """A body names only what it may change."""

    model_config = ConfigDict(extra="forbid")


class NewConversation(Body):
    title: Title | None = None
    model: ModelId | None = None
    system_prompt: Text | None = None
    params: Params = Params()


class ConversationChange(Body):
    """Absent is unchanged; `model` null goes back to the default."""

    title: Title | None = None
    model: ModelId | None = None
    system_prompt: Text | None = None
    params: Params | None = None
    pinned: StrictBool | None = None
    archived: StrictBool | None = None
    head_message_id: uuid.UUID | None = None

    def says(self, name: str) -> bool:
        return name in self.model_fields_set


class NewMessage(Body):
    content: Content
    model: ModelId | None = None
    parent_id: uuid.UUID | None = None
    on_busy: Literal["queue", "reject"] = "queue"
    in_window: Literal["auto", "always", "never"] = "auto"
    params: Params = Params()


class NewReply(Body):
    model: ModelId | None = None
    params: Params = Params()


class MessageChange(Body):
    in_window: Literal["auto", "always", "never"]


class NewImport(Body):
    """`conversation`: the whole object of an exported file, or one of `conversations.json`."""

    format: Literal["epicode", "chatgpt"]
    conversation: dict[str, Any]


class NewPrompt(Body):
    name: PromptName
    content: PromptText


class PromptChange(Body):
    """Absent is unchanged."""

    name: PromptName | None = None
    content: PromptText | None = None


class Question(Body):
    content: Content
    model: ModelId | None = None
    system_prompt: Text | None = None
    params: Params = Params()


class ItemPath(BaseModel):
    id: uuid.UUID


class WaitQuery(Query):
    wait: Annotated[int, Field(ge=0)] | None = None


class ExportQuery(Query):
    format: Literal["json", "markdown"] = "markdown"


class ConversationList(Query):
    q: Annotated[Text, StringConstraints(max_length=200)] | None = None
    archived: Literal["0", "1"] = "0"
    cursor: OpaqueCursor | None = None
    limit: PageLimit = PAGE


class SearchQuery(Query):
    q: Words
    conversation_id: uuid.UUID | None = None
    cursor: OpaqueCursor | None = None
    limit: PageLimit = PAGE


class MessageList(Query):
    all: Literal["0", "1"] = "0"
    cursor: OpaqueCursor | None = None
    limit: PageLimit = PAGE


class JobList(Query):
    active: Literal["0", "1"] = "0"
    status: (
        Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"] | None
    ) = None
    conversation_id: uuid.UUID | None = None
    cursor: OpaqueCursor | None = None
    limit: PageLimit = PAGE


class PollQuery(WaitQuery):
    cursor: OpaqueCursor | None = None


class ListingCursor(BaseModel):
    """Where a listing goes on; opaque to clients."""

    model_config = ConfigDict(extra="forbid")

    id: uuid.UUID
    at: Moment | None = None
    pinned: StrictBool | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.at is None) != (self.pinned is None):
            raise ValueError("at and pinned go together")
        return self


def idempotency_key() -> str | None:
    """The Idempotency-Key header: 1 to 200 printable characters. Raises `invalid_input`."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= 200 and key.isprintable() and key.isascii()):
        fields = [{"field": "Idempotency-Key", "key": "invalid.idempotency_key"}]
        raise EpiCodeError("invalid_input", fields=fields)
    return key


def wait_seconds(asked: int | None) -> int:
    """How long the client is ready to wait: `?wait=`, else `Prefer: wait=` (RFC 7240), capped."""
    if asked is None:
        found = _PREFERRED_WAIT.search(request.headers.get("Prefer", ""))
        asked = int(found.group(1)) if found else 0
    return min(asked, MAX_WAIT_SECONDS)
