"""A body that can't be read, meant or stored is a 4xx problem with a code: never a 500.

`Person.call` fails on any answer that the OpenAPI document doesn't promise, so a 500 can't hide.
"""

import json
from typing import Any

import pytest
from flask_openapi import OpenAPI

from tests.web.people import Person, refused
from tests.web.routes import belongings, body_name, body_of, changing, filled, may_answer

UNREADABLE = {
    "null": b"null",
    "a list": b"[]",
    "a list of objects": b'[{"content": "x"}]',
    "NaN": b"NaN",
    "NaN inside": b'{"params": {"temperature": NaN}}',
    "Infinity inside": b'{"params": {"temperature": Infinity}}',
    "a number too large for a float": b'{"params": {"temperature": 1e400}}',
    "a string": b'"string"',
    "an object in a string": b'"{\\"content\\": \\"x\\"}"',
    "a number": b"1",
    "100,000 brackets": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "100,000 brackets inside": b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "half an object": b'{"content": "x"',
    "two objects": b"{}{}",
    "a comment": b"{} // hola",
    "a raw NUL": b'{"content": "a\x00b"}',
    "only a NUL": b"\x00",
    "a lone high surrogate": b'{"content": "\\ud83d"}',
    "a lone low surrogate": b'{"content": "\\ude00 x"}',
    "a surrogate in UTF-8": b'{"content": "\xed\xa0\x80"}',
    "malformed UTF-8": b'{"content": "\xff\xfe"}',
    "cut UTF-8": b'{"content": "\xe2\x82"}',
    "Latin-1": '{"content": "año"}'.encode("latin-1"),
    "UTF-16": '{"content": "x"}'.encode("utf-16"),
    "only spaces": b"   ",
}
# Anything that JSON can say, for fields that mean something else.
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    1.5,
    1e308,
    "",
    " ",
    "a",
    "a\x00b",
    "💥" * 300,
    "00000000-0000-0000-0000-000000000000",
    [],
    [None],
    {},
    {"a": 1},
    {"temperature": "hot", "max_output_tokens": 0, "reasoning_effort": 5, "\x00": []},
]


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_body_that_is_no_json_object_is_refused_by_every_route(
    house: OpenAPI, alice: Person, name: str
) -> None:
    ids = belongings(alice)
    for verb, path, _ in changing(house):
        answer = alice.call(
            verb, filled(path, ids), data=UNREADABLE[name], content_type="application/json"
        )
        refused(answer, 400, "malformed_json")
    assert len(alice.get("/api/jobs").get_json()["data"]) == 1


