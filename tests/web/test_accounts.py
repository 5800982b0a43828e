"""Joining by an invitation, one's profile, one's password."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import func, text, update

from common import invitations
from common.config import TestingConfig
from common.models import Invitation
from common.models.access import LOCAL_USER_ID
from tests.web.accounts import PASSWORD, Guest, browser, member
from tests.web.people import nobody, refused
from web.create_app import create_app
from web.database import close_all, db


def invited(club: OpenAPI, by: Guest, *, email: str | None = None, role: str = "member") -> str:
    """The token of a new invitation."""
    with club.app_context():
        _, token = invitations.invite(db.session(), by.id, email=email, role=role)
        db.session.commit()
    return token


def joining(token: str, email: str) -> dict[str, str]:
    return {"token": token, "email": email, "display_name": "Alice", "password": PASSWORD}


def fields(answer: object) -> list[str]:
    problem = refused(answer, 422, "invalid_input")  # type: ignore[arg-type]
    return [item["field"] for item in problem["errors"]]


def test_an_invitation_makes_one_account_and_signs_it_in(
    club: OpenAPI, administrator: Guest, outsider: Guest
) -> None:
    token = invited(club, administrator)
    email = f"alice-{token[:8].lower()}@example.org"

    answer = outsider.post("/api/account", json=joining(token, email.upper()))

    assert answer.status_code == 201
    outsider.keep(answer)
    user = outsider.get("/api/account").get_json()
    assert (user["email"], user["role"], user["display_name"]) == (email, "member", "Alice")
    again = browser(club).post("/api/account", json=joining(token, "bob@example.org"))
    refused(again, 404, "invitation_invalid")
    outsider.email = email
    assert outsider.sign_in().status_code == 200


@pytest.mark.parametrize("ending", ["expired", "withdrawn", "never given"])
def test_an_invitation_that_is_none_any_more_makes_nothing(
    club: OpenAPI, administrator: Guest, outsider: Guest, ending: str
) -> None:
    token = invited(club, administrator)
    with club.app_context():
        if ending == "expired":
            db.session.execute(update(Invitation).values(expires_at=func.now()))
        if ending == "withdrawn":
            for invitation in invitations.listed(db.session()):
                invitations.withdraw(db.session(), invitation.id)
        db.session.commit()
    if ending == "never given":
        token = token[:-1]

    answer = outsider.post("/api/account", json=joining(token, "carol@example.org"))

    refused(answer, 404, "invitation_invalid")


def test_a_refused_joining_leaves_the_invitation_usable(
    club: OpenAPI, administrator: Guest, outsider: Guest
) -> None:
    token = invited(club, administrator, email="dave@example.org")

    def tried(**more: str) -> list[str]:
        body = joining(token, "dave@example.org") | more
        return fields(outsider.post("/api/account", json=body))

    assert tried(email="somebody@example.org") == ["email"]
    assert tried(email="no address") == ["email"]
    assert tried(password="short") == ["password"]
    assert tried(password="Dave@example.org") == ["password"]
    assert tried(display_name=" ") == ["display_name"]
    body = joining(token, "Dave@example.org")
    assert outsider.post("/api/account", json=body).status_code == 201


def test_an_address_that_somebody_has_is_refused(
    club: OpenAPI, administrator: Guest, alice_in: Guest, outsider: Guest
) -> None:
    token = invited(club, administrator)

    answer = outsider.post("/api/account", json=joining(token, alice_in.email))

    assert fields(answer) == ["email"]


def test_of_ten_who_use_one_invitation_at_once_one_joins(
    club: OpenAPI, administrator: Guest
) -> None:
    token = invited(club, administrator)

    def join(n: int) -> int:
        body = joining(token, f"ten-{n}-{token[:6].lower()}@example.org")
        return browser(club).post("/api/account", json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(join, range(6)))

    assert answers == [201, 404, 404, 404, 404, 404]


def test_the_first_administrator_takes_over_what_local_mode_wrote(config: TestingConfig) -> None:
    local = create_app(config)
    mine = nobody(local).converse(title="de antes")["id"]
    app = create_app(config.model_copy(update={"EPICODE_AUTH": "accounts"}))
    with app.app_context():
        old = invitations.invite_first_administrator(db.session())
        token = invitations.invite_first_administrator(db.session())
        db.session.commit()
    first = browser(app)
    email = "first@example.org"
    refused(first.post("/api/account", json=joining(old, email)), 404, "invitation_invalid")

    first.keep(first.post("/api/account", json=joining(token, email)))

    user = first.get("/api/account").get_json()
    assert (user["id"], user["role"]) == (str(LOCAL_USER_ID), "admin")
    assert first.conversation(mine)["title"] == "de antes"
    with app.app_context():
        late = invitations.invite_first_administrator(db.session())
        db.session.commit()
    answer = browser(app).post("/api/account", json=joining(late, "second@example.org"))
    refused(answer, 404, "invitation_invalid")
    for one in (local, app):
        with one.app_context():
            close_all()


def test_ones_name_and_language_can_be_changed(alice_in: Guest) -> None:
    changed = alice_in.patch("/api/account", json={"display_name": " Ana ", "locale": "en"})

    assert (changed.get_json()["display_name"], changed.get_json()["locale"]) == ("Ana", "en")
    assert alice_in.get("/api/account").get_json() == changed.get_json()
    assert fields(alice_in.patch("/api/account", json={"role": "admin"})) == ["role"]


def test_a_new_password_ends_all_other_sessions(club: OpenAPI, alice_in: Guest) -> None:
    elsewhere = Guest(club, alice_in.id, None, alice_in.email)
    elsewhere.sign_in()
    body = {"current_password": PASSWORD, "new_password": "otra contraseña larga"}

    assert alice_in.put("/api/account/password", json=body).status_code == 204

    assert alice_in.get("/api/account").status_code == 200
    refused(elsewhere.get("/api/account"), 401, "unauthorized")
    refused(elsewhere.sign_in(), 401, "wrong_credentials")
    assert elsewhere.sign_in("otra contraseña larga").status_code == 200


def test_a_password_is_changed_only_by_who_knows_it(alice_in: Guest) -> None:
    def tried(current: str, new: str) -> list[str]:
        body = {"current_password": current, "new_password": new}
        return fields(alice_in.put("/api/account/password", json=body))

    assert tried("no es esta", "otra contraseña larga") == ["current_password"]
    assert tried(PASSWORD, "corta") == ["new_password"]
    assert tried(PASSWORD, alice_in.email) == ["new_password"]
    for _ in range(9):
        tried("no es esta", "otra contraseña larga")
    body = {"current_password": PASSWORD, "new_password": "otra contraseña larga"}
    refused(alice_in.put("/api/account/password", json=body), 429, "too_many_attempts")


def test_of_an_invitation_only_its_hash_is_kept(club: OpenAPI, administrator: Guest) -> None:
    token = invited(club, administrator)

    with club.app_context():
        rows = str(db.session.execute(text("SELECT invitations::text FROM invitations")).all())

    assert token not in rows


def test_two_members_have_accounts_of_their_own(alice_in: Guest, bob_in: Guest) -> None:
    conversation = alice_in.converse()["id"]

    refused(bob_in.get(f"/api/conversations/{conversation}"), 404, "not_found")
    assert member(bob_in.app, "Carol").get("/api/conversations").get_json()["data"] == []
