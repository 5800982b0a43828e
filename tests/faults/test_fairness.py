"""A flood of one user's slow jobs: it gets every slot but the reserve, and delays nobody else.

The flood is posted over HTTP from many threads at once, because a user who floods does; and each
of its replies lasts until the test says otherwise.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.databases import Databases
from tests.faults.crowd import Member, flood, rows, sign_up
from tests.reader import Reader, ask
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack, wait_until
from tests.upstream import Done, End, Gate, Script, Text, Upstream
from tests.upstream_script import last_user_text

SLOTS = 16
RESERVE = 2  # an eighth
STARTS_WITHIN_SECONDS = 5


@dataclass
class Flooded:
    """A house whose slots are all Alice's but for the reserve, with many more of hers waiting.

    `early` is Bob's, posted when the slots were full already and before most of the flood.
    """

    stack: Stack
    bob: Member
    waiting: int
    early: dict[str, Any] = field(default_factory=dict)

    def running(self) -> list[str]:
        """The prompts that a worker is answering."""
        query = """
            SELECT prompt.content FROM jobs JOIN messages AS prompt
              ON prompt.id = jobs.prompt_message_id
            WHERE jobs.status = 'in_progress' ORDER BY jobs.started_at
        """
        return [content for (content,) in rows(self.stack, query)]

    def end(self, prompts: list[str]) -> None:
        """Lets these replies end, all in one moment."""
        for prompt in prompts:
            self.stack.upstream.open(prompt)  # type: ignore[union-attr]

    def as_bob(self) -> httpx.Client:
        return self.stack.client(headers=self.bob.headers)

    def wait_full(self) -> None:
        wait_until(
            lambda: len(self.running()) == SLOTS - RESERVE, what="every slot but the reserve"
        )

    def wait_ended(self, prompts: list[str]) -> None:
        wait_until(lambda: not set(prompts) & set(self.running()), what="their ends")

    def start_as_bob(self, client: httpx.Client, prompt: str) -> tuple[Reader, float]:
        """Bob asks; his reader, and how long it took from his post to the worker's claim."""
        began_at = time.monotonic()
        reader = ask(client, prompt)
        reader.read_until("in_progress")
        return reader, time.monotonic() - began_at


def until_told(body: dict[str, Any]) -> Script:
    """Speaks, and ends when the gate of its prompt is opened."""
    prompt = last_user_text(body)
    return Script(steps=(Text("…"), Gate(prompt), Text("!"), End(), Done()))


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def flooded(
    request: pytest.FixtureRequest, databases: Databases, scale: Scale
) -> Iterator[Flooded]:
    workers: int = request.param
    settings = {
        "EPICODE_WORKER_SLOTS": str(SLOTS // workers),
        "WEB_CONCURRENCY": "2",
        # Nothing is left to the sweep that posts and ends should do.
        "EPICODE_SWEEP_SECONDS": "5",
    }
    with Upstream() as upstream, Stack(databases, upstream, settings).start(workers) as stack:
        upstream.script("[[slow", until_told)
        alice, bob = sign_up(stack, "Alice", "Bob")
        house = Flooded(stack, bob, scale.of(60, 500))
        with stack.client(headers=alice.headers) as client, house.as_bob() as as_bob:
            first = [f"[[slow {number}]]" for number in range(SLOTS)]
            assert {answer.status_code for answer in flood(client, first)} == {202}
            house.wait_full()
            reader, _ = house.start_as_bob(as_bob, "[[slow early]]")
            more = [f"[[slow {number}]]" for number in range(SLOTS, SLOTS + house.waiting)]
            assert {answer.status_code for answer in flood(client, more)} == {202}
            house.end(["[[slow early]]"])
            house.early = reader.read_to_end()
        yield house


def test_who_came_before_the_flood_is_not_delayed_by_it(flooded: Flooded) -> None:
    queued, started = flooded.early["created_at"], flooded.early["started_at"]

    assert flooded.early["status"] == "completed"
    assert seconds_between(queued, started) < STARTS_WITHIN_SECONDS


def test_one_user_alone_fills_every_slot_but_the_reserve_and_stays_there(
    flooded: Flooded, scale: Scale
) -> None:
    flooded.wait_full()
    seen: set[int] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.add(len(flooded.running()))
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    ended = 0
    for at_once in scale.of((1, 5, SLOTS - RESERVE), (1, 5, SLOTS - RESERVE) * 7):
        chosen = flooded.running()[:at_once]
        flooded.end(chosen)
        ended += len(chosen)
        flooded.wait_ended(chosen)
        flooded.wait_full()
    over.set()
    watching.join()

    assert max(seen) == SLOTS - RESERVE
    done = "SELECT count(*) FROM jobs WHERE status = 'completed'"
    assert rows(flooded.stack, done)[0][0] >= ended


def test_who_comes_second_starts_within_five_seconds(
    flooded: Flooded, scale: Scale, tally: Tally
) -> None:
    flooded.wait_full()
    times = scale.of(2, 20)
    slowest = 0.0
    with flooded.as_bob() as client:
        for number in range(times):
            prompt = f"[[slow second {number}]]"
            reader, took = flooded.start_as_bob(client, prompt)
            running = flooded.running()
            flooded.end([prompt])
            ended = reader.read_to_end()
            slowest = max(slowest, took)

            assert prompt in running
            assert len(running) == SLOTS - RESERVE + 1  # the reserve was his, and nobody made room
            assert (ended["status"], len(ended["attempts"])) == ("completed", 1)

    waiting = rows(flooded.stack, "SELECT count(*) FROM jobs WHERE status = 'queued'")[0][0]
    assert waiting > 0
    assert slowest < STARTS_WITHIN_SECONDS
    assert flooded.stack.audit() == []
    tally.add(
        Outcome("a flood of one user, another's job", times, flooded.waiting + times, 0, 0, slowest)
    )


def seconds_between(earlier: str, later: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
