"""What the sections make of what was seen; they are run by `bench/run` alone."""

from __future__ import annotations

import pytest

from bench import growth, polls, streams
from bench.exchanges import Round
from bench.fit import Point, Series
from bench.load import Exchange
from bench.rounds import Played


def size(at_once: int, **seen: float) -> streams.Size:
    """One round in which every reply took the same."""
    round_ = Round(
        at_once=at_once,
        wrong=int(seen.get("wrong", 0)),
        accept=[seen.get("accept", 0.005)] * at_once,
        claim=[0.01] * at_once,
        reach=[0.02] * at_once,
        first_text=[0.1] * at_once,
        whole=[seen.get("whole", 0.05)] * at_once,
        makespan=seen.get("makespan", 4.0),
        polls=9 * at_once,
    )
    return streams.Size([Played(round_, [], {}, 5.0)], listings=[seen.get("listing", 0.01)])


def test_every_limit_of_the_streams_is_looked_at() -> None:
    good = {at_once: size(at_once) for at_once in streams.ROUNDS}
    slow = {
        at_once: size(at_once, accept=1, whole=1, makespan=60, listing=1, wrong=1)
        for at_once in streams.ROUNDS
    }

    def limited(sizes: dict[int, streams.Size]) -> list[bool]:
        return [bool(f.holds) for f in streams.figures(sizes) if f.holds is not None]

    assert limited(good) == [True] * len(limited(good))
    # the first text alone was as quick as before
    assert sum(limited(slow)) == 1
    assert len(limited(slow)) == 15


def test_only_polls_from_while_all_jobs_ran_count() -> None:
    early, late, lost = (
        Exchange("a", 0.0, status="completed", first_text=10.0, ended=30.0),
        Exchange("b", 0.0, status="completed", first_text=13.0, ended=40.0),
        Exchange("c", 0.0, ended=9.0),
    )
    early.poll_times = [(11.0, 9.0), (14.0, 0.1)]
    late.poll_times = [(15.0, 0.2), (31.0, 9.0)]

    assert polls.steady_polls([early, late, lost]) == [(14.0, 0.1), (15.0, 0.2)]
    assert polls.steady_polls([lost]) == []


def test_growth_is_held_to_flat_and_two_workers_to_half() -> None:
    def curve(name: str, *costs: float) -> Series:
        points = [Point(10**at, {"web": cost}, 10 / at) for at, cost in enumerate(costs, 1)]
        return Series(name, name, points)

    flat, steep, two = curve("turns", 10, 11), curve("waiting", 10, 20), curve("workers", 9, 9)
    held = {f.name: f.holds for f in growth.figures([flat, steep, two]) if f.holds is not None}
    lost = {name: held.pop(name) for name in list(held) if name.startswith("replies")}

    assert set(lost.values()) == {True}
    assert held == {
        "cost of a reply by turns, exponent": True,
        "cost of a reply by waiting, exponent": False,
        "makespan of two worker processes over one's": True,
        "cost of a reply by workers, exponent": True,
    }


def test_the_command_line_names_curves() -> None:
    assert growth.names_from([]) == ["streams", "conversations", "turns", "waiting", "workers"]
    assert growth.names_from(["turns"]) == ["turns"]
    with pytest.raises(SystemExit):
        growth.names_from(["moon"])
