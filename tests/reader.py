"""A reader as the browser is one: polls with its cursor and puts the text together."""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx

FINISHED = {"completed", "incomplete", "failed", "cancelled"}


@dataclass
class Reader:
    """`text` is what a person would see; `polls` keeps every answer.

    A `sparing` one sends the ETag of its last answer: a 304 says that nothing is new since.
    """

    client: httpx.Client
    job_id: str
    text: str = ""
    cursor: str | None = None
    resets: int = 0
    polls: list[dict[str, Any]] = field(default_factory=list)
    sparing: bool = False
    etag: str | None = None

    def poll(self) -> dict[str, Any]:
        return self._read(self._ask())

    def try_poll(self) -> dict[str, Any] | None:
        """`poll` while something is away: None for what is no answer of the web's own."""
        try:
            answer = self._ask()
        except httpx.TransportError:
            return None
        if answer.status_code in (502, 503) or answer.headers.get("Content-Type") == "text/html":
            return None
        return self._read(answer)

    def read_until(self, status: str | set[str], seconds: float = 30) -> dict[str, Any]:
        """Polls, faster than asked, until the job is in that status."""
        wanted = {status} if isinstance(status, str) else status
        ends_at = time.monotonic() + seconds
        while True:
            body = self.poll()
            if body["status"] in wanted:
                return body
            assert body["status"] not in FINISHED, body
            assert time.monotonic() < ends_at, body
            time.sleep(0.03)

    def read_to_end(self, seconds: float = 30) -> dict[str, Any]:
        return self.read_until(FINISHED, seconds)

    def read_until_text(self, seconds: float = 30) -> dict[str, Any]:
        """Polls until something was said."""
        ends_at = time.monotonic() + seconds
        while not self.text:
            body = self.poll()
            assert time.monotonic() < ends_at, body
            time.sleep(0.03)
        return self.polls[-1]

    def _ask(self) -> httpx.Response:
        return self.client.get(
            f"/api/jobs/{self.job_id}",
            params={"cursor": self.cursor} if self.cursor else {},
            headers={"If-None-Match": self.etag} if self.sparing and self.etag else {},
        )

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        if self.sparing and answer.status_code == 304:
            return self.polls[-1]
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        if body["reset"]:
            self.text = ""
            self.resets += 1
        self.text += body["text"]
        self.cursor = body["cursor"]
        self.etag = answer.headers["ETag"]
        self.polls.append(body)
        return body


def converse(client: httpx.Client, **settings: Any) -> str:
    """A new conversation's id."""
    answer = client.post("/api/conversations", json=settings)
    assert answer.status_code == 201, answer.text
    conversation_id: str = answer.json()["id"]
    return conversation_id


def say(client: httpx.Client, conversation_id: str, content: str, **more: Any) -> dict[str, Any]:
    """Posts a turn; the 202's body."""
    answer = client.post(
        f"/api/conversations/{conversation_id}/messages", json={"content": content, **more}
    )
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ask(client: httpx.Client, content: str, **more: Any) -> Reader:
    """A reader of a turn in a conversation of its own."""
    posted = say(client, converse(client), content, **more)
    return Reader(client, posted["job"]["id"])
