"""Conversations in and out: an export comes back as it was, and a broken one writes nothing."""

import json
from typing import Any

import pytest
from flask_openapi import OpenAPI

from common.audit import Limits, audit
from common.config import TestingConfig
from tests.common.test_chatgpt_format import conversation, node
from tests.web.hand import Hand
from tests.web.people import Person, refused
from tests.web.sql import sql_of
from web.database import db

EMPTY: dict[str, Any] = {
    "format": "epicode",
    "version": 1,
    "created_at": "2024-05-01T10:00:00Z",
    "updated_at": "2024-05-02T10:00:00.250Z",
    "messages": [],
}


def bring(person: Person, content: dict[str, Any], kind: str = "epicode") -> dict[str, Any]:
    answer = person.post("/api/imports", json={"format": kind, "conversation": content})
    assert answer.status_code == 201, answer.data
    made: dict[str, Any] = answer.get_json()
    assert answer.headers["Location"] == f"/api/conversations/{made['id']}"
    return made


def export(person: Person, conversation_id: str) -> dict[str, Any]:
    answer = person.get(f"/api/conversations/{conversation_id}/export?format=json")
    content: dict[str, Any] = answer.get_json()
    return content


def had(alice: Person, hand: Hand) -> str:
    """A conversation with branches, a pin, a cancelled reply and one that is pending."""
    made = alice.converse(
        title="Colas y árboles", system_prompt="Sé breve.", params={"temperature": 0.5}
    )
    first = alice.say(made["id"], "¿Qué es una cola?", in_window="always")
    hand.answer(first["job"]["id"], "Una lista de espera.")
    again = alice.regenerate(first["message"]["id"])
    hand.answer(again["job"]["id"], "Una fila.")
    stopped = alice.say(made["id"], "¿Y un árbol?")
    alice.post(f"/api/jobs/{stopped['job']['id']}/cancellation")
    alice.say(made["id"], "¿Sigues?", parent_id=first["reply"]["id"])
    alice.patch(f"/api/conversations/{made['id']}", json={"pinned": True})
    return str(made["id"])


def without_ids(content: dict[str, Any]) -> dict[str, Any]:
    """An exported tree, its ids replaced by the places of their messages."""
    places = {message["id"]: n for n, message in enumerate(content["messages"])}
    messages = [
        message
        | {"id": places[message["id"]], "parent_id": places.get(message["parent_id"])}
        | {"status": message["status"].replace("pending", "incomplete")}
        for message in content["messages"]
    ]
    return content | {"messages": messages, "head_message_id": places[content["head_message_id"]]}


def test_what_is_exported_comes_back_with_its_branches_marks_and_times(
    house: OpenAPI, alice: Person, bob: Person, hand: Hand, house_config: TestingConfig
) -> None:
    exported = export(alice, had(alice, hand))

    made = bring(bob, exported)

    assert without_ids(export(bob, made["id"])) == without_ids(exported)
    assert (made["title"], made["pinned"], made["params"]) == (
        "Colas y árboles",
        True,
        {"temperature": 0.5},
    )
    assert made["updated_at"] == exported["updated_at"]
    branch = bob.branch(made["id"])["data"]
    assert [message["turn_index"] for message in branch] == list(range(len(branch)))
    assert {message["job_id"] for message in branch} == {None}
    assert branch[1]["in_window"] == "always"
    assert branch[2]["token_count"] > 0
    with house.app_context():
        assert audit(db.session(), Limits.of(house_config)) == []


def test_an_imported_conversation_goes_on_like_any_other(alice: Person, hand: Hand) -> None:
    content = conversation(
        a=node("root", "user", "hola"), b=node("a", "assistant", "¿sí?"), c=node("b", "user", "eso")
    )
    made = bring(alice, content, "chatgpt")
    question, _, unanswered, nothing = alice.branch(made["id"])["data"][1:]
    assert (nothing["status"], nothing["content"]) == ("incomplete", "")
    assert question["created_at"] == "2023-11-14T22:13:20.500Z"

    again = alice.regenerate(unanswered["id"])
    hand.answer(again["job"]["id"], "aquí estoy")
    turn = alice.say(made["id"], "sigue")

    assert alice.texts(made["id"]) == ["hola", "¿sí?", "eso", "aquí estoy", "sigue", ""]
    siblings = alice.branch(made["id"])["data"][4]["sibling_ids"]
    assert siblings == [nothing["id"], again["reply"]["id"]]
    assert turn["message"]["parent_id"] == again["reply"]["id"]


