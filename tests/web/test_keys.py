"""API keys: made by people, scoped, expiring, told once."""

from datetime import UTC, datetime, timedelta

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import text

from tests.web.accounts import Guest
from tests.web.people import Person, refused
from web.database import db


def with_key(guest: Guest, **settings: object) -> Person:
    """A program with a new key of this person."""
    answer = guest.post("/api/keys", json={"name": "script", **settings})
    assert answer.status_code == 201, answer.text
    return Person(guest.app, guest.id, answer.get_json()["key"])


def test_a_key_is_told_once_and_kept_as_a_hash(club: OpenAPI, alice_in: Guest) -> None:
    made = alice_in.post("/api/keys", json={"name": " laptop "}).get_json()

    (listed,) = alice_in.get("/api/keys").get_json()["data"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert (listed["name"], listed["scopes"]) == ("laptop", ["read", "write"])
    assert made["key"].startswith(listed["prefix"])
    with club.app_context():
        rows = str(db.session.execute(text("SELECT api_keys::text FROM api_keys")).all())
    assert made["key"].removeprefix("epi_") not in rows


def test_a_key_does_what_its_scopes_say_and_needs_no_csrf_token(alice_in: Guest) -> None:
    reader, writer = with_key(alice_in, scopes=["read"]), with_key(alice_in, scopes=["write"])

    assert reader.get("/api/conversations").status_code == 200
    refused(reader.post("/api/conversations", json={}), 403, "scope_missing")
    assert writer.post("/api/conversations", json={}).status_code == 201
    refused(writer.get("/api/conversations"), 403, "scope_missing")
    # the user's other programs and browsers see what it made
    assert len(reader.get("/api/conversations").get_json()["data"]) == 1


def test_a_key_can_not_make_keys_nor_change_the_account(alice_in: Guest) -> None:
    program = with_key(alice_in)
    (listed,) = program.get("/api/keys").get_json()["data"]

    for verb, url, body in (
        ("POST", "/api/keys", {"name": "another"}),
        ("DELETE", f"/api/keys/{listed['id']}", None),
        ("PATCH", "/api/account", {"display_name": "x"}),
        ("GET", "/api/account/export", None),
        ("GET", "/api/sessions", None),
        (
            "PUT",
            "/api/account/password",
            {"current_password": "no es esta", "new_password": "tampoco es esta"},
        ),
        ("POST", "/api/account/deletion", {"password": "no es esta"}),
    ):
        refused(program.call(verb, url, json=body), 403, "session_needed")


def test_a_revoked_key_is_refused_at_the_next_request(alice_in: Guest, bob_in: Guest) -> None:
    program = with_key(alice_in)
    (listed,) = alice_in.get("/api/keys").get_json()["data"]
    refused(bob_in.delete(f"/api/keys/{listed['id']}"), 404, "not_found")
    assert program.get("/api/models").status_code == 200

    assert alice_in.delete(f"/api/keys/{listed['id']}").status_code == 204

    refused(program.get("/api/models"), 401, "unauthorized")
    assert alice_in.get("/api/keys").get_json()["data"] == []


def test_a_key_ends_when_it_was_told_to(club: OpenAPI, alice_in: Guest) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    program = with_key(alice_in, expires_at=tomorrow)
    assert program.get("/api/models").status_code == 200
    with club.app_context():
        db.session.execute(text("UPDATE api_keys SET expires_at = now()"))
        db.session.commit()

    refused(program.get("/api/models"), 401, "unauthorized")


@pytest.mark.parametrize(
    "moment",
    [
        "2020-01-01T00:00:00Z",
        "3523-06-10T05:33:24",
        "9999-12-31T23:00:00-02:00",
        "0001-01-01T00:00:00+02:00",
    ],
)
def test_a_key_ends_in_the_future_and_in_a_year_of_the_calendar(
    alice_in: Guest, moment: str
) -> None:
    wrong = {"name": "x", "expires_at": moment}
    problem = refused(alice_in.post("/api/keys", json=wrong), 422, "invalid_input")
    assert [item["field"] for item in problem["errors"]] == ["expires_at"]


def test_when_a_key_ends_may_be_said_from_any_offset(alice_in: Guest) -> None:
    made = alice_in.post("/api/keys", json={"name": "x", "expires_at": "3523-06-10T05:33:24+20:41"})
    assert made.status_code == 201
    assert made.get_json()["expires_at"] == "3523-06-09T08:52:24.000Z"


def test_when_a_key_was_last_used_is_known(alice_in: Guest) -> None:
    program = with_key(alice_in)
    assert alice_in.get("/api/keys").get_json()["data"][0]["last_used_at"] is None

    program.get("/api/models")

    assert alice_in.get("/api/keys").get_json()["data"][0]["last_used_at"] is not None


def test_only_an_administrators_key_with_that_scope_administers(
    alice_in: Guest, administrator: Guest
) -> None:
    body = {"name": "x", "scopes": ["admin"]}
    refused(alice_in.post("/api/keys", json=body), 403, "scope_missing")
    without, having = (
        with_key(administrator),
        with_key(administrator, scopes=["read", "write", "admin"]),
    )

    refused(without.get("/api/admin/queue"), 404, "not_found")
    assert having.get("/api/admin/queue").status_code == 200
    refused(having.post("/api/admin/invitations", json={}), 403, "session_needed")
