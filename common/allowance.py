"""What a user or a key may do and spend, checked when a turn is posted.

Until a job ends it counts with what was reserved for it; from then on with what it took, however
it ended. So many posts at once can't all pass under one limit, and the last reply may overshoot
it by itself alone. Days and months are those of UTC.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from common.catalogue import Limits
from common.errors import EpiCodeError
from common.jobs import Usage

NAMES = (
    "posts_minute",
    "active_jobs",
    "waiting_jobs",
    "tokens_day",
    "tokens_month",
    "cost_day",
    "cost_month",
)
# What only a job's end gives back comes back at some time soon.
SOON_SECONDS = 30
_UNFINISHED = timedelta(days=2)  # longer than any job may wait and run
_SPENT_CODES = {"tokens": "tokens_spent", "cost": "money_spent"}


@dataclass(frozen=True)
class Allowance:
    """The limits of one post: its user's and, if a key posted it, the key's; absent: none."""

    of_user: Mapping[str, Any] = field(default_factory=dict)
    of_key: Mapping[str, Any] = field(default_factory=dict)
    key_id: uuid.UUID | None = None

    @property
    def needs_counting(self) -> bool:
        """Whether anything but the waiting is limited, which is counted anyway."""
        return bool((set(self.of_user) - {"waiting_jobs"}) or self.of_key)


@dataclass(frozen=True)
class Reservation:
    """What a job counts with until it has ended: its turn and the longest answer."""

    tokens: int | None = None
    cost: Decimal | None = None


NOTHING_RESERVED = Reservation()


def reservation(limits: Limits, params: dict[str, Any], tokens: int) -> Reservation:
    """For a turn that sends at least `tokens` to this model."""
    answer = limits.answer_reserve(params)
    return Reservation(tokens + answer, limits.cost(Usage(tokens, answer)))


def floor_id(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7 of that moment: jobs posted since have greater ids (RFC 9562)."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def moment_of(job_id: uuid.UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((job_id.int >> 80) / 1000, UTC)


def day_of(now: datetime) -> datetime:
    """The day's first moment."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def month_of(now: datetime) -> datetime:
    """The month's first moment."""
    return day_of(now).replace(day=1)


def marks(now: datetime) -> dict[str, uuid.UUID]:
    """Where the periods begin among the ids of jobs."""
    return {
        "minute": floor_id(now - timedelta(minutes=1)),
        "day": floor_id(day_of(now)),
        "month": floor_id(month_of(now)),
        "since": floor_id(min(month_of(now), now - _UNFINISHED)),
    }


def _columns(of: str, counts: str) -> str:
    """Sums of whatever `counts`: posts of the last minute, what is under way, what was spent."""
    sums = [
        f"count(*) FILTER (WHERE {counts} AND id >= :minute AND is_post) AS {of}_posts",
        f"min(id::text) FILTER (WHERE {counts} AND id >= :minute AND is_post) AS {of}_first_post",
        f"count(*) FILTER (WHERE {counts} AND is_post AND NOT has_ended) AS {of}_active",
        f"count(*) FILTER (WHERE {counts} AND waits) AS {of}_waiting",
    ]
    for period in ("day", "month"):
        for what in ("tokens", "cost"):
            counted = f"coalesce(sum({what}) FILTER (WHERE {counts} AND id >= :{period}"
            sums.append(f"{counted}), 0) AS {of}_{what}_{period}")
            sums.append(f"{counted} AND has_ended), 0) AS {of}_{what}_{period}_settled")
    return ", ".join(sums)


# Read as one JSON value within the statement that decides whether a turn is accepted.
SPENT = f"""
    SELECT {_columns("user", "true")}, {_columns("key", "key_id = :api_key")}
    FROM (
        SELECT id, key_id, kind <> 'title' AS is_post, finished_at IS NOT NULL AS has_ended,
               status = 'queued' AS waits,
               CASE WHEN finished_at IS NULL THEN coalesce(reserved_tokens, 0)
                    ELSE coalesce(input_tokens, 0) + coalesce(output_tokens, 0) END AS tokens,
               CASE WHEN finished_at IS NULL THEN reserved_cost ELSE cost END AS cost
        FROM jobs WHERE user_id = :user AND id >= :since
        UNION ALL
        SELECT job_id, key_id, true, true, false, input_tokens + output_tokens, cost
        FROM spending WHERE user_id = :user AND job_id >= :since
    ) AS job
"""


def check(allowance: Allowance, spent: Mapping[str, Any], now: datetime) -> None:
    """Raises `too_many_posts`, `too_many_active`, `too_many_waiting`, `tokens_spent` or
    `money_spent`, with the limit and when to try again."""
    for of, limits in (("user", allowance.of_user), ("key", allowance.of_key)):
        _check_number(limits, {name: spent[f"{of}_{name}"] for name in _COUNTED}, now)
        for period, ends in (("day", _next_day(now)), ("month", _next_month(now))):
            for what, code in _SPENT_CODES.items():
                limit = limits.get(f"{what}_{period}")
                if limit is None or spent[f"{of}_{what}_{period}"] < limit:
                    continue
                is_settled = spent[f"{of}_{what}_{period}_settled"] >= limit
                wait = (ends - now).total_seconds() if is_settled else SOON_SECONDS
                raise EpiCodeError(code, retry_after=wait, limit=limit, period=period)


_COUNTED = ("posts", "first_post", "active", "waiting")


def _check_number(limits: Mapping[str, Any], counted: dict[str, Any], now: datetime) -> None:
    posts, active, waiting = (
        limits.get(name) for name in ("posts_minute", "active_jobs", "waiting_jobs")
    )
    if posts is not None and counted["posts"] >= posts:
        wait = 60.0
        if counted["first_post"] and posts:
            first = moment_of(uuid.UUID(counted["first_post"]))
            wait = max(1.0, 60 - (now - first).total_seconds())
        raise EpiCodeError("too_many_posts", retry_after=wait, limit=posts)
    if active is not None and counted["active"] >= active:
        raise EpiCodeError("too_many_active", retry_after=SOON_SECONDS, limit=active)
    if waiting is not None and counted["waiting"] >= waiting:
        raise EpiCodeError("too_many_waiting", retry_after=SOON_SECONDS, limit=waiting)


def _next_day(now: datetime) -> datetime:
    return day_of(now) + timedelta(days=1)


def _next_month(now: datetime) -> datetime:
    return month_of(month_of(now) + timedelta(days=32))
