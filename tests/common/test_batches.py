"""What comes together is done together, and nothing that was added is left out."""

import threading

from common.batches import Batches

LONG = 10.0


class Slow:
    """Does what it is given once it is let go on, and keeps each batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.has_begun = threading.Event()
        self.go_on = threading.Event()

    def do(self, batch: list[int]) -> None:
        self.has_begun.set()
        assert self.go_on.wait(LONG)
        self.batches.append(batch)


def test_who_comes_first_is_done_at_once_and_the_others_together() -> None:
    slow = Slow()
    batches = Batches("slow", slow.do, most=100)
    batches.add(1)
    assert slow.has_begun.wait(LONG)

    for number in (2, 3, 4):
        batches.add(number)
    slow.go_on.set()
    batches.stop(LONG)

    assert slow.batches == [[1], [2, 3, 4]]


def test_a_batch_has_an_end() -> None:
    slow = Slow()
    batches = Batches("slow", slow.do, most=2)
    batches.add(0)
    assert slow.has_begun.wait(LONG)

    for number in range(1, 6):
        batches.add(number)
    slow.go_on.set()
    batches.stop(LONG)

    assert slow.batches == [[0], [1, 2], [3, 4], [5]]


def test_several_threads_take_turns() -> None:
    both_are_in = threading.Barrier(2, timeout=LONG)
    batches = Batches("pair", lambda _: both_are_in.wait() and None, most=1, threads=2)

    batches.add("one")
    batches.add("other")
    batches.stop(LONG)

    assert not both_are_in.broken


def test_a_defect_costs_its_own_batch_alone() -> None:
    done: list[int] = []

    def divide(batch: list[int]) -> None:
        done.extend(10 // number for number in batch)

    batches = Batches("division", divide, most=1)
    for number in (0, 5):
        batches.add(number)
    batches.stop(LONG)

    assert done == [2]


def test_it_ends_although_nothing_was_added() -> None:
    batches = Batches("idle", lambda batch: None, most=1, threads=2)

    batches.stop(LONG)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("idle-")]
