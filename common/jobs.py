"""The verbs of a job's state machine: each one guarded UPDATE whose row count is read. A claim, and
ends that come together, take hold of the rows before.

Nothing else writes `jobs.status`. A worker's verb is fenced by the attempt that it claimed: when
another attempt has begun the UPDATE touches no row and the verb answers None, which is no error.
Times are the database's clock, so that processes with wrong clocks agree. `common/verbs.py`
has the statements.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from common import verbs
from common.db import Transaction
from common.machine import Status
from common.models import Job
from common.statement import Row, Statement
from common.verbs import Asking


@dataclass(frozen=True)
class Usage:
    """Tokens of one attempt as the upstream counted them, or as we did; cost in US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal | None = None


@dataclass(frozen=True)
class Said:
    """What an attempt said before it ended: the reply's text, its o200k count, why it stopped.

    `first_token_after` is how long after the claim the model began to speak; None: it never did.
    """

    text: str = ""
    token_count: int = 0
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    first_token_after: timedelta | None = None


@dataclass(frozen=True)
class Spent:
    """What all jobs of a conversation took together; cost in US dollars of those whose price is
    known, None where none is."""

    input_tokens: int
    output_tokens: int
    cost: Decimal | None


NOTHING_SAID = Said()
NOTHING_SPENT = Spent(0, 0, None)


# A job's row as a verb has left it: its columns as attributes.
JobRow = Row
AnyJob = Job | JobRow


def hold_startable(
    session: Transaction, job_ids: Sequence[uuid.UUID], *, wait: bool = False
) -> list[JobRow]:
    """The startable ones of these jobs, held until the transaction ends; without those that
    somebody else holds, unless it is to `wait` for them, which only one job may."""
    statement = verbs.WAIT_FOR_STARTABLE if wait else verbs.HOLD_STARTABLE
    return statement.all(session, {"job_ids": list(job_ids)})


def claim_held(
    session: Transaction,
    windows: Mapping[uuid.UUID, dict[str, Any] | None],
    *,
    owner: str,
    lease: timedelta,
    budget: timedelta,
) -> list[JobRow]:
    """Takes jobs that are held, and startable: attempt + 1, a lease, and what will be sent.

    `budget` sets a job's deadline at its first claim.
    """
    noted = [{"job_id": job_id, "window": window} for job_id, window in windows.items()]
    values = {"windows": _json(noted), "owner": owner, "lease": lease, "budget": budget}
    return verbs.CLAIM.all(session, values)


def claim(
    session: Transaction, job_id: uuid.UUID, *, owner: str, lease: timedelta, budget: timedelta
) -> JobRow | None:
    """Takes one job whose window isn't recorded. None: another has it, or it isn't startable."""
    if not hold_startable(session, [job_id], wait=True):
        return None
    return claim_held(session, {job_id: None}, owner=owner, lease=lease, budget=budget)[0]


@dataclass(frozen=True)
class Renewed:
    """A lease that still holds, and what its renewal learned."""

    job_id: uuid.UUID
    attempt: int
    cancel_requested: bool


def renew(
    session: Transaction, held: Sequence[tuple[uuid.UUID, int]], *, lease: timedelta
) -> list[Renewed]:
    """Renews every (job, attempt) of a process in one UPDATE. Those left out lost their fence."""
    if not held:
        return []
    ids, attempts = zip(*held, strict=True)
    values = {"ids": list(ids), "attempts": list(attempts), "lease": lease}
    return [Renewed(*row) for row in verbs.RENEW.all(session, values)]


def complete(
    session: Transaction,
    job_id: uuid.UUID,
    attempt: int,
    said: Said,
    *,
    incomplete_because: str | None = None,
) -> JobRow | None:
    """Saves the reply and ends the job, completed; or incomplete, with the code that says why.

    Wins over a cancel that was asked but not carried out.
    """
    target = Status.INCOMPLETE if incomplete_because else Status.COMPLETED
    error: dict[str, Any] = {"code": incomplete_because, "params": {}, "retryable": False}
    own = {"outcome": target.value, "error": _json(error) if incomplete_because else None}
    return _end(session, verbs.COMPLETE[target], target.value, said, job_id, attempt, own)


def complete_together(
    session: Transaction, ends: Sequence[tuple[uuid.UUID, int, Said]]
) -> list[JobRow]:
    """`complete` for whole replies by job and attempt, without those that somebody else holds just
    now: what isn't among the rows may be tried alone."""
    said = [
        {
            "job_id": job_id,
            "attempt": attempt,
            "content": said.text,
            "token_count": said.token_count,
            "finish_reason": said.finish_reason,
            "input_tokens": said.usage.input_tokens,
            "output_tokens": said.usage.output_tokens,
            "cached_tokens": said.usage.cached_tokens,
            "reasoning_tokens": said.usage.reasoning_tokens,
            "cost": str(said.usage.cost) if said.usage.cost is not None else None,
            "first_token_after": _seconds(said.first_token_after),
        }
        for job_id, attempt, said in ends
    ]
    values = {"said": _json(said), "outcome": Status.COMPLETED.value}
    ended = verbs.COMPLETE_TOGETHER.all(session, values)
    _release(session, ended)
    return ended


