"""A conversation's title, by a background job after its first reply."""

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import select, text

from common import conversations, titles
from common.audit import Limits, audit
from common.config import TestingConfig
from common.db import Database
from common.listings import spent_in
from common.models import Conversation, Job
from tests.common.rows import ALICE, CAPS, holds, job_row, make_conversation, post, put
from tests.databases import Databases
from tests.reader import Reader, converse, say
from tests.stack import Stack, wait_until
from tests.upstream import Gate, Script, Text, Upstream, failing, reply
from worker import generation
from worker.claim import NothingToDo
from worker.generation import JobFailed, JobRequeued
from worker.process import WorkerProcess

UNTITLED = "Sin título"


@pytest.fixture
def titling(process: WorkerProcess) -> WorkerProcess:
    """A worker that asks for titles, as it does unless it is told not to."""
    assert TestingConfig.model_fields["EPICODE_TITLES"].default is True
    process.config.EPICODE_TITLES = True
    return process


def is_for_a_title(body: dict[str, Any]) -> bool:
    return str(body["messages"][0]["content"]).startswith("Write a title")


def answering(upstream: Upstream, marker: str, title: Script) -> None:
    """The model answers a turn with this marker, and its title."""
    upstream.script(marker, lambda body: title if is_for_a_title(body) else reply("una lista"))


def ask(database: Database, marker: str, conversation: Conversation | None = None) -> uuid.UUID:
    with database.transaction() as session:
        return post(session, conversation, content=marker, model="gpt-test").job.id


def title_jobs(database: Database) -> list[Job]:
    with database.transaction() as session:
        return list(session.scalars(select(Job).where(Job.kind == "title").order_by(Job.id)))


def conversation_of(database: Database, job_id: uuid.UUID) -> Conversation:
    with database.transaction() as session:
        job = session.get_one(Job, job_id)
        return session.get_one(Conversation, job.conversation_id)


def finds_nothing(database: Database, config: TestingConfig) -> bool:
    with database.transaction() as session:
        return audit(session, Limits.of(config)) == []


def test_the_first_reply_brings_a_title_that_changes_nothing_else(
    titling: WorkerProcess, database: Database, upstream: Upstream, config: TestingConfig
) -> None:
    answering(upstream, "[[titled]]", reply('"Colas con prioridad."'))
    asked = ask(database, "[[titled]]")
    assert generation.run_job(titling, asked) == "completed"
    before = conversation_of(database, asked)
    (job,) = title_jobs(database)
    with database.transaction() as session:
        holds(job_row(session, job.id), status="queued", reply_message_id=None, model="gpt-test")

    assert generation.run_job(titling, job.id) == "completed"

    after = conversation_of(database, asked)
    assert (before.title, after.title, after.title_source) == (
        UNTITLED,
        "Colas con prioridad",
        "model",
    )
    assert after.head_message_id == before.head_message_id
    assert after.updated_at == before.updated_at
    with database.transaction() as session:
        holds(job_row(session, job.id), input_tokens=20, output_tokens=10, attempt=1)
        assert spent_in(session, after.id).input_tokens == 40
    sent = upstream.requests[-1].body
    assert "una lista" in sent["messages"][1]["content"]
    assert finds_nothing(database, config)


def test_only_the_first_reply_of_an_untitled_conversation_asks_for_one(
    titling: WorkerProcess, database: Database, upstream: Upstream
) -> None:
    answering(upstream, "[[once]]", reply("Colas"))
    with database.transaction() as session:
        named = make_conversation(session)
        conversations.rename(named, "Lo mío")
        asked_alone = make_conversation(session, kind="ask")
    first = ask(database, "[[once]]")
    generation.run_job(titling, first)
    generation.run_job(titling, title_jobs(database)[0].id)
    conversation = conversation_of(database, first)
    with database.transaction() as session:  # as if nobody had titled it
        session.execute(text("UPDATE conversations SET title_source = 'default'"))
        session.execute(
            text("UPDATE conversations SET title_source = 'person' WHERE title = 'Lo mío'")
        )

    for of in (conversation, named, asked_alone):
        generation.run_job(titling, ask(database, "[[once]]", of))
    with database.transaction() as session:
        again = conversations.regenerate(
            session,
            ALICE,
            session.get_one(Job, first).prompt_message_id,
            catalogue=titling.catalogue,
            caps=CAPS,
            model="gpt-test",
        )
    generation.run_job(titling, again.job.id)

    assert len(title_jobs(database)) == 1


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_title_that_a_person_gave_is_never_replaced(
    titling: WorkerProcess, database: Database, upstream: Upstream, when: str
) -> None:
    marker = f"[[person {when}]]"
    answering(upstream, marker, Script(steps=(Gate(marker), *reply("Colas").steps)))
    asked = ask(database, marker)
    generation.run_job(titling, asked)
    (job,) = title_jobs(database)

    def give() -> None:
        with database.transaction() as session:
            conversation = session.get_one(Conversation, job.conversation_id)
            conversations.rename(conversation, "Lo mío")

    if when == "before":
        give()
        upstream.open(marker)
    else:

        def meanwhile() -> None:
            upstream.wait_at(marker)
            give()
            upstream.open(marker)

        threading.Thread(target=meanwhile).start()
    assert generation.run_job(titling, job.id) == "completed"

    after = conversation_of(database, asked)
    assert (after.title, after.title_source) == ("Lo mío", "person")


