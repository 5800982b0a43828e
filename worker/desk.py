"""Where the slots leave what they want of the database: a few threads see to all that has come.

So hundreds of jobs that begin or end together cost a few transactions, and a slot's own thread,
which has nothing to do but wait, stays small.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from common.batches import Batches

Q = TypeVar("Q")
A = TypeVar("A")

# While one thread waits for the database the other gathers.
THREADS = 2
# Between two turns of a thread. Who comes while one is idle waits for nobody.
REST_SECONDS = 0.04
STOP_SECONDS = 5.0


@dataclass
class _Wish(Generic[Q, A]):
    what: Q
    answer: A | None = None
    _answered: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._answered.acquire()

    def wait(self) -> A | None:
        self._answered.acquire()
        return self.answer

    def done(self) -> None:
        self._answered.release()


class Desk(Generic[Q, A]):
    """`see_to` answers all that is asked together, in order; None for what is to be done alone.
    Whatever it raises is a defect, and then everybody is answered so."""

    def __init__(
        self, name: str, see_to: Callable[[Sequence[Q]], Sequence[A | None]], *, most: int
    ) -> None:
        self._see_to = see_to
        self._batches: Batches[_Wish[Q, A]] = Batches(
            name, self._answer, most=most, rest_seconds=REST_SECONDS, threads=THREADS
        )

    def ask(self, what: Q) -> A | None:
        """Waits for the answer."""
        wish: _Wish[Q, A] = _Wish(what)
        return wish.wait() if self._batches.add(wish) else None

    def stop(self) -> None:
        self._batches.stop(STOP_SECONDS)

    def _answer(self, wishes: list[_Wish[Q, A]]) -> None:
        try:
            answers = self._see_to([wish.what for wish in wishes])
            for wish, answer in zip(wishes, answers, strict=True):
                wish.answer = answer
        finally:
            for wish in wishes:
                wish.done()
