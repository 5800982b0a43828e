"""How soon a reader should ask again: fast while few watch, slower as more do.

Pure but for the list of who watches; the clock is passed in.
"""

import threading
import uuid
from dataclasses import dataclass

QUEUED_MS = 400
NO_WORKER_MS = 1500
# From so many on nobody asks before there may be something to read. Fewer cost so little that each
# may see at once that its reply has begun.
MANY_WATCH = 15
LONGEST_SILENCE_MS = 1000
_SEEN_FOR_SECONDS = 5.0


# How often a running job may be polled: answered by a thread, or by the process's loop, which takes
# a quarter of the work.
OF_THREADS_MS, OF_LOOP_MS = 150, 100
# So many are asked for at one web process, leaving room for everybody who isn't polling: of running
# jobs, and of waiting ones, which take a thread and the database.
POLLS_A_SECOND, QUEUED_POLLS_A_SECOND = 300, 150
# Nobody is told to wait longer; it is less than what a watcher is remembered for.
LONGEST_PAUSE_MS = 4000


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

    def left(self, job_id: uuid.UUID) -> None:
        """Its end was told: nobody watches it any more, and the others may ask more often."""
        with self._lock:
            self._seen.pop(job_id, None)


@dataclass(frozen=True)
class Watched:
    """What the pace of a poll depends on beside its job: how many jobs are being watched, in how
    many milliseconds this one may say its first word, as the last ones did (0: at once, it has
    begun, or nobody knows), and how often it may be polled at the most."""

    jobs: int = 1
    first_word_in_ms: int = 0
    fastest_ms: int = OF_THREADS_MS


ALONE = Watched()


def poll_after_ms(status: str, watched: Watched, *, worker_online: bool = True) -> int:
    """Milliseconds until the next poll of a job in `status`."""
    if status == "in_progress":
        base, polls_a_second = watched.fastest_ms, POLLS_A_SECOND
    else:
        base = QUEUED_MS if worker_online else NO_WORKER_MS
        polls_a_second = QUEUED_POLLS_A_SECOND
    pace = max(base, min(round(1000 * watched.jobs / polls_a_second), LONGEST_PAUSE_MS))
    if watched.jobs < MANY_WATCH:
        return pace
    return max(pace, min(watched.first_word_in_ms, LONGEST_SILENCE_MS))
