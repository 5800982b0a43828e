"""Alice and Bob: users with keys of their own, whose every answer is held against the contract."""

import time
import uuid
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask_openapi import OpenAPI
from werkzeug.test import TestResponse

from common import access
from common.models.access import LOCAL_USER_ID
from tests.web.contract import Contract
from web.database import db
from web.guard import HEADERS, PART_HEADERS


@dataclass
class Person:
    """A caller of the API in this process. `key` None: nobody in particular, the local user."""

    app: OpenAPI
    id: uuid.UUID
    key: str | None

    def call(self, verb: str, url: str, **options: Any) -> TestResponse:
        """One request; the answer is checked, whatever it is."""
        headers = dict(options.pop("headers", {}))
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        lang = options.pop("lang", None)
        client = self.app.test_client(use_cookies="Cookie" not in headers)
        if lang:
            client.set_cookie("lang", lang)
        answer = client.open(url, method=verb, headers=headers, **options)
        path = answer.request.path
        _contract(self.app).check(verb, path, answer.status_code, answer.mimetype, answer.data)
        is_part = path.endswith((".js", ".css")) and answer.status_code < 400
        expected = PART_HEADERS if is_part else HEADERS
        for name, value in expected.items():
            assert answer.headers.get(name) == value, f"{name} of {verb} {url}"
        return answer

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.call("GET", url, **options)

    def post(self, url: str, **options: Any) -> TestResponse:
        return self.call("POST", url, **options)

    def put(self, url: str, **options: Any) -> TestResponse:
        return self.call("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> TestResponse:
        return self.call("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> TestResponse:
        return self.call("DELETE", url, **options)

    def converse(self, **settings: Any) -> dict[str, Any]:
        """A new conversation."""
        return _body(self.post("/api/conversations", json=settings), 201)

    def say(self, conversation: str, content: str = "hola", **more: Any) -> dict[str, Any]:
        """Posts a turn: message, reply and job."""
        url = f"/api/conversations/{conversation}/messages"
        return _body(self.post(url, json={"content": content, **more}), 202)

    def regenerate(self, message: str, **more: Any) -> dict[str, Any]:
        return _body(self.post(f"/api/messages/{message}/replies", json=more), 202)

    def poll(self, job: str, cursor: str | None = None, **more: Any) -> dict[str, Any]:
        params = {"cursor": cursor} if cursor else {}
        return _body(self.get(f"/api/jobs/{job}", query_string={**params, **more}), 200)

    def conversation(self, conversation: str) -> dict[str, Any]:
        return _body(self.get(f"/api/conversations/{conversation}"), 200)

    def branch(self, conversation: str, **query: Any) -> dict[str, Any]:
        """A page of the branch in view, or of the tree with all=1."""
        url = f"/api/conversations/{conversation}/messages"
        return _body(self.get(url, query_string=query), 200)

    def texts(self, conversation: str) -> list[str]:
        """What the branch in view says, but for the system message."""
        return [message["content"] for message in self.branch(conversation)["data"][1:]]


@cache
def _contract(app: OpenAPI) -> Contract:
    return Contract(app.api_doc)


def person(app: OpenAPI, name: str) -> Person:
    """A new user of that name with a key; names may be used again."""
    with app.app_context():
        session = db.session()
        user = access.create_user(session, f"{name} {uuid.uuid4().hex[:8]}")
        key = access.create_api_key(session, user, "tests")
        found = Person(app, user.id, key)
        session.commit()
    return found


def nobody(app: OpenAPI) -> Person:
    """Whoever calls without a key: in local mode, the local user."""
    return Person(app, LOCAL_USER_ID, None)


def refused(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem, which must be this one."""
    body: dict[str, Any] = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return body


def wait_for(what: str, done: Any, seconds: float = 10) -> None:
    ends_at = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends_at, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def _body(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.data
    body: dict[str, Any] = answer.get_json()
    return body
