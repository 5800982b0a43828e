"""Jobs as the database has them: their poll, the list, cancellation, and the question alone."""

from datetime import timedelta

import pytest
from flask_openapi import OpenAPI

from common import catalogue
from tests.web.hand import Hand
from tests.web.people import Person, person, refused


def test_a_waiting_job_has_nothing_but_its_place(alice: Person) -> None:
    job = alice.say(alice.converse()["id"])["job"]

    assert job["status"] == "queued"
    assert (job["text"], job["reset"], job["attempts"], job["worker"]) == ("", False, [], None)
    assert job["queue"]["reason"] == "worker"
    assert job["queue"]["workers"] == {"online": 0, "busy": 0}
    assert job["started_at"] is job["finished_at"] is job["usage"] is job["error"] is None


def test_a_job_that_nobody_comes_for_says_so_after_two_seconds_naming_the_command(
    alice: Person, hand: Hand
) -> None:
    job = alice.say(alice.converse()["id"])["job"]
    assert job["queue"]["notice"] is None

    hand.let_wait(job["id"])

    assert "celery -A worker.app worker" in alice.poll(job["id"])["queue"]["notice"]


def test_a_waiting_job_knows_its_place_and_has_no_notice_while_a_worker_is_online(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")
    own_hand.come_online(slots=10, busy=10)
    jobs = [alice.say(alice.converse()["id"])["job"]["id"] for _ in range(2)]
    for job in jobs:
        own_hand.let_wait(job)
    app.extensions["epicode"].line._line = None  # the snapshot may be a second old

    polls = [alice.poll(job)["queue"] for job in jobs]

    assert [poll["position"] for poll in polls] == [1, 2]
    assert [poll["notice"] for poll in polls] == [None, None]
    assert [poll["workers"] for poll in polls] == [{"online": 1, "busy": 1}] * 2


def test_a_job_whose_model_was_told_to_slow_down_says_when_it_may_start(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")
    job = alice.say(alice.converse()["id"], model="gpt-slow")["job"]["id"]
    with own_hand.database.transaction() as session:
        catalogue.pause(session, "gpt-slow", timedelta(seconds=100))

    queue = alice.poll(job)["queue"]

    assert queue["reason"] == "retry"
    assert 90_000 < queue["eta_ms"] <= 100_000


def test_a_turn_behind_a_pending_reply_waits_for_it(alice: Person, hand: Hand) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation)["job"]["id"]

    second = alice.say(conversation)["job"]

    assert second["queue"]["reason"] == "previous_reply"
    hand.answer(first)
    assert alice.poll(second["id"])["queue"]["reason"] == "worker"


def test_a_job_between_two_attempts_waits_for_its_retry(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "se perdió")
    shown = alice.poll(job)

    hand.requeue(job, wait=timedelta(minutes=1))

    poll = alice.poll(job, shown["cursor"])
    assert (poll["status"], poll["queue"]["reason"]) == ("queued", "retry")
    assert (poll["text"], poll["reset"], poll["attempt"]) == ("", False, 1)
    assert poll["attempts"] == [
        {"n": 1, "outcome": "upstream_unavailable", "ran_ms": poll["attempts"][0]["ran_ms"]}
    ]


def test_a_finished_job_has_its_text_usage_and_times(alice: Person, hand: Hand) -> None:
    conversation = alice.converse(model="gpt-4o-mini-2024-07-18")["id"]
    job = alice.say(conversation)["job"]["id"]
    hand.answer(job, "¡hola, 👩‍💻!")

    poll = alice.poll(job)

    assert (poll["status"], poll["text"], poll["reset"]) == ("completed", "¡hola, 👩‍💻!", False)
    assert poll["usage"] == {"input_tokens": 20, "output_tokens": 10, "cost": None}
    assert poll["worker"] == "worker-1"
    assert poll["attempts"][0]["outcome"] == "completed"
    assert poll["created_at"] <= poll["started_at"] <= poll["finished_at"]
    assert poll["queue"] is None
    assert alice.texts(conversation) == ["hola", "¡hola, 👩‍💻!"]


def test_a_finished_job_is_read_on_from_the_cursor(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "señor")
    cursor = alice.poll(job)["cursor"]

    hand.complete(job, "señora")

    end = alice.poll(job, cursor)
    assert (end["text"], end["reset"]) == ("a", False)
    assert alice.poll(job, end["cursor"])["text"] == ""
    assert alice.poll(job)["text"] == "señora"


def test_a_failed_job_is_a_200_with_a_coded_error_in_the_readers_language(
    alice: Person, hand: Hand
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.fail(job, "worker_lost", failures=3, retryable=True)

    spanish = alice.poll(job)
    english = alice.get(f"/api/jobs/{job}", lang="en").get_json()

    assert spanish["status"] == "failed"
    assert spanish["error"]["code"] == english["error"]["code"] == "worker_lost"
    assert spanish["error"]["detail"] != english["error"]["detail"]
    assert "3" in english["error"]["detail"]


def test_the_list_of_jobs_is_newest_first_and_can_be_narrowed(alice: Person, hand: Hand) -> None:
    one, two = alice.converse()["id"], alice.converse()["id"]
    done = alice.say(one)["job"]["id"]
    hand.answer(done)
    waiting = alice.say(one)["job"]["id"]
    elsewhere = alice.say(two)["job"]["id"]

    def listed(**query: str) -> list[str]:
        body = alice.get("/api/jobs", query_string=query).get_json()
        return [job["id"] for job in body["data"]]

    assert listed() == [elsewhere, waiting, done]
    assert listed(active="1") == [elsewhere, waiting]
    assert listed(status="completed") == [done]
    assert listed(conversation_id=one) == [waiting, done]
    assert listed(conversation_id=one, active="1") == [waiting]
    assert listed(status="failed") == []


def test_the_list_of_jobs_is_read_page_by_page(alice: Person) -> None:
    conversation = alice.converse()["id"]
    made = [alice.say(conversation)["job"]["id"] for _ in range(5)]

    found, cursor = [], None
    while cursor or not found:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = alice.get("/api/jobs", query_string=query).get_json()
        found += [job["id"] for job in page["data"]]
        cursor = page["next"]

    assert found == made[::-1]


def test_a_listed_job_has_no_text_and_a_cursor_that_gets_all_of_it(
    alice: Person, hand: Hand
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.answer(job, "entero")

    listed = alice.get("/api/jobs").get_json()["data"][0]

    assert listed["text"] == ""
    read = alice.poll(job, listed["cursor"])
    assert (read["text"], read["reset"]) == ("entero", False)


def test_the_active_list_answers_304_until_something_changes(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    first = alice.get("/api/jobs?active=1")
    etag = {"If-None-Match": first.headers["ETag"]}

    again = alice.get("/api/jobs?active=1", headers=etag)
    hand.claim(job)
    changed = alice.get("/api/jobs?active=1", headers=etag)

    assert (again.status_code, again.data) == (304, b"")
    assert changed.status_code == 200


def test_cancelling_a_waiting_job_ends_it_at_once_and_twice_is_the_same(alice: Person) -> None:
    conversation = alice.converse()["id"]
    job = alice.say(conversation)["job"]["id"]

    first = alice.post(f"/api/jobs/{job}/cancellation").get_json()
    second = alice.post(f"/api/jobs/{job}/cancellation").get_json()

    assert (first["status"], first["text"], first["cancelling"]) == ("cancelled", "", False)
    assert first["finished_at"] is not None
    assert first == second
    reply = alice.branch(conversation)["data"][-1]
    assert (reply["status"], reply["content"]) == ("incomplete", "")


def test_cancelling_a_finished_job_leaves_it_as_it_is(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.answer(job, "entero")

    cancelled = alice.post(f"/api/jobs/{job}/cancellation").get_json()

    assert (cancelled["status"], cancelled["text"]) == ("completed", "entero")


def test_cancelling_a_running_job_shows_cancelling_until_its_worker_ends_it(
    alice: Person, hand: Hand
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "a medias")

    asked = alice.post(f"/api/jobs/{job}/cancellation").get_json()

    assert (asked["status"], asked["cancelling"]) == ("in_progress", True)
    assert asked["text"] == "a medias"
    assert alice.poll(job)["cancelling"] is True
    listed = alice.get("/api/jobs?active=1").get_json()["data"][0]
    assert listed["cancelling"] is True


def test_cancelling_releases_the_turn_behind(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation)["job"]["id"]
    second = alice.say(conversation)["job"]
    assert second["queue"]["reason"] == "previous_reply"

    alice.post(f"/api/jobs/{first}/cancellation")

    assert alice.poll(second["id"])["queue"]["reason"] == "worker"


def test_a_question_alone_is_a_job_without_a_conversation_in_the_list(
    alice: Person, hand: Hand
) -> None:
    question = {
        "content": "¿cuánto es 2+2?",
        "model": "o4-mini",
        "system_prompt": "Solo el número.",
        "params": {"reasoning_effort": "low"},
    }

    answer = alice.post("/api/ask", json=question)

    job = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{job['id']}"
    assert (job["kind"], job["status"], job["model"]) == ("ask", "queued", "o4-mini")
    assert alice.get("/api/conversations").get_json()["data"] == []
    said = alice.branch(job["conversation_id"])["data"]
    assert [item["content"] for item in said] == ["Solo el número.", "¿cuánto es 2+2?", ""]
    hand.answer(job["id"], "4")
    assert alice.poll(job["id"])["text"] == "4"


def test_a_question_that_is_refused_leaves_nothing_behind(app: OpenAPI, own_hand: Hand) -> None:
    alice = person(app, "Alice")
    own_hand.list_models(gpt_here={})

    refused(
        alice.post("/api/ask", json={"content": "x", "model": "nope"}), 422, "model_unavailable"
    )

    with own_hand.database.transaction() as session:
        from common.models import Conversation

        assert session.query(Conversation).count() == 0


def test_the_models_are_those_of_the_catalogue_until_a_list_was_had(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")

    before = alice.get("/api/models").get_json()["data"]
    own_hand.list_models(gpt_test={"context_window": 9000}, o4_mini={})
    after = alice.get("/api/models").get_json()["data"]

    assert [model["id"] for model in before] == [
        "chatgpt-4o-latest",
        "o4-mini",
        "gpt-4o-mini-2024-07-18",
    ]
    assert {model["available"] for model in before} == {True}
    assert [(model["id"], model["available"]) for model in after] == [
        ("o4-mini", True),
        ("gpt-test", True),
        ("chatgpt-4o-latest", False),
        ("gpt-4o-mini-2024-07-18", False),
    ]
    assert [model["id"] for model in after if model["default"]] == ["o4-mini"]
    assert (after[1]["context_window"], after[1]["token_count_is_exact"]) == (9000, False)


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_health_is_asked_without_a_key(app: OpenAPI, own_hand: Hand, path: str) -> None:
    from tests.web.people import nobody

    own_hand.come_online()

    assert nobody(app).get(path).status_code == 200
