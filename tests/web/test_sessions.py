"""Signing in and out, and what ends a session."""

import pytest
from flask_openapi import OpenAPI
from sqlalchemy import delete, func, select, text, update

from common import accounts, passwords
from common.config import TestingConfig
from common.models import SignInFailure, User, UserSession
from tests.web.accounts import PASSWORD, Guest, browser, member
from tests.web.people import Person, refused
from web.create_app import create_app
from web.database import close_all, db


def test_without_a_session_only_the_door_answers(outsider: Guest) -> None:
    assert outsider.get("/api/session").get_json() == {
        "auth": "accounts",
        "user": None,
        "csrf_token": None,
    }
    for url in ("/api/models", "/api/conversations", "/api/account", "/api/sessions", "/api/docs"):
        refused(outsider.get(url), 401, "unauthorized")
    assert outsider.get("/health").status_code == 200


def test_who_signs_in_gets_a_session_whose_cookie_scripts_and_other_sites_can_not_use(
    club: OpenAPI,
) -> None:
    alice = member(club, "Alice", signed_in=False)

    answer = alice.sign_in()

    body = answer.get_json()
    assert body["user"]["email"] == alice.email
    assert body["csrf_token"] == alice.csrf_token
    parts = answer.headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts)
    assert parts[0].startswith("epicode=")
    assert "Secure" not in parts  # plain HTTP on this machine
    assert alice.get("/api/session").get_json() == body
    assert alice.converse()["title"]


