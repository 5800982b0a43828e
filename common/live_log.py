"""The live log in Redis: what a running job says, for readers who can't wait for its end.

`live:{job}` is a hash of what a poll shows and expires after 15 s; `live:{job}:{attempt}:text`
holds the attempt's text; `look_again:{user}` is there when a session or a key of his was ended
lately. It may fail, fill or vanish and the job never notices: every caller treats RedisError as
"no live log". Only who has just won a claim or a renewal, or has saved the reply, writes the hash.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import orjson
import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import NoScriptError, ResponseError
from redis.retry import Retry

from common import live_log_scripts as scripts
from common.cursor import Cursor, Reading, read_on

HASH_SECONDS = 15
TEXT_SECONDS = 3600
# Of a reply that is saved; longer than any hash, which may be renewed once more.
SAVED_TEXT_SECONDS = 60
CANCEL_MARK_SECONDS = 120
LOOK_AGAIN_SECONDS = 30
TIMEOUT_SECONDS = 1


@dataclass(frozen=True)
class LiveJob:
    """What the live log knows of a running job: the fields of its poll, and the new text. The same
    of one that was just completed: then those that only an ended one has are in `shown`, too."""

    shown: dict[str, Any]
    attempt: int
    cancelling: bool
    length: int
    reading: Reading
    is_ended: bool = False


@dataclass(frozen=True)
class LogReader:
    """Who reads what, and from where. `is_remembered`: it wasn't the database, just now, that said
    who he is; then a user of whom something was ended is told nothing."""

    job_id: uuid.UUID
    owner: uuid.UUID
    cursor: Cursor | None
    is_remembered: bool = False


@dataclass(frozen=True)
class NewText:
    """Text to add to an attempt's log, which should now be `expected` bytes long."""

    job_id: uuid.UUID
    attempt: int
    expected: int
    text: bytes


@dataclass(frozen=True)
class End:
    """A completed reply: what its log lacks, and what its poll shows beside its text."""

    rest: NewText
    shown: dict[str, Any]


