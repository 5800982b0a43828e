"""Alice, Bob, an administrator and nobody, over real HTTP, on every route of the OpenAPI document:
a route that is new is walked too, and one that lets in whom it shouldn't fails here."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.stack import Stack
from tests.upstream import Upstream
from tests.web.over_http import Club, Visitor
from tests.web.people import refused
from tests.web.routes import belongings, body_of, filled, with_random_id, without_request_id
from web.auth import OPEN


@pytest.fixture(scope="module")
def people(databases: Databases, upstream: Upstream) -> Iterator[Club]:
    """A house with accounts. Nobody works in it, so that what waits stays."""
    with Stack(databases, upstream, {"EPICODE_AUTH": "accounts"}).start(workers=0) as stack:
        club = Club(stack)
        yield club
        club.close()


def things(people: Club, owner: Visitor, administrator: Visitor) -> dict[str, str]:
    """Ids of one's own, fresh, by their noun; and of what an administrator may touch."""
    key = owner.post("/api/keys", json={"name": "one"}).get_json()["id"]
    people.signed_in(owner)
    listed = owner.get("/api/sessions").get_json()["data"]
    other_session = next(item["id"] for item in listed if not item["current"])
    invitation = administrator.post("/api/admin/invitations", json={}).get_json()["id"]
    mine = belongings(owner) | {"keys": key, "sessions": other_session}
    return mine | {
        "admin/users": str(owner.id),
        "admin/invitations": invitation,
        "admin/jobs": mine["jobs"],
    }


def put_in(path: str, ids: dict[str, str]) -> str:
    """The path with the id that belongs there."""
    if "{id}" not in path or not path.startswith("/api/admin/"):
        return filled(path, ids)
    noun = "/".join(path.split("/")[2:4])
    assert noun in ids, f"tell tests/web/test_who_may.py what to put into {path}"
    return path.replace("{id}", ids[noun])


def test_without_a_session_every_route_but_the_door_is_closed(people: Club) -> None:
    nobody = people.nobody()
    walked = 0
    for verb, path, operation in people.contract.operations():
        if not path.startswith("/api/") or (verb, path) in OPEN:
            continue
        answer = nobody.call(verb, with_random_id(path), json=body_of(operation))
        refused(answer, 401, "unauthorized")
        walked += 1
    assert walked >= 45
    assert len(OPEN) == 5


def test_another_persons_thing_is_answered_exactly_as_a_random_one(people: Club) -> None:
    administrator = people.member("Administrator", role="admin")
    alice, bob = people.member("Alice"), people.member("Bob")
    program = people.program(bob, "read", "write")
    walked = 0
    for verb, path, operation in people.contract.operations():
        if "{id}" not in path:
            continue
        ids, body = things(people, alice, administrator), body_of(operation)
        of_people = path.split("/")[2] in ("keys", "sessions")
        for stranger in (bob, program):
            hers = stranger.call(verb, put_in(path, ids), json=body)
            random = stranger.call(verb, with_random_id(path), json=body)

            if of_people and stranger is program:  # keys may touch neither, whosever they are
                refused(hers, 403, "session_needed")
            else:
                refused(hers, 404, "not_found")
            assert without_request_id(hers.data) == without_request_id(random.data), path
        owner = administrator if path.startswith("/api/admin/") else alice
        mine = owner.call(verb, put_in(path, ids), json=body)
        assert mine.status_code < 300, f"{verb} {path}: {mine.text}"
        if owner is administrator and verb == "PATCH":
            alice = people.signed_in(alice)
        walked += 1
    assert walked >= 20


def test_only_administrators_find_what_is_theirs(people: Club) -> None:
    administrator, alice = people.member("Administrator", role="admin"), people.member("Alice")
    theirs = [item for item in people.contract.operations() if item[1].startswith("/api/admin/")]
    assert len(theirs) >= 12
    for verb, path, operation in theirs:
        ids = things(people, alice, administrator)
        answer = alice.call(verb, put_in(path, ids), json=body_of(operation))
        refused(answer, 404, "not_found")
        answer = administrator.call(verb, put_in(path, ids), json=body_of(operation))
        assert answer.status_code < 300, f"{verb} {path}: {answer.text}"


def test_what_changes_something_needs_the_csrf_token_or_a_key_that_may_write(
    people: Club,
) -> None:
    alice = people.member("Alice")
    reader = people.program(alice, "read")
    without = people.signed_in(alice)
    without.csrf_token = None
    for verb, path, operation in people.contract.operations():
        if verb == "GET" or (verb, path) in {("POST", "/api/session"), ("POST", "/api/account")}:
            continue
        body, url = body_of(operation), with_random_id(path)
        refused(without.call(verb, url, json=body), 403, "csrf_failed")
        refused(reader.call(verb, url, json=body), 403, "scope_missing")
    assert without.get("/api/account").status_code == 200
