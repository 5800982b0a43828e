"""The desk: those who ask at the same time are answered together, each with his own answer."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from worker.desk import THREADS, Desk

LONG = 10.0


class Halves:
    """Halves even numbers; for odd ones there is no answer. Answers once it is let go on."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.go_on = threading.Event()
        self.has_begun = threading.Semaphore(0)

    def __call__(self, numbers: Sequence[int]) -> list[int | None]:
        self.has_begun.release()
        assert self.go_on.wait(LONG)
        self.asked.append(numbers)
        return [number // 2 if number % 2 == 0 else None for number in numbers]


def test_each_gets_his_own_answer_and_those_who_come_together_cost_one() -> None:
    halves = Halves()
    desk = Desk("halves", halves, most=50)
    with ThreadPoolExecutor(20) as slots:
        first = []
        for number in range(THREADS):  # now both of its threads are busy
            first.append(slots.submit(desk.ask, number))
            assert halves.has_begun.acquire(timeout=LONG)
        rest = [slots.submit(desk.ask, number) for number in range(THREADS, 20)]
        while desk._batches._added.qsize() < len(rest):
            threading.Event().wait(0.001)
        halves.go_on.set()
        answers = [each.result(LONG) for each in first + rest]
    desk.stop()

    assert answers == [number // 2 if number % 2 == 0 else None for number in range(20)]
    assert len(halves.asked) == THREADS + 1


def test_after_a_defect_everybody_is_told_to_do_it_alone() -> None:
    def see_to(numbers: Sequence[int]) -> list[int | None]:
        return [10 // number for number in numbers]

    desk = Desk("division", see_to, most=50)

    assert desk.ask(0) is None
    assert desk.ask(5) == 2
    desk.stop()


def test_after_the_end_everybody_is_told_so_at_once() -> None:
    halves = Halves()
    halves.go_on.set()
    desk = Desk("halves", halves, most=50)
    assert desk.ask(4) == 2

    desk.stop()

    assert desk.ask(4) is None
