"""The pages around the chat: who sees which, and where the way in leads."""

import json
import re
from typing import Any

import pytest
from flask_openapi import OpenAPI
from werkzeug.test import TestResponse

from common import invitations
from common.config import TestingConfig
from tests.web.accounts import PASSWORD, Guest, browser
from web.database import db
from web.routes.account_pages import own_path

CONVERSATION = "/c/01936f1e-7a00-7c3e-9a10-000000000000"
NOT_OURS = [
    "https://evil.example/",
    "//evil.example/x",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "c/1",
    "",
    None,
]


def visit(app: OpenAPI, path: str, guest: Guest | None = None, **headers: str) -> TestResponse:
    """A page as a browser asks for it."""
    if guest and guest.cookie:
        headers["Cookie"] = guest.cookie
    return app.test_client(use_cookies=False).get(path, headers={"Accept": "text/html", **headers})


def boot(page: TestResponse) -> dict[str, Any]:
    """What the page's script starts from."""
    found = re.search(r'id="boot">(.*?)</script>', page.get_data(as_text=True))
    assert found, page.status
    said: dict[str, Any] = json.loads(found[1])
    return said


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/", "/"),
        (CONVERSATION, CONVERSATION),
        ("/account", "/account"),
        ("/admin", "/admin"),
        ("/c/01936f1e-7a00-7c3e-9a10-000000000000?a=1&b=2", f"{CONVERSATION}?a=1&b=2"),
    ],
)
def test_who_isnt_in_is_sent_to_the_door_and_back(club: OpenAPI, path: str, back: str) -> None:
    sent = visit(club, path)

    assert sent.status_code == 302
    assert sent.location.startswith("/sign-in?next=")
    assert boot(visit(club, sent.location))["next"] == back


@pytest.mark.parametrize("wanted", NOT_OURS)
def test_the_way_back_never_leads_to_another_site(wanted: str | None) -> None:
    assert own_path(wanted) == "/"


def test_a_path_of_this_site_is_a_way_back() -> None:
    assert own_path(f"{CONVERSATION}?a=1") == f"{CONVERSATION}?a=1"


def test_who_is_in_gets_the_page_with_name_and_token(club: OpenAPI, alice_in: Guest) -> None:
    for path in ("/", CONVERSATION, "/account"):
        page = visit(club, path, alice_in)
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
        said = boot(page)
        assert said["user"]["id"] == str(alice_in.id)
        assert said["user"]["role"] == "member"
        assert said["csrf_token"] == alice_in.csrf_token


def test_who_is_in_is_not_asked_to_sign_in_again(club: OpenAPI, alice_in: Guest) -> None:
    assert visit(club, "/sign-in?next=/account", alice_in).location == "/account"
    assert visit(club, "/sign-in?next=//evil.example", alice_in).location == "/"


def test_no_page_says_more_than_its_own_visitor_may_know(club: OpenAPI, outsider: Guest) -> None:
    page = visit(club, "/sign-in", outsider)

    assert boot(page)["user"] is None
    assert boot(page)["csrf_token"] is None


def test_a_member_finds_no_page_of_the_administrators(
    club: OpenAPI, alice_in: Guest, administrator: Guest
) -> None:
    def without_id(page: TestResponse) -> str:
        return re.sub(r"req_\w+", "", page.get_data(as_text=True))

    refused, unknown = (visit(club, path, alice_in) for path in ("/admin", "/nowhere"))

    assert (refused.status_code, unknown.status_code) == (404, 404)
    assert without_id(refused) == without_id(unknown)
    assert visit(club, "/admin", administrator).status_code == 200


def test_an_ended_session_is_nobodys(club: OpenAPI, alice_in: Guest) -> None:
    assert visit(club, "/", alice_in).status_code == 200

    alice_in.delete("/api/session")

    assert visit(club, "/", alice_in).status_code == 302


def test_an_invitation_shows_its_form_until_it_is_used(club: OpenAPI, administrator: Guest) -> None:
    with club.app_context():
        _, token = invitations.invite(
            db.session(), administrator.id, email="carol@example.org", role="member"
        )
        db.session.commit()
    page = visit(club, f"/join/{token}")
    assert page.status_code == 200
    assert 'value="carol@example.org"' in page.get_data(as_text=True)
    assert boot(page)["token"] == token

    carol = {"token": token, "email": "carol@example.org", "display_name": "Carol"}
    made = browser(club).post("/api/account", json={**carol, "password": PASSWORD})

    assert made.status_code == 201
    over = visit(club, f"/join/{token}")
    assert over.status_code == 404
    assert "Esta invitación ya no vale" in over.get_data(as_text=True)
    assert "<form" not in over.get_data(as_text=True)


def test_a_person_reads_an_error_as_a_page_and_a_program_as_a_problem(club: OpenAPI) -> None:
    page = visit(club, "/nowhere")
    assert page.mimetype == "text/html"
    assert "No existe" in page.get_data(as_text=True)

    assert visit(club, "/api/nowhere").mimetype == "application/problem+json"
    said = club.test_client().get("/nowhere", headers={"Accept": "*/*"})
    assert said.mimetype == "application/problem+json"


def test_local_mode_has_no_doors_but_keys_usage_and_operation(
    house: OpenAPI, house_config: TestingConfig
) -> None:
    assert house_config.EPICODE_AUTH == "local"
    for path in ("/sign-in", "/join/whatever"):
        assert visit(house, path).location == "/"
    for path in ("/", "/account", "/admin"):
        page = visit(house, path)
        assert page.status_code == 200
        assert boot(page)["user"] is None
    account, admin = (visit(house, path).get_data(as_text=True) for path in ("/account", "/admin"))
    assert 'id="new-key"' in account
    assert 'id="password"' not in account
    assert 'data-part="jobs"' in admin
    assert 'data-part="people"' not in admin
