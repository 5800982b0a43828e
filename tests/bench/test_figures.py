"""A figure knows whether its limit holds, and the table says so."""

from __future__ import annotations

import math

import pytest

from bench.figures import Figure, figures_table, percentile, table


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 2), (75, 3), (99, 4), (100, 4)])
def test_a_percentile_is_one_of_the_figures(percent: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == expected


def test_a_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 50))


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("a", 1.08, "×", 1.08), True),
        (Figure("a", 1.09, "×", 1.08), False),
        (Figure("a", 5, "", 4, is_upper=False), True),
        (Figure("a", 3, "", 4, is_upper=False), False),
        (Figure("a", 0, "", 0), True),
        (Figure("a", 1, "", 0), False),
        (Figure("a", math.nan, "ms", 10), False),
        (Figure("a", 3, "ms"), None),
    ],
)
def test_a_limit_holds_up_to_itself_and_never_for_what_could_not_be_measured(
    figure: Figure, holds: bool | None
) -> None:
    assert figure.holds is holds


def test_the_table_says_what_holds_and_how_much_of_the_limit_is_used() -> None:
    lines = figures_table(
        [
            Figure("makespan", 1.0412, "×", 1.08),
            Figure("lost", 2, "", 0),
            Figure("replies", 12345, "", 100, is_upper=False),
            Figure("beside it", 0.01234, "s"),
        ]
    ).splitlines()

    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["figure", "measured", "limit", "holds", "of the limit"]
    assert cells[2:] == [
        ["makespan", "1.04 ×", "≤ 1.08 ×", "yes", "0.96"],
        ["lost", "2", "≤ 0", "**no**", ""],
        ["replies", "12,345", "≥ 100", "yes", "123.45"],
        ["beside it", "0.0123 s", "", "", ""],
    ]


def test_a_table_lines_up() -> None:
    assert table(["a", "b"], [["long", "1"], ["x", "22"]]) == (
        "| a    |  b |\n| ---- | -: |\n| long |  1 |\n| x    | 22 |"
    )
