"""Sessions, accounts and keys as JSON. Nothing secret is among it."""

import uuid
from collections.abc import Mapping
from typing import Any

from common.allowance import NAMES
from common.models import ApiKey, User, UserSession
from common.shown import moment
from common.spending import Spent


def account(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "email": user.email,
        "display_name": user.display_name,
        "role": user.role,
        "locale": user.locale,
    }


def session(item: UserSession, *, current: uuid.UUID | None) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "created_at": moment(item.created_at),
        "last_seen_at": moment(item.last_seen_at),
        "expires_at": moment(item.expires_at),
        "user_agent": item.user_agent,
        "current": item.id == current,
    }


def key(item: ApiKey) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "name": item.name,
        "prefix": item.prefix,
        "scopes": item.scopes,
        "limits": limits(item.limits),
        "created_at": moment(item.created_at),
        "expires_at": moment(item.expires_at),
        "last_used_at": moment(item.last_used_at),
    }


def limits(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given.get(name) for name in NAMES}


def spent(item: Spent) -> dict[str, Any]:
    return {
        "requests": item.requests,
        "input_tokens": item.input_tokens,
        "output_tokens": item.output_tokens,
        "cost": float(item.cost),
    }
