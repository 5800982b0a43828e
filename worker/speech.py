"""One call of the model, in the event loop: read, clean, gather, keep the deadlines.

The deadlines are one timer that looks at the time of the last token, so that a silent socket ends
too and a token costs no timer.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from common.config import BaseConfig
from common.jobs import Usage
from common.live_log import NewText
from worker.chunks import Counted, Finish, Text
from worker.leases import Interruption
from worker.reply_writer import ReplyLog
from worker.text_cleaner import TextCleaner
from worker.upstream import Request, Upstream, UpstreamError

# Usage may follow the model's last word; a reply must not be lost waiting for it.
AFTER_FINISH_SECONDS = 5.0


class Ending(Enum):
    """How a call ended."""

    FINISHED = "finished"
    TOO_LONG = "too_long"
    ERROR = "error"
    INTERRUPTED = "interrupted"


@dataclass
class Speech:
    """What a call said and how it ended; filled by `speak`, read by the slot afterwards."""

    window_used: int
    claimed_at: float
    text: str = ""
    unflushed: NewText | None = None  # of the text; None where nobody knows
    ending: Ending = Ending.FINISHED
    finish_reason: str | None = None
    usage: Usage | None = None
    error: UpstreamError | None = None
    interruption: Interruption | None = None
    first_token_after: timedelta | None = None
    on_first_token: Callable[[timedelta], None] | None = None

    def begin(self) -> None:
        """The model has said its first word."""
        self.first_token_after = timedelta(seconds=time.monotonic() - self.claimed_at)
        if self.on_first_token is not None:
            self.on_first_token(self.first_token_after)

    def end(
        self,
        ending: Ending,
        *,
        error: UpstreamError | None = None,
        interruption: Interruption | None = None,
    ) -> None:
        self.ending, self.error, self.interruption = ending, error, interruption

    def fail(self, error: UpstreamError) -> None:
        """Ends it in an error, without its frames. Unless all was said: what breaks while we wait
        for the usage loses nothing."""
        error.__traceback__ = error.__cause__ = error.__context__ = None
        if self.finish_reason is None:
            self.end(Ending.ERROR, error=error)


class _Watch:
    """Cancels the reading task when a token is overdue or the attempt's time is up."""

    def __init__(self, config: BaseConfig, attempt_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None  # speak always runs as a task
        self._task = task
        now = self._loop.time()
        self._ends_at = now + attempt_seconds
        self._next_token_by = now + config.EPICODE_FIRST_TOKEN_SECONDS
        self._silence = config.EPICODE_SILENCE_SECONDS
        self.has_fired = False
        self._look_later()

    def token(self) -> None:
        self._expect_within(self._silence)

    def finishing(self) -> None:
        self._expect_within(AFTER_FINISH_SECONDS)

    def stop(self) -> None:
        self._timer.cancel()
        del self._task

    def _expect_within(self, seconds: float) -> None:
        """Moves the deadline. A later one is found when the timer fires; only an earlier one, as
        after the first token, needs another timer."""
        self._next_token_by = self._loop.time() + seconds
        if self._next_token_by < self._looks_at:
            self._timer.cancel()
            self._look_later()

    def _due(self) -> float:
        return min(self._ends_at, self._next_token_by)

    def _look(self) -> None:
        if self._loop.time() < self._due() - 0.001:
            self._look_later()
            return
        self.has_fired = True
        self._task.cancel()

    def _look_later(self) -> None:
        self._looks_at = self._due()
        self._timer = self._loop.call_at(self._looks_at, self._look)


async def speak(
    upstream: Upstream,
    request: Request,
    reply_log: ReplyLog,
    speech: Speech,
    config: BaseConfig,
    attempt_seconds: float,
) -> None:
    """Reads the answer into `reply_log` and says in `speech` how it ended.

    Raises nothing of its own: a task keeps the frames of its exception, they hold the answer's
    bytes, and whoever keeps the task would keep megabytes of each failed attempt. Cancelling it
    closes the connection to the model server.
    """
    watch = _Watch(config, attempt_seconds)
    cleaner = TextCleaner()
    try:
        # a stream that is left before its end is closed here and now, not when it is collected
        async with contextlib.aclosing(upstream.stream(request)) as events:
            async for event in events:
                match event:
                    case Text(delta):
                        watch.token()
                        if speech.first_token_after is None:
                            speech.begin()
                        text = cleaner.feed(delta)
                        if not reply_log.write(text, most=config.EPICODE_MAX_OUTPUT_BYTES):
                            speech.end(Ending.TOO_LONG)
                            return
                    case Finish(reason):
                        speech.finish_reason = reason
                        watch.finishing()
                    case Counted(usage):
                        speech.usage = usage
                    case _:
                        watch.token()
    except asyncio.CancelledError:
        if not watch.has_fired:
            raise
        speech.fail(UpstreamError("upstream_timeout", retryable=True))
    except UpstreamError as error:
        speech.fail(error)
    else:
        # The SDK raises nothing for a stream that just ends.
        speech.fail(UpstreamError("upstream_malformed", retryable=True))
    finally:
        # Both lead back to the task, and so would keep the frames of a cancelled one.
        watch.stop()
        speech.on_first_token = None
