"""Who was let in lately: whoever polls is looked up now and then, not each time.

Only the polls that the process's loop answers ask here (web/quick_polls.py). What was ended is
refused at once all the same: a mark in Redis, at which those polls look in their one round trip,
has its user looked up again (`auth.look_again`).
"""

import threading
import uuid
from collections import OrderedDict
from dataclasses import astuple, dataclass

from common.callers import Caller, digest

# Shorter than the mark lasts (common/live_log.py): who is remembered meets it.
REMEMBERED_SECONDS = 20.0
MOST = 4096


@dataclass(frozen=True)
class Credentials:
    """Whatever of a request decides who asks and whether he may, word for word; None: not there."""

    host: str | None
    authorization: str | None
    cookie: str | None
    forwarded_proto: str | None


class RememberedCallers:
    """By their credentials' hash, those who were let in to poll, and until when that holds."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[uuid.UUID, float]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, credentials: Credentials, caller: Caller, asked_at: float) -> None:
        """Notes whom the database knew when it was asked, at `asked_at` (monotonic seconds)."""
        key, lasts = _hashed(credentials), caller.lasts_seconds
        until = asked_at + (REMEMBERED_SECONDS if lasts is None else min(REMEMBERED_SECONDS, lasts))
        with self._lock:
            self._known[key] = (caller.id, until)
            self._known.move_to_end(key)
            if len(self._known) > MOST:
                self._known.popitem(last=False)

    def owner(self, credentials: Credentials, now: float) -> uuid.UUID | None:
        """The user's id; None: he must be looked up."""
        known = self._known.get(_hashed(credentials))
        return known[0] if known and now < known[1] else None


def _hashed(credentials: Credentials) -> bytes:
    return digest(repr(astuple(credentials)))
