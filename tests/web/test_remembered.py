"""Whoever has a session or a key polls without SQL; what was ended is refused at once all the
same."""

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from flask_openapi import OpenAPI

from common.callers import Caller
from common.config import ROOT, TestingConfig
from common.live_log import LOOK_AGAIN_SECONDS
from tests.common.redis_commands import redis_commands
from tests.databases import Databases
from tests.stack import Stack, wait_until
from tests.upstream import Done, End, Gate, Script, Text, Upstream
from tests.web.accounts import PASSWORD, Guest, member
from tests.web.hand import Hand
from tests.web.over_http import Club, Visitor
from tests.web.people import refused
from tests.web.sql import sql_of
from tests.web.test_access_costs import own_club, running_job  # noqa: F401 - a fixture
from tests.web.test_keys import with_key
from web.pacing import OF_LOOP_MS
from web.quick_polls import QuickPolls
from web.remembered import MOST, REMEMBERED_SECONDS, Credentials, RememberedCallers

ALICE = Caller(uuid.UUID(int=1), "member")
BROWSER = Credentials("chat.example.org", None, "epicode=secret", "https")


@pytest.fixture(scope="module")
def people(databases: Databases, upstream: Upstream) -> Iterator[Club]:
    with Stack(databases, upstream, {"EPICODE_AUTH": "accounts"}).start() as stack:
        upstream.script("[[long]]", Script(steps=(Text("ya"), Gate("enough"), End(), Done())))
        club = Club(stack)
        yield club
        upstream.open("enough")
        club.close()


def watched_job(reader: Visitor, owner: Visitor) -> str:
    """The path of a running job of the owner's, which the reader has polled until he was known."""
    conversation = owner.post("/api/conversations", json={}).get_json()["id"]
    posted = owner.post(f"/api/conversations/{conversation}/messages", json={"content": "[[long]]"})
    path = f"/api/jobs/{posted.get_json()['job']['id']}"
    wait_until(lambda: is_answered_by_the_loop(reader, path), what="a known caller's poll")
    return path


def is_answered_by_the_loop(reader: Visitor, path: str) -> bool:
    job = reader.get(path).get_json()
    assert job["status"] in ("queued", "in_progress"), job
    return bool(job["poll_after_ms"] == OF_LOOP_MS)


def signs_out(people: Club, reader: Visitor, owner: Visitor) -> None:
    assert reader.delete("/api/session").status_code == 204


def is_signed_out_elsewhere(people: Club, reader: Visitor, owner: Visitor) -> None:
    listed = owner.get("/api/sessions").get_json()["data"]
    (other,) = (session["id"] for session in listed if not session["current"])
    assert owner.delete(f"/api/sessions/{other}").status_code == 204


def signs_in_anew(people: Club, reader: Visitor, owner: Visitor) -> None:
    answer = reader.post("/api/session", json={"email": owner.email, "password": PASSWORD})
    assert answer.status_code == 200


def password_is_changed(people: Club, reader: Visitor, owner: Visitor) -> None:
    change = {"current_password": PASSWORD, "new_password": f"{PASSWORD}, otra"}
    assert owner.put("/api/account/password", json=change).status_code == 204


def account_is_deleted(people: Club, reader: Visitor, owner: Visitor) -> None:
    assert owner.post("/api/account/deletion", json={"password": PASSWORD}).status_code == 204


def account_is_disabled(people: Club, reader: Visitor, owner: Visitor) -> None:
    change_by_administrator(people, owner, {"disabled": True})


def role_is_changed(people: Club, reader: Visitor, owner: Visitor) -> None:
    change_by_administrator(people, owner, {"role": "admin"})


def is_made_administrator_by_command(people: Club, reader: Visitor, owner: Visitor) -> None:
    command = [sys.executable, "manage.py", "create-admin", owner.email]
    subprocess.run(
        command, cwd=ROOT, env=people.stack.environment, input=PASSWORD, text=True, check=True
    )


def key_is_revoked(people: Club, reader: Visitor, owner: Visitor) -> None:
    (key,) = owner.get("/api/keys").get_json()["data"]
    assert owner.delete(f"/api/keys/{key['id']}").status_code == 204


def change_by_administrator(people: Club, owner: Visitor, change: dict[str, object]) -> None:
    administrator = people.member("Administrator", role="admin")
    assert administrator.patch(f"/api/admin/users/{owner.id}", json=change).status_code == 200


Ending = Callable[[Club, Visitor, Visitor], None]


@pytest.mark.parametrize(
    "ending",
    [
        signs_out,
        is_signed_out_elsewhere,
        signs_in_anew,
        password_is_changed,
        account_is_deleted,
        account_is_disabled,
        role_is_changed,
        is_made_administrator_by_command,
    ],
)
def test_a_session_that_was_ended_polls_no_more(people: Club, ending: Ending) -> None:
    alice = people.member("Alice")
    browser = people.signed_in(alice)
    path = watched_job(browser, alice)

    ending(people, browser, alice)

    for _ in range(3):
        refused(browser.get(path), 401, "unauthorized")