def test_the_list_shows_an_import_where_its_last_change_puts_it(alice: Person) -> None:
    bring(alice, EMPTY | {"title": "antigua"})
    now = alice.converse(title="de hoy")["id"]
    bring(alice, EMPTY | {"title": "futura", "updated_at": "9999-01-01T00:00:00Z"})

    listed = alice.get("/api/conversations").get_json()["data"]

    assert [item["title"] for item in listed] == ["futura", "de hoy", "antigua"]
    assert listed[0]["updated_at"][:4] < "9999"
    alice.say(now)
    assert alice.get("/api/conversations").get_json()["data"][0]["title"] == "de hoy"


def test_an_import_sent_twice_is_one_conversation(alice: Person) -> None:
    body = {"format": "epicode", "conversation": EMPTY}
    key = {"Idempotency-Key": "import once"}

    first, second = (alice.post("/api/imports", json=body, headers=key) for _ in range(2))

    assert first.get_json()["id"] == second.get_json()["id"]
    assert len(alice.get("/api/conversations").get_json()["data"]) == 1


def test_a_long_import_costs_statements_by_the_thousand_of_its_messages(
    house: OpenAPI, anyone: Person
) -> None:
    turns = [_turn(str(n), parent=str(n - 1) if n else None, n=n) for n in range(1500)]

    with sql_of(house) as sql:
        bring(anyone, EMPTY | {"messages": turns})

    inserts = [statement for statement in sql if "INTO messages" in statement]
    assert len(inserts) == 2
    assert len(sql) == 6  # the conversation; and what is answered: it, its root, what it took


def _turn(name: str, parent: str | None = None, n: int = 0, **more: Any) -> dict[str, Any]:
    role = "assistant" if n % 2 else "user"
    return {
        "id": name,
        "parent_id": parent,
        "role": role,
        "content": f"mensaje {n}",
        "created_at": "2024-05-01T10:00:00Z",
    } | more


