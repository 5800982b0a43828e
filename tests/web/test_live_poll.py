"""The poll of a running job: from the live log alone, with one Redis call and no SQL."""

import time
import uuid
from dataclasses import replace

from flask_openapi import OpenAPI

from common.config import TestingConfig
from common.live_log import LiveLog
from common.models.access import LOCAL_USER_ID
from tests.common.redis_commands import redis_commands
from tests.reader import ask
from tests.stack import Stack
from tests.upstream import Done, End, Gate, Script, Text
from tests.web.hand import Hand
from tests.web.people import Person, nobody, person
from tests.web.sql import sql_of
from web.create_app import create_app
from web.database import close_all


def test_a_poll_of_a_running_job_costs_one_redis_call_and_no_sql(
    stack: Stack, config: TestingConfig
) -> None:
    name = f"poller-{uuid.uuid4().hex[:8]}"
    stack.upstream.script(
        "[[counted]]", Script(steps=(Text("so far"), Gate("counted"), End(), Done()))
    )
    app = create_app(config.model_copy(update={"DATABASE_URL": stack.database_url}))
    live_log = LiveLog.connect(f"{stack.environment['REDIS_URL']}?client_name={name}")
    app.extensions["epicode"] = replace(app.extensions["epicode"], live_log=live_log)
    someone = nobody(app)
    with stack.client() as client:
        reader = ask(client, "[[counted]]")
        reader.read_until_text()
        stack.upstream.wait_at("counted")
        cursor = someone.poll(reader.job_id)["cursor"]  # opens the connection, loads the script

        with (
            sql_of(app) as sql,
            redis_commands(stack.environment["REDIS_URL"], name) as commands,
        ):
            polls = [someone.poll(reader.job_id), someone.poll(reader.job_id, cursor)]

        assert [poll["status"] for poll in polls] == ["in_progress"] * 2
        assert [poll["text"] for poll in polls] == ["so far", ""]
        assert sql == []
        assert [command.split()[0] for command in commands] == ["EVALSHA", "EVALSHA"]
        stack.upstream.open("counted")
        reader.read_to_end()
        with sql_of(app) as sql:  # the log tells of the end, too
            assert someone.poll(reader.job_id)["status"] == "completed"
        assert sql == []
        with sql_of(app) as sql:  # what is counted would have been seen
            someone.get("/api/conversations")
        assert sql
    with app.app_context():
        close_all()


def test_a_running_job_and_a_stored_one_show_the_same_fields(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "texto")
    live = alice.poll(job)

    hand.live_log.forget([(uuid.UUID(job), 0)])  # the hash alone, and the text of no attempt

    stored = alice.poll(job)
    assert live["status"] == stored["status"] == "in_progress"
    assert stored == live


def test_the_live_log_grows_and_each_character_is_shown_once(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    text, cursor = "", None
    for piece in ("¡Hola", " ", "👩‍💻", "", "!\n"):
        hand.write(job, piece)
        poll = alice.poll(job, cursor)
        assert (poll["text"], poll["reset"]) == (piece, False)
        text, cursor = text + poll["text"], poll["cursor"]

    assert text == "¡Hola 👩‍💻!\n"
    assert alice.poll(job)["text"] == text


def test_a_new_attempt_resets_a_reader_of_the_one_before(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "primer intento")
    cursor = alice.poll(job)["cursor"]
    hand.requeue(job)
    hand.claim(job)
    hand.write(job, "segundo", attempt=2)

    poll = alice.poll(job, cursor)

    assert (poll["text"], poll["reset"], poll["attempt"]) == ("segundo", True, 2)
    assert alice.poll(job, poll["cursor"])["reset"] is False


def test_a_reader_beyond_a_lost_live_log_waits_and_is_not_reset(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "mucho texto")
    cursor = alice.poll(job)["cursor"]

    hand.live_log.rewrite(uuid.UUID(job), 1, b"mu")

    behind = alice.poll(job, cursor)
    assert (behind["text"], behind["reset"], behind["cursor"]) == ("", False, cursor)
    hand.live_log.rewrite(uuid.UUID(job), 1, b"mucho texto y mas")
    assert alice.poll(job, cursor)["text"] == " y mas"


def test_a_done_job_is_read_from_the_database_though_its_log_is_there(
    alice: Person, hand: Hand
) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "a med")
    hand.complete(job, "a medias no")

    assert hand.live_log.text(uuid.UUID(job), 1) == b"a med"
    assert alice.poll(job)["text"] == "a medias no"


def test_the_live_log_of_alice_says_nothing_to_bob(alice: Person, bob: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    hand.write(job, "secreto")
    assert alice.poll(job)["text"] == "secreto"

    assert bob.get(f"/api/jobs/{job}").status_code == 404


def test_the_poll_answers_304_until_something_that_it_shows_changes(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")
    own_hand.come_online(busy=10)
    job = alice.say(alice.converse()["id"])["job"]["id"]
    own_hand.let_wait(job)
    url = f"/api/jobs/{job}"

    def changes() -> bool:
        """Whether a reader who saw the last answer gets another one now; then it holds this."""
        app.extensions["epicode"].line._line = None  # the snapshot may be a second old
        answer = alice.get(url, headers={"If-None-Match": seen[-1]})
        assert answer.status_code in (200, 304)
        assert (answer.status_code == 304) == (answer.data == b"")
        seen.append(answer.headers["ETag"])
        return answer.status_code == 200

    seen = ["unknown"]
    assert changes()
    assert not changes()
    own_hand.go_offline()
    assert changes(), "no worker is online any more"
    own_hand.come_online()
    assert changes()
    own_hand.claim(job)
    assert changes()
    assert not changes()
    own_hand.write(job, "x")
    assert changes()
    own_hand.live_log.ask_to_cancel([uuid.UUID(job)])
    assert changes()
    own_hand.complete(job, "x")
    assert changes()
    assert not changes()


def test_the_more_are_watched_the_slower_they_are_polled(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.claim(job)
    watchers = alice.app.extensions["epicode"].watchers
    watchers._seen.clear()  # other tests of this house watch, too
    few = alice.poll(job)["poll_after_ms"]
    try:
        for _ in range(300):
            watchers.saw(uuid.uuid4(), time.monotonic())

        many = alice.poll(job)["poll_after_ms"]
    finally:
        watchers._seen.clear()

    assert few == 150
    assert many >= 1000


def test_the_local_user_is_the_one_that_the_migration_made(house: OpenAPI) -> None:
    assert nobody(house).id == LOCAL_USER_ID
    assert nobody(house).converse()["kind"] == "chat"
