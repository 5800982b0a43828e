"""Addresses, queries, headers and verbs that mean nothing: a 4xx with a code, or ignored."""

import base64
import json

import pytest
from flask_openapi import OpenAPI

from tests.web.contract import Contract
from tests.web.people import Person, refused
from tests.web.routes import (
    QUERIES,
    belongings,
    body_name,
    body_of,
    changing,
    filled,
    is_of_people,
    may_answer,
    query_names,
)


def test_every_query_survives_anything(house: OpenAPI, alice: Person) -> None:
    ids = belongings(alice)
    junk = [
        "",
        "0",
        "1",
        "-1",
        "abc",
        "1e9",
        "9" * 30,
        "9" * 300,
        "%00",
        "%ff",
        "%ed%a0%80",
        "%zz",
        "%",
        "%u1234",
        "null",
        "[]",
        "💥",
        "%F0%9F%92%A5",
        "' OR 1=1 --",
        "%25%5F",
        "a+b",
        "1&{name}=2",
        "1;{name}=2",
    ]
    for verb, path, operation in Contract(house.api_doc).operations():
        for name in query_names(operation):
            for value in junk:
                query = f"{name}={value.replace('{name}', name)}"
                if name == "wait" and value.startswith(("1", "9")):
                    continue  # these wait
                url = f"{filled(path, ids)}{'&' if path in QUERIES else '?'}{query}"
                answer = alice.call(verb, url, json=body_of(operation))
                assert answer.status_code in may_answer(path), url


@pytest.mark.parametrize("query", ["%ff=%ff", "%00=1", "=", "&&&", "?", "%zz=%zz", "a" * 2000])
def test_a_query_of_rubbish_is_ignored(alice: Person, query: str) -> None:
    assert alice.get(f"/api/conversations?{query}").status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "201", "abc", "1.5", "", "%ff", "9" * 40])
@pytest.mark.parametrize("noun", ["conversations", "jobs", "messages"])
def test_a_bad_limit_is_refused(alice: Person, noun: str, limit: str) -> None:
    url = f"/api/{noun}"
    if noun == "messages":
        url = f"/api/conversations/{alice.converse()['id']}/messages"

    answer = alice.get(f"{url}?limit={limit}")

    assert refused(answer, 422, "invalid_input")["errors"][0]["field"] == "limit"


BAD_CURSORS = [
    "x",
    "AAAA",
    "%00",
    "%ff",
    "e30=",  # {}
    "bnVsbA==",  # null
    "eyJpZCI6IDF9",  # {"id": 1}
    "eyJpZCI6ICJ4In0=",  # {"id": "x"}
    "W1tb",
    "a" * 201,
    "💥",
    "=" * 8,
]


