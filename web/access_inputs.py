"""What a request about sessions, accounts and keys may say."""

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints

from common.params import StrictFloat
from common.passwords import LONGEST, SHORTEST
from web.inputs import PAGE, Body, Moment, OpaqueCursor, PageLimit, Query, Text, usable

# Stripped before it is measured, which pydantic does only next to the type itself.
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=254, strip_whitespace=True),
    AfterValidator(usable),
]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(usable),
]
Password = Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST)]
NewPassword = Annotated[Text, StringConstraints(min_length=SHORTEST, max_length=LONGEST)]
Token = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Role = Literal["admin", "member"]
Scope = Literal["read", "write", "admin"]
Count = Annotated[StrictInt, Field(ge=0, le=1_000_000_000_000)]
Money = Annotated[StrictFloat, Field(ge=0, le=1_000_000_000)]


class SignIn(Body):
    email: Address
    password: Password


class Joining(Body):
    token: Token
    email: Address
    display_name: Name
    password: NewPassword


class AccountChange(Body):
    display_name: Name | None = None
    locale: Literal["es", "en"] | None = None


class PasswordChange(Body):
    current_password: Password
    new_password: NewPassword


class AccountDeletion(Body):
    password: Password


class LimitsChange(Body):
    """Absent is unchanged; null goes back to the installation's."""

    posts_minute: Count | None = None
    active_jobs: Count | None = None
    waiting_jobs: Count | None = None
    tokens_day: Count | None = None
    tokens_month: Count | None = None
    cost_day: Money | None = None
    cost_month: Money | None = None

    def given(self) -> dict[str, int | float | None]:
        return self.model_dump(exclude_unset=True)


class NewKey(Body):
    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=3)] = ("read", "write")
    expires_at: Moment | None = None
    limits: LimitsChange = LimitsChange()


class NewInvitation(Body):
    email: Address | None = None
    role: Role = "member"


class UserChange(Body):
    role: Role | None = None
    disabled: StrictBool | None = None
    limits: LimitsChange | None = None


class AllJobsList(Query):
    status: (
        Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"] | None
    ) = None
    user_id: uuid.UUID | None = None
    cursor: OpaqueCursor | None = None
    limit: PageLimit = PAGE


class UserList(Query):
    cursor: OpaqueCursor | None = None
    limit: PageLimit = PAGE
