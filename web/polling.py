"""One reading of a job for its reader: the live log while it runs, the database otherwise.

A running job costs one Redis round trip and no SQL; the database is asked when the log has no
answer, so that a job's end is seen whatever becomes of Redis.
"""

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from common.cursor import Cursor, Reading, read_on
from common.errors import EpiCodeError
from common.jobs import FINISHED, Status
from common.live_log import LiveLog
from common.models import Job, Message
from web import presenters
from web.database import db
from web.i18n import Language
from web.services import services

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
        body = presenters.live_job(live, watched)
        return Poll(body, _etag(body, live.length))
    return stored_poll(db.session(), job_id, user_id, cursor, lang, watched=watched)


def stored_poll(
    session: Session,
    job_id: uuid.UUID,
    user_id: uuid.UUID,
    cursor: Cursor | None,
    lang: Language,
    *,
    watched: int = 1,
) -> Poll:
    """The same from the database. Raises `not_found`."""
    part = services()
    reply, prompt, previous = aliased(Message), aliased(Message), aliased(Message)
    row = session.execute(
        select(Job, reply.content, previous.status)
        .join(reply, reply.id == Job.reply_message_id)
        .join(prompt, prompt.id == Job.prompt_message_id)
        .join(previous, previous.id == prompt.parent_id)
        .where(Job.id == job_id, Job.user_id == user_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise EpiCodeError("not_found")
    job, content, previous_status = row
    place = None
    if job.status == Status.QUEUED:
        line = part.line.now(session)
        place = presenters.place_of(job, line, previous_is_pending=previous_status == "pending")
    text = content.encode()
    if job.status == Status.IN_PROGRESS:
        text = _text_so_far(part.live_log, job)
    reading = read_on(cursor, job.attempt, text, finished=job.status in FINISHED)
    body = presenters.stored_job(job, reading, place, lang, watched=watched)
    return Poll(body, _etag(body, len(text)))


def without_text(
    session: Session, rows: Sequence[tuple[Job, str]], lang: Language
) -> list[dict[str, Any]]:
    """Many jobs, each with the status of the reply before it, for a list: no text, and a cursor
    from which a poll gets all of it."""
    waits = any(job.status == Status.QUEUED for job, _ in rows)
    line = services().line.now(session) if waits else None
    bodies = []
    for job, previous_status in rows:
        pending = previous_status == "pending"
        place = presenters.place_of(job, line, previous_is_pending=pending) if line else None
        nothing = Reading("", Cursor(job.attempt, 0), reset=False)
        bodies.append(presenters.stored_job(job, nothing, place, lang))
    return bodies


def wait_for_news(
    job_id: uuid.UUID, user_id: uuid.UUID, cursor: Cursor | None, lang: Language, seconds: int
) -> Poll:
    """Polls until something new is seen or `seconds` have passed; at once when too many wait."""
    first = poll(job_id, user_id, cursor, lang)
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
            has_news = latest.etag != first.etag or latest.body["text"] or latest.body["reset"]
            if latest.is_finished or (has_news and not until_finished):
                break
        return latest
    finally:
        waiters.release()


def _text_so_far(live_log: LiveLog, job: Job) -> bytes:
    try:
        return live_log.text(job.id, job.attempt)
    except RedisError:
        return b""


def _etag(body: dict[str, Any], length: int) -> str:
    place = body["queue"]["position"] if body["queue"] else None
    shown = (body["attempt"], length, body["status"], place, body["cancelling"], body["cursor"])
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:20]
