"""1 to 1,000 replies at once on one worker process: makespan, added time, everyone else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.exchanges import Round, ideal_seconds, milliseconds, together
from bench.figures import Figure, percentile, table
from bench.listing import Lister
from bench.processes import OTHERS
from bench.rounds import Played, play, warm
from bench.stack import Stack

# how many at once → how often: enough replies for a median, enough rounds for a median makespan
ROUNDS: Mapping[int, int] = {1: 10, 50: 3, 200: 5, 500: 3, 1000: 2}
NO_LIMIT: Mapping[int, float] = {}
MAKESPAN = {200: 1.08, 500: 1.4}
ACCEPT_MEDIAN_MS = {1: 10.0}
ACCEPT_P99_MS = {200: 60.0, 500: 500.0}
FIRST_TEXT_MS = {50: 250.0}
WHOLE_MS = {50: 100.0, 200: 250.0}
LISTING_P99_MS = {200: 50.0, 500: 300.0}


@dataclass
class Size:
    """All rounds of one size; `listings` are somebody else's meanwhile, in seconds."""

    rounds: list[Played] = field(default_factory=list)
    listings: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def together(self) -> Round:
        return together([each.round for each in self.rounds])


def run(stack: Stack, rounds: Mapping[int, int] = ROUNDS) -> dict[int, Size]:
    """What was seen, by how many replies were asked for at once."""
    warm(stack)
    lister = Lister(stack)
    sizes: dict[int, Size] = {}
    for at_once, count in rounds.items():
        lister.seconds, lister.refused = [], 0
        # alone means alone: nobody else asks for anything
        aside = lister.run if at_once > 1 else None
        played = [play(stack, at_once, aside=aside) for _ in range(count)]
        sizes[at_once] = Size(played, lister.seconds, lister.refused)
    return sizes


def figures(sizes: Mapping[int, Size]) -> list[Figure]:
    """Each size against its limits."""
    found: list[Figure] = []
    for at_once, size in sizes.items():
        all_of, name = size.together, f"{at_once:,} at once: "

        def median_or_p99(
            what: str,
            seconds: Sequence[float],
            percent: float,
            limits: Mapping[int, float],
            name: str = name,
            at_once: int = at_once,
        ) -> Figure:
            word = "median" if percent == 50 else f"p{percent:.0f}"
            value = percentile(seconds, percent) * 1000
            return Figure(f"{name}{what}, {word}", value, "ms", limits.get(at_once))

        found += [
            Figure(f"{name}makespan over the ideal", all_of.ratio, "×", MAKESPAN.get(at_once)),
            Figure(f"{name}replies wrong or lost of {all_of.replies:,}", all_of.wrong, "", 0),
            median_or_p99("POST → 202", all_of.accept, 50, ACCEPT_MEDIAN_MS),
            median_or_p99("POST → 202", all_of.accept, 99, ACCEPT_P99_MS),
            median_or_p99("first text over the upstream's", all_of.first_text, 50, FIRST_TEXT_MS),
            median_or_p99("whole reply over the upstream's", all_of.whole, 50, WHOLE_MS),
        ]
        if at_once in LISTING_P99_MS:
            found.append(median_or_p99("somebody else's list", size.listings, 99, LISTING_P99_MS))
    return found


def details(sizes: Mapping[int, Size]) -> str:
    """Every distribution, and where processors and memory went, as a table."""
    all_of = [size.together for size in sizes.values()]
    latencies = [
        ("POST → 202, ms", "accept"),
        ("enqueue → claimed, ms", "claim"),
        ("POST → request at the upstream, ms", "reach"),
        ("first visible text over the upstream's, ms", "first_text"),
        ("whole reply over the upstream's, ms", "whole"),
    ]
    rows = [
        [label, *(" / ".join(milliseconds(getattr(each, name))) for each in all_of)]
        for label, name in latencies
    ]
    lists = (size.listings for size in sizes.values())
    rows += [
        ["somebody else's list, ms", *(" / ".join(milliseconds(each)) for each in lists)],
        ["lists refused", *(str(size.refused) for size in sizes.values())],
        ["makespan, s", *(f"{each.makespan:.2f}" for each in all_of)],
        ["ideal makespan, s", *(f"{ideal_seconds(each.at_once):.2f}" for each in all_of)],
        ["polls a reply", *(f"{each.polls / each.replies:.0f}" for each in all_of)],
        ["replies wrong or lost", *(f"{each.wrong} of {each.replies}" for each in all_of)],
        ["why", *(_why(size) for size in sizes.values())],
    ]
    names = list(next(iter(sizes.values())).rounds[0].usage)
    for name in names:
        cells = (_mean([each.usage[name].cpu for each in size.rounds]) for size in sizes.values())
        rows.append([f"CPU s a round: {name}", *(f"{cpu:.2f}" for cpu in cells)])
    for name in names:
        if name != OTHERS:
            rows.append(
                [f"memory, peak RSS / PSS at the end, MB: {name}"]
                + [_peaks(size, name) for size in sizes.values()]
            )
    head = ["p50 / p99 / max", *(f"{at_once:,} at once" for at_once in sizes)]
    return table(head, rows)


def _why(size: Size) -> str:
    """What became of the replies that are wrong or lost, by status."""
    exchanges = [exchange for each in size.rounds for exchange in each.exchanges]
    reasons = {
        "another text" if exchange.status == "completed" else exchange.status
        for exchange in exchanges
        if exchange.status != "completed" or not exchange.is_exact
    }
    return ", ".join(sorted(reasons))


def _peaks(size: Size, name: str) -> str:
    rss = max(each.usage[name].rss for each in size.rounds)
    pss = max(each.usage[name].pss for each in size.rounds)
    return f"{rss / 1e6:.0f} / {pss / 1e6:.0f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
