"""Conversations: create, list, search, read, change, delete."""

import uuid

from flask_openapi import OpenAPI

from common.models import Job, Message
from tests.web.hand import Hand
from tests.web.people import Person, person, refused
from web.database import db


def test_a_new_conversation_has_its_settings_and_an_address(alice: Person) -> None:
    settings = {
        "title": "  Árboles ",
        "model": "o4-mini",
        "system_prompt": "Sé breve.",
        "params": {"temperature": 0.5, "max_output_tokens": 100},
    }

    answer = alice.post("/api/conversations", json=settings)

    made = answer.get_json()
    assert answer.headers["Location"] == f"/api/conversations/{made['id']}"
    assert made["title"] == "Árboles"
    assert made["title_source"] == "person"
    assert (made["model"], made["system_prompt"]) == ("o4-mini", "Sé breve.")
    assert made["params"] == {"temperature": 0.5, "max_output_tokens": 100}
    assert made == alice.conversation(made["id"])


def test_a_new_conversation_without_settings_gets_the_defaults(alice: Person) -> None:
    made = alice.converse()

    assert (made["title"], made["title_source"]) == ("Sin título", "default")
    assert (made["model"], made["params"], made["pinned"], made["archived"]) == (
        None,
        {},
        False,
        False,
    )
    assert made["kind"] == "chat"
    root = alice.branch(made["id"])["data"]
    assert [message["role"] for message in root] == ["system"]
    assert root[0]["content"] == made["system_prompt"] != ""
    assert made["head_message_id"] == root[0]["id"]


def test_an_empty_system_prompt_is_kept_empty(alice: Person) -> None:
    assert alice.converse(system_prompt="")["system_prompt"] == ""


def test_the_list_is_pinned_first_and_then_by_last_change(alice: Person) -> None:
    old, middle, new = (alice.converse(title=title)["id"] for title in ("old", "middle", "new"))
    alice.say(old)
    alice.patch(f"/api/conversations/{middle}", json={"pinned": True})

    listed = alice.get("/api/conversations").get_json()["data"]

    assert [item["id"] for item in listed] == [middle, old, new]
    assert {item["system_prompt"] for item in listed} == {None}


def test_the_list_is_read_page_by_page_without_gap_or_repetition(alice: Person) -> None:
    made = [alice.converse(title=f"t{n}")["id"] for n in range(5)]
    for chosen in (made[1], made[3]):
        alice.patch(f"/api/conversations/{chosen}", json={"pinned": True})

    pages, cursor = [], None
    while cursor or not pages:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = alice.get("/api/conversations", query_string=query).get_json()
        pages.append([item["id"] for item in page["data"]])
        cursor = page["next"]

    assert pages == [[made[3], made[1]], [made[4], made[2]], [made[0]]]


def test_search_finds_titles_and_what_was_said_but_not_instructions(alice: Person) -> None:
    titled = alice.converse(title="Grafos Dirigidos", system_prompt="zanahoria")["id"]
    said = alice.converse()["id"]
    alice.say(said, "¿qué es un ÁRBOL 50%_?")

    def found(text: str) -> list[str]:
        answer = alice.get("/api/conversations", query_string={"q": text})
        return [item["id"] for item in answer.get_json()["data"]]

    assert found("grafos") == [titled]
    assert found("árbol") == [said]
    assert found("50%_") == [said]
    assert found("5__") == []
    assert found("zanahoria") == []


def test_archived_conversations_have_a_list_of_their_own(alice: Person) -> None:
    kept, put_away = alice.converse()["id"], alice.converse()["id"]
    alice.patch(f"/api/conversations/{put_away}", json={"archived": True})

    def listed(archived: str) -> list[str]:
        answer = alice.get("/api/conversations", query_string={"archived": archived})
        return [item["id"] for item in answer.get_json()["data"]]

    assert listed("0") == [kept]
    assert listed("1") == [put_away]
    alice.patch(f"/api/conversations/{put_away}", json={"archived": False})
    assert listed("1") == []


def test_a_person_sees_only_what_is_theirs_in_the_list(alice: Person, bob: Person) -> None:
    hers = alice.converse()["id"]

    assert [item["id"] for item in alice.get("/api/conversations").get_json()["data"]] == [hers]
    assert bob.get("/api/conversations").get_json()["data"] == []


def test_every_setting_can_be_changed_alone(alice: Person) -> None:
    before = alice.converse(title="a", model="m1", system_prompt="p", params={"temperature": 1})
    changes = [
        ({"title": "b"}, {"title": "b"}),
        ({"model": "m2"}, {"model": "m2"}),
        ({"model": None}, {"model": None}),
        ({"system_prompt": "q"}, {"system_prompt": "q"}),
        ({"params": {"max_output_tokens": 5}}, {"params": {"max_output_tokens": 5}}),
        ({"params": {}}, {"params": {}}),
        ({"pinned": True}, {"pinned": True}),
        ({"archived": True}, {"archived": True}),
        ({"title": ""}, {"title": "Sin título", "title_source": "default"}),
        ({}, {}),
    ]

    for change, seen in changes:
        after = alice.patch(f"/api/conversations/{before['id']}", json=change).get_json()
        assert after == before | seen | {"updated_at": after["updated_at"]}, change
        assert alice.conversation(before["id"]) == after
        before = after


def test_a_new_system_prompt_is_counted_for_the_next_turn(app: OpenAPI, own_hand: Hand) -> None:
    alice = person(app, "Alice")
    own_hand.list_models(tiny={"context_window": 2048, "max_output_tokens": 1024})
    conversation = alice.converse(model="tiny", system_prompt="short")["id"]
    alice.patch(f"/api/conversations/{conversation}", json={"system_prompt": "word " * 2000})

    answer = alice.post(f"/api/conversations/{conversation}/messages", json={"content": "hi"})

    refused(answer, 422, "turn_too_long")


def test_deleting_a_conversation_deletes_its_messages_and_jobs(
    house: OpenAPI, alice: Person
) -> None:
    conversation = alice.converse()["id"]
    turn = alice.say(conversation)
    alice.say(conversation, "y otra")

    answer = alice.delete(f"/api/conversations/{conversation}")

    assert (answer.status_code, answer.data) == (204, b"")
    refused(alice.get(f"/api/conversations/{conversation}"), 404, "not_found")
    refused(alice.get(f"/api/jobs/{turn['job']['id']}"), 404, "not_found")
    refused(alice.delete(f"/api/conversations/{conversation}"), 404, "not_found")
    with house.app_context():
        for table in (Message, Job):
            left = db.session.query(table).filter_by(conversation_id=uuid.UUID(conversation))
            assert left.count() == 0


def test_deleting_a_conversation_stops_what_runs_and_forgets_its_live_log(
    alice: Person, hand: Hand
) -> None:
    conversation = alice.converse()["id"]
    job = alice.say(conversation)["job"]["id"]
    hand.claim(job)
    hand.write(job, "secreto")
    assert alice.poll(job)["text"] == "secreto"

    alice.delete(f"/api/conversations/{conversation}")

    assert hand.live_log.append([], [uuid.UUID(job)]).cancelled == [uuid.UUID(job)]
    assert hand.live_log.read(uuid.UUID(job), alice.id, None) is None
    assert hand.live_log.text(uuid.UUID(job), 1) == b""
    refused(alice.get(f"/api/jobs/{job}"), 404, "not_found")
