"""The shapes of answers about sessions, accounts, keys and usage, and of an administrator's."""

from typing import Any, Literal

from flask_openapi import Tag

from web.shapes import Shape

ACCOUNTS = Tag(name="accounts", description="Sessions, accounts and API keys")

Role = Literal["admin", "member"]


class Account(Shape):
    id: str
    email: str
    display_name: str
    role: Role
    locale: Literal["es", "en"]


class Session(Shape):
    """`user` null: nobody has signed in; `csrf_token` goes into X-CSRF-Token, null without need."""

    auth: Literal["local", "accounts"]
    user: Account | None
    csrf_token: str | None


class SignedIn(Shape):
    id: str
    created_at: str
    last_seen_at: str
    expires_at: str
    user_agent: str
    current: bool


class SignedInPage(Shape):
    data: list[SignedIn]
    next: str | None


class Key(Shape):
    """`prefix` is how the key begins, to recognise it by."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    limits: "Limits"
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class NewlyMadeKey(Key):
    """`key` in full, which is never told again."""

    key: str


class KeyPage(Shape):
    data: list[Key]
    next: str | None


class Limits(Shape):
    """None where nothing limits; costs in US dollars."""

    posts_minute: int | None
    active_jobs: int | None
    waiting_jobs: int | None
    tokens_day: int | None
    tokens_month: int | None
    cost_day: float | None
    cost_month: float | None


class Spent(Shape):
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float


class SpentOnDay(Spent):
    day: str


class UsagePage(Shape):
    """Days and months are those of UTC; `days` are the last thirty on which anything was spent."""

    today: Spent
    month: Spent
    limits: Limits
    days: list[SpentOnDay]


class AccountExport(Shape):
    """Everything that the account holds; a conversation has all of its messages, as a tree."""

    format: Literal["epicode-account"]
    exported_at: str
    account: Account
    keys: list[Key]
    conversations: list[dict[str, Any]]
