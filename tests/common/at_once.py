"""Doing the same thing in many threads that begin together."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def at_once(do: Callable[[T], object], values: Sequence[T]) -> None:
    """Calls `do` with each value in a thread of its own, and returns when all have ended."""
    begin = threading.Barrier(len(values))

    def run(value: T) -> None:
        begin.wait()
        do(value)

    threads = [threading.Thread(target=run, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