@pytest.mark.parametrize("ending", [key_is_revoked, account_is_deleted, account_is_disabled])
def test_a_key_that_was_ended_polls_no_more(people: Club, ending: Ending) -> None:
    alice = people.member("Alice")
    program = people.program(alice, "read")
    path = watched_job(program, alice)

    ending(people, program, alice)

    for _ in range(3):
        refused(program.get(path), 401, "unauthorized")


def test_whoever_stays_is_known_again_after_another_session_was_ended(people: Club) -> None:
    alice = people.member("Alice")
    browser = people.signed_in(alice)
    path = watched_job(alice, alice)
    signs_out(people, browser, alice)

    assert not is_answered_by_the_loop(alice, path)

    with redis.Redis.from_url(people.stack.environment["REDIS_URL"]) as live:
        assert 0 < live.ttl(f"look_again:{alice.id}") <= LOOK_AGAIN_SECONDS
        live.delete(f"look_again:{alice.id}")
    assert is_answered_by_the_loop(alice, path)


def test_a_key_that_may_not_read_is_refused_each_time(people: Club) -> None:
    alice = people.member("Alice")
    path = watched_job(alice, alice)
    writer = people.program(alice, "write")
    for _ in range(3):
        refused(writer.get(path), 403, "scope_missing")


def test_whoever_is_known_finds_nothing_of_others(people: Club) -> None:
    alice, bob = people.member("Alice"), people.member("Bob")
    path = watched_job(alice, alice)
    watched_job(bob, bob)
    for _ in range(3):
        refused(bob.get(path), 404, "not_found")


def test_a_poll_of_a_known_caller_costs_no_sql_and_one_redis_command(
    own_club: OpenAPI,  # noqa: F811
    own_hand: Hand,
    config: TestingConfig,
) -> None:
    alice = member(own_club, "Alice")
    job, program = running_job(alice, own_hand), with_key(alice)
    polls = QuickPolls(own_club.extensions["epicode"])

    for reader in (alice, program):
        cookie = reader.cookie if isinstance(reader, Guest) else None
        told = f"Cookie: {cookie}" if cookie else f"Authorization: Bearer {reader.key}"
        request = f"GET /api/jobs/{job} HTTP/1.1\r\nHost: localhost\r\n{told}\r\n\r\n".encode()
        assert polls.plain(request) is None  # nobody knows him yet
        reader.poll(job)
        polls.answers(list(filter(None, [polls.plain(request)])))  # connects
        with sql_of(own_club) as sql, redis_commands(config.REDIS_URL) as commands:
            plain = polls.plain(request)
            assert plain is not None
            (answer,) = polls.answers([plain])
        assert answer is not None
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["text"] == "hola"
        assert (sql, len(commands)) == ([], 1)


@pytest.mark.parametrize(
    "other",
    [
        Credentials("127.0.0.1:8000", None, "epicode=secret", "https"),
        Credentials("chat.example.org", "epicode=secret", None, "https"),
        Credentials("chat.example.org", None, "epicode=another", "https"),
        Credentials("chat.example.org", None, "epicode=secret", None),
    ],
)
def test_only_the_same_credentials_word_for_word_are_known(other: Credentials) -> None:
    known = RememberedCallers()
    known.remember(BROWSER, ALICE, 100.0)
    assert known.owner(BROWSER, 100.0) == ALICE.id
    assert known.owner(other, 100.0) is None


@pytest.mark.parametrize(
    ("lasts_seconds", "known_for"), [(None, REMEMBERED_SECONDS), (5.0, 5.0), (900.0, 20.0)]
)
def test_nobody_is_known_for_longer_than_his_session_lasts(
    lasts_seconds: float | None, known_for: float
) -> None:
    known = RememberedCallers()
    known.remember(BROWSER, Caller(ALICE.id, "member", lasts_seconds=lasts_seconds), 100.0)
    assert known.owner(BROWSER, 100.0 + known_for - 0.1) == ALICE.id
    assert known.owner(BROWSER, 100.0 + known_for) is None


def test_of_very_many_those_who_came_last_are_known() -> None:
    known = RememberedCallers()
    crowd = [Credentials("localhost", f"Bearer {number}", None, None) for number in range(MOST)]
    for one in (BROWSER, *crowd[:-1], BROWSER, crowd[-1]):
        known.remember(one, ALICE, 100.0)
    assert known.owner(BROWSER, 100.0) == ALICE.id
    assert known.owner(crowd[0], 100.0) is None
    assert known.owner(crowd[-1], 100.0) == ALICE.id


def test_the_mark_outlasts_whatever_is_remembered() -> None:
    assert LOOK_AGAIN_SECONDS > REMEMBERED_SECONDS
