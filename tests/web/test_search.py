"""Looking for words: what is found, how it is shown, in which order, and for whom."""

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import text

from common.db import Database
from common.search import search
from tests.common.rows import ALICE, make_conversation
from tests.web.hand import Hand
from tests.web.people import Person, refused
from tests.web.sql import sql_of

_MANY = text("""
    INSERT INTO messages (id, conversation_id, parent_id, turn_index, role, content)
    SELECT gen_random_uuid(), :conversation, :root, 1, 'user',
           repeat('pregunta ', 150) || CASE WHEN n = 77 THEN 'ornitorrinco ' ELSE '' END || n
    FROM generate_series(1, 8000) AS n
""")


def hits(person: Person, sought: str, **query: object) -> list[dict[str, str]]:
    answer = person.get("/api/search", query_string={"q": sought, **query})
    assert answer.status_code == 200, answer.data
    found: list[dict[str, str]] = answer.get_json()["data"]
    return found


def test_words_are_found_in_turns_replies_and_titles_newest_first(
    alice: Person, hand: Hand
) -> None:
    old = alice.converse(title="Grafos y colas", system_prompt="háblame de colas")["id"]
    first = alice.say(old, "¿Qué es una COLA?")
    hand.answer(first["job"]["id"], "Una cola es una lista de espera.")
    new = alice.converse()["id"]
    last = alice.say(new, "otra cola")

    found = hits(alice, "cola")

    assert [(hit["message_id"], hit["role"], hit["match"]) for hit in found] == [
        (last["message"]["id"], "user", "cola"),
        (first["reply"]["id"], "assistant", "cola"),
        (first["message"]["id"], "user", "COLA"),
        (None, None, "cola"),
    ]
    assert {hit["title"] for hit in found[1:]} == {"Grafos y colas"}
    assert found[3]["before"] + found[3]["match"] + found[3]["after"] == "Grafos y colas"
    assert found[0]["conversation_id"] == new
    assert hits(alice, "cola", conversation_id=old) == found[1:]


def test_every_word_must_be_there_in_any_order_and_as_a_part_of_another(alice: Person) -> None:
    conversation = alice.converse()["id"]
    alice.say(conversation, "El arrendamiento caduca y la valla aguanta")

    assert [hit["match"] for hit in hits(alice, "valla  ARRENDA")] == ["arrenda"]
    assert [hit["match"] for hit in hits(alice, "la valla")] == ["la valla"]
    assert hits(alice, "valla puente") == []


@pytest.mark.parametrize(
    "sought", ["100%", "a_b(", "c\\d", "'; --", "%", "_", "ÑANDÚ", "日本", "💥"]
)
def test_signs_and_letters_of_every_kind_are_found_as_they_are(alice: Person, sought: str) -> None:
    conversation = alice.converse()["id"]
    alice.say(conversation, "nada de nada, 100, axb, cd")
    turn = alice.say(conversation, f"antes {sought.lower()} después")

    (found,) = hits(alice, sought)

    assert found["message_id"] == turn["message"]["id"]
    assert (found["before"], found["match"], found["after"]) == (
        "antes ",
        sought.lower(),
        " después",
    )


def test_what_was_found_is_shown_on_one_line_cut_between_words(alice: Person) -> None:
    said = "uno\ndos " * 50 + "\n\n  def\tbuscar(): " + "tres\n" * 100
    alice.say(alice.converse()["id"], said)

    (found,) = hits(alice, "buscar")

    assert found["match"] == "buscar"
    assert found["before"].startswith("…")
    assert found["before"].endswith("dos def ")
    assert found["after"].startswith("(): tres tres")
    assert found["after"].endswith("tres…")
    assert "\n" not in found["before"] + found["after"]
    assert len(found["before"]) <= 61


def test_hits_are_read_page_by_page_without_gap_or_repetition(alice: Person) -> None:
    conversation = alice.converse(title="zorro")["id"]
    turns = [alice.say(conversation, f"zorro {n}")["message"]["id"] for n in range(4)]

    pages, cursor = [], None
    while cursor or not pages:
        query = {"q": "zorro", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = alice.get("/api/search", query_string=query).get_json()
        pages.append([hit["message_id"] for hit in page["data"]])
        cursor = page["next"]

    assert pages == [turns[:1:-1], turns[1::-1], [None]]


def test_bob_finds_nothing_of_alices_whatever_he_names(alice: Person, bob: Person) -> None:
    conversation = alice.converse(title="secreto")["id"]
    alice.say(conversation, "secreto")
    assert len(hits(alice, "secreto")) == 2

    assert hits(bob, "secreto") == []
    assert hits(bob, "secreto", conversation_id=conversation) == []


def test_what_was_asked_without_a_conversation_is_not_listed_and_not_found(alice: Person) -> None:
    alice.post("/api/ask", json={"content": "jirafa"})

    assert hits(alice, "jirafa") == []


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "  "}, {"q": "a" * 201}, {"q": "\0"}])
def test_there_must_be_something_to_look_for(alice: Person, query: dict[str, str]) -> None:
    refused(alice.get("/api/search", query_string=query), 422, "invalid_input")


def test_a_search_costs_one_statement_however_much_is_found(
    house: OpenAPI, anyone: Person, hand: Hand
) -> None:
    conversation = anyone.converse(title="lince")["id"]
    for _ in range(6):
        anyone.say(conversation, "lince")

    with sql_of(house) as sql:
        assert len(hits(anyone, "lince")) == 7

    assert len(sql) == 1


def test_a_rare_word_among_many_messages_is_found_along_the_index(database: Database) -> None:
    with database.transaction() as session:
        conversation = make_conversation(session, ALICE)
        values = {"conversation": conversation.id, "root": conversation.head_message_id}
        session.execute(_MANY, values)
    with database.transaction() as session:
        session.execute(text("ANALYZE"))
    scans = _scans(database)
    with database.transaction() as session:
        found = search(
            session, ALICE, "ornitorrinco 77", conversation_id=None, before=None, limit=9
        )

    assert [hit.match for hit in found] == ["ornitorrinco 77"]
    assert _scans(database) == scans + 1


def _scans(database: Database) -> int:
    """How often the index of what was said has been used."""
    with database.transaction() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
    with database.transaction() as session:
        query = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = :name"
        return int(session.scalar(text(query), {"name": "ix_messages_content"}) or 0)
