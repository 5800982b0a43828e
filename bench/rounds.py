"""One round: so many people ask at once, and what that took of time, processors and memory."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import uvloop

from bench import yardstick
from bench.exchanges import Records, Round, round_of
from bench.load import Exchange, Person, converse, settle
from bench.processes import OTHERS, Usage, Watch
from bench.stack import Stack
from bench.upstream import USUAL, Pace

# what a round leaves to do must not weigh on the next one
REST_SECONDS = 1.0
GENERATOR = "load generator"

# Of each round of this process: what everything else on the machine took, in cores, and how quick
# the machine was right before it.
others: list[float] = []
yardsticks: list[float] = []


@dataclass(frozen=True)
class Played:
    """A round, what each person saw, what each process took, and the seconds it was watched."""

    round: Round
    exchanges: list[Exchange]
    usage: dict[str, Usage]
    seconds: float

    def cpu(self, *names: str) -> float:
        """CPU seconds of these processes; `worker` stands for all workers."""
        return sum(
            usage.cpu for name, usage in self.usage.items() if re.sub(r"-\d+$", "", name) in names
        )


def play(
    stack: Stack,
    people: int | Sequence[Person],
    *,
    pace: Pace = USUAL,
    aside: Callable[[], Awaitable[None]] | None = None,
) -> Played:
    """A round of these people, or of so many of the local user's new conversations.

    New ones are made before anything is measured. `aside` runs meanwhile.
    """
    if isinstance(people, int):
        people = uvloop.run(settle(stack.url, [None] * people))
    time.sleep(REST_SECONDS)
    yardsticks.append(yardstick.measure())
    records_of(stack)
    watch, begun = Watch({**stack.pids, GENERATOR: os.getpid()}), time.monotonic()
    watch.start()
    exchanges = uvloop.run(converse(stack.url, people, pace, aside))
    time.sleep(REST_SECONDS)
    usage = watch.stop()
    seconds = time.monotonic() - begun
    others.append(usage[OTHERS].cpu / seconds)
    return Played(round_of(exchanges, records_of(stack), pace), exchanges, usage, seconds)


def idle(stack: Stack, seconds: float) -> dict[str, float]:
    """What each process takes while nothing happens, in CPU seconds a second."""
    watch = Watch(stack.pids)
    watch.start()
    time.sleep(seconds)
    return {name: usage.cpu / seconds for name, usage in watch.stop().items()}


def warm(stack: Stack) -> None:
    """Imports, connections, caches."""
    play(stack, 5, pace=Pace(tokens=20, first_ms=100))


def records_of(stack: Stack) -> Records:
    """When the upstream was asked and answered, by marker; it forgets them."""
    with urllib.request.urlopen(stack.upstream + "/bench/records") as answer:
        records: Records = json.load(answer)
        return records
