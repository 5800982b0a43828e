"""A world for walks through the state machine: real tables, and workers as plain objects.

It knows who was told what: which turns were accepted, who claimed which attempt, whose end of it
the tables took. A worker is what the tables know of it and what it believes to hold, so it can
freeze, die, and write when it is too late. What is done in it is in `interleaving_moves`.
"""

import itertools
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import event, text

from common import workers
from common.config import BaseConfig
from common.db import Database
from common.errors import EpiCodeError
from common.live_log import LiveLog
from common.machine import FINISHED
from tests.common.rows import ALICE, make_conversation, make_user
from worker.place import this_place

T = TypeVar("T")
Row = dict[str, Any]
Attempt = tuple[uuid.UUID, int]

# What may be refused: because of how things stand, and because somebody else was faster.
REFUSALS = {"conversation_busy", "turn_has_answers", "turn_already_started"}
OVERTAKEN = {"not_found", "invalid_parent"}

# Every column that the machine holds against its clock; what only tells of the past stays.
_OLDER_JOBS = text("""
    UPDATE jobs SET queued_at = queued_at - :by, rung_at = rung_at - :by,
        not_before = not_before - :by, lease_expires_at = lease_expires_at - :by,
        deadline_at = deadline_at - :by
    WHERE status IN ('queued', 'in_progress')
""")
_OLDER_MODELS = text("UPDATE models SET paused_until = paused_until - :by")
_OLDER_WORKERS = text("UPDATE workers SET seen_at = seen_at - :by")


@dataclass(frozen=True)
class Accepted:
    """A turn that was answered with a 202."""

    job_id: uuid.UUID
    user_id: uuid.UUID
    conversation_id: uuid.UUID
    turn_id: uuid.UUID
    reply_id: uuid.UUID
    model: str


@dataclass(frozen=True)
class Write:
    """An end of an attempt that the tables took from a worker."""

    status: str
    outcome: str
    text: str


@dataclass(eq=False)
class Held:
    """An attempt that a worker believes to be its own."""

    job: Accepted
    attempt: int
    failures: int
    said: str = ""
    told_to_cancel: bool = False


