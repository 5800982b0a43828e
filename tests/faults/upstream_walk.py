"""All faults of a model server on one stack, at once: who posts them, who reads their ends.

walk = Walk(stack)
posted = walk.post(ALL, times=3)
walk.read_to_end(posted)
posted[0].ended, posted[0].reader.text
"""

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.reader import FINISHED, Reader, converse, say
from tests.stack import Stack
from tests.upstream import Answer, Request, Upstream
from tests.upstream_faults import ALL, Fault


def model_of(fault: Fault, number: int) -> str:
    """Each job has its own: "slow down" is said to a model, and holds for all of its jobs."""
    return f"{re.sub(r'[^a-z0-9]+', '-', fault.name.lower())}-{number}"


def models(times: int) -> list[str]:
    """What the upstream offers, for so many jobs of each fault, and a model for all others."""
    return ["gpt-test", *(model_of(fault, n + 1) for fault in ALL for n in range(times))]


@dataclass
class Posted:
    """One job of a fault: `prompt` is its user message's id."""

    fault: Fault
    marker: str
    conversation: str
    prompt: str
    reader: Reader
    ended: dict[str, Any] | None = None

    @property
    def outcomes(self) -> list[str]:
        assert self.ended is not None, "not read to its end"
        return [attempt["outcome"] for attempt in self.ended["attempts"]]

    @property
    def provoked(self) -> int:
        """How often the fault came: each attempt that it cost, or once where it cost none."""
        return max(1, len([outcome for outcome in self.outcomes if outcome != "completed"]))

    @property
    def is_right(self) -> bool:
        """Whether it came to what the table says."""
        assert self.ended is not None, "not read to its end"
        error = self.ended["error"]["code"] if self.ended["error"] else None
        return (self.ended["status"], error, tuple(self.outcomes), self.reader.text) == (
            self.fault.status,
            self.fault.error,
            self.fault.outcomes,
            self.fault.text,
        )


class Walk:
    """Posts to a stack whose upstream is scripted and offers `models`."""

    def __init__(self, stack: Stack) -> None:
        assert isinstance(stack.upstream, Upstream)
        self.stack = stack
        self.upstream = stack.upstream
        self.client = stack.client(headers={"Accept-Language": "en"})
        self._posted = 0
        self._times: Counter[str] = Counter()

    def post(self, faults: Iterable[Fault], times: int = 1) -> list[Posted]:
        """So many jobs of each fault."""
        return [
            self.post_one(fault, self._next_model(fault), *fault.answers)
            for _ in range(times)
            for fault in faults
        ]

    def post_one(self, fault: Fault, model: str, *answers: Answer) -> Posted:
        self._posted += 1
        marker = f"[[{fault.name} #{self._posted}]]"
        self.upstream.script(marker, *answers)
        conversation = converse(self.client)
        posted = say(self.client, conversation, marker, model=model)
        reader = Reader(self.client, posted["job"]["id"])
        return Posted(fault, marker, conversation, posted["message"]["id"], reader)

    def again(self, item: Posted, job_id: str) -> Posted:
        """The same turn, answered by another job."""
        reader = Reader(self.client, job_id)
        return Posted(item.fault, item.marker, item.conversation, item.prompt, reader)

    def read_to_end(self, posted: list[Posted], seconds: float = 120) -> None:
        """Polls all of them, as pages of many people would."""
        ends_at = time.monotonic() + seconds
        while late := [item for item in posted if item.ended is None]:
            assert time.monotonic() < ends_at, [item.marker for item in late]
            for item in late:
                body = item.reader.poll()
                item.ended = body if body["status"] in FINISHED else None
            time.sleep(0.2)

    def requests(self, item: Posted) -> list[Request]:
        """What the model server was asked for this job."""
        return [request for request in self.upstream.requests if request.text == item.marker]

    def messages(self, item: Posted) -> list[dict[str, Any]]:
        """All messages of the conversation, on every branch."""
        url = f"/api/conversations/{item.conversation}/messages"
        answer = self.client.get(url, params={"all": 1})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def _next_model(self, fault: Fault) -> str:
        self._times[fault.name] += 1
        return model_of(fault, self._times[fault.name])
