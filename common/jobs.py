"""The verbs of a job's state machine: each one guarded UPDATE whose row count is read.

Nothing else writes `jobs.status`. A worker's verb is fenced by the attempt that it claimed: when
another attempt has begun the UPDATE touches no row and the verb answers None, which is no error.
Times are the database's clock, so that processes with wrong clocks agree.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, TextClause, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from common.machine import MACHINE, STARTABLE, Status, Verb
from common.models import Job, Message


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
    request_id: str | None = None
    first_token_after: timedelta | None = None


NOTHING_SAID = Said()


def claim(
    session: Session, job_id: uuid.UUID, *, owner: str, lease: timedelta, budget: timedelta
) -> Job | None:
    """Takes a startable job: attempt + 1 and a lease. None: another has it, or it isn't startable.

    `budget` sets the job's deadline at its first claim.
    """
    now = func.now()
    return _guarded(
        session,
        Verb.CLAIM,
        Status.IN_PROGRESS,
        [Job.id == job_id, text(STARTABLE)],
        attempt=Job.attempt + 1,
        lease_owner=owner,
        lease_expires_at=now + lease,
        deadline_at=func.coalesce(Job.deadline_at, now + budget),
        rung_at=None,
        not_before=None,
        started_at=now,
        first_token_at=None,
        window=None,
    )


@dataclass(frozen=True)
class Renewed:
    """A lease that still holds, and what its renewal learned."""

    job_id: uuid.UUID
    attempt: int
    cancel_requested: bool


def renew(
    session: Session, held: Sequence[tuple[uuid.UUID, int]], *, lease: timedelta
) -> list[Renewed]:
    """Renews every (job, attempt) of a process in one UPDATE. Those left out lost their fence."""
    if not held:
        return []
    rule = MACHINE[Verb.RENEW]
    rows = session.execute(
        update(Job)
        .where(tuple_(Job.id, Job.attempt).in_(held), Job.status == rule.source)
        .values(lease_expires_at=func.now() + lease)
        .returning(Job.id, Job.attempt, Job.cancel_requested_at)
    )
    return [Renewed(row.id, row.attempt, row.cancel_requested_at is not None) for row in rows]


def complete(
    session: Session,
    job_id: uuid.UUID,
    attempt: int,
    said: Said,
    *,
    incomplete_because: str | None = None,
) -> Job | None:
    """Saves the reply and ends the job, completed; or incomplete, with the code that says why.

    Wins over a cancel that was asked but not carried out.
    """
    target = Status.INCOMPLETE if incomplete_because else Status.COMPLETED
    error: dict[str, Any] = {"code": incomplete_because, "params": {}, "retryable": False}
    job = _guarded(
        session,
        Verb.COMPLETE,
        target,
        _fence(job_id, attempt),
        attempts=_with_outcome(target.value),
        error=error if incomplete_because else None,
        **_ended(said),
    )
    return _save_reply(session, job, target.value, said)


def fail(
    session: Session,
    job_id: uuid.UUID,
    attempt: int,
    error: dict[str, Any],
    said: Said = NOTHING_SAID,
    *,
    outcome: str | None = None,
) -> Job | None:
    """Ends the job with a coded error, keeping what was said; cancels it if that was asked.

    `outcome` names the attempt's end where it isn't the error's code.
    """
    job = _guarded(
        session,
        Verb.FAIL,
        Status.FAILED,
        [*_fence(job_id, attempt), Job.cancel_requested_at.is_(None)],
        attempts=_with_outcome(outcome or error["code"]),
        error=error,
        failures=Job.failures + 1,
        **_ended(said),
    )
    if job is None:
        return cancel(session, job_id, attempt, said)
    return _save_reply(session, job, "failed", said)


def requeue(
    session: Session,
    job_id: uuid.UUID,
    attempt: int,
    *,
    outcome: str,
    wait: timedelta,
    said: Said = NOTHING_SAID,
) -> Job | None:
    """Puts the job back for another attempt after `wait`, one failure charged.

    `said` is kept only if a cancel was asked, which then ends the job instead.
    """
    job = _guarded(
        session,
        Verb.REQUEUE,
        Status.QUEUED,
        [*_fence(job_id, attempt), Job.cancel_requested_at.is_(None)],
        attempts=_with_outcome(outcome),
        failures=Job.failures + 1,
        not_before=func.now() + wait,
        **_UNHELD,
    )
    return job or cancel(session, job_id, attempt, said)


def hand_over(
    session: Session, job_id: uuid.UUID, attempt: int, said: Said = NOTHING_SAID
) -> Job | None:
    """Puts the job back at a shutdown: nothing charged, startable at once."""
    job = _guarded(
        session,
        Verb.HAND_OVER,
        Status.QUEUED,
        [*_fence(job_id, attempt), Job.cancel_requested_at.is_(None)],
        attempts=_with_outcome("handed_over"),
        **_UNHELD,
    )
    return job or cancel(session, job_id, attempt, said)


def cancel(
    session: Session, job_id: uuid.UUID, attempt: int, said: Said = NOTHING_SAID
) -> Job | None:
    """Ends a job whose cancel was asked; what was said so far stays as an incomplete reply."""
    job = _guarded(
        session,
        Verb.CANCEL,
        Status.CANCELLED,
        [*_fence(job_id, attempt), Job.cancel_requested_at.is_not(None)],
        attempts=_with_outcome("cancelled"),
        **_ended(said),
    )
    return _save_reply(session, job, "incomplete", said)


def ask_to_cancel(session: Session, job_id: uuid.UUID, user_id: uuid.UUID) -> Job | None:
    """The owner's cancel: a queued job ends at once, a running one is marked for its worker.

    None: the job had ended, or isn't this user's.
    """
    return _ask_to_cancel(session, [Job.id == job_id, Job.user_id == user_id])


def ask_to_cancel_as_operator(session: Session, job_id: uuid.UUID) -> Job | None:
    """The same for whoever runs the machine, in Flower: whoever the job belongs to."""
    return _ask_to_cancel(session, [Job.id == job_id])


def expire(session: Session, job_id: uuid.UUID, error: dict[str, Any]) -> Job | None:
    """Ends a queued job that has waited too long."""
    job = _guarded(
        session,
        Verb.EXPIRE,
        Status.FAILED,
        [Job.id == job_id],
        error=error,
        finished_at=func.now(),
        rung_at=None,
        not_before=None,
        waits_for=None,
    )
    return _save_reply(session, job, "failed", NOTHING_SAID)


def note_window(session: Session, job_id: uuid.UUID, attempt: int, window: dict[str, Any]) -> bool:
    """Records what this attempt sends to the model. False: the fence is lost."""
    noted = session.execute(
        update(Job)
        .where(*_fence(job_id, attempt), Job.status == Status.IN_PROGRESS)
        .values(window=window)
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    return noted.first() is not None


def _ask_to_cancel(session: Session, found: Sequence[ColumnElement[bool]]) -> Job | None:
    # Two verbs, so the row is held: a job requeued between them would escape both.
    session.execute(select(Job.id).where(*found).with_for_update())
    job = _guarded(
        session,
        Verb.TAKE_OFF,
        Status.CANCELLED,
        found,
        cancel_requested_at=func.now(),
        finished_at=func.now(),
        rung_at=None,
        not_before=None,
        waits_for=None,
    )
    if job is not None:
        return _save_reply(session, job, "incomplete", NOTHING_SAID)
    return _guarded(
        session,
        Verb.ASK_TO_CANCEL,
        Status.IN_PROGRESS,
        found,
        cancel_requested_at=func.coalesce(Job.cancel_requested_at, func.now()),
    )


_UNHELD: dict[str, Any] = {"lease_owner": None, "lease_expires_at": None, "rung_at": None}


def _fence(job_id: uuid.UUID, attempt: int) -> list[ColumnElement[bool]]:
    return [Job.id == job_id, Job.attempt == attempt]


def _ended(said: Said) -> dict[str, Any]:
    return _UNHELD | {
        "finished_at": func.now(),
        "input_tokens": said.usage.input_tokens,
        "output_tokens": said.usage.output_tokens,
        "cached_tokens": said.usage.cached_tokens,
        "reasoning_tokens": said.usage.reasoning_tokens,
        "cost": said.usage.cost,
        "request_id": said.request_id,
        "first_token_at": None
        if said.first_token_after is None
        else Job.started_at + said.first_token_after,
    }


def _with_outcome(outcome: str) -> ColumnElement[Any]:
    ran = func.extract("epoch", func.clock_timestamp() - Job.started_at) * 1000
    entry = func.jsonb_build_object(
        "n", Job.attempt, "outcome", outcome, "ran_ms", func.round(ran), "worker", Job.lease_owner
    )
    return Job.attempts.op("||")(func.jsonb_build_array(entry, type_=JSONB))


def _guarded(
    session: Session,
    verb: Verb,
    target: Status,
    conditions: Sequence[ColumnElement[bool] | TextClause],
    **values: Any,
) -> Job | None:
    """The one UPDATE of a state: None when no row is in the verb's source and meets the guard."""
    rule = MACHINE[verb]
    if target not in rule.targets:
        raise ValueError(f"{verb} does not lead to {target}")
    return session.scalars(
        update(Job)
        .where(Job.status == rule.source, *conditions)
        .values(status=target, **values)
        .returning(Job)
        .execution_options(populate_existing=True, synchronize_session=False)
    ).one_or_none()


def _save_reply(session: Session, job: Job | None, status: str, said: Said) -> Job | None:
    if job is not None:
        session.execute(
            update(Message)
            .where(Message.id == job.reply_message_id)
            .values(
                status=status,
                content=said.text,
                token_count=said.token_count,
                finish_reason=said.finish_reason,
            )
            .execution_options(synchronize_session=False)
        )
        # A statement of its own: whose post held the reply's row until now, only this one sees.
        session.execute(
            update(Job)
            .where(Job.waits_for == job.reply_message_id)
            .values(waits_for=None)
            .execution_options(synchronize_session=False)
        )
    return job
