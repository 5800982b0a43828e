"""The Idempotency-Key: the same post again makes nothing new and gets the same ids."""

import uuid
from typing import Any

import pytest
from flask_openapi import OpenAPI

from common import idempotency
from common.errors import EpiCodeError
from common.idempotency import Key, Made
from tests.web.contract import Contract
from tests.web.hand import Hand
from tests.web.people import Person, person, refused
from tests.web.routes import belongings, body_name, body_of, filled, is_of_people


def _creating(app: OpenAPI) -> list[tuple[str, dict[str, Any]]]:
    """Every POST with a body, but for those of people: path and operation."""
    return [
        (path, operation)
        for verb, path, operation in Contract(app.api_doc).operations()
        if verb == "POST" and body_name(operation) and not is_of_people(path)
    ]


def _key() -> dict[str, str]:
    return {"Idempotency-Key": f"key {uuid.uuid4()}"}


def _ids(answer: Any) -> list[str]:
    body = answer.get_json()
    return [body[noun]["id"] for noun in ("message", "reply", "job") if noun in body] or [
        body["id"]
    ]


def _made(who: Person) -> tuple[int, int]:
    """How many conversations are listed, and how many jobs there are."""
    return tuple(
        len(who.get(f"/api/{noun}?limit=200").get_json()["data"])
        for noun in ("conversations", "jobs")
    )  # type: ignore[return-value]


def test_the_posts_that_create_are_known(house: OpenAPI) -> None:
    assert {path for path, _ in _creating(house)} == {
        "/api/ask",
        "/api/conversations",
        "/api/conversations/{id}/messages",
        "/api/messages/{id}/replies",
        "/api/imports",
        "/api/prompts",
    }


def test_the_same_post_again_gets_the_same_ids_and_makes_nothing(
    house: OpenAPI, alice: Person
) -> None:
    ids = belongings(alice)
    for path, operation in _creating(house):
        url = filled(path, ids)
        body, key = body_of(operation), _key()
        first = alice.post(url, json=body, headers=key)
        after_first = _made(alice)

        again = alice.post(url, json=body, headers=key)

        assert again.status_code == first.status_code < 300, path
        assert _ids(again) == _ids(first), path
        assert again.headers["Location"] == first.headers["Location"]
        assert _made(alice) == after_first, path
        without_key = alice.post(url, json=body)
        assert _ids(without_key) != _ids(first), path


def test_the_answer_is_presented_as_things_are_now(alice: Person, hand: Hand) -> None:
    conversation = alice.converse()["id"]
    url, key = f"/api/conversations/{conversation}/messages", _key()
    first = alice.post(url, json={"content": "a"}, headers=key).get_json()
    hand.answer(first["job"]["id"], "ya está")

    again = alice.post(url, json={"content": "a"}, headers=key).get_json()

    assert again["job"]["status"] == "completed"
    assert again["reply"]["content"] == again["job"]["text"] == "ya está"
    assert alice.texts(conversation) == ["a", "ya está"]


def test_the_order_and_the_spacing_of_a_body_do_not_matter(alice: Person) -> None:
    key = _key()
    first = alice.post(
        "/api/ask",
        data=b'{"content": "\xc3\xb1", "params": {"temperature": 1, "max_output_tokens": 5}}',
        content_type="application/json",
        headers=key,
    )
    again = alice.post(
        "/api/ask",
        data=b'{ "params":{"max_output_tokens":5,"temperature":1},"content":"\\u00f1" }',
        content_type="application/json",
        headers=key,
    )

    assert _ids(first) == _ids(again)


def test_another_body_or_address_under_the_same_key_is_refused(alice: Person) -> None:
    conversation, other = alice.converse()["id"], alice.converse()["id"]
    url, key = f"/api/conversations/{conversation}/messages", _key()
    message = alice.post(url, json={"content": "a"}, headers=key).get_json()["message"]["id"]

    for other_url, body in (
        (url, {"content": "b"}),
        (url, {"content": "a", "on_busy": "queue"}),
        (f"/api/conversations/{other}/messages", {"content": "a"}),
        ("/api/ask", {"content": "a"}),
        ("/api/conversations", {}),
        (f"/api/messages/{message}/replies", {}),
    ):
        answer = alice.post(other_url, json=body, headers=key)
        refused(answer, 422, "idempotency_key_reused")
    assert alice.texts(conversation) == ["a", ""]


def test_two_people_may_use_the_same_key(alice: Person, bob: Person) -> None:
    key, body = _key(), {"content": "a"}

    hers, his = (who.post("/api/ask", json=body, headers=key) for who in (alice, bob))

    assert (hers.status_code, his.status_code) == (202, 202)
    assert _ids(hers) != _ids(his)


def test_a_refusal_is_not_remembered(app: OpenAPI, own_hand: Hand) -> None:
    alice = person(app, "Alice")
    own_hand.list_models(gpt_here={})
    key, body = _key(), {"content": "a", "model": "gpt-late"}
    refused(alice.post("/api/ask", json=body, headers=key), 422, "model_unavailable")

    own_hand.list_models(gpt_here={}, gpt_late={})

    assert alice.post("/api/ask", json=body, headers=key).status_code == 202


def test_a_key_whose_turn_is_gone_makes_no_other(alice: Person) -> None:
    conversation = alice.converse()["id"]
    url, key = f"/api/conversations/{conversation}/messages", _key()
    turn = alice.post(url, json={"content": "a"}, headers=key).get_json()
    alice.delete(f"/api/messages/{turn['message']['id']}")

    refused(alice.post(url, json={"content": "a"}, headers=key), 404, "not_found")

    assert alice.texts(conversation) == []


@pytest.mark.parametrize("key", ["a", "~" * 200, "!#$%&'()*+,-./:;<=>?@[]^_`{|}", "a b"])
def test_any_printable_key_will_do(alice: Person, key: str) -> None:
    answer = alice.post("/api/ask", json={"content": "x"}, headers={"Idempotency-Key": key})

    assert answer.status_code == 202


def test_a_post_whose_key_is_forgotten_in_this_moment_is_to_come_again() -> None:
    with pytest.raises(EpiCodeError) as unavailable:
        idempotency.check_taken(Key(uuid.uuid4(), "old", b"mark", Made()), None)

    assert unavailable.value.code == "database_unavailable"
