"""One fault under load: replies that are being said, the fault, what came of it.

    trial = Trial(stack, tally)
    trial.speak(20)                                   # twenty replies, all begun
    with trial.fault("kill -9 of a worker"):
        stack.worker().kill()
    trial.ends_well()

`ends_well` reads every reply to its end as a browser would, compares each character with what the
model said, asks the audit, and notes the fault's figures.
"""

import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg2

from tests.reader import FINISHED, Reader, converse
from tests.scale import Outcome, Tally
from tests.stack import Stack
from tests.upstream import End, Gate, Script, Text
from tests.upstream_script import last_user_text, stream

PIECES = ("Una respuesta ", "que sigue, ", "con acentos ", "y 👩‍💻, ", "עם עברית, ", "n\u0303 — ")
PIECES_A_REPLY = 40
# The time that a turn may be refused before a fault counts as endless.
PATIENCE_SECONDS = 90.0


def answer(body: dict[str, Any]) -> Script:
    """What the model says to a prompt of a trial: its own text, over the time that it names. One
    that is held says its last word only when the fault is over."""
    prompt = last_user_text(body)
    *pieces, last = said_to(prompt)
    seconds = float(re.findall(r"lasts ([\d.]+)", prompt)[0])
    gate = (Gate(name) for name in re.findall(r"held by (\w+)", prompt))
    return stream(pieces, seconds / len(pieces), 0.0, *gate, Text(last), End("stop"))


def said_to(prompt: str) -> list[str]:
    """The pieces of the one right reply to a prompt."""
    start = sum(prompt.encode()) % len(PIECES)
    return [f"«{prompt}» ", *(PIECES[(start + at) % len(PIECES)] for at in range(PIECES_A_REPLY))]


@dataclass
class Turn:
    """A turn that was accepted, and who reads its reply."""

    prompt: str
    reader: Reader
    ended: dict[str, Any] | None = None

    @property
    def is_said_once(self) -> bool:
        """Whether reader and row hold exactly what the model said; an error is no reply."""
        return self.ended is not None and self.reader.text == "".join(said_to(self.prompt))