@dataclass(eq=False)
class PlainWorker:
    """A worker process. Its pid is a real one, so that it can really be gone."""

    name: str
    slots: int
    place: str | None
    held: list[Held] = field(default_factory=list)
    frozen: bool = False

    def __post_init__(self) -> None:
        # lives until its input ends: not longer than this process
        self._process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        self.pid = self._process.pid

    @property
    def owner(self) -> str:
        return workers.lease_owner(self.name, self.pid)

    def drop(self, held: Held) -> None:
        """Believes it no more."""
        self.held = [one for one in self.held if one is not held]

    def die(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(frozen=True)
class Move:
    """One of the world's moves: `subject` and `choice` say which of the things that there are."""

    name: str
    subject: int
    choice: int
    # How long its thread rests after each statement, so that the others come between.
    rest: float = 0.0


@dataclass
class Step:
    """The moves of one step, and what was answered in it."""

    moves: tuple[Move, ...] = ()
    renewed: set[Attempt] = field(default_factory=set)
    rung: list[uuid.UUID] = field(default_factory=list)
    # The turns that were hung from their conversation's head: from which reply.
    hung: list[uuid.UUID | None] = field(default_factory=list)
    not_cancelled: set[uuid.UUID] = field(default_factory=set)
    log_was_away: bool = False

    @property
    def is_race(self) -> bool:
        return len(self.moves) > 1

    def has(self, *names: str) -> bool:
        return any(move.name in names for move in self.moves)


class World:
    """The tables, the live log, three workers, two people with two conversations each."""

    def __init__(self, database: Database, live_log: LiveLog, config: BaseConfig) -> None:
        self.database = database
        self.live_log = live_log
        self.config = config
        self.lease = timedelta(seconds=config.EPICODE_LEASE_SECONDS)
        self.ring_timeout = timedelta(seconds=config.EPICODE_RING_SECONDS)
        self.happened: Counter[str] = Counter()
        self.workers: list[PlainWorker] = []
        self.serial = itertools.count(1)
        self.lock = threading.Lock()
        self._threads = ThreadPoolExecutor(3)
        self._rest = threading.local()
        event.listen(database.engine, "after_cursor_execute", self._rest_a_little)

    def begin(self) -> None:
        """Empties the tables and everybody's memory."""
        self.end()
        self.story: list[str] = []
        self.bells: list[uuid.UUID] = []
        self.accepted: dict[uuid.UUID, Accepted] = {}
        self.gone: set[uuid.UUID] = set()
        self.taken_back: set[uuid.UUID] = set()
        self.asked: set[uuid.UUID] = set()
        self.claims: dict[Attempt, str] = {}
        self.writes: dict[Attempt, list[Write]] = {}
        self.logged: dict[Attempt, str] = {}
        self.buried: set[str] = set()  # owners whose process is gone
        # As the tables were after the last step, each with its reply's text and status.
        self.rows: dict[uuid.UUID, Row] = {}
        self.step = Step()
        self.about: Accepted | None = None
        self.unswept = self.set_back = 0.0
        with self.database.transaction() as session:
            session.execute(text("TRUNCATE conversations, models, workers CASCADE"))
            session.execute(text("DELETE FROM users WHERE id <> :alice"), {"alice": ALICE})
            people = [ALICE, make_user(session, "bob")]
            self.conversations = [
                (person, make_conversation(session, person).id) for person in people * 2
            ]
        here = this_place()
        self.workers = [
            PlainWorker("worker-1@here", 3, here),
            PlainWorker("worker-2@here", 1, here),
            PlainWorker("worker-1@far", 1, "far away"),
        ]

    def end(self) -> None:
        """Lets no process stay behind."""
        for worker in self.workers:
            worker.die()
        self.workers = []

    def close(self) -> None:
        self.end()
        self._threads.shutdown()
        event.remove(self.database.engine, "after_cursor_execute", self._rest_a_little)

    def make(self, *moves: Move) -> None:
        """Makes a move, or several at once. An EpiCodeError that must not come goes through."""
        told = [f"{move.name}({move.subject}, {move.choice})" for move in moves]
        self.story.append(" | ".join(told))
        self.step = Step(moves)
        if not self.step.is_race:
            self._make(moves[0])
            return
        barrier = threading.Barrier(len(moves))

        def begin(move: Move) -> None:
            barrier.wait()
            self._rest.seconds = move.rest
            try:
                self._make(move)
            finally:
                self._rest.seconds = 0.0

        ended = [self._threads.submit(begin, move) for move in moves]
        errors = [error for one in ended if (error := one.exception())]
        if errors:
            raise errors[0]

    def let_pass(self, seconds: float) -> None:
        """The database's clock moves: all that is held against it is so much older, or younger."""
        self.story.append(f"{seconds} s pass")
        values = {"by": timedelta(seconds=seconds)}
        with self.database.transaction() as session:
            for older in (_OLDER_JOBS, _OLDER_MODELS, _OLDER_WORKERS):
                session.execute(older, values)
        self.unswept += max(0.0, seconds)
        self.set_back += max(0.0, -seconds)

    def note(self, what: str, *, is_move: bool = False) -> None:
        with self.lock:
            self.happened[what] += 1
            self.happened["moves"] += is_move

    @property
    def there(self) -> list[Accepted]:
        """The accepted turns that nobody took back or deleted."""
        return [job for job_id, job in list(self.accepted.items()) if job_id not in self.gone]

    @property
    def unfinished(self) -> list[Accepted]:
        """Those of them that had not ended after the last step: the running ones first."""
        status = {job_id: row["status"] for job_id, row in self.rows.items()}
        found = [job for job in self.there if status.get(job.job_id) not in FINISHED]
        return sorted(found, key=lambda job: status.get(job.job_id) != "in_progress")

    @property
    def awake(self) -> list[PlainWorker]:
        return [worker for worker in self.workers if not worker.frozen]

    def beliefs(self, job_id: uuid.UUID | None = None) -> list[tuple[PlainWorker, Held]]:
        """What the workers that can act believe to hold: of one job, or all."""
        return [
            (worker, held)
            for worker in self.awake
            for held in worker.held
            if job_id in (None, held.job.job_id)
        ]

    def owns(self, held: Held) -> bool:
        """Whether this belief was true after the last step."""
        row = self.rows.get(held.job.job_id)
        mine = ("in_progress", held.attempt)
        return row is not None and (row["status"], row["attempt"]) == mine

    def turn_to(self, number: int) -> None:
        """The next moves are about one job: mostly one that has not ended, those that run first."""
        found = (number < 12 and self.unfinished) or self.there
        self.about = pick(found, number) if found else None

    def subject(self, number: int) -> Accepted | None:
        """What they are about now; something else once that is gone."""
        if self.about is None or self.about.job_id in self.gone:
            self.turn_to(number)
        return self.about

    def belief(self, subject: int, choice: int) -> tuple[PlainWorker, Held] | None:
        """One about the subject, else any."""
        job = self.subject(subject)
        found = (self.beliefs(job.job_id) if job else []) or self.beliefs()
        return pick(found, choice) if found else None

    def take_bell(self, number: int) -> uuid.UUID | None:
        """A doorbell that is on its way, out of the broker."""
        with self.lock:
            return self.bells.pop(number % len(self.bells)) if self.bells else None

    def _make(self, move: Move) -> None:
        verb: Callable[[int, int], str | None] = getattr(self, move.name)
        try:
            what = verb(move.subject, move.choice)
        except EpiCodeError as refusal:
            if refusal.code not in REFUSALS | (OVERTAKEN if self.step.is_race else set()):
                raise
            what = f"refused: {refusal.code}"
        if what:
            self.note(what, is_move=True)

    def _rest_a_little(self, *_: Any) -> None:
        seconds = getattr(self._rest, "seconds", 0.0)
        if seconds:
            time.sleep(seconds)


def pick(found: Sequence[T], number: int) -> T:
    """One of them, whatever the number; 0 is the first."""
    return found[number % len(found)]
