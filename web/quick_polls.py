"""Polls of running jobs, and of such as were just completed, answered by the process's own loop:
all that have come at once ask Redis one question together.

They are most of what a web process is asked, and a thread's way through gunicorn and Flask costs
several times what the answer does. Answered here is only what is plain: a poll that doesn't wait,
of the local user or of somebody who was let in to poll just before, whose job the live log knows,
in a request of exactly this form. Whatever else, and all of it while Redis is slow, goes that way,
whose answers these equal.
"""

import re
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
from gunicorn import SERVER
from gunicorn.util import http_date
from redis.exceptions import RedisError

from common.callers import LOCAL
from common.cursor import Cursor
from common.errors import EpiCodeError
from common.live_log import LiveJob, LiveLog, LogReader
from web import compression, metrics
from web.guard import HEADERS, is_this_machine
from web.pacing import OF_LOOP_MS
from web.polling import live_poll
from web.remembered import Credentials
from web.services import Services

RULE = "/api/jobs/<id>"
# The loop waits for nobody longer, and after that asks nothing for a while.
PATIENCE_SECONDS = 0.25
PAUSE_SECONDS = 2.0
LONGEST_REQUEST = 4096
# A longer answer, as after a reload, would hold up the others while it is sent, or packed.
LONGEST_ANSWER, LONGEST_PACKED = 64 * 1024, 16 * 1024

_REQUEST = re.compile(
    rb"GET /api/jobs/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\?cursor=([\w-]{1,40}))?"
    rb" HTTP/1\.1\r\n((?:[A-Za-z0-9-]+:[ -~]*\r\n)+)\r\n"
)
# What decides who asks, and in which form he is answered.
_TELLING = re.compile(
    rb"^(host|authorization|cookie|x-forwarded-proto|accept-encoding): *(.*?) *\r$",
    re.IGNORECASE | re.MULTILINE,
)
# Whatever would have it answered otherwise.
_OF_MORE = re.compile(
    rb"^(?:(?:content-length|expect|http2-settings|if-none-match|prefer|transfer-encoding|upgrade):"
    rb"|connection:(?! *keep-alive *\r))",
    re.IGNORECASE | re.MULTILINE,
)
_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())


@dataclass(frozen=True)
class PlainPoll:
    """A request for a job's news that needs neither a thread nor the database."""

    reader: LogReader
    takes_gzip: bool


class QuickPolls:
    """What the loop of a web process answers itself. Connects at the first question."""

    def __init__(self, services: Services) -> None:
        self._services = services
        url = services.config.REDIS_URL
        self._live_log = LiveLog.connect(url, patience_seconds=PATIENCE_SECONDS)
        self._has_accounts = services.config.EPICODE_AUTH == "accounts"
        self._asks_again_at = 0.0

    def plain(self, request: bytes | bytearray) -> PlainPoll | None:
        """The poll that this whole request is, or None: it goes the usual way."""
        if len(request) > LONGEST_REQUEST or time.monotonic() < self._asks_again_at:
            return None
        found = _REQUEST.fullmatch(request)
        if found is None:
            return None
        job_id, opaque, headers = found.groups()
        lines = _TELLING.findall(headers)
        telling = {name.lower().decode(): value.decode() for name, value in lines}
        if len(telling) != len(lines) or _OF_MORE.search(headers):
            return None
        host, authorization = telling.get("host"), telling.get("authorization")
        owner: uuid.UUID | None = None
        is_local = authorization is None and not self._has_accounts
        if is_local:
            owner = LOCAL.id if host is not None and is_this_machine(host) else None
        else:
            credentials = Credentials(
                host, authorization, telling.get("cookie"), telling.get("x-forwarded-proto")
            )
            owner = self._services.remembered.owner(credentials, time.monotonic())
        if owner is None:
            return None
        try:
            cursor = Cursor.decode(opaque.decode()) if opaque else None
        except EpiCodeError:
            return None
        reader = LogReader(uuid.UUID(job_id.decode()), owner, cursor, is_remembered=not is_local)
        return PlainPoll(reader, compression.takes_gzip(telling.get("accept-encoding")))

    def answers(self, polls: Sequence[PlainPoll]) -> list[bytes | None]:
        """The whole answer to each; None where the log has none, or much has been said: that goes
        the usual way. One round trip."""
        try:
            lives = self._live_log.read_many([poll.reader for poll in polls])
        except RedisError:  # a thread says what is wrong, if it still is
            self._asks_again_at = time.monotonic() + PAUSE_SECONDS
            return [None] * len(polls)
        now = time.monotonic()
        return [
            self._answer(poll, live, now) if live else None
            for poll, live in zip(polls, lives, strict=True)
        ]

    def _answer(self, poll: PlainPoll, live: LiveJob, now: float) -> bytes | None:
        part = self._services
        watched = part.watchers.saw(poll.reader.job_id, now)
        found = live_poll(part, live, watched, OF_LOOP_MS)
        body, etag, of_length = orjson.dumps(found.body), f'"{found.etag}"', ""
        if len(body) > (LONGEST_PACKED if poll.takes_gzip else LONGEST_ANSWER):
            return None
        if len(body) >= compression.SMALLEST:
            of_length = "Vary: Accept-Encoding\r\n"
            if poll.takes_gzip:
                body, etag = compression.pack_bytes(body), f"W/{etag}"
                of_length += "Content-Encoding: gzip\r\n"
        if found.is_finished:
            part.watchers.left(poll.reader.job_id)
        metrics.count("GET", RULE, 200)
        head = (
            f"HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nDate: {_date(int(time.time()))}\r\n"
            "Connection: keep-alive\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nETag: {etag}\r\n{of_length}{_HEADERS}"
            f"Cache-Control: no-store\r\nX-Request-Id: req_{secrets.token_hex(10)}\r\n\r\n"
        )
        return head.encode() + body


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    """What the clock says in HTTP's words, made once a second."""
    return str(http_date(second))
