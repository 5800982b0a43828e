"""What users have spent: summed over their jobs, those of deleted conversations among them."""

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from common import allowance

DAYS = 30

# A reply that is deleted while it is being said counts with what was reserved for it.
_KEEP = text("""
    INSERT INTO spending (job_id, user_id, key_id, input_tokens, output_tokens, cost)
    SELECT id, user_id, key_id, input,
           CASE WHEN finished_at IS NULL THEN greatest(coalesce(reserved_tokens, 0) - input, 0)
                ELSE coalesce(output_tokens, 0) END,
           CASE WHEN finished_at IS NULL THEN reserved_cost ELSE cost END
    FROM (
        SELECT *, coalesce(input_tokens, CAST("window" ->> 'used' AS integer), 0) AS input
        FROM jobs WHERE conversation_id = :conversation AND started_at IS NOT NULL
    ) AS job
    ON CONFLICT DO NOTHING
""")
_ALL = """
    SELECT id, user_id, coalesce(input_tokens, 0) AS input_tokens,
           coalesce(output_tokens, 0) AS output_tokens, coalesce(cost, 0) AS cost
    FROM jobs WHERE id >= :since {of_user}
    UNION ALL
    SELECT job_id, user_id, input_tokens, output_tokens, coalesce(cost, 0)
    FROM spending WHERE job_id >= :since {of_user}
"""
_SUMS = """
    count(*) {when} AS requests{name}, coalesce(sum(input_tokens) {when}, 0) AS input_tokens{name},
    coalesce(sum(output_tokens) {when}, 0) AS output_tokens{name},
    coalesce(sum(cost) {when}, 0) AS cost{name}
"""
# A UUIDv7 begins with the milliseconds since 1970.
_DAY = """
    CAST(to_timestamp(CAST(CAST('x' || substr(replace(CAST(id AS text), '-', ''), 1, 12)
    AS bit(48)) AS bigint) / 1000.0) AT TIME ZONE 'UTC' AS date)
"""
_BY_DAY = text(f"""
    SELECT {_DAY} AS day, {_SUMS.format(when="", name="")}
    FROM ({_ALL.format(of_user="AND user_id = :user")}) AS job
    GROUP BY day ORDER BY day DESC
""")
_BY_USER = text(f"""
    SELECT users.id, users.email, users.display_name,
           {_SUMS.format(when="FILTER (WHERE job.id >= :day)", name="_today")},
           {_SUMS.format(when="FILTER (WHERE job.id IS NOT NULL)", name="_month")}
    FROM users LEFT JOIN ({_ALL.format(of_user="")}) AS job ON job.user_id = users.id
    GROUP BY users.id ORDER BY cost_month DESC, requests_month DESC, users.id
    LIMIT 1000
""")


@dataclass(frozen=True)
class Spent:
    """Requests, tokens and US dollars (what has no price costs none)."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True)
class UsersSpending:
    """What one user spent today and this month."""

    user_id: uuid.UUID
    email: str
    display_name: str
    today: Spent
    month: Spent


def keep(session: Session, conversation_id: uuid.UUID) -> None:
    """Notes what a conversation's jobs took, before they are deleted with it. They are locked."""
    session.execute(_KEEP, {"conversation": conversation_id})


def by_day(session: Session, user_id: uuid.UUID) -> dict[date, Spent]:
    """What a user spent on each day since the month's first or thirty days ago, the latest first;
    days of nothing are left out."""
    now = datetime.now(UTC)
    since = min(allowance.month_of(now), allowance.day_of(now) - timedelta(days=DAYS - 1))
    values = {"user": user_id, "since": allowance.floor_id(since)}
    return {
        row.day: Spent(row.requests, int(row.input_tokens), int(row.output_tokens), row.cost)
        for row in session.execute(_BY_DAY, values)
    }


def by_user(session: Session) -> list[UsersSpending]:
    """What everybody spent, who spent most this month first; a thousand users at most."""
    now = datetime.now(UTC)
    values = {
        "since": allowance.floor_id(allowance.month_of(now)),
        "day": allowance.floor_id(allowance.day_of(now)),
    }
    return [
        UsersSpending(
            row.id,
            row.email,
            row.display_name,
            *(
                Spent(
                    getattr(row, f"requests_{period}"),
                    int(getattr(row, f"input_tokens_{period}")),
                    int(getattr(row, f"output_tokens_{period}")),
                    getattr(row, f"cost_{period}"),
                )
                for period in ("today", "month")
            ),
        )
        for row in session.execute(_BY_USER, values)
    ]
