"""Who may ask at all: this machine's names, this site's pages. And what every answer carries."""

import pytest
from flask_openapi import OpenAPI

from tests.web.people import Person, refused

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
OURS = ["localhost", "localhost:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000", "LOCALHOST"]
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "evil.example#localhost",
    "192.168.1.10:8000",
    "0.0.0.0:8000",
    "[::]",
    "[::1",
    "2130706433",
    "localhost.",
    "",
    " ",
    "ñandú",
]


@pytest.mark.parametrize("host", OURS)
def test_a_name_of_this_machine_is_answered(alice: Person, host: str) -> None:
    assert alice.get("/api/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_name_is_refused_saying_what_would_allow_it(alice: Person, host: str) -> None:
    for path in ("/", "/api/models", "/api/docs", "/nothing", "/health/ready", "/static/x.css"):
        answer = alice.get(path, headers={"Host": host})

        problem = refused(answer, 403, "host_not_allowed")
        assert "EPICODE_AUTH=accounts" in problem["detail"]


def test_liveness_is_answered_by_any_name(alice: Person) -> None:
    assert alice.get("/health", headers={"Host": "10.0.0.3"}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost:9999",
        "http://127.0.0.1:8000",
        "http://localhost:8000.evil.example",
        "http://localhost:8000@evil.example",
        "http://user@localhost:8000",
        "null",
        "",
        "localhost:8000",
        "file://",
        "http://[",
        "http://[::1",
        "http://ñ",
        "http://localhost:8000, http://evil.example",
    ],
)
def test_another_origin_may_change_nothing(alice: Person, origin: str) -> None:
    job = alice.say(alice.converse()["id"])["job"]
    conversation = f"/api/conversations/{job['conversation_id']}"
    headers = {"Host": "localhost:8000", "Origin": origin}

    for verb, url, json in (
        ("POST", "/api/conversations", {}),
        ("PATCH", conversation, {"title": "x"}),
        ("DELETE", conversation, None),
        ("POST", f"/api/jobs/{job['id']}/cancellation", None),
        ("POST", "/", None),
    ):
        refused(alice.call(verb, url, json=json, headers=headers), 403, "foreign_origin")
    assert alice.poll(job["id"])["status"] == "queued"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"])
def test_the_sites_own_pages_may_change_things(alice: Person, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}

    assert alice.post("/api/conversations", json={}, headers=headers).status_code == 201


def test_programs_that_send_no_origin_may_change_things(alice: Person) -> None:
    assert alice.post("/api/conversations", json={}).status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site", "rubbish", ""])
def test_a_browser_that_says_cross_site_is_refused_though_it_sends_no_origin(
    alice: Person, site: str
) -> None:
    answer = alice.post("/api/conversations", json={}, headers={"Sec-Fetch-Site": site})

    refused(answer, 403, "foreign_origin")


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_browsers_own_request_passes(alice: Person, site: str) -> None:
    answer = alice.post("/api/conversations", json={}, headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 201


def test_reading_needs_no_origin_of_ours_and_gives_other_sites_no_permission(
    alice: Person,
) -> None:
    answer = alice.get("/api/models", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 200
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_other_sites_get_no_permission_by_asking_first(alice: Person) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    answer = alice.app.test_client().options("/api/conversations", headers=headers)

    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_every_answer_carries_the_policy_and_an_id(house: OpenAPI, alice: Person) -> None:
    calls = [
        ("GET", "/", {}),
        ("GET", "/api/models", {}),
        ("GET", "/api/docs", {}),
        ("GET", "/health", {}),
        ("GET", "/nothing", {}),
        ("POST", "/", {}),
        ("POST", "/api/conversations", {"data": b"{"}),
        ("GET", "/api/models", {"headers": {"Authorization": "x"}}),
        ("GET", "/api/models", {"headers": {"Host": "evil.example"}}),
    ]
    seen = set()
    for verb, path, options in calls:
        answer = alice.call(verb, path, **options)
        seen.add(answer.status_code)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Request-Id"].startswith("req_")
        if answer.mimetype == "application/problem+json":
            assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]
    assert seen >= {200, 400, 401, 403, 404, 405} - {400} | {415}


def test_an_error_of_ours_carries_the_policy_and_tells_nothing(
    app: OpenAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from common.catalogue import Catalogue

    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(Catalogue, "offers", broken)

    answer = app.test_client().get("/api/models")

    assert answer.status_code == 500
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.get_json()["code"] == "internal_error"
    assert b"secret" not in answer.data


def test_the_api_is_never_kept_by_a_cache(alice: Person) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]

    for url in ("/api/conversations", "/api/models", f"/api/jobs/{job}", "/api/nothing"):
        assert alice.get(url).headers["Cache-Control"] == "no-store", url


def test_reading_by_head_says_the_same_without_a_body(house: OpenAPI) -> None:
    answer = house.test_client().head("/api/models")

    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Security-Policy"] == POLICY


def test_scripts_and_styles_carry_the_same_in_few_bytes(house: OpenAPI) -> None:
    """Seventy files a page: a document's whole policy on each would double the page's own code."""
    for path in ("js/api.js", "css/chat.css"):
        headers = house.test_client().get(f"/static/{path}").headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    icon = house.test_client().get("/static/icons/epicode.svg")
    assert icon.headers["Content-Security-Policy"] == POLICY, "an image may be opened by itself"
