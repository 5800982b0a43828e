"""People with accounts over real HTTP: what tests/web/accounts.py has in this process, against a
running stack."""

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from common import accounts, sessions
from common.config import TestingConfig
from common.db import Database
from tests.stack import Stack
from tests.web.accounts import PASSWORD_HASH, Guest
from tests.web.contract import Contract
from web.create_app import create_app
from web.guard import HEADERS


class Answer:
    """An answer as werkzeug's test client would give it."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status_code = answer.status_code
        self.data = answer.content
        self.text = answer.text
        self.headers = answer.headers
        self.mimetype = answer.headers.get("Content-Type", "").split(";")[0]

    def get_json(self) -> Any:
        return json.loads(self.data)


@dataclass
class Visitor(Guest):
    """Somebody at the stack's address, with a cookie, with a key, or with nothing."""

    client: Any = None
    contract: Any = None

    def call(self, verb: str, url: str, **options: Any) -> Any:
        headers = dict(options.pop("headers", {}))
        if self.cookie is not None:
            headers |= {"Cookie": self.cookie, "X-CSRF-Token": self.csrf_token or ""}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        if options.get("json", ...) is None:
            options.pop("json")
        options["params"] = options.pop("query_string", None)
        answer = self.client.request(verb, url, headers=headers, **options)
        path = httpx.URL(url).path
        found = Answer(answer)
        self.contract.check(verb, path, answer.status_code, found.mimetype, answer.content)
        for name, value in HEADERS.items():
            assert answer.headers.get(name) == value, f"{name} of {verb} {url}"
        return found


class Club:
    """Whom a stack with accounts knows."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.database = Database(stack.database_url, pool_size=2)
        # without cookies of its own: each visitor brings his
        self.client = stack.client(follow_redirects=False)
        config = TestingConfig(
            FLASK_ENV="testing",
            DATABASE_URL=stack.database_url,
            REDIS_URL=stack.environment["REDIS_URL"],
        )
        self.document: dict[str, Any] = create_app(config).api_doc
        self.contract = Contract(self.document)

    def nobody(self) -> Visitor:
        return self._visitor(uuid.UUID(int=0), "")

    def member(self, name: str, *, role: str = "member") -> Visitor:
        """A new account, signed in."""
        email = f"{name.lower()}-{uuid.uuid4().hex[:8]}@example.org"
        with self.database.transaction() as session:
            user_id = accounts.make(
                session, email=email, password_hash=PASSWORD_HASH, display_name=name, role=role
            )
        return self.signed_in(self._visitor(user_id, email))

    def signed_in(self, visitor: Visitor) -> Visitor:
        """The same person in another browser."""
        with self.database.transaction() as session:
            lasts = timedelta(days=1)
            token = sessions.begin(session, visitor.id, user_agent="tests", lasts=lasts)
        secret = self.stack.environment["SECRET_KEY"].encode()
        found = self._visitor(visitor.id, visitor.email)
        found.cookie = f"epicode={token}"
        found.csrf_token = hmac.new(secret, f"csrf {token}".encode(), hashlib.sha256).hexdigest()
        return found

    def program(self, owner: Visitor, *scopes: str) -> Visitor:
        """A program with a new key of this person."""
        made = owner.post("/api/keys", json={"name": "program", "scopes": list(scopes)})
        found = self._visitor(owner.id, owner.email)
        found.key = made.get_json()["key"]
        return found

    def close(self) -> None:
        self.client.close()
        self.database.close()

    def _visitor(self, user_id: uuid.UUID, email: str) -> Visitor:
        return Visitor(
            app=None,  # type: ignore[arg-type]
            id=user_id,
            key=None,
            email=email,
            client=self.client,
            contract=self.contract,
        )
