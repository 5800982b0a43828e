"""What a reply costs as everything around it grows: `bench/run growth`, or some of it by name.

Cost is the CPU of web, worker and PostgreSQL together a reply, less what they take when nothing
happens. Each curve is drawn into docs/plots/, its exponent named.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial

import uvloop
from sqlalchemy import select, text

from bench.figures import Figure, table
from bench.fit import Point, Series
from bench.load import Person, settle
from bench.rounds import Played, idle, play, warm
from bench.stack import ROOT, Stack
from bench.stored import make_history, make_waiting
from bench.upstream import Pace
from common.models import User

PLOTS = ROOT / "docs" / "plots"
PARTS = ("web", "worker", "postgres")
IDLE_SECONDS = 10.0
# Flat: ten times as much costs at most a quarter more.
FLAT = 0.1
# A second process halves what one process made long; the second of posting stays.
HALVED = 0.6

# how many at once → rounds: enough replies for a clock that ticks in hundredths
STREAMS = {10: 8, 20: 4, 50: 3, 100: 2, 200: 2, 500: 2, 1000: 1}
AT_ONCE, ROUNDS = 50, 3
CONVERSATIONS = (10, 100, 1_000, 10_000, 100_000)
TURNS, LONG_ONES = (10, 50, 200, 1_000, 2_000), 20
# Ten such turns fill the window of 32,768 tokens: from there on no more is sent.
TURN_WORDS = 750
WAITING, FLOODERS = (0, 100, 1_000, 10_000), 10
# An eighth is for users with nothing under way: the flood takes the rest, people take that.
FLOODED_SLOTS = 8 * AT_ONCE
SILENT = Pace(tokens=1, first_ms=170_000)
# 224 slow replies fill one process of 64 slots, less its eighth, four times over, and two twice.
FEW_SLOTS, FOUR_FILLINGS, SLOW = 64, 224, Pace(every_ms=50)


def streams() -> Series:
    """Replies at once."""
    with Stack() as stack:
        cost = Cost(stack)
        points = [cost.point(n, [play(stack, n) for _ in range(k)]) for n, k in STREAMS.items()]
    return Series("streams", "replies at once", points)


def conversations() -> Series:
    """Conversations that are stored, of the user who asks."""
    points, stored = [], 0
    with Stack() as stack:
        cost = Cost(stack)
        for wanted in CONVERSATIONS:
            make_history(stack.database, wanted - stored, 1, "A hundred words, once more. " * 20)
            stored = wanted
            points.append(cost.point(wanted, [play(stack, AT_ONCE) for _ in range(ROUNDS)]))
    return Series("conversations", "stored conversations", points)


def turns() -> Series:
    """Turns in the conversation that is gone on with; the window is full from the first point."""
    points, said = [], " ".join(f"word{n:03d}" for n in range(TURN_WORDS))
    with Stack() as stack:
        cost = Cost(stack)
        for wanted in TURNS:
            ids = make_history(stack.database, LONG_ONES, wanted, said)
            people = [Person(None, each) for each in ids]
            points.append(cost.point(wanted, [play(stack, people) for _ in range(ROUNDS)]))
    return Series("turns", "turns in the conversation", points)


def waiting() -> Series:
    """Jobs of ten other users that wait for a slot; who asks has none under way."""
    points, queued = [], 0
    with Stack({"EPICODE_WORKER_SLOTS": str(FLOODED_SLOTS)}) as stack:
        keys = stack.create_keys(AT_ONCE)
        warm(stack)
        with stack.database.transaction() as session:
            stack.create_keys(FLOODERS)
            newest = select(User.id).order_by(User.created_at.desc()).limit(FLOODERS)
            owners = list(session.scalars(newest))
        make_waiting(stack.database, FLOODED_SLOTS - AT_ONCE, owners, SILENT)
        _wait_until_running(stack, FLOODED_SLOTS - AT_ONCE)
        cost = Cost(stack)
        for wanted in WAITING:
            if wanted > queued:
                make_waiting(stack.database, wanted - queued, owners, SILENT)
            queued = wanted
            people = partial(settle, stack.url, keys)
            rounds = [play(stack, uvloop.run(people())) for _ in range(ROUNDS)]
            points.append(cost.point(wanted, rounds))
    return Series("waiting", "jobs waiting", points)


def workers() -> Series:
    """Worker processes, of few slots each: one of them is what limits, and not the machine."""
    points = []
    for count in (1, 2):
        with Stack({"EPICODE_WORKER_SLOTS": str(FEW_SLOTS)}, workers=count) as stack:
            cost = Cost(stack)
            rounds = [play(stack, FOUR_FILLINGS, pace=SLOW) for _ in range(2)]
            points.append(cost.point(count, rounds))
    return Series("workers", "worker processes", points)


CURVES: dict[str, Callable[[], Series]] = {
    curve.__name__: curve for curve in (streams, conversations, turns, waiting, workers)
}


class Cost:
    """What replies cost in one stack, warmed here, over what it takes when nothing happens."""

    def __init__(self, stack: Stack) -> None:
        warm(stack)
        self._idle = idle(stack, IDLE_SECONDS)

    def point(self, x: int, rounds: Sequence[Played]) -> Point:
        """These rounds put together: what a reply cost, and the median makespan."""
        wrong = sum(each.round.wrong for each in rounds)
        replies = sum(each.round.replies for each in rounds)
        seconds = sum(each.seconds for each in rounds)
        cpu = {
            part: sum(each.cpu(part) for each in rounds) - self._idle_of(part) * seconds
            for part in PARTS
        }
        spans = sorted(each.round.makespan for each in rounds)
        cost = {part: 1000 * used / replies for part, used in cpu.items()}
        point = Point(x, cost, spans[len(spans) // 2], wrong)
        print(f"{x:>8,}: {point.cost:.1f} ms a reply, makespan {point.makespan:.2f} s", flush=True)
        return point

    def _idle_of(self, part: str) -> float:
        return sum(used for name, used in self._idle.items() if name.removesuffix("-2") == part)


def figures(curves: Sequence[Series]) -> list[Figure]:
    """Each curve's exponents: the cost's must be near nothing."""
    found = []
    for curve in curves:
        if curve.name == "workers":
            one, two = curve.points
            halved = two.makespan / one.makespan
            found.append(Figure("makespan of two worker processes over one's", halved, "×", HALVED))
        cost = curve.cost_exponent
        found += [
            Figure(f"cost of a reply by {curve.what}, exponent", cost, "", FLAT),
            Figure(f"makespan by {curve.what}, exponent", curve.makespan_exponent, ""),
            Figure(f"replies wrong or lost, by {curve.what}", _wrong(curve), "", 0),
        ]
    return found


def _wrong(curve: Series) -> int:
    return sum(point.wrong for point in curve.points)


def details(curve: Series) -> str:
    """Every point, as a table."""
    rows = []
    for point in curve.points:
        spent = (*point.cpu_ms.values(), point.cost)
        cells = [f"{point.x:,}", *(f"{ms:.1f}" for ms in spent), f"{point.makespan:.2f}"]
        rows.append(cells)
    parts = [f"{part}, CPU ms a reply" for part in PARTS]
    return table([curve.what, *parts, "together", "makespan, s"], rows)


def measure(names: Sequence[str]) -> tuple[list[Figure], str]:
    """The figures of these curves, and every point as text; draws each."""
    from bench.plots import draw  # matplotlib is nobody else's need

    curves = []
    for name in names:
        print(f"growth: {name}", flush=True)
        curves.append(CURVES[name]())
        draw(curves[-1], PLOTS / f"growth-{name}.png")
    return figures(curves), "\n\n".join(map(details, curves))


def names_from(arguments: Sequence[str]) -> list[str]:
    """What the command line asks for: all if nothing."""
    parser = argparse.ArgumentParser(prog="bench/run growth", description=__doc__)
    parser.add_argument("curves", nargs="*", metavar="CURVE", help=" ".join(CURVES))
    names: list[str] = parser.parse_args(arguments).curves or list(CURVES)
    for name in names:
        if name not in CURVES:
            parser.error(f"there is no curve {name}: {', '.join(CURVES)}")
    return names


def _wait_until_running(stack: Stack, jobs: int) -> None:
    count = text("SELECT count(*) FROM jobs WHERE status = 'in_progress'")
    ends_at = time.monotonic() + 60
    while True:
        with stack.database.transaction() as session:
            running = session.scalar(count)
        if running == jobs:
            return
        if time.monotonic() > ends_at:
            raise RuntimeError(f"{running} of {jobs} jobs run after a minute")
        time.sleep(0.2)
