"""Calls that nobody thought of: generated from the OpenAPI document, and long walks of several
people over everything. No server error, no undocumented answer, nothing of anybody else's."""

import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.databases import Databases
from tests.random_text import random_text
from tests.scale import Scale
from tests.stack import Stack
from tests.upstream import Upstream
from tests.web.over_http import Club, Visitor
from tests.web.routes import BODIES, body_name, filled
from web.auth import OPEN

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Its reading of health knows no 503, which is that route's answer while no worker is online.
NOT_GENERATED = {("GET", "/health/ready")}
NOUNS = ("conversations", "messages", "jobs", "prompts", "keys", "sessions", "users", "invitations")


@pytest.fixture(scope="module")
def people(databases: Databases, upstream: Upstream) -> Iterator[Club]:
    with Stack(databases, upstream, {"EPICODE_AUTH": "accounts"}).start() as stack:
        club = Club(stack)
        yield club
        club.close()


def test_every_operation_answers_whatever_is_sent_as_the_document_says(
    people: Club, scale: Scale
) -> None:
    administrator = people.member("Administrator", role="admin")
    program = people.program(administrator, "read", "write", "admin")
    schema = schemathesis.openapi.from_dict(people.document)
    called: set[tuple[str, str]] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        name = (operation.method.upper(), operation.path)
        if name in NOT_GENERATED:
            continue
        # a person's session where a key is refused, but not for what would end it
        as_program = name[1] in ("/api/session", "/api/sessions/{id}")
        headers = (
            {"Authorization": f"Bearer {program.key}"}
            if as_program
            else {
                "Cookie": administrator.cookie or "",
                "X-CSRF-Token": administrator.csrf_token or "",
            }
        )
        _generate(operation, people.stack.url, headers, scale.of(3, 120))
        called.add(name)
    assert len(called) >= 50
    assert administrator.get("/api/account").status_code == 200


def _generate(operation: Any, url: str, headers: dict[str, str], most: int) -> None:
    @settings(
        max_examples=most,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy())
    def calls(case: Any) -> None:
        answer = case.call(base_url=url, headers=headers, timeout=30, allow_redirects=False)
        case.validate_response(answer, checks=CHECKS)

    calls()


def noun_of(path: str) -> str:
    parts = path.split("/")
    return parts[3] if parts[2] == "admin" else parts[2]


class Walk:
    """Several people who call anything, with ids of their own, of each other's and of nobody's."""

    def __init__(self, people: Club, seed: int) -> None:
        self.chance = random.Random(seed)
        self.alice, self.bob = people.member("Alice"), people.member("Bob")
        self.administrator = people.member("Administrator", role="admin")
        self.everybody = [
            self.alice,
            self.bob,
            self.administrator,
            people.program(self.alice, "read", "write"),
            people.nobody(),
        ]
        self.operations = [
            item for item in people.contract.operations() if item[1].startswith("/api/")
        ]
        # noun → (owner, id)
        self.known: dict[str, list[tuple[uuid.UUID, str]]] = {noun: [] for noun in NOUNS}
        self.strangers = self.calls = 0

    def step(self) -> None:
        """One call at most; the answer is held against the document by `Visitor.call`."""
        who = self.chance.choice(self.everybody)
        verb, path, operation = self.chance.choice(self.operations)
        if verb == "DELETE" and self.chance.random() < 0.7:
            return
        if (path == "/api/session" and verb != "GET") or path == "/api/account/deletion":
            return  # who leaves can't go on
        owner, url = self._place(path)
        if verb == "DELETE" and noun_of(path) in ("keys", "sessions") and owner == who.id:
            return
        self.calls += 1
        answer = who.call(verb, url, json=self._body(operation))
        if who.key is None and who.cookie is None:
            assert answer.status_code == 401 or (verb, path) in OPEN, f"{verb} {path}"
            return
        is_admins = path.startswith("/api/admin/")
        if "{id}" in path and not is_admins and owner != who.id:
            assert answer.status_code in (403, 404, 422), f"{verb} {url} of another's"
            self.strangers += answer.status_code == 404
        if is_admins and who is not self.administrator:
            assert answer.status_code in (404, 422), f"{verb} {url}"
        if answer.status_code in (200, 201, 202) and answer.mimetype == "application/json":
            self._learn(who, path, answer.get_json())

    def _place(self, path: str) -> tuple[uuid.UUID | None, str]:
        """The path with somebody's id or nobody's, and whose it is."""
        if "{id}" not in path:
            return None, filled(path, {})
        noun = noun_of(path)
        if self.known[noun] and self.chance.random() < 0.85:
            owner, found = self.chance.choice(self.known[noun][-60:])
            return owner, path.replace("{id}", found)
        return None, path.replace("{id}", str(uuid.UUID(int=self.chance.getrandbits(128))))

    def _body(self, operation: dict[str, Any]) -> Any:
        name = body_name(operation)
        if name is None:
            return None
        body = dict(BODIES[name])
        for field in list(body):
            if isinstance(body[field], str) and self.chance.random() < 0.3:
                body[field] = random_text(self.chance)
        if self.chance.random() < 0.1:
            odd = self.chance.choice([None, 0, -1, 1e308, True, [], {}, "", "\u0000", "x" * 5000])
            body[self.chance.choice([*body, "nothing"])] = odd
        return body

    def _learn(self, who: Visitor, path: str, body: Any) -> None:
        items = body.get("data", [body]) if isinstance(body, dict) else []
        noun = path.split("/")[3] if path.startswith("/api/admin/") else path.split("/")[-1]
        for item in items[:3]:
            if noun in self.known and isinstance(item, dict) and "id" in item:
                owner = item.get("user", {}).get("id") if noun == "jobs" else None
                self.known[noun].append((uuid.UUID(owner) if owner else who.id, item["id"]))
        if "job" in body:
            for kind, found in (("messages", body["message"]), ("jobs", body["job"])):
                self.known[kind].append((who.id, found["id"]))


def test_long_walks_over_everything_end_without_a_surprise(people: Club, scale: Scale) -> None:
    calls = scale.of(300, 6000)
    walk = Walk(people, seed=20261123)

    while walk.calls < calls:
        walk.step()

    assert walk.strangers > calls / 100
    assert len([noun for noun in NOUNS if walk.known[noun]]) >= scale.of(6, len(NOUNS))
    assert people.stack.audit() == []
