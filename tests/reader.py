"""A reader as the browser is one: polls with its cursor and puts the text together."""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx

FINISHED = {"completed", "incomplete", "failed", "cancelled"}


@dataclass
class Reader:
    """`text` is what a person would see; `polls` keeps every answer."""

    client: httpx.Client
    job_id: str
    text: str = ""
    cursor: str | None = None
    resets: int = 0
    polls: list[dict[str, Any]] = field(default_factory=list)

    def poll(self) -> dict[str, Any]:
        return self._read(self.client.get(f"/api/jobs/{self.job_id}", params=self._where()))

    def try_poll(self) -> dict[str, Any] | None:
        """`poll` while something is away: None for a 503 or a broken connection."""
        try:
            answer = self.client.get(f"/api/jobs/{self.job_id}", params=self._where())
        except httpx.TransportError:
            return None
        return None if answer.status_code == 503 else self._read(answer)

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

    def _where(self) -> dict[str, str]:
        return {"cursor": self.cursor} if self.cursor else {}

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        if body["reset"]:
            self.text = ""
            self.resets += 1
        self.text += body["text"]
        self.cursor = body["cursor"]
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
