"""What one round took: what people and upstream saw, put together. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import percentile
from bench.load import SPREAD_SECONDS, Exchange
from bench.upstream import USUAL, Pace

# marker → [arrived, first text sent, last byte sent] of each attempt
Records = dict[str, list[list[float]]]


@dataclass(frozen=True)
class Round:
    """What one round of so many replies at once took, in seconds; one figure a reply."""

    at_once: int
    wrong: int
    accept: list[float]
    claim: list[float]
    reach: list[float]
    first_text: list[float]
    whole: list[float]
    makespan: float
    polls: int
    pace: Pace = USUAL

    @property
    def ratio(self) -> float:
        return self.makespan / ideal_seconds(self.at_once, self.pace)

    @property
    def replies(self) -> int:
        """All that were asked for, the lost ones too."""
        return len(self.accept) + self.wrong


def ideal_seconds(at_once: int, pace: Pace = USUAL) -> float:
    """From the first post to the last token, if nothing but the upstream took time."""
    return pace.seconds + (SPREAD_SECONDS if at_once > 1 else 0.0)


def round_of(exchanges: Sequence[Exchange], records: Records, pace: Pace = USUAL) -> Round:
    """One round's figures. A reply that failed or isn't exact counts as wrong and nowhere else."""
    good = [
        (exchange, records[exchange.marker][exchange.attempts - 1])
        for exchange in exchanges
        if exchange.status == "completed" and exchange.is_exact
    ]
    return Round(
        at_once=len(exchanges),
        wrong=len(exchanges) - len(good),
        accept=[exchange.accepted - exchange.posted for exchange, _ in good],
        claim=[exchange.queued_seconds for exchange, _ in good],
        reach=[arrived - exchange.posted for exchange, (arrived, _, _) in good],
        first_text=[exchange.first_text - first for exchange, (_, first, _) in good],
        whole=[exchange.ended - last for exchange, (_, _, last) in good],
        makespan=max(e.ended for e in exchanges) - min(e.due for e in exchanges),
        polls=sum(exchange.polls for exchange in exchanges),
        pace=pace,
    )


def together(rounds: Sequence[Round]) -> Round:
    """Rounds of the same size as one: every reply's figures, the median makespan."""

    def all_of(name: str) -> list[float]:
        return [figure for each in rounds for figure in getattr(each, name)]

    return Round(
        at_once=rounds[0].at_once,
        wrong=sum(each.wrong for each in rounds),
        accept=all_of("accept"),
        claim=all_of("claim"),
        reach=all_of("reach"),
        first_text=all_of("first_text"),
        whole=all_of("whole"),
        makespan=percentile([each.makespan for each in rounds], 50),
        polls=sum(each.polls for each in rounds),
        pace=rounds[0].pace,
    )


def milliseconds(figures: Sequence[float]) -> list[str]:
    """p50, p99 and the largest, in ms."""
    chosen = (percentile(figures, 50), percentile(figures, 99), percentile(figures, 100))
    return ["–" if math.isnan(figure) else f"{figure * 1000:.0f}" for figure in chosen]
