"""What the models say, gathered and appended to the live log by one thread a process.

What is new of every running reply goes to Redis in one pipeline, which also brings back the cancel
marks: often while few replies run, and so that Redis has the same to do however many there are. A
flush that fails is no event: the next one writes the whole text anew.
"""

import sys
import threading
import time
import uuid
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

from common.live_log import LiveLog, NewText
from worker.cadence import flush_seconds

# A silent stream has nothing to flush, yet its cancel must be seen within a second, also when
# many are asked at once, each of which has a thread of the web wait for its end.
MARKS_SECONDS = 0.1

log = structlog.get_logger(__name__)


class ReplyLog:
    """One attempt's text: written by the event loop, flushed by the writer's thread.

    Bytes that grow in place: a string for each token would take fifty times as much. Growing
    and slicing are atomic, so neither side takes a lock; each piece is whole characters.
    """

    def __init__(self, job_id: uuid.UUID, attempt: int) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self._text = bytearray()
        self._flushed = 0
        self.must_rewrite = False

    def write(self, text: str, *, most: int = sys.maxsize) -> bool:
        """Adds to the text. False: not all of it, for with `most` bytes it is full."""
        new, room = text.encode(), most - len(self._text)
        if len(new) > room:
            self._text += new[:room].decode(errors="ignore").encode()
            return False
        self._text += new
        return True

    def text(self) -> str:
        return self._text.decode()

    def take_new(self) -> NewText | None:
        """What was written since the last flush that is known to have worked."""
        new = bytes(self._text[self._flushed :])
        if not new:
            return None
        taken = NewText(self.job_id, self.attempt, self._flushed, new)
        self._flushed += len(new)
        return taken

    def rest(self) -> NewText | None:
        """What was not flushed, maybe nothing, once all is written; None where nobody knows what
        the log holds."""
        if self.must_rewrite:
            return None
        flushed = self._flushed
        return NewText(self.job_id, self.attempt, flushed, bytes(self._text[flushed:]))

    def take_whole(self) -> bytes:
        """Everything, as far as it was taken: what the log should hold."""
        return bytes(self._text[: self._flushed])


class ReplyWriter:
    """The flushing thread. `on_cancel` is called with the job whose cancel was asked."""

    def __init__(self, live_log: LiveLog, on_cancel: Callable[[uuid.UUID], None]) -> None:
        self._live_log = live_log
        self._on_cancel = on_cancel
        self._logs: dict[uuid.UUID, ReplyLog] = {}
        self._some = threading.Event()
        self._stopping = False
        self._marks_read_at = 0.0
        self._thread = threading.Thread(target=self._run, name="reply-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._some.set()
        self._thread.join(timeout=5)

    def open(self, job_id: uuid.UUID, attempt: int) -> ReplyLog:
        """Begins an attempt's log."""
        reply_log = ReplyLog(job_id, attempt)
        self._logs[job_id] = reply_log
        self._some.set()
        return reply_log

    def close(self, reply_log: ReplyLog) -> None:
        """Ends it. What was not flushed is in the row by now, or belongs to nobody."""
        if self._logs.get(reply_log.job_id) is reply_log:
            del self._logs[reply_log.job_id]

    def _run(self) -> None:
        while not self._stopping:
            self._some.wait()
            began_at = time.monotonic()
            try:
                self._flush(list(self._logs.values()))
            except Exception as defect:  # the thread's door: the row will have the whole text
                log.error("flush_crashed", exc_info=defect)
            if not self._logs:
                self._some.clear()
                # A log that was opened in between must not wait for the next one.
                if self._logs or self._stopping:
                    self._some.set()
            pause = flush_seconds(len(self._logs))
            time.sleep(max(0.0, pause - (time.monotonic() - began_at)))

    def _flush(self, logs: list[ReplyLog]) -> None:
        whole = [reply_log for reply_log in logs if reply_log.must_rewrite]
        news = [(reply_log, reply_log.take_new()) for reply_log in logs]
        appended = [
            (reply_log, new)
            for reply_log, new in news
            if new is not None and not reply_log.must_rewrite
        ]
        marks_due = time.monotonic() - self._marks_read_at > MARKS_SECONDS
        watched = [reply_log.job_id for reply_log in logs] if marks_due else []
        if not (appended or watched or whole):
            return
        try:
            for reply_log in whole:
                self._live_log.rewrite(reply_log.job_id, reply_log.attempt, reply_log.take_whole())
                reply_log.must_rewrite = False
            flushed = self._live_log.append([new for _, new in appended], watched)
        except RedisError as error:
            # Whether an append arrived is unknown: repeating it might double text.
            for reply_log, _ in appended:
                reply_log.must_rewrite = True
            log.warning("live_log_not_written", error=type(error).__name__, replies=len(logs))
            return
        refused = {(new.job_id, new.attempt) for new in flushed.refused}
        for reply_log, _ in appended:
            if (reply_log.job_id, reply_log.attempt) in refused:
                reply_log.must_rewrite = True
        if marks_due:
            self._marks_read_at = time.monotonic()
        for job_id in flushed.cancelled:
            self._on_cancel(job_id)
