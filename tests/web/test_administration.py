"""What administrators see and do; for everybody else it isn't there. And the end of an account."""

import json

from flask_openapi import OpenAPI
from sqlalchemy import text

from common.models import User
from common.models.access import LOCAL_USER_ID
from tests.web.accounts import PASSWORD, Guest, browser, member
from tests.web.contract import Contract
from tests.web.people import refused
from tests.web.routes import body_of, with_random_id
from web.database import db


def test_for_members_nothing_of_it_is_there(club: OpenAPI, alice_in: Guest) -> None:
    walked = 0
    for verb, path, operation in Contract(club.api_doc).operations():
        if path.startswith("/api/admin/"):
            answer = alice_in.call(verb, with_random_id(path), json=body_of(operation))
            refused(answer, 404, "not_found")
            walked += 1
    assert walked >= 11


def test_who_is_invited_joins_and_the_link_is_told_once(
    club: OpenAPI, administrator: Guest, outsider: Guest
) -> None:
    made = administrator.post(
        "/api/admin/invitations", json={"email": "Erin@example.org", "role": "member"}
    ).get_json()

    listed = administrator.get("/api/admin/invitations").get_json()["data"]

    assert made["url"].endswith(f"/join/{made['token']}")
    assert {name: made[name] for name in listed[0]} == listed[0]
    assert made["token"] not in json.dumps(listed)
    body = {"token": made["token"], "email": "erin@example.org", "display_name": "Erin"}
    assert outsider.post("/api/account", json=body | {"password": PASSWORD}).status_code == 201
    gone = administrator.delete(f"/api/admin/invitations/{made['id']}")
    refused(gone, 404, "not_found")


def test_a_new_role_and_disabling_end_every_session_of_the_account(
    administrator: Guest, alice_in: Guest
) -> None:
    url = f"/api/admin/users/{alice_in.id}"
    promoted = administrator.patch(url, json={"role": "admin"})
    assert promoted.get_json()["role"] == "admin"
    refused(alice_in.get("/api/account"), 401, "unauthorized")
    alice_in.sign_in()
    assert alice_in.get("/api/admin/queue").status_code == 200

    disabled = administrator.patch(url, json={"disabled": True, "role": "member"})

    assert disabled.get_json()["disabled"] is True
    refused(alice_in.get("/api/account"), 401, "unauthorized")
    refused(alice_in.sign_in(), 401, "wrong_credentials")
    assert administrator.patch(url, json={"disabled": False}).get_json()["disabled"] is False
    assert alice_in.sign_in().status_code == 200


def test_limits_are_set_one_by_one_and_taken_away_by_null(
    administrator: Guest, alice_in: Guest
) -> None:
    url = f"/api/admin/users/{alice_in.id}"
    administrator.patch(url, json={"limits": {"tokens_day": 5, "cost_month": 1.5}})

    changed = administrator.patch(url, json={"limits": {"tokens_day": None, "active_jobs": 3}})

    limits = changed.get_json()["limits"]
    given = {name: value for name, value in limits.items() if value is not None}
    assert given == {"cost_month": 1.5, "active_jobs": 3}
    assert alice_in.get("/api/usage").get_json()["limits"]["active_jobs"] == 3


def test_the_last_administrator_can_neither_be_taken_away_nor_leave(config: object) -> None:
    from web.create_app import create_app
    from web.database import close_all

    app = create_app(config.model_copy(update={"EPICODE_AUTH": "accounts"}))  # type: ignore[attr-defined]
    alone = member(app, "Administrator", role="admin")
    url = f"/api/admin/users/{alone.id}"

    refused(alone.patch(url, json={"role": "member"}), 409, "last_administrator")
    refused(alone.patch(url, json={"disabled": True}), 409, "last_administrator")
    answer = alone.post("/api/account/deletion", json={"password": PASSWORD})
    refused(answer, 409, "last_administrator")
    assert alone.get("/api/account").status_code == 200
    with app.app_context():
        close_all()


