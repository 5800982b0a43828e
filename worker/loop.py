"""The process's one event loop, in a thread of its own; slots hand it coroutines and wait."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class Call:
    """A coroutine that runs in the loop while a slot's thread sleeps. A future of the standard
    library's would do the same, but for two kilobytes in each of hundreds of slots."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, None]
    ) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._is_over = threading.Lock()
        self._is_over.acquire()
        loop.call_soon_threadsafe(self._begin, coroutine)

    def wait(self) -> None:
        """Until it has ended; raises what it raised, CancelledError of asyncio when cancelled."""
        self._is_over.acquire()
        assert self._task is not None
        self._task.result()

    def cancel(self) -> None:
        """From any thread, at any time."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._task = self._loop.create_task(coroutine)
        self._task.add_done_callback(lambda _: self._is_over.release())

    def _cancel(self) -> None:
        assert self._task is not None  # the loop begins what it was given before
        self._task.cancel()


class EventLoop:
    """All streams of a worker process run in it. It touches no database."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="event-loop", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, None]) -> Call:
        """Runs a coroutine in the loop, for a slot to wait for."""
        return Call(self._loop, coroutine)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Runs a coroutine in the loop; the future's `cancel` cancels it there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
