"""One reading of a job for its reader: the live log while it runs, the database otherwise.

A running job costs one Redis round trip and no SQL, and so does one that was completed a moment
ago; the database is asked when the log has no answer, so that a job's end is seen whatever becomes
of Redis.
"""

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from common.cursor import Cursor, Reading, read_on
from common.errors import EpiCodeError
from common.jobs import AnyJob
from common.listings import Standing, find_job
from common.live_log import LiveJob, LiveLog
from common.machine import FINISHED, Status
from web import presenters
from web.database import db, looking
from web.i18n import Language
from web.pacing import OF_THREADS_MS, Watched
from web.services import Services, services

STEP_SECONDS = 0.1

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Poll:
    """The answer's body, and the ETag of what it shows: never of times."""

    body: dict[str, Any]
    etag: str

    @property
    def is_finished(self) -> bool:
        return self.body["status"] in FINISHED


def poll(job_id: uuid.UUID, user_id: uuid.UUID, cursor: Cursor | None, lang: Language) -> Poll:
    """What a reader at `cursor` sees of the user's job now. Raises `not_found`."""
    part = services()
    watched = part.watchers.saw(job_id, time.monotonic())
    try:
        live = part.live_log.read(job_id, user_id, cursor)
    except RedisError as error:
        log.warning("live_log_unreadable", error=type(error).__name__)
        live = None
    if live is not None:
        found = live_poll(part, live, watched)
    else:
        found = committed_poll(job_id, user_id, cursor, lang, watched=watched)
    if found.is_finished:
        part.watchers.left(job_id)
    return found


def live_poll(part: Services, live: LiveJob, watched: int, fastest_ms: int = OF_THREADS_MS) -> Poll:
    """What a reader sees of a job, from what the live log had for him."""
    silent = 0 if live.length else part.line.last.silent_for_ms(_started_at(live))
    body = presenters.live_job(live, Watched(watched, silent, fastest_ms))
    return Poll(body, _etag(body, live.length))


def committed_poll(
    job_id: uuid.UUID,
    user_id: uuid.UUID,
    cursor: Cursor | None,
    lang: Language,
    *,
    watched: int = 1,
) -> Poll:
    """The same from the database. Raises `not_found`."""
    # given back before the line is looked at, by another of these few connections
    with looking() as connection:
        standing = find_job(connection, user_id, job_id)
    return _found(standing, cursor, lang, watched)


def stored_poll(session: Session, job_id: uuid.UUID, user_id: uuid.UUID, lang: Language) -> Poll:
    """The whole of it as this session sees it, which may have changed it. Raises `not_found`."""
    return _found(find_job(session, user_id, job_id), None, lang, watched=1)


def _found(standing: Standing | None, cursor: Cursor | None, lang: Language, watched: int) -> Poll:
    if standing is None:
        raise EpiCodeError("not_found")
    return poll_of(standing, cursor, lang, watched=watched)


def poll_of(standing: Standing, cursor: Cursor | None, lang: Language, *, watched: int = 1) -> Poll:
    """The poll of a job that was just read from the database."""
    part, job = services(), standing.job
    waits = job.status == Status.QUEUED
    line = part.line.now() if waits else None
    place = presenters.place_of(standing, line) if line else None
    silent = line.silent_for_ms(None) if line else 0
    text = standing.reply.encode()
    if job.status == Status.IN_PROGRESS:
        text = _text_so_far(part.live_log, job)
    reading = read_on(cursor, job.attempt, text, finished=job.status in FINISHED)
    body = presenters.stored_job(job, reading, place, lang, watched=Watched(watched, silent))
    return Poll(body, _etag(body, len(text)))


def without_text(standings: Sequence[Standing], lang: Language) -> list[dict[str, Any]]:
    """Jobs for a list: no text, and a cursor from which a poll gets all of it."""
    waits = any(standing.job.status == Status.QUEUED for standing in standings)
    line = services().line.now() if waits else None
    bodies = []
    for standing in standings:
        place = presenters.place_of(standing, line) if line else None
        nothing = Reading("", Cursor(standing.job.attempt, 0), reset=False)
        bodies.append(presenters.stored_job(standing.job, nothing, place, lang))
    return bodies


def wait_for_news(
    job_id: uuid.UUID, user_id: uuid.UUID, cursor: Cursor | None, lang: Language, seconds: int
) -> Poll:
    """Polls until something new is seen or `seconds` have passed; at once when too many wait."""
    first = poll(job_id, user_id, cursor, lang)
    if _is_news(first, cursor):
        return first
    return _wait(first, job_id, user_id, cursor, lang, seconds, until_finished=False)


def wait_for_end(job_id: uuid.UUID, user_id: uuid.UUID, lang: Language, seconds: int) -> Poll:
    """Polls until the job has ended or `seconds` have passed; at once when too many wait."""
    first = poll(job_id, user_id, None, lang)
    return _wait(first, job_id, user_id, None, lang, seconds, until_finished=True)


def _wait(
    first: Poll,
    job_id: uuid.UUID,
    user_id: uuid.UUID,
    cursor: Cursor | None,
    lang: Language,
    seconds: int,
    *,
    until_finished: bool,
) -> Poll:
    waiters = services().waiters
    if first.is_finished or seconds <= 0 or not waiters.acquire(blocking=False):
        return first
    try:
        ends_at = time.monotonic() + seconds
        latest = first
        while time.monotonic() < ends_at:
            db.session.remove()  # a waiting reader holds no connection
            time.sleep(STEP_SECONDS)
            latest = poll(job_id, user_id, cursor, lang)
            has_changed = latest.etag != first.etag
            if latest.is_finished or (has_changed and not until_finished):
                break
        return latest
    finally:
        waiters.release()


def _is_news(found: Poll, cursor: Cursor | None) -> bool:
    """Whether a reader at `cursor` hasn't seen this: more text, or an attempt that has begun."""
    if cursor is None:
        return bool(found.body["text"])
    return bool(found.body["cursor"] != cursor.encode())


def _started_at(live: LiveJob) -> datetime | None:
    shown = live.shown["started_at"]
    return datetime.fromisoformat(shown) if shown else None


def _text_so_far(live_log: LiveLog, job: AnyJob) -> bytes:
    try:
        return live_log.text(job.id, job.attempt)
    except RedisError:
        return b""


def _etag(body: dict[str, Any], length: int) -> str:
    queue = body["queue"]
    place = (queue["position"], queue["reason"], queue["notice"]) if queue else None
    shown = (body["attempt"], length, body["status"], place, body["cancelling"], body["cursor"])
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:20]
