"""What the scripted upstream remembers of one POST."""

from dataclasses import dataclass
from typing import Any

from tests.upstream_script import last_user_text


@dataclass
class Request:
    """One recorded POST. `closed_at`: the client closed before the answer was whole;
    `finished_at`: the answer was sent whole. `body` is None when it was no JSON."""

    path: str
    headers: dict[str, str]
    body: Any
    received_at: float
    closed_at: float | None = None
    finished_at: float | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def text(self) -> str:
        return last_user_text(self.body) if isinstance(self.body, dict) else ""