@pytest.mark.parametrize("cursor", BAD_CURSORS)
@pytest.mark.parametrize("noun", ["conversations", "jobs", "messages", "tree", "poll"])
def test_a_cursor_that_we_did_not_hand_out_is_refused(
    alice: Person, noun: str, cursor: str
) -> None:
    turn = alice.say(alice.converse()["id"])["job"]
    branch = f"/api/conversations/{turn['conversation_id']}/messages"
    url = {
        "conversations": "/api/conversations?",
        "jobs": "/api/jobs?",
        "messages": f"{branch}?",
        "tree": f"{branch}?all=1&",
        "poll": f"/api/jobs/{turn['id']}?",
    }[noun]

    answer = alice.get(f"{url}cursor={cursor}")

    assert refused(answer, 422, "invalid_input")["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(("offset", "status"), [("+20:41", 200), ("-23:59", 200), ("", 422)])
def test_a_cursors_time_may_have_any_offset_but_must_have_one(
    alice: Person, offset: str, status: int
) -> None:
    alice.converse()
    alice.converse()
    given = alice.get("/api/conversations?limit=1").get_json()["next"]
    inside = json.loads(base64.urlsafe_b64decode(given))
    inside["at"] = inside["at"][:19] + offset
    cursor = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode()

    answer = alice.get("/api/conversations", query_string={"cursor": cursor})

    assert answer.status_code == status, answer.text


def test_a_cursor_of_another_listing_is_refused(alice: Person) -> None:
    conversation = alice.converse()["id"]
    for _ in range(2):
        alice.say(conversation)
        alice.converse()
    of_jobs = alice.get("/api/jobs?limit=1").get_json()["next"]
    of_conversations = alice.get("/api/conversations?limit=1").get_json()["next"]

    answer = alice.get("/api/conversations", query_string={"cursor": of_jobs})
    refused(answer, 422, "invalid_input")
    answer = alice.get("/api/jobs", query_string={"cursor": of_conversations})
    assert refused(answer, 422, "invalid_input")["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    "query",
    ["active=2", "active=true", "status=done", "status=", "conversation_id=x", "conversation_id="],
)
def test_a_bad_filter_of_jobs_is_refused(alice: Person, query: str) -> None:
    problem = refused(alice.get(f"/api/jobs?{query}"), 422, "invalid_input")

    assert problem["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize("query", ["q=%00", "q=" + "a" * 201, "archived=2", "archived=true"])
def test_a_bad_search_is_refused(alice: Person, query: str) -> None:
    problem = refused(alice.get(f"/api/conversations?{query}"), 422, "invalid_input")

    assert problem["errors"][0]["field"] == query.split("=")[0]


@pytest.mark.parametrize("wait", ["-1", "abc", "1.5", "", "%ff"])
def test_a_bad_wait_is_refused(alice: Person, wait: str) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]

    for answer in (
        alice.get(f"/api/jobs/{job}?wait={wait}"),
        alice.post(f"/api/ask?wait={wait}", json={"content": "x"}),
    ):
        assert refused(answer, 422, "invalid_input")["errors"][0]["field"] == "wait"


@pytest.mark.parametrize(
    "preference", ["", "wait", "wait=", "wait=abc", "wait=-1", "wait=0", "respond-async", "ñ=\xff"]
)
def test_a_preference_that_says_no_wait_is_ignored(alice: Person, preference: str) -> None:
    answer = alice.post("/api/ask", json={"content": "x"}, headers={"Prefer": preference})

    assert answer.status_code == 202


@pytest.mark.parametrize("key", ["", "a" * 201, "clé", "tab\tinside", "\x7f", "💥"])
def test_a_bad_idempotency_key_is_refused_by_every_post_that_creates(
    house: OpenAPI, alice: Person, key: str
) -> None:
    ids = belongings(alice)
    for verb, path, operation in changing(house):
        if verb != "POST" or body_name(operation) is None or is_of_people(path):
            continue
        header = {"Idempotency-Key": key.encode().decode("latin-1")}
        answer = alice.post(filled(path, ids), json=body_of(operation), headers=header)
        problem = refused(answer, 422, "invalid_input")
        assert problem["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "path", ["/nothing", "/api", "/api/", "/api/nothing", "/api/jobs/", "/api/%ff", "/c/x", "/%00"]
)
def test_an_address_where_nothing_is_is_a_404(alice: Person, path: str) -> None:
    for verb in ("GET", "POST", "DELETE"):
        refused(alice.call(verb, path), 404, "not_found")


def test_a_doubled_slash_leads_to_the_right_address(alice: Person) -> None:
    client = alice.app.test_client()

    answer = client.get("/api//models")

    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/api/models")


def test_a_verb_that_an_address_does_not_take_is_a_405_naming_those_it_takes(
    house: OpenAPI, alice: Person
) -> None:
    ids = belongings(alice)
    for path, operations in house.api_doc["paths"].items():
        taken = {verb.upper() for verb in operations}
        for verb in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - taken:
            answer = alice.call(verb, filled(path, ids))
            refused(answer, 405, "method_not_allowed")
            allowed = {name.strip() for name in answer.headers["Allow"].split(",")}
            assert allowed >= taken, path
            assert verb not in allowed
