"""The shapes of what only administrators are answered."""

from typing import Literal

from flask_openapi import Tag

from web.access_shapes import Limits, Role, Spent
from web.shapes import JobStatus, Shape

ADMINISTRATION = Tag(
    name="administration", description="What administrators see and do; 404 for everybody else"
)


class Invitation(Shape):
    id: str
    email: str | None
    role: Role
    created_at: str
    expires_at: str


class NewlyMadeInvitation(Invitation):
    """`url` holds the token, which is never told again."""

    token: str
    url: str


class InvitationPage(Shape):
    data: list[Invitation]
    next: str | None


class AdminUser(Shape):
    """`limits` are his own; null: the installation's."""

    id: str
    email: str
    display_name: str
    role: Role
    disabled: bool
    limits: Limits
    created_at: str
    last_seen_at: str | None


class AdminUserPage(Shape):
    data: list[AdminUser]
    next: str | None


class Owner(Shape):
    id: str
    email: str
    display_name: str


class UsersSpending(Shape):
    user: Owner
    today: Spent
    month: Spent


class SpendingPage(Shape):
    data: list[UsersSpending]
    next: str | None


class AdminError(Shape):
    code: str
    title: str
    detail: str


class AdminJob(Shape):
    """A job without any text."""

    id: str
    user: Owner
    kind: Literal["reply", "ask", "title"]
    status: JobStatus
    attempt: int
    model: str
    cancelling: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    error: AdminError | None


class AdminJobPage(Shape):
    data: list[AdminJob]
    next: str | None


class AdminWorker(Shape):
    name: str
    slots: int
    busy: int
    queues: list[str]
    seen_at: str
    online: bool


class AdminWorkerPage(Shape):
    data: list[AdminWorker]
    next: str | None


class AdminQueue(Shape):
    queued: int
    in_progress: int
    oldest_queued_at: str | None


class PausedModel(Shape):
    model: str
    until: str


class HourOfJobs(Shape):
    completed: int
    failed: int


class LastError(Shape):
    code: str
    title: str
    at: str


class Upstream(Shape):
    """`address` is the model server's host alone."""

    address: str
    models: int
    listed_at: str | None
    paused: list[PausedModel]
    hour: HourOfJobs
    last_error: LastError | None