@dataclass
class Trial:
    """The replies of one fault, and its figures."""

    stack: Stack
    tally: Tally
    client: httpx.Client | None = None
    turns: list[Turn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stack.upstream.script("[[trial", answer)  # type: ignore[union-attr]
        self._client = self.client or self.stack.client()
        self._gate = f"trial_{uuid.uuid4().hex[:8]}"
        self._name = ""
        self._provoked = 0
        self._hit: list[tuple[str, int]] = []
        self._hit_at: Any = None
        self._over_at = 0.0
        self.slowest_post = 0.0

    def speak(self, count: int, *, seconds: float = 1.0, held: bool = True) -> None:
        """As many replies, each in a conversation of its own, lasting so long; returns when all
        have begun. `held`: none ends before the fault is over."""
        begun = [self._post(self._converse(), seconds, held=held) for _ in range(count)]
        for turn in begun:
            turn.reader.read_until_text(60)

    def post(self, count: int, *, seconds: float = 0.5, turns: int = 1) -> None:
        """As many conversations of `turns` turns each, whose replies are not waited for."""
        for _ in range(count):
            conversation = self._converse()
            for _ in range(turns):
                self._post(conversation, seconds)

    @contextmanager
    def fault(self, name: str, times: int = 1) -> Iterator[None]:
        """What is done in the block is the fault; when the block ends it is over."""
        self._name, self._provoked = name, self._provoked + times
        self._hit = [
            (row[0], row[1])
            for row in self.rows("SELECT id::text, attempt FROM jobs WHERE status = 'in_progress'")
        ]
        ((self._hit_at,),) = self.rows("SELECT clock_timestamp()")
        yield
        self._over_at = time.monotonic()
        self.stack.upstream.open(self._gate)  # type: ignore[union-attr]

    def ends_well(self, seconds: float = 60, *, failing_with: frozenset[str] = frozenset()) -> None:
        """Reads all to the end, then asserts: nothing lost, nothing doubled, no promise broken.

        `failing_with` are the codes that a reply may honestly end in under this fault.
        """
        self.post(1)  # the house still takes turns
        recovery = self._recover(seconds)
        self._read_to_end(seconds)
        ended = [turn.ended for turn in self.turns if turn.ended is not None]
        lost = [
            turn.ended or turn.reader.polls[-1:]
            for turn in self.turns
            if turn.ended is None
            or (turn.ended["status"] != "completed" and _code(turn.ended) not in failing_with)
        ]
        wrong = [
            turn.reader.text
            for turn in self.turns
            if turn.ended and turn.ended["status"] == "completed" and not self._is_right(turn)
        ]
        findings = self.stack.audit()
        self.tally.add(
            Outcome(self._name, self._provoked, len(ended), len(lost), len(wrong), recovery)
        )
        assert lost == []
        assert wrong == []
        assert findings == []

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the stack's database, asked past every proxy."""
        with (
            psycopg2.connect(self.stack.database_url) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query, values)
            return cursor.fetchall()

    def _converse(self) -> str:
        return self._patiently(lambda: converse(self._client))

    def _post(self, conversation: str, seconds: float, *, held: bool = False) -> Turn:
        prompt = f"[[trial {len(self.turns)} of {conversation} lasts {seconds:g}]]"
        if held:
            prompt += f" held by {self._gate}"
        key = {"Idempotency-Key": prompt}

        def post() -> str:
            began_at = time.monotonic()
            answer = self._client.post(
                f"/api/conversations/{conversation}/messages", json={"content": prompt}, headers=key
            )
            self.slowest_post = max(self.slowest_post, time.monotonic() - began_at)
            assert answer.status_code == 202, answer.text
            job_id: str = answer.json()["job"]["id"]
            return job_id

        turn = Turn(prompt, Reader(self._client, self._patiently(post)))
        self.turns.append(turn)
        return turn

    def _patiently(self, call: Any) -> str:
        """As a good client calls: again after a 503 or a broken line, with the same key."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                done: str = call()
                return done
            except (AssertionError, httpx.TransportError):
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.2)

    def _recover(self, seconds: float) -> float | None:
        """Seconds from the fault's end until each reply that it hit was being said again, or had
        ended; None: it hit none."""
        if not self._hit:
            return None
        lease = f"{self.stack.environment['EPICODE_LEASE_SECONDS']} seconds"
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            waiting = self.rows(
                "SELECT id FROM jobs JOIN unnest(%s::uuid[], %s::int[]) AS hit (job_id, attempt)"
                " ON hit.job_id = jobs.id"
                " WHERE status IN ('queued', 'in_progress') AND (status = 'queued'"
                "   OR (jobs.attempt = hit.attempt AND lease_expires_at - %s::interval < %s))",
                [job_id for job_id, _ in self._hit],
                [attempt for _, attempt in self._hit],
                lease,
                self._hit_at,
            )
            if not waiting:
                return time.monotonic() - self._over_at
            self._read_round()
        raise AssertionError(f"{len(waiting)} replies were not taken up again in {seconds} s")

    def _read_to_end(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while any(turn.ended is None for turn in self.turns) and time.monotonic() < ends_at:
            self._read_round()

    def _read_round(self) -> None:
        for turn in self.turns:
            if turn.ended is None:
                body = turn.reader.try_poll()
                turn.ended = body if body and body["status"] in FINISHED else None
        time.sleep(0.05)

    def _is_right(self, turn: Turn) -> bool:
        saved = self.rows(
            "SELECT content FROM messages JOIN jobs ON reply_message_id = messages.id"
            " WHERE jobs.id = %s",
            turn.reader.job_id,
        )
        return turn.is_said_once and saved == [(turn.reader.text,)]


def _code(job: dict[str, Any]) -> str | None:
    return job["error"]["code"] if job["error"] else None
