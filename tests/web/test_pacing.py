"""How soon a reader is told to ask again."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import update

from common.config import TestingConfig
from common.models import Job
from common.workers import Crew
from tests.web.hand import Hand
from tests.web.people import nobody
from web.create_app import create_app
from web.pacing import (
    LONGEST_PAUSE_MS,
    LONGEST_SILENCE_MS,
    MANY_WATCH,
    NO_WORKER_MS,
    OF_LOOP_MS,
    OF_THREADS_MS,
    POLLS_A_SECOND,
    QUEUED_MS,
    QUEUED_POLLS_A_SECOND,
    Watched,
    poll_after_ms,
)
from web.waiting_line import Line

FIRST_WORD_MS = 900


@pytest.mark.parametrize(
    ("status", "pace"), [("in_progress", OF_THREADS_MS), ("queued", QUEUED_MS)]
)
@pytest.mark.parametrize("first_word_in_ms", [0, 5000])
def test_few_who_watch_see_at_once_that_a_reply_begins(
    status: str, pace: int, first_word_in_ms: int
) -> None:
    assert poll_after_ms(status, Watched(1, first_word_in_ms)) == pace
    assert poll_after_ms(status, Watched(MANY_WATCH - 1, first_word_in_ms)) == pace


def test_many_ask_again_when_there_may_be_something_to_read() -> None:
    assert poll_after_ms("in_progress", Watched(MANY_WATCH, 700)) == 700
    assert poll_after_ms("queued", Watched(MANY_WATCH, 700)) == 700
    assert poll_after_ms("in_progress", Watched(MANY_WATCH, 60_000)) == LONGEST_SILENCE_MS
    assert poll_after_ms("in_progress", Watched(MANY_WATCH, 0)) == OF_THREADS_MS


@pytest.mark.parametrize("fastest", [OF_THREADS_MS, OF_LOOP_MS])
@pytest.mark.parametrize(
    ("status", "a_second"),
    [("in_progress", POLLS_A_SECOND), ("queued", QUEUED_POLLS_A_SECOND)],
)
def test_however_many_watch_a_process_answers_the_same_number_a_second(
    status: str, a_second: int, fastest: int
) -> None:
    for jobs in (100, 300, 600):
        after = poll_after_ms(status, Watched(jobs, fastest_ms=fastest))
        assert jobs / after * 1000 == pytest.approx(a_second, rel=0.01)
    assert poll_after_ms(status, Watched(100_000, fastest_ms=fastest)) == LONGEST_PAUSE_MS


@pytest.mark.parametrize("fastest", [OF_THREADS_MS, OF_LOOP_MS])
def test_alone_a_running_job_is_polled_as_often_as_whoever_answers_likes(fastest: int) -> None:
    assert poll_after_ms("in_progress", Watched(1, fastest_ms=fastest)) == fastest
    assert poll_after_ms("queued", Watched(1, fastest_ms=fastest)) == QUEUED_MS


def test_without_a_worker_nobody_needs_to_ask_often() -> None:
    assert poll_after_ms("queued", Watched(), worker_online=False) == NO_WORKER_MS


def test_the_silence_to_expect_is_that_of_the_quickest_lately_less_what_has_passed() -> None:
    line = Line({}, Crew(1, 0, 10), None, first_word_ms=1000)
    begun = datetime.now(UTC) - timedelta(milliseconds=500)

    assert line.silent_for_ms(None) == 800
    assert line.silent_for_ms(begun) == pytest.approx(300, abs=60)
    assert line.silent_for_ms(begun - timedelta(seconds=9)) == 0
    assert Line({}, Crew(1, 0, 10), None).silent_for_ms(None) == 0


def test_a_crowd_is_told_to_come_back_when_the_last_ones_began_to_speak(
    config: TestingConfig, own_hand: Hand
) -> None:
    own_hand.come_online()
    someone = nobody(create_app(config))
    spoken = someone.say(someone.converse()["id"])["job"]["id"]
    own_hand.claim(spoken)
    own_hand.complete(spoken, "sí")
    with own_hand.database.transaction() as session:
        began = timedelta(milliseconds=FIRST_WORD_MS)
        session.execute(update(Job).values(first_token_at=Job.started_at + began))

    someone = nobody(create_app(config))  # one that has not looked at the line yet
    alone = someone.say(someone.converse()["id"])["job"]
    _crowd(someone.app)
    told = someone.say(someone.converse()["id"])["job"]
    own_hand.claim(told["id"])
    silent = someone.poll(told["id"])
    own_hand.write(told["id"], "ya")
    speaking = someone.poll(told["id"])

    assert alone["poll_after_ms"] == QUEUED_MS
    assert told["poll_after_ms"] == 0.8 * FIRST_WORD_MS
    assert OF_THREADS_MS < silent["poll_after_ms"] <= 0.8 * FIRST_WORD_MS
    assert speaking["poll_after_ms"] == OF_THREADS_MS


def test_whoever_has_read_the_end_is_no_longer_counted(
    config: TestingConfig, own_hand: Hand
) -> None:
    someone = nobody(create_app(config))
    watchers = someone.app.extensions["epicode"].watchers
    jobs = [someone.say(someone.converse()["id"])["job"]["id"] for _ in range(3)]
    for job in jobs:
        own_hand.claim(job)
        someone.poll(job)
    own_hand.complete(jobs[0], "sí")

    assert watchers.saw(uuid.UUID(jobs[1]), time.monotonic()) == 3
    assert someone.poll(jobs[0])["status"] == "completed"
    assert watchers.saw(uuid.UUID(jobs[1]), time.monotonic()) == 2


def _crowd(app: OpenAPI) -> None:
    for _ in range(MANY_WATCH):
        app.extensions["epicode"].watchers.saw(uuid.uuid4(), time.monotonic())
