"""The machine, walked: every verb on a job in every status, on real rows."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy.orm import Session

from common import jobs, verbs
from common.jobs import Said
from common.machine import FINISHED, MACHINE, Status, Verb
from tests.common.rows import ALICE, LEASE, claim, job_row, post, put, put_in, reply_row

ERROR = {"code": "upstream_unavailable", "params": {}, "retryable": True}
SAID = Said(text="Una cola es", token_count=3)

Call = Callable[[Session, uuid.UUID, int], Any]

CALLS: dict[Verb, Call] = {
    Verb.CLAIM: lambda session, job, attempt: claim(session, job),
    Verb.RENEW: lambda session, job, attempt: jobs.renew(
        session, [(job, attempt)], lease=2 * LEASE
    ),
    Verb.COMPLETE: lambda session, job, attempt: jobs.complete(session, job, attempt, SAID),
    Verb.FAIL: lambda session, job, attempt: jobs.fail(session, job, attempt, ERROR, SAID),
    Verb.REQUEUE: lambda session, job, attempt: jobs.requeue(
        session, job, attempt, outcome="upstream_unavailable", wait=LEASE, said=SAID
    ),
    Verb.HAND_OVER: lambda session, job, attempt: jobs.hand_over(session, job, attempt, SAID),
    Verb.CANCEL: lambda session, job, attempt: jobs.cancel(session, job, attempt, SAID),
    Verb.EXPIRE: lambda session, job, attempt: jobs.expire(session, job, ERROR),
    # One request of the owner: it takes a waiting job off and asks a running one to stop.
    Verb.ASK_TO_CANCEL: lambda session, job, attempt: jobs.ask_to_cancel(session, job, ALICE),
    Verb.TAKE_OFF: lambda session, job, attempt: jobs.ask_to_cancel_as_operator(session, job),
}
SAME_REQUEST = {Verb.ASK_TO_CANCEL: Verb.TAKE_OFF, Verb.TAKE_OFF: Verb.ASK_TO_CANCEL}
FENCED = [Verb.RENEW, Verb.COMPLETE, Verb.FAIL, Verb.REQUEUE, Verb.HAND_OVER, Verb.CANCEL]


def targets(status: Status, verb: Verb) -> frozenset[Status]:
    """Where the machine says that the call of `verb` leads; empty: nowhere."""
    found = {
        MACHINE[one].source: MACHINE[one].targets for one in (verb, SAME_REQUEST.get(verb)) if one
    }
    return found.get(status, frozenset())


def prepared(session: Session, status: Status, verb: Verb) -> tuple[uuid.UUID, int]:
    """A job in that status, and the attempt that it is in."""
    job_id = post(session).job.id
    put_in(session, job_id, status)
    if verb == Verb.CANCEL:
        put(session, job_id, cancel_requested_at=func.now())
    return job_id, job_row(session, job_id)["attempt"]


def test_every_verb_is_called_by_this_test() -> None:
    assert set(CALLS) == set(Verb) == set(MACHINE)


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("status", Status)
def test_a_verb_leads_where_the_machine_says_and_changes_nothing_elsewhere(
    session: Session, status: Status, verb: Verb
) -> None:
    job_id, attempt = prepared(session, status, verb)
    before = job_row(session, job_id), reply_row(session, job_id)

    answer = CALLS[verb](session, job_id, attempt)

    after = job_row(session, job_id), reply_row(session, job_id)
    if targets(status, verb):
        assert answer
        assert after[0]["status"] in targets(status, verb)
        assert after != before
    else:
        assert not answer
        assert after == before


def test_complete_reaches_both_of_its_targets(session: Session) -> None:
    reached = set()
    for because in (None, "max_output_tokens"):
        job_id, attempt = prepared(session, Status.IN_PROGRESS, Verb.COMPLETE)
        job = jobs.complete(session, job_id, attempt, SAID, incomplete_because=because)
        assert job is not None
        reached.add(job.status)

    assert reached == MACHINE[Verb.COMPLETE].targets


@pytest.mark.parametrize("wrong", [-1, 1])
@pytest.mark.parametrize("verb", FENCED)
def test_another_attempt_than_its_own_changes_nothing(
    session: Session, verb: Verb, wrong: int
) -> None:
    job_id = post(session).job.id
    put_in(session, job_id, Status.IN_PROGRESS, attempt=2)
    if verb == Verb.CANCEL:
        put(session, job_id, cancel_requested_at=func.now())
    before = job_row(session, job_id), reply_row(session, job_id)

    assert not CALLS[verb](session, job_id, 2 + wrong)

    assert (job_row(session, job_id), reply_row(session, job_id)) == before
    assert CALLS[verb](session, job_id, 2)  # with its own it could


@pytest.mark.parametrize("verb", [Verb.REQUEUE, Verb.HAND_OVER, Verb.FAIL])
def test_once_a_cancel_is_asked_the_other_endings_become_cancel(
    session: Session, verb: Verb
) -> None:
    job_id, attempt = prepared(session, Status.IN_PROGRESS, verb)
    jobs.ask_to_cancel(session, job_id, ALICE)

    job = CALLS[verb](session, job_id, attempt)

    assert job.status == Status.CANCELLED
    assert (job.failures, job.error, job.not_before) == (0, None, None)
    assert job.attempts[-1]["outcome"] == "cancelled"
    reply = reply_row(session, job_id)
    assert (reply["status"], reply["content"]) == ("incomplete", SAID.text)


def test_complete_wins_over_a_cancel_that_was_only_asked(session: Session) -> None:
    job_id, attempt = prepared(session, Status.IN_PROGRESS, Verb.COMPLETE)
    jobs.ask_to_cancel(session, job_id, ALICE)

    job = jobs.complete(session, job_id, attempt, SAID)

    assert job is not None
    assert job.status == Status.COMPLETED
    assert jobs.cancel(session, job_id, attempt) is None


def test_a_running_job_whose_cancel_nobody_asked_for_is_not_cancelled(
    session: Session,
) -> None:
    job_id, attempt = prepared(session, Status.IN_PROGRESS, Verb.RENEW)
    before = job_row(session, job_id)

    assert jobs.cancel(session, job_id, attempt, SAID) is None

    assert job_row(session, job_id) == before


def test_the_finished_statuses_are_those_that_no_verb_leaves() -> None:
    assert frozenset(Status) - {rule.source for rule in MACHINE.values()} == FINISHED


def test_a_verb_that_is_led_astray_is_refused() -> None:
    with pytest.raises(ValueError, match="claim does not lead to completed"):
        verbs.moving(Verb.CLAIM, Status.COMPLETED, "true", "attempt = 1")
