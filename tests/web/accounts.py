"""People with accounts, each in a browser of his own: cookies, CSRF tokens, sign-in."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask_openapi import OpenAPI
from werkzeug.test import TestResponse

from common import accounts, passwords, sessions
from tests.web.people import Person
from web import session_cookie
from web.database import db

PASSWORD = "una contraseña larga"
# One hash for everybody: making it anew for each test would take most of the test's time.
PASSWORD_HASH = passwords.hashed(PASSWORD)


@dataclass
class Guest(Person):
    """A browser. `csrf_token` None: nobody has signed in with it."""

    email: str = ""
    csrf_token: str | None = None
    cookie: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, verb: str, url: str, **options: Any) -> TestResponse:
        headers = self.headers | dict(options.pop("headers", {}))
        if self.cookie is not None:
            headers.setdefault("Cookie", self.cookie)
        if self.csrf_token is not None:
            headers.setdefault("X-CSRF-Token", self.csrf_token)
        return super().call(verb, url, headers=headers, **options)

    def sign_in(self, password: str = PASSWORD) -> TestResponse:
        """Tries to; the cookie is kept if it worked."""
        answer = self.post("/api/session", json={"email": self.email, "password": password})
        self.keep(answer)
        return answer

    def keep(self, answer: TestResponse) -> None:
        """Takes cookie and token of an answer that signs in."""
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            self.csrf_token = answer.get_json()["csrf_token"]


def browser(app: OpenAPI) -> Guest:
    """Nobody's yet."""
    return Guest(app, uuid.UUID(int=0), None)


def member(app: OpenAPI, name: str, *, role: str = "member", signed_in: bool = True) -> Guest:
    """A new account of that name, signed in with a browser of its own."""
    email = f"{name.lower()}-{uuid.uuid4().hex[:8]}@example.org"
    with app.app_context():
        user_id = accounts.make(
            db.session(), email=email, password_hash=PASSWORD_HASH, display_name=name, role=role
        )
        guest = Guest(app, user_id, None, email)
        db.session.commit()
        if signed_in:  # without the hashing, which a test of signing in pays for itself
            token = sessions.begin(
                db.session(), user_id, user_agent="tests", lasts=timedelta(days=1)
            )
            guest.cookie = f"{session_cookie.NAME}={token}"
            guest.csrf_token = session_cookie.csrf_token(token)
            db.session.commit()
    return guest
