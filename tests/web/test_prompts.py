"""Saved system prompts: a short list of one's own."""

from flask_openapi import OpenAPI

from common.prompts import MOST
from tests.web.people import Person, refused
from tests.web.sql import sql_of

BREVE = {"name": "breve", "content": "Sé breve."}


def _saved(person: Person) -> list[dict[str, str]]:
    page = person.get("/api/prompts").get_json()
    assert page["next"] is None
    found: list[dict[str, str]] = page["data"]
    return found


def test_prompts_are_saved_and_listed_by_name_whatever_its_case(alice: Person) -> None:
    for name in ("pruebas", "Árboles", "  Breve "):
        answer = alice.post("/api/prompts", json={"name": name, "content": f"de {name}"})
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"/api/prompts/{answer.get_json()['id']}"

    assert [prompt["name"] for prompt in _saved(alice)] == ["Breve", "pruebas", "Árboles"]
    assert _saved(alice)[1]["content"] == "de pruebas"


def test_a_prompt_is_changed_in_part_and_deleted(alice: Person) -> None:
    made = alice.post("/api/prompts", json=BREVE).get_json()
    url = f"/api/prompts/{made['id']}"

    renamed = alice.patch(url, json={"name": "muy breve"}).get_json()
    rewritten = alice.patch(url, json={"content": "Di poco."}).get_json()

    assert (renamed["name"], renamed["content"]) == ("muy breve", "Sé breve.")
    assert (rewritten["name"], rewritten["content"]) == ("muy breve", "Di poco.")
    assert _saved(alice) == [rewritten]
    assert made["created_at"] == rewritten["created_at"] <= rewritten["updated_at"]
    assert alice.delete(url).status_code == 204
    assert _saved(alice) == []
    refused(alice.delete(url), 404, "not_found")
    refused(alice.patch(url, json={}), 404, "not_found")


def test_a_prompt_needs_a_name_and_a_text_of_bounded_length(alice: Person) -> None:
    for wrong in (
        {},
        {"name": "a"},
        BREVE | {"name": "   "},
        BREVE | {"name": "a" * 101},
        BREVE | {"content": ""},
        BREVE | {"content": "a" * 32_001},
        BREVE | {"name": "a\0"},
        BREVE | {"user_id": "x"},
    ):
        refused(alice.post("/api/prompts", json=wrong), 422, "invalid_input")
    assert _saved(alice) == []


def test_a_list_too_long_to_choose_from_is_refused_and_costs_one_statement(
    house: OpenAPI, alice: Person, bob: Person
) -> None:
    for _ in range(MOST):
        assert alice.post("/api/prompts", json=BREVE).status_code == 201

    refused(alice.post("/api/prompts", json=BREVE), 422, "too_many_prompts")

    with sql_of(house) as sql:
        assert len(_saved(alice)) == MOST
    assert len(sql) == 2  # whose key it is, and the list
    assert bob.post("/api/prompts", json=BREVE).status_code == 201