def test_a_model_that_gives_no_title_leaves_the_usual_one(
    titling: WorkerProcess, database: Database, upstream: Upstream
) -> None:
    answering(upstream, "[[nothing]]", reply('"***"'))
    answering(upstream, "[[refused]]", failing(400))
    answering(upstream, "[[away]]", failing(503))
    ends: list[object] = []
    for marker in ("[[nothing]]", "[[refused]]", "[[away]]"):
        asked = ask(database, marker)
        generation.run_job(titling, asked)
        job = title_jobs(database)[-1]
        try:
            ends.append(generation.run_job(titling, job.id))
        except (JobFailed, JobRequeued) as error:
            ends.append(type(error))

        after = conversation_of(database, asked)
        assert (after.title, after.title_source) == (UNTITLED, "default")
    assert ends == ["completed", JobFailed, JobRequeued]


def test_whoever_has_much_waiting_gets_replies_and_no_titles(
    titling: WorkerProcess, database: Database, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(titles, "MOST_WAITING", 2)
    answering(upstream, "[[much]]", reply("Colas"))
    asked = [ask(database, "[[much]]") for _ in range(4)]

    for job_id in asked:
        generation.run_job(titling, job_id)

    prompts = [job.prompt_message_id for job in title_jobs(database)]
    with database.transaction() as session:
        wanted = [session.get_one(Job, job_id).prompt_message_id for job_id in asked]
    assert prompts == wanted[2:4]


def test_a_stale_attempt_and_a_deleted_conversation_get_no_title(
    titling: WorkerProcess, database: Database, upstream: Upstream
) -> None:
    answering(upstream, "[[stale]]", reply("Colas"))
    for end in ("another attempt", "deleted"):
        asked = ask(database, "[[stale]]")
        generation.run_job(titling, asked)
        job = title_jobs(database)[-1]

        def overtake(body: dict[str, Any], end: str = end, job: Job = job) -> Script:
            with database.transaction() as session:
                if end == "deleted":
                    conversations.remove(session, ALICE, job.conversation_id)
                else:
                    put(session, job.id, attempt=7)
            return reply("Colas")

        upstream.script(f"[[{end}]]", overtake)
        with database.transaction() as session:
            values = {"prompt": job.prompt_message_id, "content": f"[[{end}]]"}
            session.execute(
                text("UPDATE messages SET content = :content WHERE id = :prompt"), values
            )
        with pytest.raises(NothingToDo):
            generation.run_job(titling, job.id)

        if end == "another attempt":
            assert conversation_of(database, asked).title == UNTITLED


def test_titles_are_off_where_the_operator_wants_no_call_more(
    process: WorkerProcess, database: Database, upstream: Upstream
) -> None:
    assert process.config.EPICODE_TITLES is False
    upstream.script("[[off]]", reply("una lista"))

    generation.run_job(process, ask(database, "[[off]]"))

    assert title_jobs(database) == []


def test_a_title_outlives_its_worker_and_disturbs_nobody(databases: Databases) -> None:
    with (
        Upstream() as upstream,
        Stack(databases, upstream, {"EPICODE_TITLES": "1"}).start() as stack,
        stack.client() as client,
    ):
        slow = Script(steps=(Text("Col"), Gate("never opened")))
        calls = iter([slow, reply("Colas con prioridad", chunk=3)])
        upstream.script(
            "[[outlives]]",
            lambda body: next(calls) if is_for_a_title(body) else reply("una lista"),
        )
        conversation = converse(client)
        Reader(client, say(client, conversation, "[[outlives]]")["job"]["id"]).read_to_end()
        upstream.wait_at("never opened")
        (active,) = client.get("/api/jobs?active=1").json()["data"]
        title = Reader(client, active["id"])
        title.read_until_text()
        upstream.script("[[meanwhile]]", reply("sí"))
        turn = say(client, conversation, "[[meanwhile]]")
        Reader(client, turn["job"]["id"]).read_to_end()

        stack.worker().kill()
        stack.start_worker("worker-1", wait=False)

        url = f"/api/conversations/{conversation}"
        wait_until(
            lambda: client.get(url).json()["title_source"] == "model", what="the title", seconds=20
        )
        after = client.get(url).json()
        assert (active["kind"], active["message_id"]) == ("title", None)
        assert title.text == "Col"
        assert after["title"] == "Colas con prioridad"
        assert after["head_message_id"] == turn["reply"]["id"]
        wait_until(
            lambda: client.get("/api/jobs?active=1").json()["data"] == [], what="the job's end"
        )
        ended = client.get(f"/api/jobs/{active['id']}").json()
        assert [attempt["outcome"] for attempt in ended["attempts"]] == ["worker_lost", "completed"]
        assert (ended["message_id"], ended["text"]) == (None, "")
        assert stack.audit() == []
