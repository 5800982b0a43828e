"""What a poll shows of a job's row."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.orm import Session

from common import jobs
from common.shown import context, moment, short_name, shown_fields
from tests.common.rows import ALICE, claim, post


@pytest.mark.parametrize(
    ("name", "short"),
    [
        (None, None),
        ("worker-2@host", "worker-2"),
        ("worker-2@host#41", "worker-2"),
        ("celery@laptop#41", "laptop"),
        ("celery@laptop", "laptop"),
        ("celery", "celery"),
        ("celery@", "celery"),
    ],
)
def test_a_worker_is_called_what_people_call_it(name: str | None, short: str | None) -> None:
    assert short_name(name) == short


def test_times_are_utc_to_the_millisecond() -> None:
    summer = timezone(timedelta(hours=2))

    assert moment(None) is None
    assert moment(datetime(2026, 11, 22, 14, tzinfo=UTC)) == "2026-11-22T14:00:00.000Z"
    assert moment(datetime(2026, 7, 1, 1, 2, 3, 4999, summer)) == "2026-06-30T23:02:03.004Z"


def test_of_the_window_only_what_people_see_is_shown() -> None:
    shown = {"window": 8, "used": 5, "omitted_turns": 1, "first_sent_message_id": "m"}

    assert context(None) is None
    assert context(shown | {"budget": 7, "message_ids": ["m"]}) == shown


def test_a_job_that_nobody_has_claimed_shows_absent_as_null(session: Session) -> None:
    job = post(session).job

    shown = shown_fields(job)

    assert json.loads(json.dumps(shown)) == shown
    assert (shown["attempt"], shown["attempts"], shown["cancelling"]) == (0, [], False)
    for name in ("worker", "context", "started_at", "first_token_at"):
        assert shown[name] is None


def test_a_job_shows_its_worker_also_when_it_has_ended(session: Session) -> None:
    job_id = post(session).job.id
    running = claim(session, job_id, "worker-2@host")
    assert running is not None
    assert shown_fields(running)["worker"] == "worker-2"

    ended = jobs.complete(session, job_id, 1, jobs.NOTHING_SAID)

    assert ended is not None
    assert shown_fields(ended)["worker"] == "worker-2"
    (attempt,) = shown_fields(ended)["attempts"]
    assert set(attempt) == {"n", "outcome", "ran_ms"}


def test_a_job_is_cancelling_from_the_asking_to_its_end(session: Session) -> None:
    job_id = post(session).job.id
    claim(session, job_id)

    asked = jobs.ask_to_cancel(session, job_id, ALICE)
    assert asked is not None
    assert shown_fields(asked)["cancelling"] is True

    ended = jobs.cancel(session, job_id, 1)
    assert ended is not None
    assert shown_fields(ended)["cancelling"] is False