def test_an_empty_body_is_refused_in_words_where_one_is_needed(
    house: OpenAPI, alice: Person
) -> None:
    ids = belongings(alice)
    for verb, path, operation in changing(house):
        if body_name(operation) is None:
            continue
        for kind in ("application/json", None):
            answer = alice.call(verb, filled(path, ids), content_type=kind, lang="en")
            problem = refused(answer, 422, "invalid_input")
            assert problem["errors"] == [{"field": "body", "message": "It must be a JSON object."}]


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/vnd.api+json",
        "junk",
        ";;;",
        "ñ/ñ",
    ],
)
def test_another_kind_of_content_is_refused_naming_the_header(
    house: OpenAPI, alice: Person, kind: str | None
) -> None:
    ids = belongings(alice)
    for verb, path, _ in changing(house):
        answer = alice.call(verb, filled(path, ids), data=b'{"content": "x"}', content_type=kind)
        problem = refused(answer, 415, "unsupported_media_type")
        assert "Content-Type: application/json" in problem["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_a_charset_or_capitals_do_no_harm(alice: Person, kind: str) -> None:
    answer = alice.post("/api/conversations", data=b'{"title": "a"}', content_type=kind)

    assert answer.status_code == 201


def test_every_field_of_every_body_survives_anything(house: OpenAPI, alice: Person) -> None:
    tried = 0
    schemas = house.api_doc["components"]["schemas"]
    for verb, path, operation in changing(house):
        name = body_name(operation)
        if name is None:
            continue
        url = filled(path, belongings(alice))
        for field in schemas[name]["properties"]:
            for junk in JUNK:
                body = (body_of(operation) or {}) | {field: junk}
                answer = alice.call(verb, url, json=body)
                assert answer.status_code in may_answer(path), (field, junk)
                tried += 1
    assert tried > 300


def test_every_field_of_the_params_survives_anything(alice: Person) -> None:
    for field in ("temperature", "max_output_tokens", "reasoning_effort"):
        for junk in JUNK:
            answer = alice.post("/api/conversations", json={"params": {field: junk}})
            assert answer.status_code in (201, 422)
            if answer.status_code == 422:
                fields = [error["field"] for error in answer.get_json()["errors"]]
                assert fields == [f"params.{field}"]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "content", "This field is missing."),
        ({"content": ""}, "content", "It may not be empty."),
        ({"content": None}, "content", "It must be a text."),
        ({"content": 1}, "content", "It must be a text."),
        ({"content": "a\x00b"}, "content", "It holds NUL or a lone Unicode surrogate"),
        ({"content": "x", "colour": "red"}, "colour", "There is no such field."),
        ({"content": "x", "parent_id": "yesterday"}, "parent_id", "It must be an id (UUID)."),
        ({"content": "x", "parent_id": 7}, "parent_id", "It must be an id (UUID)."),
        ({"content": "x", "on_busy": "wait"}, "on_busy", "It must be one of 'queue', 'reject'."),
        ({"content": "x", "model": ""}, "model", "It may not be empty."),
        (
            {"content": "x", "model": "m" * 201},
            "model",
            "It may not have more than 200 characters.",
        ),
        ({"content": "x", "params": []}, "params", "It must be a JSON object."),
        ({"content": "x", "params": {"top_p": 1}}, "params.top_p", "There is no such field."),
        ({"content": "x", "params": {"temperature": 2.1}}, "params.temperature", "It must be 2"),
        ({"content": "x", "params": {"temperature": -1}}, "params.temperature", "It must be 0"),
        ({"content": "x", "params": {"temperature": "1"}}, "params.temperature", "a number."),
        ({"content": "x", "params": {"temperature": True}}, "params.temperature", "a number."),
        (
            {"content": "x", "params": {"max_output_tokens": 1.5}},
            "params.max_output_tokens",
            "It must be a whole number.",
        ),
        (
            {"content": "x", "params": {"max_output_tokens": "5"}},
            "params.max_output_tokens",
            "It must be a whole number.",
        ),
        (
            {"content": "x", "params": {"reasoning_effort": "huge"}},
            "params.reasoning_effort",
            "It must be one of 'minimal', 'low', 'medium', 'high'.",
        ),
    ],
)
def test_a_refused_field_is_named_with_what_it_must_be(
    alice: Person, body: dict[str, Any], field: str, message: str
) -> None:
    conversation = alice.converse()["id"]

    answer = alice.post(f"/api/conversations/{conversation}/messages", json=body, lang="en")

    errors = refused(answer, 422, "invalid_input")["errors"]
    assert [error["field"] for error in errors] == [field]
    assert message in errors[0]["message"]
    assert alice.texts(conversation) == []


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"pinned": 1}, "pinned", "It must be true or false."),
        ({"archived": "true"}, "archived", "It must be true or false."),
        ({"title": "t" * 201}, "title", "It may not have more than 200 characters."),
        ({"title": "a\x00"}, "title", "It holds NUL"),
        ({"system_prompt": "\x00"}, "system_prompt", "It holds NUL"),
        ({"head_message_id": "top"}, "head_message_id", "It must be an id (UUID)."),
        ({"id": "x"}, "id", "There is no such field."),
        ({"updated_at": "2026-01-01"}, "updated_at", "There is no such field."),
    ],
)
def test_a_refused_change_is_named_and_changes_nothing(
    alice: Person, body: dict[str, Any], field: str, message: str
) -> None:
    before = alice.converse(title="a")
    url = f"/api/conversations/{before['id']}"

    answer = alice.patch(url, json={"title": "b"} | body, lang="en")

    errors = refused(answer, 422, "invalid_input")["errors"]
    assert [error["field"] for error in errors] == [field]
    assert message in errors[0]["message"]
    assert alice.conversation(before["id"]) == before


def test_several_wrong_fields_are_named_together(alice: Person) -> None:
    answer = alice.post("/api/ask", json={"colour": 1, "model": 2, "params": {"temperature": 9}})

    fields = {error["field"] for error in refused(answer, 422, "invalid_input")["errors"]}
    assert fields == {"content", "colour", "model", "params.temperature"}


@pytest.mark.parametrize("choice", ["pinned", "", None, True, ["auto"]])
def test_in_window_takes_three_words_only(alice: Person, choice: Any) -> None:
    message = alice.say(alice.converse()["id"])["message"]["id"]

    answer = alice.patch(f"/api/messages/{message}", json={"in_window": choice}, lang="en")

    errors = refused(answer, 422, "invalid_input")["errors"]
    assert errors == [
        {"field": "in_window", "message": "It must be one of 'auto', 'always', 'never'."}
    ]


def test_a_body_over_two_mebibytes_is_refused_and_one_below_is_read(alice: Person) -> None:
    for size, status, code in (
        (2 * 1024**2, 422, "invalid_input"),
        (2 * 1024**2 + 1, 413, "payload_too_large"),
    ):
        frame = len(json.dumps({"title": ""}))
        body = json.dumps({"title": "t" * (size - frame)}).encode()
        assert len(body) == size

        answer = alice.post("/api/conversations", data=body, content_type="application/json")

        refused(answer, status, code)


@pytest.mark.parametrize("text", [" " * 1_500_000, "a" + " " * 1_500_000, "a" * 1_500_000])
def test_a_turn_that_is_one_long_run_is_no_crash(alice: Person, text: str) -> None:
    conversation = alice.converse()["id"]

    answer = alice.post(f"/api/conversations/{conversation}/messages", json={"content": text})

    assert answer.status_code in (202, 422)
