"""A slot's thread gives the loop a coroutine and sleeps until that has ended."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from worker.loop import EventLoop


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    loop = EventLoop()
    loop.start()
    yield loop
    loop.stop()


def test_who_waits_wakes_when_it_has_ended(loop: EventLoop) -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(threading.current_thread().name)

    loop.call(work()).wait()

    assert done == ["event-loop"]


def test_who_waits_gets_what_it_raised(loop: EventLoop) -> None:
    async def fail() -> None:
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        loop.call(fail()).wait()


@pytest.mark.parametrize("moment", ["at once", "while it runs", "twice"])
def test_a_call_can_be_cancelled_from_another_thread(loop: EventLoop, moment: str) -> None:
    begun, closed = threading.Event(), threading.Event()

    async def speak() -> None:
        try:
            begun.set()
            await asyncio.sleep(30)
        finally:
            closed.set()

    call = loop.call(speak())
    if moment != "at once":
        assert begun.wait(5)
    call.cancel()
    if moment == "twice":
        call.cancel()

    with pytest.raises(asyncio.CancelledError):
        call.wait()
    assert closed.is_set() == begun.is_set()


def test_to_cancel_what_has_ended_changes_nothing(loop: EventLoop) -> None:
    async def work() -> None:
        pass

    call = loop.call(work())
    call.wait()
    call.cancel()
    loop.call(work()).wait()

    call.cancel()
