"""What comes together is done together: one transaction and one round trip for many."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Batches(Generic[T]):
    """Threads that take whatever has been added and give it to `do`, at most so many at once.

    Who comes first is done at once; who comes within `rest_seconds` after that waits so long, for
    others to come. `do` sees to its own errors: what it raises is a defect, and that batch is lost.
    The threads begin with the first addition, so that a process may fork before.
    """

    def __init__(
        self,
        name: str,
        do: Callable[[list[T]], None],
        *,
        most: int,
        rest_seconds: float = 0.0,
        threads: int = 1,
    ) -> None:
        self._do = do
        self._most = most
        self._rest_seconds = rest_seconds
        self._added: SimpleQueue[T | None] = SimpleQueue()  # None ends a thread
        self._lock = threading.Lock()
        self._have_begun = self._are_over = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]

    def add(self, one: T) -> bool:
        """Has it done with whatever else has come. False: it won't be, for the end has come or no
        thread can be started."""
        with self._lock:
            if self._are_over or not (self._have_begun or self._begin()):
                return False
            self._added.put(one)
            return True

    def stop(self, seconds: float) -> None:
        """Ends the threads once all is done that was added, and waits for that so long."""
        ends_at = time.monotonic() + seconds
        with self._lock:
            self._are_over = True
            for _ in self._threads:
                self._added.put(None)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, ends_at - time.monotonic()))

    def _begin(self) -> bool:
        try:
            for thread in self._threads:
                thread.start()
                self._have_begun = True  # one is enough
        except RuntimeError as error:
            log.error("threads_not_started", error=str(error))
        return self._have_begun

    def _run(self) -> None:
        while batch := self._take():
            try:
                self._do(batch)
            except Exception as defect:  # the thread's door: the next batch comes all the same
                log.error("batch_crashed", exc_info=defect)
            time.sleep(self._rest_seconds)

    def _take(self) -> list[T]:
        """Waits for something and takes all that there is then; nothing, when the end has come."""
        batch: list[T] = []
        one = self._added.get()
        try:
            while one is not None:
                batch.append(one)
                if len(batch) == self._most:
                    return batch
                one = self._added.get_nowait()
        except Empty:
            return batch
        if batch:  # the end comes after it
            self._added.put(None)
        return batch
