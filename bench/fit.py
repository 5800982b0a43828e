"""How something grows: the exponent of a power law through measured points. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """`x` of something, and what a reply took then: milliseconds by name, seconds in all.

    `wrong` replies were wrong or lost.
    """

    x: int
    cpu_ms: dict[str, float]
    makespan: float
    wrong: int = 0

    @property
    def cost(self) -> float:
        return sum(self.cpu_ms.values())


@dataclass(frozen=True)
class Series:
    """What grows, as a title and a file's name say it, and the points in ascending order."""

    name: str
    what: str
    points: list[Point]

    @property
    def cost_exponent(self) -> float:
        return exponent([(point.x, point.cost) for point in self.points])

    @property
    def makespan_exponent(self) -> float:
        return exponent([(point.x, point.makespan) for point in self.points])


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The b of y = a·x^b that fits best, by least squares of the logarithms; none counts as one.

    NaN with fewer than two different x.
    """
    logs = [(math.log(max(1.0, x)), math.log(y)) for x, y in points]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    if spread == 0:
        return math.nan
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread
