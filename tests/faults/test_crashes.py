"""What dies must not lose a reply, nor say one twice: real processes, real signals."""

import signal
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
import redis

from tests.databases import Databases
from tests.reader import Reader, ask, converse, say
from tests.stack import Stack, wait_until
from tests.upstream import Gate, Script, Text, Upstream, reply

LONG = "Una respuesta larga, con acentos y 😀. " * 60


@pytest.fixture
def crashing(own_databases: Databases) -> Iterator[Stack]:
    with Upstream() as upstream, Stack(own_databases, upstream).start() as stack:
        yield stack


def rows(stack: Stack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg2.connect(stack.database_url) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def test_kill_9_and_flushall_in_mid_reply_still_end_in_one_reply(crashing: Stack) -> None:
    crashing.upstream.script(
        "[[long]]",
        Script(steps=(Text(LONG[:500]), Gate("never opened"))),
        reply(LONG, chunk=20, every=0.005),
    )
    with crashing.client() as client:
        conversation = converse(client)
        reader = Reader(client, say(client, conversation, "[[long]]")["job"]["id"])
        reader.read_until_text()
        crashing.worker().kill()
        redis.Redis.from_url(crashing.environment["REDIS_URL"]).flushall()
        crashing.start_worker("worker-1", wait=False)

        ended = reader.read_to_end(seconds=40)

        assert ended["status"] == "completed"
        assert [attempt["outcome"] for attempt in ended["attempts"]] == ["worker_lost", "completed"]
        assert reader.text == LONG
        replies = rows(
            crashing,
            "SELECT content FROM messages WHERE conversation_id = %s AND role = 'assistant'",
            conversation,
        )
        assert replies == [(LONG,)]


def test_a_frozen_and_thawed_worker_changes_neither_row_nor_live_log(crashing: Stack) -> None:
    first = Script(steps=(Text("from the frozen one"), Gate("thawed"), Text(" too late")))
    second = Script(steps=(Text("from the second"), Gate("second ends"), Text(", whole")))
    crashing.upstream.script("[[freeze]]", first, second)
    with crashing.client() as client:
        reader = ask(client, "[[freeze]]")
        reader.read_until_text()
        frozen = crashing.worker()
        frozen.signal(signal.SIGSTOP)
        crashing.start_worker("worker-2", wait=False)
        wait_until(lambda: reader.poll()["attempt"] == 2 and reader.text, what="attempt 2")
        crashing.upstream.open("thawed")
        frozen.signal(signal.SIGCONT)
        wait_until(lambda: "fence_lost" in frozen.log.read_text(), what="the fence in the log")

        shown = reader.poll()
        assert (shown["attempt"], shown["worker"]) == (2, "worker-2")
        assert reader.text == "from the second"
        crashing.upstream.open("second ends")
        # neither script says why it ended, so this attempt fails and a third one is made
        crashing.upstream.script("[[freeze]]", reply("the end"))
        ended = reader.read_to_end()

    assert reader.text == "the end"
    outcomes = [attempt["outcome"] for attempt in ended["attempts"]]
    assert outcomes == ["worker_lost", "upstream_malformed", "completed"]


def test_two_workers_share_forty_jobs_and_run_each_once(crashing: Stack) -> None:
    second = crashing.start_worker("worker-2")
    # online from its first report on, but it hears no doorbell until Celery says so
    wait_until(
        lambda: "worker-2@" in second.log.read_text() and " ready." in second.log.read_text(),
        what="a second pair of ears",
    )
    crashing.upstream.script("[[shared", reply("done " * 10, every=0.05))
    with crashing.client() as client:
        readers = [ask(client, f"[[shared {number}]]") for number in range(40)]

        ended = [reader.read_to_end() for reader in readers]

    assert {job["status"] for job in ended} == {"completed"}
    assert {len(job["attempts"]) for job in ended} == {1}
    assert {job["worker"] for job in ended} == {"worker-1", "worker-2"}
    asked = [request.text for request in crashing.upstream.requests]
    assert sorted(asked) == sorted(f"[[shared {number}]]" for number in range(40))


def test_a_worker_told_to_stop_finishes_what_it_says(crashing: Stack) -> None:
    crashing.upstream.script("[[finish]]", reply("to the end " * 30, every=0.02))
    with crashing.client() as client:
        reader = ask(client, "[[finish]]")
        reader.read_until_text()

        assert crashing.worker().stop(25) == 0

        ended = reader.read_to_end()
    assert (ended["status"], len(ended["attempts"])) == ("completed", 1)
    assert rows(crashing, "SELECT count(*) FROM workers") == [(0,)]


def test_a_worker_that_can_not_finish_hands_over_and_nothing_is_charged(
    own_databases: Databases,
) -> None:
    settings = {"EPICODE_HANDOVER_SECONDS": "1"}
    with Upstream() as upstream, Stack(own_databases, upstream, settings).start(2) as stack:
        upstream.script(
            "[[hand over]]",
            Script(steps=(Text("begun"), Gate("never opened"))),
            reply("begun and ended"),
        )
        with stack.client() as client:
            reader = ask(client, "[[hand over]]")
            reader.read_until_text()
            busy = str(reader.polls[-1]["worker"])

            assert stack.worker(busy).stop(25) == 0

            ended = reader.read_to_end()
        assert [entry["outcome"] for entry in ended["attempts"]] == ["handed_over", "completed"]
        assert ended["worker"] != busy
        assert reader.text == "begun and ended"
        assert rows(stack, "SELECT failures FROM jobs WHERE id = %s", reader.job_id) == [(0,)]


def test_redis_away_at_posting_delays_the_reply_but_loses_nothing(crashing: Stack) -> None:
    with crashing.client() as client:
        conversation = converse(client)
        crashing.databases.valkey.stop()
        began_at = time.monotonic()
        posted = say(client, conversation, "while Redis is away")
        took = time.monotonic() - began_at
        crashing.databases.valkey.start()

        ended = Reader(client, posted["job"]["id"]).read_to_end(seconds=40)

    assert took < 3
    assert ended["status"] == "completed"


def test_redis_away_in_mid_reply_costs_the_reader_nothing_but_time(crashing: Stack) -> None:
    crashing.upstream.script(
        "[[no log]]", Script(steps=(Text("A"), Gate("go"), *reply("BC").steps))
    )
    with crashing.client() as client:
        reader = ask(client, "[[no log]]")
        reader.read_until_text()
        crashing.databases.valkey.stop()
        crashing.upstream.open("go")
        ended = reader.read_to_end(seconds=40)
        crashing.databases.valkey.start()

    assert (ended["status"], reader.text) == ("completed", "ABC")
    assert len(ended["attempts"]) == 1


def test_postgresql_restarted_in_mid_reply_loses_nothing(crashing: Stack) -> None:
    crashing.upstream.script("[[db]]", Script(steps=(Text("A"), Gate("go"), *reply("BC").steps)))
    with crashing.client() as client:
        reader = ask(client, "[[db]]")
        reader.read_until_text()
        crashing.databases.postgres.kill()
        crashing.upstream.open("go")
        time.sleep(1)
        crashing.databases.postgres.start()

        def ended() -> bool:
            answer = client.get(f"/api/jobs/{reader.job_id}")
            return answer.status_code == 200 and answer.json()["status"] == "completed"

        wait_until(ended, what="the reply", seconds=40)
        reader.read_to_end()

    assert reader.text == "ABC"


def test_a_doorbell_rung_ten_times_runs_a_job_once(crashing: Stack) -> None:
    import subprocess
    import sys

    crashing.upstream.script("[[bell]]", reply("once " * 20, every=0.02))
    with crashing.client() as client:
        reader = ask(client, "[[bell]]")
        script = (
            "import sys, uuid\n"
            "from common.queue import Doorbells\n"
            "from common.ringing import Doorbell\n"
            f"bells = [Doorbell(uuid.UUID('{uuid.UUID(reader.job_id)}'), 'interactive')] * 10\n"
            "assert Doorbells(sys.argv[1]).ring(bells) == []\n"
        )
        ring = [sys.executable, "-c", script, crashing.environment["REDIS_URL"]]
        subprocess.run(ring, env=crashing.environment, check=True)
        ended = reader.read_to_end()
        subprocess.run(ring, env=crashing.environment, check=True)
        # nine came while it ran and ten after its end: the log tells that each was dropped
        wait_until(
            lambda: crashing.worker().log.read_text().count("ring_dropped") >= 19,
            what="the dropped rings",
        )
        again = reader.poll()

    assert (ended["status"], len(again["attempts"])) == ("completed", 1)
    assert reader.text == "once " * 20
    assert len([item for item in crashing.upstream.requests if item.text == "[[bell]]"]) == 1
