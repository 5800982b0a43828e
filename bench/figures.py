"""A figure of the bench, whether its limit holds, and the table of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Something measured; `limit` None is a figure without one, for the reader's sake only."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    is_upper: bool = True

    @property
    def holds(self) -> bool | None:
        """None without a limit. What could not be measured (NaN) holds no limit."""
        if self.limit is None:
            return None
        if math.isnan(self.value):
            return False
        return self.value <= self.limit if self.is_upper else self.value >= self.limit


def figures_table(figures: Sequence[Figure]) -> str:
    """A row a figure: measured, limit, whether it holds, how much of the limit is used."""
    return table(("figure", "measured", "limit", "holds", "of the limit"), list(map(_row, figures)))


def _row(figure: Figure) -> tuple[str, ...]:
    measured = f"{_number(figure.value)} {figure.unit}".rstrip()
    if figure.limit is None:
        return (figure.name, measured, "", "", "")
    bound = "≤" if figure.is_upper else "≥"
    ratio = f"{figure.value / figure.limit:.2f}" if figure.limit else ""
    limit = f"{bound} {figure.limit:,g} {figure.unit}".rstrip()
    return (figure.name, measured, limit, "yes" if figure.holds else "**no**", ratio)


def _number(value: float) -> str:
    """Three significant digits, never an exponent; whole numbers as such."""
    if math.isnan(value):
        return "–"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def percentile(figures: Sequence[float], percent: float) -> float:
    """The smallest figure that at least `percent` of them don't exceed; NaN of none."""
    if not figures:
        return math.nan
    ordered = sorted(figures)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up: words to the left, figures to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "| " + " | ".join([first, *rest]) + " |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([line(head), "| " + " | ".join(rule) + " |", *map(line, rows)])
