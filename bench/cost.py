"""What a reply costs: CPU of web and worker, CPU of the worker a token, memory a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.figures import Figure
from bench.processes import rss
from bench.rounds import Played, play, warm
from bench.stack import Stack
from bench.upstream import Pace

AT_ONCE, ROUNDS = 200, 3
SHORT, LONG = Pace(tokens=100), Pace(tokens=500)
LONG_ROUNDS = 2
# long enough that all of them are open together
OPEN, OPEN_PACE = 500, Pace(tokens=200)
LOOK_SECONDS = 0.2


def measure(stack: Stack) -> list[Figure]:
    """Memory first, of a worker that has just been started: later it would reuse what it has."""
    memory = _memory(stack)
    short = [play(stack, AT_ONCE, pace=SHORT) for _ in range(ROUNDS)]
    long = [play(stack, AT_ONCE, pace=LONG) for _ in range(LONG_ROUNDS)]
    a_token = (_cpu(long, "worker") - _cpu(short, "worker")) / (LONG.tokens - SHORT.tokens)
    return [
        Figure(
            f"CPU a reply in web and worker, {AT_ONCE} at once",
            _cpu(short, "web", "worker") * 1000,
            "ms",
            15,
        ),
        Figure("of that, in the web", _cpu(short, "web") * 1000, "ms"),
        Figure("of that, in the worker", _cpu(short, "worker") * 1000, "ms"),
        Figure("beside it, in PostgreSQL", _cpu(short, "postgres") * 1000, "ms"),
        Figure("beside it, in Valkey", _cpu(short, "valkey") * 1000, "ms"),
        Figure("the worker's CPU per 1,000 streamed tokens", a_token * 1000, "s", 0.06),
        *memory,
        Figure("replies wrong or lost", sum(each.round.wrong for each in [*short, *long]), "", 0),
    ]


def _memory(stack: Stack) -> list[Figure]:
    stack.restart_worker()
    warm(stack)
    worker, most = stack.pids["worker"], 0
    before = rss(worker)

    async def look() -> None:
        nonlocal most
        while True:
            most = max(most, rss(worker))
            await asyncio.sleep(LOOK_SECONDS)

    play(stack, OPEN, pace=OPEN_PACE, aside=look)
    return [
        Figure(f"memory a stream, {OPEN} open", (most - before) / OPEN / 1e3, "KB", 80),
        Figure(f"the worker's memory with {OPEN} open", most / 1e6, "MB", 200),
        Figure("the worker's memory with none open", before / 1e6, "MB"),
    ]


def _cpu(rounds: Sequence[Played], *names: str) -> float:
    """CPU seconds a reply."""
    return sum(each.cpu(*names) for each in rounds) / sum(each.round.replies for each in rounds)