BROKEN: dict[str, Any] = {
    "nothing": {},
    "another format": EMPTY | {"format": "other"},
    "a later version": EMPTY | {"version": 2},
    "no time": {key: value for key, value in EMPTY.items() if key != "created_at"},
    "a time without a zone": EMPTY | {"created_at": "2024-05-01T10:00:00"},
    "a parent that isn't there": EMPTY | {"messages": [_turn("a", "b")]},
    "its own parent": EMPTY | {"messages": [_turn("a", "a")]},
    "a circle": EMPTY | {"messages": [_turn("a", "b"), _turn("b", "a", 1)]},
    "the same id twice": EMPTY | {"messages": [_turn("a"), _turn("a")]},
    "a turn below a turn": EMPTY | {"messages": [_turn("a"), _turn("b", "a")]},
    "a reply below nothing": EMPTY | {"messages": [_turn("a", None, 1)]},
    "a reply below a reply": EMPTY
    | {"messages": [_turn("a"), _turn("b", "a", 1), _turn("c", "b", 1)]},
    "a second instruction": EMPTY | {"messages": [_turn("a", role="system")]},
    "an unknown mark": EMPTY | {"messages": [_turn("a", in_window="often")]},
    "a content that is a list": EMPTY | {"messages": [_turn("a", content=["a"])]},
    "messages that are an object": EMPTY | {"messages": {}},
    "params that are none": EMPTY | {"params": {"temperature": 9}},
    "a title too long": EMPTY | {"title": "a" * 201},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_and_writes_nothing(
    house: OpenAPI, alice: Person, name: str
) -> None:
    body = {"format": "epicode", "conversation": BROKEN[name]}
    key = {"Idempotency-Key": f"broken {name}"}

    for lang, says in (("es", "Comprueba"), ("en", "Check")):
        answer = alice.post("/api/imports", json=body, lang=lang, headers=key)
        assert says in refused(answer, 422, "import_unreadable")["detail"]

    assert alice.get("/api/conversations").get_json()["data"] == []


def test_a_broken_or_hostile_file_of_chatgpt_is_refused_and_writes_nothing(alice: Person) -> None:
    wide = {f"n{n}": node("root", "user", "a") for n in range(6000)}  # each gets its reply
    for content, code in (
        ({"mapping": {"a": {"parent": "a"}}}, "import_unreadable"),
        (EMPTY, "import_unreadable"),
        ({"mapping": {"root": node(None), **wide}}, "import_too_large"),
    ):
        body = {"format": "chatgpt", "conversation": content}
        refused(alice.post("/api/imports", json=body), 422, code)
    for body in ({}, {"format": "other", "conversation": {}}, {"format": "epicode"}):
        refused(alice.post("/api/imports", json=body), 422, "invalid_input")

    assert alice.get("/api/conversations").get_json()["data"] == []


def test_what_can_not_be_stored_or_had_here_is_left_out(alice: Person, hand: Hand) -> None:
    odd = EMPTY | {
        "title": "a\0b",
        "system_prompt": "c\0",
        "model": "gpt\0nobody",
        "created_at": "0001-01-01T00:00:00+14:00",
        "messages": [_turn("a", content="d\0e"), _turn("b", "a", 1, content="f\0", model="g\0")],
        "of a later version": 1,
    }

    made = bring(alice, odd)

    assert (made["title"], made["system_prompt"]) == ("ab", "c")
    assert made["created_at"] == "1970-01-01T00:00:00.000Z"
    assert alice.texts(made["id"]) == ["de", "f"]


def test_an_imported_time_may_have_any_offset(alice: Person) -> None:
    made = bring(alice, EMPTY | {"created_at": "2024-05-01T20:41:00+20:41"})

    assert made["created_at"] == "2024-05-01T00:00:00.000Z"


def test_the_branch_in_view_is_exported_as_markdown(alice: Person, hand: Hand) -> None:
    conversation_id = had(alice, hand)

    answer = alice.get(f"/api/conversations/{conversation_id}/export")

    text = answer.get_data(as_text=True)
    assert answer.mimetype == "text/markdown"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "filename*=UTF-8''Colas-y-%C3%A1rboles.md" in answer.headers["Content-Disposition"]
    assert text.startswith("# Colas y árboles\n\n## Tú · ")
    order = [text.index(part) for part in ("¿Qué es una cola?", "Una lista de espera.", "¿Sigues?")]
    assert order == sorted(order)
    assert "Una fila." not in text  # on another branch
    english = alice.get(f"/api/conversations/{conversation_id}/export", lang="en")
    assert "## You · " in english.get_data(as_text=True)


@pytest.mark.parametrize("title", ['../../etc/"passwd', "a\r\nX: y", "💥", "...", "日本" * 90])
def test_the_name_of_the_file_is_one_for_every_file_system(alice: Person, title: str) -> None:
    made = alice.converse(title=title)

    answer = alice.get(f"/api/conversations/{made['id']}/export?format=json")

    said = answer.headers["Content-Disposition"]
    assert not set("/\\\r\n") & set(said)
    assert said.count(".json") >= 1
    assert len(said) < 1200


def test_an_export_costs_the_same_however_long_the_conversation(
    house: OpenAPI, anyone: Person, hand: Hand
) -> None:
    conversation_id = anyone.converse()["id"]
    costs = []
    for _ in range(2):
        for _ in range(3):
            hand.answer(anyone.say(conversation_id)["job"]["id"])
        for form in ("json", "markdown"):
            with sql_of(house) as sql:
                anyone.get(f"/api/conversations/{conversation_id}/export?format={form}")
            costs.append(len(sql))

    assert costs == [2, 2, 2, 2]


def test_an_export_is_good_json_of_itself(alice: Person, hand: Hand) -> None:
    answer = alice.get(f"/api/conversations/{had(alice, hand)}/export?format=json")

    assert json.loads(answer.data)["format"] == "epicode"