def test_over_https_the_cookie_is_bound_to_this_host(club: OpenAPI) -> None:
    alice = member(club, "Alice", signed_in=False)
    there = {"base_url": "https://chat.example.org"}

    answer = alice.post("/api/session", json={"email": alice.email, "password": PASSWORD}, **there)

    parts = answer.headers["Set-Cookie"].split("; ")
    assert parts[0].startswith("__Host-epicode=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts)
    assert not [part for part in parts if part.startswith("Domain")]
    alice.keep(answer)
    assert alice.get("/api/account", **there).status_code == 200
    # the name tells the two apart: a cookie set over plain HTTP is none over HTTPS
    alice.cookie = (alice.cookie or "").removeprefix("__Host-")
    refused(alice.get("/api/account", **there), 401, "unauthorized")


def test_a_password_does_not_cross_a_network_unencrypted(club: OpenAPI) -> None:
    alice = member(club, "Alice", signed_in=False)
    body = {"email": alice.email, "password": PASSWORD}

    answer = alice.post("/api/session", json=body, base_url="http://chat.example.org")

    refused(answer, 403, "https_needed")


def test_a_name_that_nobody_trusts_is_refused_naming_the_setting(outsider: Guest) -> None:
    for host in ("evil.example", "chat.example.org.evil.example", "192.168.1.7:8000", "x", ""):
        problem = refused(outsider.get("/", headers={"Host": host}), 403, "host_not_trusted")
        assert "EPICODE_TRUSTED_HOSTS" in problem["detail"]
    assert outsider.get("/health", headers={"Host": "10.0.0.3"}).status_code == 200


def test_a_wrong_password_an_unknown_name_and_a_disabled_account_are_answered_alike(
    club: OpenAPI, administrator: Guest
) -> None:
    alice, bob = member(club, "Alice", signed_in=False), member(club, "Bob", signed_in=False)
    unknown = browser(club)
    unknown.email = "nobody@example.org"
    with club.app_context():
        db.session.execute(update(User).where(User.id == bob.id).values(disabled_at=func.now()))
        db.session.commit()

    answers = [alice.sign_in("no es esta"), unknown.sign_in(), bob.sign_in()]

    for answer in answers:
        problem = refused(answer, 401, "wrong_credentials")
        assert "Set-Cookie" not in answer.headers
        problem.pop("request_id")
    assert len({str(sorted(answer.get_json())) for answer in answers}) == 1


def test_after_too_many_wrong_passwords_even_the_right_one_waits(club: OpenAPI) -> None:
    alice, bob = member(club, "Alice", signed_in=False), member(club, "Bob", signed_in=False)
    for _ in range(10):
        refused(alice.sign_in("no es esta"), 401, "wrong_credentials")

    answer = alice.sign_in()

    refused(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) == 15 * 60
    assert bob.sign_in().status_code == 200
    with club.app_context():
        kept = str(
            db.session.execute(text("SELECT sign_in_failures::text FROM sign_in_failures")).all()
        )
        assert alice.email not in kept
        db.session.execute(delete(SignInFailure))
        db.session.commit()
    assert alice.sign_in().status_code == 200


def test_changing_anything_needs_the_sessions_csrf_token(alice_in: Guest, bob_in: Guest) -> None:
    conversation = alice_in.converse()["id"]
    url = f"/api/conversations/{conversation}"
    for wrong in ("", "x", "ñ", bob_in.csrf_token or ""):
        for verb, path, body in (
            ("PATCH", url, {"title": "otro"}),
            ("DELETE", url, None),
            ("POST", "/api/conversations", {}),
            ("PUT", "/api/account/password", {}),
            ("DELETE", "/api/session", None),
        ):
            answer = alice_in.call(verb, path, json=body, headers={"X-CSRF-Token": wrong})
            refused(answer, 403, "csrf_failed")
    assert alice_in.conversation(conversation)["title"] != "otro"
    assert alice_in.patch(url, json={"title": "otro"}).status_code == 200


def test_another_sites_page_can_not_sign_anybody_in(club: OpenAPI) -> None:
    alice = member(club, "Alice", signed_in=False)
    alice.headers = {"Origin": "https://evil.example"}

    refused(alice.sign_in(), 403, "foreign_origin")


def test_signing_out_ends_the_session_and_not_only_the_cookie(alice_in: Guest) -> None:
    answer = alice_in.delete("/api/session")

    assert answer.status_code == 204
    assert answer.headers["Set-Cookie"].startswith("epicode=;")
    refused(alice_in.get("/api/account"), 401, "unauthorized")
    assert alice_in.delete("/api/session").status_code == 204


def test_signing_in_anew_ends_the_browsers_old_session(alice_in: Guest) -> None:
    old = alice_in.cookie

    alice_in.sign_in()

    assert alice_in.cookie != old
    alice_in_old = Guest(alice_in.app, alice_in.id, None, alice_in.email, None, old)
    refused(alice_in_old.get("/api/account"), 401, "unauthorized")


def test_ones_sessions_are_listed_and_each_can_be_ended(club: OpenAPI, alice_in: Guest) -> None:
    other = Guest(club, alice_in.id, None, alice_in.email)
    other.headers = {"User-Agent": "Firefox on another machine\x7f" + "x" * 500}
    other.sign_in()

    sessions = alice_in.get("/api/sessions").get_json()["data"]

    assert [item["current"] for item in sessions] == [False, True]
    assert sessions[0]["user_agent"].startswith("Firefox on another machinex")
    assert len(sessions[0]["user_agent"]) == 200
    assert alice_in.delete(f"/api/sessions/{sessions[0]['id']}").status_code == 204
    refused(other.get("/api/account"), 401, "unauthorized")
    assert alice_in.get("/api/account").status_code == 200


@pytest.mark.parametrize("ending", ["expires", "user is disabled", "session is deleted"])
def test_an_ended_session_is_refused_at_the_next_request(club: OpenAPI, ending: str) -> None:
    alice = member(club, "Alice")
    of_alice = UserSession.user_id == alice.id
    change = {
        "expires": update(UserSession).where(of_alice).values(expires_at=func.now()),
        "user is disabled": update(User).where(User.id == alice.id).values(disabled_at=func.now()),
        "session is deleted": delete(UserSession).where(of_alice),
    }[ending]
    assert alice.get("/api/account").status_code == 200

    with club.app_context():
        db.session.execute(change)
        db.session.commit()

    refused(alice.get("/api/account"), 401, "unauthorized")
    assert alice.get("/api/session").get_json()["user"] is None


def test_of_a_session_only_its_hash_is_kept(club: OpenAPI, alice_in: Guest) -> None:
    token = (alice_in.cookie or "").partition("=")[2]
    with club.app_context():
        rows = str(db.session.execute(text("SELECT sessions::text FROM sessions")).all())
        found = db.session.scalars(select(User.password_hash).where(User.id == alice_in.id)).one()

    assert len(token) > 40
    assert token not in rows
    assert alice_in.csrf_token not in rows
    assert found is not None
    assert found.startswith("$argon2id$")


def test_a_hash_of_weaker_parameters_is_made_anew_at_sign_in(club: OpenAPI) -> None:
    from argon2 import PasswordHasher

    alice = member(club, "Alice", signed_in=False)
    weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with club.app_context():
        db.session.execute(update(User).where(User.id == alice.id).values(password_hash=weak))
        db.session.commit()

    assert alice.sign_in().status_code == 200

    with club.app_context():
        kept = db.session.get_one(User, alice.id).password_hash or ""
    assert kept != weak
    assert not passwords.is_outdated(kept)
    assert alice.sign_in().status_code == 200


def test_local_mode_has_no_sign_in_and_says_what_would_bring_it(anyone: Person) -> None:
    session = anyone.get("/api/session").get_json()

    assert (session["auth"], session["csrf_token"]) == ("local", None)
    body = {"email": "alice@example.org", "password": PASSWORD}
    problem = refused(anyone.post("/api/session", json=body), 409, "accounts_needed")
    assert "EPICODE_AUTH=accounts" in problem["detail"]
    assert anyone.delete("/api/session").status_code == 204
    assert anyone.get("/api/sessions").get_json()["data"] == []


def test_behind_a_proxy_its_word_counts_only_when_that_is_configured(
    accounts_config: TestingConfig,
) -> None:
    said = {"X-Forwarded-Proto": "https", "Host": "chat.example.org"}
    for proxies, status in ((0, 403), (1, 200)):
        app = create_app(accounts_config.model_copy(update={"EPICODE_PROXIES": proxies}))
        alice = member(app, "Alice", signed_in=False)
        alice.headers = said

        answer = alice.sign_in()

        assert answer.status_code == status
        if proxies:
            assert "Secure" in answer.headers["Set-Cookie"].split("; ")
        with app.app_context():
            close_all()


def test_the_address_is_the_same_in_capitals(club: OpenAPI) -> None:
    alice = member(club, "Alice", signed_in=False)
    alice.email = f"  {alice.email.upper()} "

    assert alice.sign_in().status_code == 200
    assert accounts.normalised(alice.email) == alice.get("/api/account").get_json()["email"]
