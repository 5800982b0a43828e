"""How soon a reader should ask again: fast while few watch, slower as more do.

Pure but for the list of who watches; the clock is passed in.
"""

import threading
import uuid
from dataclasses import dataclass

FASTEST_MS = 150
QUEUED_MS = 400
NO_WORKER_MS = 1500
# What one web process should answer at most, leaving room for everybody who isn't polling: by its
# threads, and by its loop, which answers with less.
POLLS_A_SECOND, QUICK_POLLS_A_SECOND = 300, 400
# From so many on nobody asks before there may be something to read. Fewer cost so little that each
# may see at once that its reply has begun.
MANY_WATCH = 15
LONGEST_SILENCE_MS = 1000
_SEEN_FOR_SECONDS = 5.0


class Watchers:
    """The jobs polled at this process within the last five seconds."""

    def __init__(self) -> None:
        self._seen: dict[uuid.UUID, float] = {}
        self._lock = threading.Lock()
        self._swept_at = 0.0

    def saw(self, job_id: uuid.UUID, now: float) -> int:
        """Notes a poll at `now` (seconds of a monotonic clock); how many jobs are watched."""
        with self._lock:
            self._seen[job_id] = now
            if now - self._swept_at > 1:
                self._swept_at = now
                self._seen = {
                    key: at for key, at in self._seen.items() if now - at < _SEEN_FOR_SECONDS
                }
            return len(self._seen)


@dataclass(frozen=True)
class Watched:
    """What the pace of a poll depends on beside its job: how many jobs are being watched, in how
    many milliseconds this one may say its first word, as the last ones did (0: at once, it has
    begun, or nobody knows), and how many polls its process should answer."""

    jobs: int = 1
    first_word_in_ms: int = 0
    polls_a_second: int = POLLS_A_SECOND


ALONE = Watched()


def poll_after_ms(status: str, watched: Watched, *, worker_online: bool = True) -> int:
    """Milliseconds until the next poll of a job in `status`."""
    if status == "in_progress":
        base = FASTEST_MS
    else:
        base = QUEUED_MS if worker_online else NO_WORKER_MS
    pace = max(base, round(1000 * watched.jobs / watched.polls_a_second))
    if watched.jobs < MANY_WATCH:
        return pace
    return max(pace, min(watched.first_word_in_ms, LONGEST_SILENCE_MS))
