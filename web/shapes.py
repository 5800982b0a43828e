"""The answers' shapes, for the OpenAPI document. A test holds every presenter against them."""

from typing import Any, Literal

from flask_openapi import Tag
from pydantic import BaseModel, ConfigDict

CONVERSATIONS = Tag(name="conversations", description="Trees of messages with their settings")
MESSAGES = Tag(name="messages", description="Turns and replies")
JOBS = Tag(name="jobs", description="Promises of a reply, polled until they end")
MODELS = Tag(name="models", description="What can be asked")
PROMPTS = Tag(name="prompts", description="Saved system prompts")
HEALTH = Tag(name="health", description="Whether the product serves")

JobStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FieldProblem(Shape):
    field: str
    message: str


class Problem(Shape):
    """RFC 9457. `code` is stable; `job_id` comes with `conversation_busy`."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    errors: list[FieldProblem] | None = None
    job_id: str | None = None


class Context(Shape):
    """Tokens of the window and of what was sent; how many turns were left out."""

    window: int
    used: int
    omitted_turns: int
    first_sent_message_id: str | None


class Usage(Shape):
    """`cost` in US dollars, null where a price isn't known."""

    input_tokens: int
    output_tokens: int
    cost: float | None


class Conversation(Shape):
    """`model` null: the default. `usage` is that of all its jobs; like `system_prompt` it is null
    in lists."""

    id: str
    title: str
    title_source: Literal["default", "person", "model"]
    model: str | None
    system_prompt: str | None
    params: dict[str, Any]
    head_message_id: str | None
    pinned: bool
    archived: bool
    kind: Literal["chat", "ask"]
    created_at: str
    updated_at: str
    usage: Usage | None


class ConversationPage(Shape):
    data: list[Conversation]
    next: str | None


class ExportedMessage(Shape):
    """`parent_id` null: it hangs from the system prompt."""

    id: str
    parent_id: str | None
    role: Literal["user", "assistant"]
    content: str
    in_window: Literal["auto", "always", "never"]
    status: Literal["pending", "completed", "incomplete", "failed"]
    model: str | None
    finish_reason: str | None
    created_at: str


class ExportedConversation(Shape):
    """A file that `POST /api/imports` takes back; parents come before what hangs from them."""

    format: Literal["epicode"]
    version: Literal[1]
    title: str
    title_source: Literal["default", "person", "model"]
    system_prompt: str
    model: str | None
    params: dict[str, Any]
    pinned: bool
    archived: bool
    created_at: str
    updated_at: str
    head_message_id: str
    messages: list[ExportedMessage]


class JobError(Shape):
    code: str
    title: str
    detail: str
    retryable: bool


class Message(Shape):
    """`context` and `usage` are those of a reply's job: what was sent, and what it took."""

    id: str
    conversation_id: str
    parent_id: str | None
    turn_index: int
    role: Literal["system", "user", "assistant"]
    content: str
    in_window: Literal["auto", "always", "never"]
    status: Literal["pending", "completed", "incomplete", "failed"]
    model: str | None
    token_count: int
    finish_reason: str | None
    created_at: str
    job_id: str | None
    sibling_ids: list[str]
    context: Context | None
    usage: Usage | None
    error: JobError | None


class MessagePage(Shape):
    data: list[Message]
    next: str | None


class Hit(Shape):
    """`message_id` and `role` null: the words stand in the title. What was found is `match`, on one
    line between `before` and `after`, which begin and end with … where they were cut."""

    conversation_id: str
    title: str
    message_id: str | None
    role: Literal["user", "assistant"] | None
    before: str
    match: str
    after: str
    created_at: str


class HitPage(Shape):
    data: list[Hit]
    next: str | None


class Workers(Shape):
    online: int
    busy: int


class Queue(Shape):
    """`position` is exact up to 100, then null; `notice` is there when no worker is."""

    position: int | None
    reason: Literal["worker", "previous_reply", "retry"]
    eta_ms: int | None
    workers: Workers
    notice: str | None


class Attempt(Shape):
    n: int
    outcome: str
    ran_ms: int


class Job(Shape):
    """`text` is what is new since the cursor; `reset`: drop what you showed, it starts over.
    `message_id` is the reply; null for a title, whose `prompt_message_id` is the first turn."""

    id: str
    kind: Literal["reply", "ask", "title"]
    status: JobStatus
    attempt: int
    model: str
    conversation_id: str
    prompt_message_id: str
    message_id: str | None
    text: str
    cursor: str
    reset: bool
    cancelling: bool
    queue: Queue | None
    attempts: list[Attempt]
    worker: str | None
    context: Context | None
    poll_after_ms: int
    created_at: str
    started_at: str | None
    first_token_at: str | None
    finished_at: str | None
    usage: Usage | None
    error: JobError | None


class JobPage(Shape):
    data: list[Job]
    next: str | None


class PostedTurn(Shape):
    message: Message
    reply: Message
    job: Job


class Model(Shape):
    """Prices in US dollars for a million tokens; not `available`: the server doesn't list it;
    `local`: the model server is on this machine."""

    id: str
    label: str
    context_window: int
    max_output_tokens: int
    input_price: float | None
    output_price: float | None
    available: bool
    default: bool
    local: bool
    parameters: list[str]
    token_count_is_exact: bool


class ModelPage(Shape):
    data: list[Model]
    next: str | None


class Prompt(Shape):
    id: str
    name: str
    content: str
    created_at: str
    updated_at: str


class PromptPage(Shape):
    data: list[Prompt]
    next: str | None


class Health(Shape):
    status: Literal["ok"]


class Readiness(Shape):
    status: Literal["ready"]
    workers: int


def problems(*statuses: int) -> dict[int | str, Any]:
    """The problems that a route may answer, with those that any may.

    422 is among them: where it isn't declared flask-openapi promises a list as plain JSON.
    """
    any_route = (400, 401, 403, 413, 415, 422, 503)
    problem = {
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }
    }
    return {
        status: {"description": "Problem", **problem} for status in sorted({*any_route, *statuses})
    }
