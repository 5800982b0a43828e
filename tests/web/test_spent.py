"""What a reply was asked with and what it took, told with the reply and with its conversation."""

from decimal import Decimal

import pytest
from flask_openapi import OpenAPI

from common.config import TestingConfig
from tests.web.hand import Hand
from tests.web.people import Person, refused
from tests.web.sql import sql_of

WINDOW = {"window": 128_000, "used": 900, "omitted_turns": 2, "message_ids": []}


def test_a_reply_has_its_usage_and_context_and_a_turn_has_none(alice: Person, hand: Hand) -> None:
    turn = alice.say(alice.converse()["id"])
    job, prompt = turn["job"]["id"], turn["message"]["id"]
    assert (turn["reply"]["usage"], turn["reply"]["context"]) == (None, None)
    hand.claim(job)
    hand.note_window(job, WINDOW | {"first_sent_message_id": prompt})
    hand.complete(job, "sí", cost=Decimal("0.00125"))

    question, reply = alice.branch(turn["job"]["conversation_id"])["data"][1:]

    assert reply["usage"] == {"input_tokens": 20, "output_tokens": 10, "cost": 0.00125}
    assert reply["context"] == {
        "window": 128_000,
        "used": 900,
        "omitted_turns": 2,
        "first_sent_message_id": prompt,
    }
    assert reply["context"] == alice.poll(job)["context"]
    assert (question["usage"], question["context"]) == (None, None)


def test_a_conversation_has_what_all_its_jobs_took(alice: Person, hand: Hand) -> None:
    conversation = alice.converse()
    assert conversation["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost": None}
    turn = alice.say(conversation["id"])
    hand.claim(turn["job"]["id"])
    hand.complete(turn["job"]["id"], "sí", cost=Decimal("0.5"))
    again = alice.regenerate(turn["message"]["id"])["job"]["id"]
    hand.claim(again)
    hand.complete(again, "no")  # nobody knows its price
    alice.say(conversation["id"])

    listed = alice.get("/api/conversations").get_json()["data"]

    told = alice.conversation(conversation["id"])["usage"]
    assert told == {"input_tokens": 40, "output_tokens": 20, "cost": 0.5}
    assert [item["usage"] for item in listed] == [None]


def test_reading_a_conversation_costs_three_statements_however_many_jobs_it_has(
    house: OpenAPI, anyone: Person, hand: Hand
) -> None:
    conversation = anyone.converse()["id"]
    for _ in range(5):
        hand.answer(anyone.say(conversation)["job"]["id"])

    with sql_of(house) as sql:
        anyone.conversation(conversation)

    assert len(sql) == 3  # itself, its instructions, what it took


@pytest.mark.parametrize("mark", ["auto", "always", "never"])
def test_a_turn_is_posted_with_its_mark_for_the_window(alice: Person, mark: str) -> None:
    conversation = alice.converse()["id"]

    turn = alice.say(conversation, in_window=mark)

    question, reply = alice.branch(conversation)["data"][1:]
    assert turn["message"]["in_window"] == question["in_window"] == mark
    assert turn["reply"]["in_window"] == reply["in_window"] == "auto"


def test_a_mark_that_is_none_is_refused(alice: Person) -> None:
    url = f"/api/conversations/{alice.converse()['id']}/messages"
    for mark in ("sometimes", None, 1):
        refused(alice.post(url, json={"content": "a", "in_window": mark}), 422, "invalid_input")


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://localhost:8080/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://host.docker.internal:11434/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://192.168.1.7:8080/v1", False),
        ("nothing", False),
    ],
)
def test_a_model_server_is_local_by_its_address(
    config: TestingConfig, address: str, is_local: bool
) -> None:
    assert config.model_copy(update={"OPENAI_BASE_URL": address}).model_server_is_local is is_local


def test_the_models_say_whether_they_are_local(anyone: Person) -> None:
    models = anyone.get("/api/models").get_json()["data"]

    assert {model["local"] for model in models} == {True}  # the tests' own server