def test_everybodys_jobs_are_listed_without_their_texts_and_can_be_cancelled(
    administrator: Guest, alice_in: Guest
) -> None:
    job = alice_in.say(alice_in.converse()["id"], "algo muy privado")["job"]["id"]

    listed = administrator.get(f"/api/admin/jobs?user_id={alice_in.id}&status=queued")
    cancelled = administrator.post(f"/api/admin/jobs/{job}/cancellation")

    (item,) = listed.get_json()["data"]
    assert (item["id"], item["user"]["email"]) == (job, alice_in.email)
    assert "privado" not in listed.text + cancelled.text
    assert cancelled.get_json()["status"] == "cancelled"
    assert alice_in.poll(job)["status"] == "cancelled"
    again = administrator.post(f"/api/admin/jobs/{job}/requeueing").get_json()
    assert (again["status"], again["user"]["email"]) == ("queued", alice_in.email)
    assert again["id"] != job
    refused(administrator.post(with_random_id("/api/admin/jobs/{id}/requeueing")), 404, "not_found")
    page = administrator.get("/api/admin/jobs?limit=1").get_json()
    assert page["next"]


def test_the_machine_is_seen(administrator: Guest, alice_in: Guest) -> None:
    alice_in.say(alice_in.converse()["id"])

    assert administrator.get("/api/admin/queue").get_json()["queued"] >= 1
    assert administrator.get("/api/admin/workers").get_json()["data"] == []
    upstream = administrator.get("/api/admin/upstream").get_json()
    assert upstream["address"] == "127.0.0.1"
    usage = administrator.get("/api/admin/usage").get_json()["data"]
    (mine,) = [item for item in usage if item["user"]["id"] == str(alice_in.id)]
    assert mine["today"]["requests"] == mine["month"]["requests"] == 1
    users = administrator.get("/api/admin/users?limit=200").get_json()["data"]
    assert str(alice_in.id) in {user["id"] for user in users}


def test_who_nobody_can_be_is_no_person_of_the_list(club: OpenAPI, administrator: Guest) -> None:
    with club.app_context():
        unclaimed = db.session.get_one(User, LOCAL_USER_ID).password_hash is None
    url = "/api/admin/users?limit=200"

    listed = {user["id"] for user in administrator.get(url).get_json()["data"]}

    assert str(administrator.id) in listed
    assert (str(LOCAL_USER_ID) not in listed) == unclaimed


def test_an_export_holds_every_message_and_nothing_of_others(
    alice_in: Guest, bob_in: Guest
) -> None:
    conversation = alice_in.converse(title="mía")["id"]
    turn = alice_in.say(conversation, "uno")
    alice_in.say(conversation, "otra rama", parent_id=turn["message"]["parent_id"])
    alice_in.post("/api/ask", json={"content": "suelta"})
    bob_in.say(bob_in.converse()["id"], "de Bob")

    answer = alice_in.get("/api/account/export")

    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    held = answer.get_json()
    assert held["account"]["email"] == alice_in.email
    said = [message["content"] for item in held["conversations"] for message in item["messages"]]
    assert {"uno", "otra rama", "suelta"} <= set(said)
    assert "de Bob" not in said


def test_who_deletes_his_account_takes_everything_along(club: OpenAPI, alice_in: Guest) -> None:
    job = alice_in.say(alice_in.converse()["id"])["job"]["id"]
    wrong = alice_in.post("/api/account/deletion", json={"password": "no es esta"})
    assert [item["field"] for item in refused(wrong, 422, "invalid_input")["errors"]] == [
        "password"
    ]
    assert alice_in.poll(job)["status"] == "queued"

    answer = alice_in.post("/api/account/deletion", json={"password": PASSWORD})

    assert answer.status_code == 204
    refused(alice_in.get("/api/account"), 401, "unauthorized")
    refused(alice_in.sign_in(), 401, "wrong_credentials")
    with club.app_context():
        assert db.session.get(User, alice_in.id) is None
        for table in ("conversations", "jobs", "sessions", "api_keys", "spending"):
            left = text(f"SELECT count(*) FROM {table} WHERE user_id = :id")
            assert db.session.scalar(left, {"id": alice_in.id}) == 0, table
    assert browser(club).get("/api/session").get_json()["user"] is None
