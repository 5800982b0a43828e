"""Another user's thing is a 404 like a random id's, on every route there is."""

import uuid

from flask_openapi import OpenAPI
from sqlalchemy import func, update

from common.models import ApiKey, User
from tests.web.contract import Contract
from tests.web.people import Person, refused
from tests.web.routes import (
    belongings,
    body_of,
    filled,
    is_of_people,
    with_random_id,
    without_request_id,
)
from web.database import db


def test_every_route_with_an_id_hides_alices_things_from_bob(
    house: OpenAPI, alice: Person, bob: Person, anyone: Person
) -> None:
    walked = 0
    for verb, path, operation in Contract(house.api_doc).operations():
        if "{id}" not in path or is_of_people(path):
            continue
        url = filled(path, belongings(alice))
        for stranger in (bob, anyone):
            hers = stranger.call(verb, url, json=body_of(operation))
            random = stranger.call(verb, with_random_id(path), json=body_of(operation))

            refused(hers, 404, "not_found")
            assert without_request_id(hers.data) == without_request_id(random.data), url
            assert _headers(hers) == _headers(random), url
        assert alice.call(verb, url, json=body_of(operation)).status_code < 300, url
        walked += 1
    assert walked >= 9


def test_what_bob_tried_changed_nothing_of_alices(
    house: OpenAPI, alice: Person, bob: Person
) -> None:
    ids = belongings(alice)
    before = [alice.conversation(ids["conversations"]), alice.branch(ids["conversations"])]

    for verb, path, operation in Contract(house.api_doc).operations():
        if "{id}" in path:
            bob.call(verb, filled(path, ids), json=body_of(operation))

    after = [alice.conversation(ids["conversations"]), alice.branch(ids["conversations"])]
    assert after == before
    assert alice.poll(ids["jobs"])["status"] == "queued"


def test_bob_lists_none_of_alices_things(alice: Person, bob: Person) -> None:
    ids = belongings(alice)

    for url in (
        "/api/conversations",
        "/api/conversations?q=hola",
        "/api/search?q=hola",
        "/api/prompts",
        "/api/jobs",
        "/api/jobs?active=1",
        f"/api/jobs?conversation_id={ids['conversations']}",
    ):
        assert len(alice.get(url).get_json()["data"]) == 1, url
        assert bob.get(url).get_json() == {"data": [], "next": None}, url


def test_every_route_of_the_api_refuses_a_key_that_is_not_one(
    house: OpenAPI, alice: Person
) -> None:
    ids = belongings(alice)
    for verb, path, operation in Contract(house.api_doc).operations():
        if not path.startswith("/api/"):
            continue
        url = filled(path, ids)
        wrong = ("Bearer epi_nobody", "Bearer ", "Bearer", "Basic YTpi", "", f"Token {alice.key}")
        for key in wrong:
            headers = {"Authorization": key}
            answer = alice.call(verb, url, json=body_of(operation), headers=headers)
            refused(answer, 401, "unauthorized")
            assert answer.headers["WWW-Authenticate"] == "Bearer", url
    assert alice.poll(ids["jobs"])["status"] == "queued"


def test_a_key_works_whatever_the_case_of_its_scheme(alice: Person) -> None:
    answer = alice.get("/api/models", headers={"Authorization": f"bearer  {alice.key}"})

    assert answer.status_code == 200


def test_a_revoked_or_expired_key_or_a_disabled_user_is_refused(
    house: OpenAPI, alice: Person
) -> None:
    key, user = ApiKey.user_id == alice.id, User.id == alice.id
    endings = [
        (update(ApiKey).where(key), {"revoked_at": func.now()}, {"revoked_at": None}),
        (update(ApiKey).where(key), {"expires_at": func.now()}, {"expires_at": None}),
        (update(User).where(user), {"disabled_at": func.now()}, {"disabled_at": None}),
    ]
    for change, ended, restored in endings:
        assert alice.get("/api/models").status_code == 200
        with house.app_context():
            db.session.execute(change.values(**ended))
            db.session.commit()

        refused(alice.get("/api/models"), 401, "unauthorized")

        with house.app_context():
            db.session.execute(change.values(**restored))
            db.session.commit()


def test_an_unusable_key_is_refused_and_never_a_500(alice: Person) -> None:
    for key in ("Bearer ñandú", "Bearer \x7f\xff", "Bearer " + "a" * 8000, "Bearer a b c"):
        answer = alice.get("/api/models", headers={"Authorization": key})
        refused(answer, 401, "unauthorized")


def test_health_is_answered_whatever_the_key(alice: Person) -> None:
    assert alice.get("/health", headers={"Authorization": "Bearer x"}).status_code == 200


def test_an_id_that_is_none_is_a_404_like_any_other(house: OpenAPI, alice: Person) -> None:
    random = alice.get(f"/api/jobs/{uuid.uuid4()}").data
    for verb, path, operation in Contract(house.api_doc).operations():
        if "{id}" not in path or is_of_people(path):
            continue
        short = str(uuid.uuid4())[:-1]
        for bad in ("x", "0", "null", "%00", "%ff", "%2e%2e", "💥", "a" * 2000, short):
            answer = alice.call(verb, path.replace("{id}", bad), json=body_of(operation))
            refused(answer, 404, "not_found")
            assert without_request_id(answer.data) == without_request_id(random)


def _headers(answer: object) -> dict[str, str]:
    headers = dict(answer.headers)  # type: ignore[attr-defined]
    headers.pop("X-Request-Id")
    return headers