def fail(
    session: Transaction,
    job_id: uuid.UUID,
    attempt: int,
    error: dict[str, Any],
    said: Said = NOTHING_SAID,
    *,
    outcome: str | None = None,
) -> JobRow | None:
    """Ends the job with a coded error, keeping what was said; cancels it if that was asked.

    `outcome` names the attempt's end where it isn't the error's code.
    """
    own = {"outcome": outcome or error["code"], "error": _json(error)}
    job = _end(session, verbs.FAIL, "failed", said, job_id, attempt, own)
    return job or cancel(session, job_id, attempt, said)


def requeue(
    session: Transaction,
    job_id: uuid.UUID,
    attempt: int,
    *,
    outcome: str,
    wait: timedelta,
    said: Said = NOTHING_SAID,
) -> JobRow | None:
    """Puts the job back for another attempt after `wait`, one failure charged.

    `said` is kept only if a cancel was asked, which then ends the job instead.
    """
    values = {"job_id": job_id, "attempt": attempt, "outcome": outcome, "wait": wait}
    job = verbs.REQUEUE.first(session, values)
    return job or cancel(session, job_id, attempt, said)


def hand_over(
    session: Transaction, job_id: uuid.UUID, attempt: int, said: Said = NOTHING_SAID
) -> JobRow | None:
    """Puts the job back at a shutdown: nothing charged, startable at once."""
    values = {"job_id": job_id, "attempt": attempt, "outcome": "handed_over"}
    job = verbs.HAND_OVER.first(session, values)
    return job or cancel(session, job_id, attempt, said)


def cancel(
    session: Transaction, job_id: uuid.UUID, attempt: int, said: Said = NOTHING_SAID
) -> JobRow | None:
    """Ends a job whose cancel was asked; what was said so far stays as an incomplete reply."""
    own = {"outcome": "cancelled"}
    return _end(session, verbs.CANCEL, "incomplete", said, job_id, attempt, own)


def ask_to_cancel(session: Transaction, job_id: uuid.UUID, user_id: uuid.UUID) -> JobRow | None:
    """The owner's cancel: a queued job ends at once, a running one is marked for its worker.

    None: the job had ended, or isn't this user's.
    """
    return _ask_to_cancel(session, verbs.BY_OWNER, {"job_id": job_id, "user_id": user_id})


def ask_to_cancel_as_operator(session: Transaction, job_id: uuid.UUID) -> JobRow | None:
    """The same for whoever runs the machine, in Flower: whoever the job belongs to."""
    return _ask_to_cancel(session, verbs.BY_OPERATOR, {"job_id": job_id})


def expire(session: Transaction, job_id: uuid.UUID, error: dict[str, Any]) -> JobRow | None:
    """Ends a queued job that has waited too long."""
    values = {"job_id": job_id, "error": _json(error)} | _reply("failed", NOTHING_SAID)
    return _released(session, verbs.EXPIRE.first(session, values))


def note_window(
    session: Transaction, job_id: uuid.UUID, attempt: int, window: dict[str, Any]
) -> bool:
    """Records what this attempt sends to the model. False: the fence is lost."""
    values = {"job_id": job_id, "attempt": attempt, "window": _json(window)}
    return verbs.NOTE_WINDOW.first(session, values) is not None


def _ask_to_cancel(session: Transaction, asking: Asking, found: dict[str, Any]) -> JobRow | None:
    # Two verbs, so the row is held: a job requeued between them would escape both.
    asking.hold.all(session, found)
    taken = asking.take_off.first(session, found | _reply("incomplete", NOTHING_SAID))
    return _released(session, taken) or asking.mark.first(session, found)


def _end(
    session: Transaction,
    ending: Statement,
    reply_status: str,
    said: Said,
    job_id: uuid.UUID,
    attempt: int,
    own: dict[str, Any],
) -> JobRow | None:
    usage = said.usage
    values = {
        "job_id": job_id,
        "attempt": attempt,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cost": usage.cost,
        "first_token_after": said.first_token_after,
    }
    values |= own | _reply(reply_status, said)
    return _released(session, ending.first(session, values))


def _reply(status: str, said: Said) -> dict[str, Any]:
    return {
        "reply_status": status,
        "content": said.text,
        "token_count": said.token_count,
        "finish_reason": said.finish_reason,
    }


def _released(session: Transaction, job: JobRow | None) -> JobRow | None:
    if job is not None:
        _release(session, [job])
    return job


def _release(session: Transaction, ended: Sequence[JobRow]) -> None:
    """Whoever waits for these jobs' replies may start."""
    replies = [job.reply_message_id for job in ended if job.reply_message_id is not None]
    if replies:
        verbs.RELEASE.later(session, {"replies": replies})


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span is not None else None


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
