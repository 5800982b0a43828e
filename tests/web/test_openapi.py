"""The OpenAPI document: whole, valid, and telling of every route; its page and the chat's."""

import re
from typing import Any

import pytest
from flask_openapi import OpenAPI

from tests.web.contract import Contract, shape_named
from tests.web.people import Person
from tests.web.routes import BODIES, body_name
from web import access_inputs, inputs

VERBS = {"GET", "POST", "PATCH", "PUT", "DELETE"}


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return []


def test_the_document_is_served_and_every_reference_in_it_resolves(alice: Person) -> None:
    document = alice.get("/api/openapi.json").get_json()

    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "EpiCode"
    references = set(_references(document))
    assert len(references) > 10
    for reference in references:
        found = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, f"{reference} leads nowhere"
            found = found[step]


def test_every_route_of_the_api_is_in_the_document(house: OpenAPI) -> None:
    served = {
        (verb, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in house.url_map.iter_rules()
        for verb in (rule.methods or set()) & VERBS
        if rule.rule.startswith(("/api/", "/health"))
    }
    documented = {(verb, path) for verb, path, _ in Contract(house.api_doc).operations()}

    assert served - documented == {("GET", "/api/openapi.json"), ("GET", "/api/docs")}
    assert documented <= served


def test_the_routes_are_those_of_the_contract(house: OpenAPI) -> None:
    documented = {f"{verb} {path}" for verb, path, _ in Contract(house.api_doc).operations()}

    assert documented == {
        "POST /api/ask",
        "GET /api/conversations",
        "POST /api/conversations",
        "GET /api/conversations/{id}",
        "PATCH /api/conversations/{id}",
        "DELETE /api/conversations/{id}",
        "GET /api/conversations/{id}/messages",
        "POST /api/conversations/{id}/messages",
        "GET /api/messages/{id}/replies",
        "POST /api/messages/{id}/replies",
        "PATCH /api/messages/{id}",
        "DELETE /api/messages/{id}",
        "GET /api/conversations/{id}/export",
        "POST /api/imports",
        "GET /api/search",
        "GET /api/prompts",
        "POST /api/prompts",
        "PATCH /api/prompts/{id}",
        "DELETE /api/prompts/{id}",
        "GET /api/jobs",
        "GET /api/jobs/{id}",
        "POST /api/jobs/{id}/cancellation",
        "GET /api/models",
        "GET /api/session",
        "POST /api/session",
        "DELETE /api/session",
        "GET /api/sessions",
        "DELETE /api/sessions/{id}",
        "POST /api/account",
        "GET /api/account",
        "PATCH /api/account",
        "PUT /api/account/password",
        "GET /api/account/export",
        "POST /api/account/deletion",
        "GET /api/keys",
        "POST /api/keys",
        "DELETE /api/keys/{id}",
        "GET /api/usage",
        "GET /api/admin/invitations",
        "POST /api/admin/invitations",
        "DELETE /api/admin/invitations/{id}",
        "GET /api/admin/users",
        "PATCH /api/admin/users/{id}",
        "GET /api/admin/usage",
        "GET /api/admin/jobs",
        "POST /api/admin/jobs/{id}/cancellation",
        "POST /api/admin/jobs/{id}/requeueing",
        "GET /api/admin/workers",
        "GET /api/admin/queue",
        "GET /api/admin/upstream",
        "GET /health",
        "GET /health/ready",
    }


def test_every_operation_has_a_summary_a_name_of_its_own_and_its_path_parameters(
    house: OpenAPI,
) -> None:
    operations = Contract(house.api_doc).operations()

    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)
    for verb, path, operation in operations:
        assert operation["summary"], path
        in_path = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), path
        assert any(status < "300" for status in operation["responses"]), f"{verb} {path}"


def test_every_body_and_every_answer_has_its_schema(house: OpenAPI) -> None:
    schemas = house.api_doc["components"]["schemas"]
    for verb, path, operation in Contract(house.api_doc).operations():
        name = body_name(operation)
        if name is not None:
            module = inputs if hasattr(inputs, name) else access_inputs
            assert set(schemas[name]["properties"]) == set(getattr(module, name).model_fields)
        for status, response in operation["responses"].items():
            if status in ("204", "304"):
                assert "content" not in response
                continue
            kind = "application/json" if status < "400" else "application/problem+json"
            shape = response["content"][kind]["schema"]["$ref"].rsplit("/")[-1]
            fields = shape_named(shape).model_fields
            assert set(schemas[shape]["properties"]) == set(fields), f"{verb} {path} {status}"
            if status >= "400":
                assert shape == "Problem"


def test_every_body_is_refused_with_a_field_that_it_does_not_have(house: OpenAPI) -> None:
    schemas = house.api_doc["components"]["schemas"]
    for name in BODIES:
        assert schemas[name]["additionalProperties"] is False, name


@pytest.mark.parametrize(("lang", "says"), [("es", "Respuestas"), ("en", "Answers")])
def test_the_documentation_page_names_every_route_and_has_no_inline_script(
    house: OpenAPI, alice: Person, lang: str, says: str
) -> None:
    answer = alice.get("/api/docs", lang=lang)

    page = answer.get_data(as_text=True)
    assert answer.mimetype == "text/html"
    assert says in page
    for _, path, operation in Contract(house.api_doc).operations():
        assert path in page
        assert operation["summary"].split("`")[0].split("'")[0] in page
    assert "<script" not in page
    assert " style=" not in page


def test_the_documentation_pages_style_is_served(alice: Person) -> None:
    page = alice.get("/api/docs").get_data(as_text=True)

    links = re.findall(r'href="(/static/[^"]+)"', page)

    assert links
    for link in links:
        assert alice.get(link).status_code == 200, link


@pytest.mark.parametrize("path", ["/", "/c/01a203dd-c4b5-72a2-8cc0-ebf844d2370d"])
@pytest.mark.parametrize("lang", ["es", "en"])
def test_the_chat_is_one_page_whatever_the_conversation(
    anyone: Person, path: str, lang: str
) -> None:
    answer = anyone.get(path, lang=lang)

    page = answer.get_data(as_text=True)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert f'<html lang="{lang}"' in page
    assert "Cookie" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "no-cache"
    for attributes in re.findall(r"<script([^>]*)>", page):
        assert "src=" in attributes or 'type="application/json"' in attributes, "inline script"
    assert not re.search(r"\sstyle=|\son\w+=\"", page)
    for link in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert anyone.get(link).status_code == 200, link


def test_a_notice_of_the_settings_is_given_to_the_page(app: OpenAPI) -> None:
    from dataclasses import replace

    from tests.web.people import nobody

    part = app.extensions["epicode"]
    config = part.config.model_copy(update={"EPICODE_NOTICE": "Esto es <la> demo"})
    app.extensions["epicode"] = replace(part, config=config)

    page = nobody(app).get("/").get_data(as_text=True)

    assert "<la>" not in page
    assert "Esto es" in page
