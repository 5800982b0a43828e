"""?wait= and Prefer: wait=: an answer as soon as something is new, at the end, or at once."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask_openapi import OpenAPI
from werkzeug.test import TestResponse

from common.live_log import LiveLog
from tests.web.hand import Hand
from tests.web.people import Person, wait_for
from web.inputs import MAX_WAIT_SECONDS, wait_seconds
from web.services import WAITERS

# Far below what is waited for: who answers sooner did not wait.
SOON = MAX_WAIT_SECONDS / 2


class Waiter:
    """One request in a thread, that should be answered when something happens."""

    def __init__(self, call: Callable[[], TestResponse]) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._began = time.monotonic()
        self._answer: Future[TestResponse] = self._pool.submit(call)

    def is_waiting(self) -> bool:
        return not self._answer.done()

    def answer(self) -> TestResponse:
        answer = self._answer.result(timeout=MAX_WAIT_SECONDS + 10)
        assert time.monotonic() - self._began < SOON, "it waited to the end"
        return answer


@pytest.fixture
def seats(house: OpenAPI) -> threading.BoundedSemaphore:
    """The places of those who wait, all of them free before and after."""
    seats: threading.BoundedSemaphore = house.extensions["epicode"].waiters
    assert seats._value == WAITERS
    return seats


def _somebody_sits(seats: threading.BoundedSemaphore) -> bool:
    return seats._value < WAITERS


def test_a_waiting_poll_is_answered_when_there_is_new_text(
    alice: Person, hand: Hand, seats: threading.BoundedSemaphore
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "uno")
    cursor = alice.poll(job)["cursor"]
    waiter = Waiter(lambda: alice.get(f"/api/jobs/{job}?cursor={cursor}&wait=20"))
    wait_for("somebody waiting", lambda: _somebody_sits(seats))
    assert waiter.is_waiting()

    hand.write(job, " dos")

    assert waiter.answer().get_json()["text"] == " dos"
    assert not _somebody_sits(seats)


def test_a_waiting_poll_is_answered_when_the_job_begins_and_when_it_ends(
    alice: Person, hand: Hand, seats: threading.BoundedSemaphore
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    happenings: list[tuple[Callable[[], object], str]] = [
        (lambda: hand.claim(job), "in_progress"),
        (lambda: hand.requeue(job, wait=timedelta(0)), "queued"),
        (lambda: hand.claim(job), "in_progress"),
        (lambda: hand.complete(job, "ya", attempt=2), "completed"),
    ]
    for happen, status in happenings:
        cursor = alice.poll(job)["cursor"]
        url = f"/api/jobs/{job}?cursor={cursor}"
        waiter = Waiter(lambda url=url: alice.get(url, headers={"Prefer": "wait=20"}))
        wait_for("somebody waiting", lambda: _somebody_sits(seats))

        happen()

        assert waiter.answer().get_json()["status"] == status


def test_a_poll_of_what_has_ended_never_waits(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.answer(job)
    cursor = alice.poll(job)["cursor"]

    answer = Waiter(lambda: alice.get(f"/api/jobs/{job}?cursor={cursor}&wait=20")).answer()

    assert answer.get_json()["status"] == "completed"


def test_a_waiting_poll_answers_that_nobody_comes(alice: Person) -> None:
    job = alice.say(alice.converse()["id"])["job"]
    alice.app.extensions["epicode"].line._line = None
    cursor = alice.poll(job["id"])["cursor"]

    answer = Waiter(lambda: alice.get(f"/api/jobs/{job['id']}?cursor={cursor}&wait=20")).answer()

    assert "celery" in answer.get_json()["queue"]["notice"]


def test_what_is_new_already_is_answered_at_once(
    alice: Person, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    queued = alice.poll(job)["cursor"]
    hand.claim(job)
    reads = _count_reads(alice, monkeypatch)

    begun = Waiter(lambda: alice.get(f"/api/jobs/{job}?cursor={queued}&wait=20")).answer()
    assert begun.get_json()["status"] == "in_progress"
    hand.write(job, "texto")
    spoken = Waiter(lambda: alice.get(f"/api/jobs/{job}?cursor={queued}&wait=20")).answer()

    assert spoken.get_json()["text"] == "texto"
    assert len(reads) == 2


def test_a_poll_that_waits_in_vain_answers_what_it_has(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]
    hand.let_wait(job["id"])
    alice.app.extensions["epicode"].line._line = None  # or its place would be news
    began = time.monotonic()

    answer = alice.get(f"/api/jobs/{job['id']}?cursor={job['cursor']}&wait=1")

    assert time.monotonic() - began >= 1
    assert answer.get_json()["status"] == "queued"


def test_above_the_cap_of_waiters_everybody_is_answered_at_once(
    alice: Person, seats: threading.BoundedSemaphore
) -> None:
    job = alice.say(alice.converse()["id"])["job"]
    taken = [seats.acquire(blocking=False) for _ in range(WAITERS)]
    try:
        assert all(taken)
        poll = Waiter(lambda: alice.get(f"/api/jobs/{job['id']}?cursor={job['cursor']}&wait=20"))
        question = Waiter(
            lambda: alice.post("/api/ask", json={"content": "x"}, headers={"Prefer": "wait=20"})
        )

        assert poll.answer().get_json()["status"] == "queued"
        assert question.answer().status_code == 202
    finally:
        seats.release(WAITERS)


def test_a_waiting_poll_of_a_job_that_is_deleted_ends_as_a_404(
    alice: Person, hand: Hand, seats: threading.BoundedSemaphore
) -> None:
    job = alice.say(alice.converse()["id"])["job"]
    url = f"/api/jobs/{job['id']}?cursor={job['cursor']}&wait=20"
    waiter = Waiter(lambda: alice.get(url))
    wait_for("somebody waiting", lambda: _somebody_sits(seats))

    alice.delete(f"/api/conversations/{job['conversation_id']}")

    assert waiter.answer().status_code == 404
    assert not _somebody_sits(seats)


def test_a_waiting_reader_holds_no_connection_of_the_database(
    house: OpenAPI, alice: Person, hand: Hand, seats: threading.BoundedSemaphore
) -> None:
    from web.database import db

    job = alice.say(alice.converse()["id"])["job"]
    with house.app_context():
        pool = db.engine.pool
    hand.claim(job["id"])
    cursor = alice.poll(job["id"])["cursor"]
    waiter = Waiter(lambda: alice.get(f"/api/jobs/{job['id']}?cursor={cursor}&wait=20"))
    wait_for("somebody waiting", lambda: _somebody_sits(seats))

    wait_for("the connection's return", lambda: pool.checkedout() == 0)  # type: ignore[attr-defined]

    hand.complete(job["id"], "ya")
    waiter.answer()


def test_a_question_with_a_wait_gets_its_finished_answer(
    alice: Person, hand: Hand, seats: threading.BoundedSemaphore
) -> None:
    question, key = {"content": "¿2+2?"}, {"Idempotency-Key": "sum", "Prefer": "wait=20"}
    waiter = Waiter(lambda: alice.post("/api/ask", json=question, headers=key))
    wait_for("somebody waiting", lambda: _somebody_sits(seats))
    job = alice.get("/api/jobs?active=1").get_json()["data"][0]["id"]
    hand.claim(job)
    hand.write(job, "cua")
    hand.complete(job, "cuatro")

    answer = waiter.answer()

    body = answer.get_json()
    assert (answer.status_code, body["status"], body["text"]) == (200, "completed", "cuatro")
    again = alice.post("/api/ask", json=question, headers=key)
    assert (again.status_code, again.get_json()["id"]) == (200, body["id"])


def test_a_question_whose_wait_was_too_short_is_a_202(alice: Person) -> None:
    answer = alice.post("/api/ask?wait=1", json={"content": "x"})

    assert (answer.status_code, answer.get_json()["status"]) == (202, "queued")


def test_a_question_without_a_wait_is_a_202_though_it_has_ended(alice: Person, hand: Hand) -> None:
    key = {"Idempotency-Key": "no wait"}
    job = alice.post("/api/ask", json={"content": "x"}, headers=key).get_json()["id"]
    hand.answer(job)

    assert alice.post("/api/ask", json={"content": "x"}, headers=key).status_code == 202


@pytest.mark.parametrize(
    ("query", "preference", "seconds"),
    [
        (None, None, 0),
        (None, "wait=5", 5),
        (None, "respond-async, wait=5", 5),
        (None, "wait=5; foo", 5),
        (None, 'WAIT = "5"', 5),
        (None, "wait=20", 20),
        (None, "wait=21", 20),
        (None, "wait=999999", 20),
        (None, "await=5", 0),
        (None, "wait=5s", 0),
        (3, "wait=5", 3),
        (0, "wait=5", 0),
        (10**30, None, 20),
    ],
)
def test_a_wait_is_what_the_client_asks_but_never_more_than_twenty_seconds(
    house: OpenAPI, query: int | None, preference: str | None, seconds: int
) -> None:
    headers = {} if preference is None else {"Prefer": preference}
    with house.test_request_context("/", headers=headers):
        assert wait_seconds(query) == seconds


def _count_reads(someone: Person, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every reading of the live log by the web, from now on."""
    reads: list[object] = []
    read = LiveLog.read

    def counted(self: LiveLog, *arguments: object) -> object:
        reads.append(arguments)
        return read(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(LiveLog, "read", counted)
    return reads
