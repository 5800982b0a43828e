"""People with accounts, each in a browser of his own, on a product that asks who they are."""

import uuid
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from common import accounts, passwords
from common.db import Database
from tests.browser.chat import Chat
from tests.stack import Stack

PASSWORD = "una contraseña larga"
# One hash for everybody: making it anew for each test would take most of the test's time.
_HASH = passwords.hashed(PASSWORD)


@dataclass
class Visitor:
    """A browser and the person in front of it; None: nobody in particular."""

    context: BrowserContext
    page: Page
    email: str = ""

    @property
    def chat(self) -> Chat:
        return Chat(self.page)

    def open(self, path: str) -> None:
        self.page.goto(path)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def sign_in(self) -> None:
        """Without the page: a test that isn't about signing in is simply in."""
        answer = self.context.request.post(
            "/api/session", data={"email": self.email, "password": PASSWORD}
        )
        assert answer.ok, answer.text()

    def api(self, verb: str, path: str, body: Any = None) -> Any:
        """A call of the API as this browser's pages make it; the answer's JSON or None."""
        token = self.context.request.get("/api/session").json()["csrf_token"]
        answer = self.context.request.fetch(
            path, method=verb, data=body, headers={"X-CSRF-Token": token} if token else {}
        )
        assert answer.ok, answer.text()
        return answer.json() if answer.text() else None

    def fill(self, **fields: str) -> None:
        """Writes into fields by their labels: the words with _ for a space."""
        for label, text in fields.items():
            self.field(label.replace("_", " ")).fill(text)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def section(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title, exact=True)

    @property
    def notices(self) -> Locator:
        return self.page.locator("#notices")


def make_person(stack: Stack, name: str, role: str = "member") -> str:
    """A new account of that name; its address."""
    email = f"{name.lower()}-{uuid.uuid4().hex[:8]}@example.org"
    database = Database(stack.database_url, pool_size=1)
    with database.transaction() as session:
        accounts.make(session, email=email, password_hash=_HASH, display_name=name, role=role)
    database.close()
    return email