class LiveLog:
    """The keys of the live log over one Redis client. Every method is one round trip."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._read = client.register_script(scripts.READ)
        self._append = client.register_script(scripts.APPEND)
        self._write_hash = client.register_script(scripts.WRITE_HASH)
        self._mark_done = client.register_script(scripts.MARK_DONE)

    @classmethod
    def connect(cls, url: str, *, patience_seconds: float = TIMEOUT_SECONDS) -> "LiveLog":
        """A client that gives up after that long and never repeats: a repeated APPEND would
        double text."""
        return cls(
            redis.Redis.from_url(
                url,
                socket_timeout=patience_seconds,
                socket_connect_timeout=patience_seconds,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=0,
            )
        )

    def show(self, jobs: Iterable[tuple[uuid.UUID, int, uuid.UUID, dict[str, Any]]]) -> None:
        """Writes the hashes of (job, attempt, owner, shown)s that were just claimed or renewed."""
        calls = [
            (_hash(job_id), attempt, orjson.dumps(shown), str(owner), HASH_SECONDS)
            for job_id, attempt, owner, shown in jobs
        ]
        self._run_many(self._write_hash, calls)

    def append(self, news: Sequence[NewText], watched: Sequence[uuid.UUID]) -> "Flushed":
        """Adds new text to the logs and asks which of the `watched` jobs are to be cancelled."""
        calls = [
            (_text(new.job_id, new.attempt), new.expected, new.text, TEXT_SECONDS) for new in news
        ]
        answers = self._run_many(self._append, calls, marks=watched)
        refused = [new for new, length in zip(news, answers, strict=False) if length == -1]
        marks = answers[-1] if watched else []
        cancelled = [job_id for job_id, mark in zip(watched, marks, strict=True) if mark]
        return Flushed(refused, cancelled)

    def rewrite(self, job_id: uuid.UUID, attempt: int, text: bytes) -> None:
        """Sets an attempt's whole text anew, after the log was lost or an append got no answer."""
        self._client.set(_text(job_id, attempt), text, ex=TEXT_SECONDS)

    def mark_done(self, job_id: uuid.UUID, attempt: int, end: "End | None" = None) -> None:
        """From now on readers of this attempt are sent to the database; or, where the reply is
        saved, get its `end` from here."""
        self.mark_all_done([(job_id, attempt, end)])

    def mark_all_done(self, ends: Iterable[tuple[uuid.UUID, int, "End | None"]]) -> None:
        """`mark_done` for many."""
        calls: list[tuple[Any, ...]] = []
        for job_id, attempt, end in ends:
            call: tuple[Any, ...] = (_hash(job_id), attempt, HASH_SECONDS)
            if end is not None:
                rest, shown = end.rest, orjson.dumps(end.shown)
                call += (rest.expected, rest.text, shown, SAVED_TEXT_SECONDS)
            calls.append(call)
        self._run_many(self._mark_done, calls)

    def read(self, job_id: uuid.UUID, owner: uuid.UUID, cursor: Cursor | None) -> LiveJob | None:
        """The running job's poll, or None: ask the database."""
        return self.read_many([LogReader(job_id, owner, cursor)])[0]

    def read_many(self, readers: Sequence[LogReader]) -> list[LiveJob | None]:
        """The same for many, with one question."""
        calls = [
            (
                _hash(reader.job_id),
                str(reader.owner),
                *_position(reader.cursor),
                int(reader.is_remembered),
            )
            for reader in readers
        ]
        answers = self._run_many(self._read, calls)
        return [
            _live_job(reader.cursor, found) for reader, found in zip(readers, answers, strict=True)
        ]

    def look_again(self, owner: uuid.UUID) -> None:
        """Has every reader who is only remembered as this user be looked up again."""
        self._client.set(f"look_again:{owner}", 1, ex=LOOK_AGAIN_SECONDS)

    def text(self, job_id: uuid.UUID, attempt: int) -> bytes:
        """The whole text of an attempt, as far as it is logged; empty when it is lost."""
        return cast(bytes, self._client.get(_text(job_id, attempt)) or b"")

    def ask_to_cancel(self, job_ids: Sequence[uuid.UUID], *, deleted: bool = False) -> None:
        """Leaves the mark that the worker's next flush sees.

        `deleted`: from now on readers are sent to the database, whatever a worker that doesn't
        know yet still writes here.
        """
        mark = b"deleted" if deleted else b"cancel"
        with self._client.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.set(_cancel(job_id), mark, ex=CANCEL_MARK_SECONDS)
            pipe.execute()

    def forget(self, jobs: Iterable[tuple[uuid.UUID, int]]) -> None:
        """Removes all that is logged of deleted jobs; with each its last attempt."""
        keys = [
            key
            for job_id, last in jobs
            for key in (_hash(job_id), *(_text(job_id, n) for n in range(1, last + 1)))
        ]
        if keys:
            self._client.delete(*keys)

    def ping(self) -> None:
        """Raises RedisError when Redis doesn't answer."""
        self._client.ping()

    def close(self) -> None:
        self._client.close()

    def _run_many(
        self,
        script: Script,
        calls: Sequence[tuple[Any, ...]],
        marks: Sequence[uuid.UUID] = (),
    ) -> list[Any]:
        """The answers of a script for each (key, arguments…), then those cancel `marks`, if any.

        One round trip, unless Redis has forgotten the script, as it does in a restart: what was
        not run then is run once the script is known again.
        """
        commands: list[tuple[Any, ...]] = [("EVALSHA", script.sha, 1, *call) for call in calls]
        if marks:
            commands.append(("MGET", *map(_cancel, marks)))
        answers = self._ask(commands)
        not_run = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if not_run:
            self._client.script_load(script.script)
            again = self._run_many(script, [calls[at] for at in not_run])
            for at, answer in zip(not_run, again, strict=True):
                answers[at] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The commands' answers, or an error in an answer's place. In one round trip, and past
        redis-py's pipeline, which costs more than that."""
        if not commands:
            return []
        pool = self._client.connection_pool
        connection = pool.get_connection()
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            return [_answer(connection) for _ in commands]
        except BaseException:
            connection.disconnect()  # what is still on its way would answer the next question
            raise
        finally:
            pool.release(connection)


@dataclass(frozen=True)
class Flushed:
    """What a flush learned: appends that were refused, jobs whose cancel was asked."""

    refused: list[NewText]
    cancelled: list[uuid.UUID]


def _position(cursor: Cursor | None) -> tuple[int, int]:
    return (cursor.attempt, cursor.offset) if cursor else (-1, -1)


def _live_job(cursor: Cursor | None, found: Any) -> LiveJob | None:
    """What the script answered; None: nothing for this reader."""
    if found is None:
        return None
    attempt, shown, cancelling, length, start, text, ended = found
    if cursor is not None and cursor.attempt > int(attempt):
        return None  # the log was lost, and a renewal of the attempt before came late
    if ended and cursor is not None and cursor.attempt == int(attempt) and cursor.offset > length:
        return None  # a cursor of another text: the rule for that is the database's
    reading = _reading(cursor, int(attempt), int(length), int(start), text)
    return LiveJob(
        orjson.loads(shown), int(attempt), bool(cancelling), int(length), reading, bool(ended)
    )


def _reading(cursor: Cursor | None, attempt: int, length: int, start: int, text: bytes) -> Reading:
    if cursor is not None and cursor.attempt == attempt and cursor.offset > length:
        return Reading("", cursor, reset=False)
    # The script read from `start` on; the rest of the rule is the same as for a whole text.
    within = cursor if cursor is None or cursor.attempt != attempt else Cursor(attempt, 0)
    reading = read_on(within, attempt, text, finished=False)
    return Reading(reading.text, Cursor(attempt, start + len(text)), reading.reset)


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


def _hash(job_id: uuid.UUID) -> str:
    return f"live:{job_id}"


def _text(job_id: uuid.UUID, attempt: int) -> str:
    return f"live:{job_id}:{attempt}:text"


def _cancel(job_id: uuid.UUID) -> str:
    return f"live:{job_id}:cancel"
