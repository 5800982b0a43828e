"""Secrets and people's words are planted everywhere, and then looked for where they must not be."""

from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import text

from common import accounts, passwords
from tests.databases import Databases
from tests.reader import Reader
from tests.stack import Stack
from tests.upstream import Upstream, failing
from tests.web.over_http import Club

MODEL_KEY, SECRET_KEY = "sk-planted-model-key-123456", "planted-signing-secret-0123456789abcdef"
PASSWORD, WRONG = "contraseña plantada 1", "contraseña plantada equivocada"
WORDS = ["palabras-plantadas-turno", "palabras-plantadas-titulo", "palabras-plantadas-buscadas",
         "palabras-plantadas-rotas", "palabras-plantadas-del-modelo"]  # fmt: skip


@pytest.fixture(scope="module")
def people(databases: Databases, upstream: Upstream) -> Iterator[Club]:
    settings = {
        "EPICODE_AUTH": "accounts",
        "OPENAI_API_KEY": MODEL_KEY,
        "SECRET_KEY": SECRET_KEY,
        "EPICODE_LOG_LEVEL": "DEBUG",
    }
    with Stack(databases, upstream, settings).start() as stack:
        club = Club(stack)
        yield club
        club.close()


def test_planted_secrets_and_words_are_in_no_log_and_secrets_nowhere(people: Club) -> None:
    turn, title, searched, broken, said = WORDS
    stack = people.stack
    stack.upstream.script(f"[[{broken}]]", failing(400, f"{said} {MODEL_KEY}"))
    alice = people.member("Alice", role="admin")
    with people.database.transaction() as session:
        accounts.set_password(session, alice.id, passwords.hashed(PASSWORD))
    alice.sign_in(WRONG)
    signed_in = alice.sign_in(PASSWORD)
    alice.csrf_token = signed_in.get_json()["csrf_token"]
    alice.cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    program = people.program(alice, "read", "write")
    invitation = alice.post("/api/admin/invitations", json={}).get_json()["token"]
    conversation = alice.converse(title=title)["id"]
    job = alice.say(conversation, turn)["job"]["id"]
    failed = program.say(alice.converse()["id"], f"[[{broken}]]")["job"]["id"]
    with stack.client(headers={"Cookie": alice.cookie}) as client:
        Reader(client, job).read_to_end()
        Reader(client, failed).read_to_end()
    alice.get(f"/api/search?q={searched}")
    alice.post("/api/conversations", content=f'{{"title": "{turn}'.encode(),
               headers={"Content-Type": "application/json"})  # fmt: skip
    alice.post("/api/conversations", json={"model": turn, turn: 1})
    token = alice.cookie.partition("=")[2]
    secrets = [MODEL_KEY, SECRET_KEY, PASSWORD, WRONG, token, alice.csrf_token or "", invitation]
    secrets.append((program.key or "").removeprefix("epi_"))

    logs = "".join(file.read_text(errors="replace") for file in stack.folder.glob("*.log"))
    rows = _rows(people)
    stored = _stored(stack.environment["REDIS_URL"])

    assert "sign_in_refused" in logs  # what happened is there, only not in whose words
    assert job in logs
    assert turn in rows
    for secret in secrets:
        assert len(secret) > 15
        for place, found in (("a log", logs), ("the database", rows), ("Redis", stored)):
            assert secret not in found, f"{secret[:8]}… is in {place}"
    for words in WORDS:
        assert words not in logs, f"{words} is in a log"


def test_a_doorbell_holds_an_id_and_nothing_else(people: Club) -> None:
    turn = WORDS[0]
    alice = people.member("Alice")
    people.stack.worker().stop()
    with redis.Redis.from_url(people.stack.environment["REDIS_URL"]) as client:
        for said_before in client.scan_iter("live:*"):
            client.delete(said_before)
    job = alice.say(alice.converse()["id"], turn)["job"]["id"]

    stored = _stored(people.stack.environment["REDIS_URL"])

    assert turn not in stored
    assert alice.poll(job)["status"] == "queued"


def _rows(people: Club) -> str:
    """Every row of every table, as text."""
    with people.database.transaction() as session:
        tables = session.scalars(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        ).all()
        return "\n".join(
            str(row)
            for table in tables
            for row in session.scalars(text(f'SELECT CAST("{table}" AS text) FROM "{table}"'))
        )


def _stored(url: str) -> str:
    """Every key of Redis with its value."""
    client = redis.Redis.from_url(url)
    read = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    found = [f"{key!r} {read[client.type(key)](key)!r}" for key in client.scan_iter()]
    client.close()
    return "\n".join(found)
