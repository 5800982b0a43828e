"""The bench's arithmetic: a wrong percentile would be believed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.figures import ideal_seconds, measure, milliseconds, percentile, table, together
from bench.load import Exchange

EXCHANGE = Exchange(
    marker="bench-a",
    due=100.0,
    posted=100.1,
    accepted=100.12,
    first_text=101.4,
    ended=103.3,
    status="completed",
    is_exact=True,
    attempts=1,
    polls=9,
    queued_seconds=0.01,
)
RECORDS = {"bench-a": [[100.2, 101.2, 103.18]]}


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 2), (75, 3), (99, 4), (100, 4)])
def test_a_percentile_is_one_of_the_figures(percent: float, expected: float) -> None:
    assert percentile([4, 1, 3, 2], percent) == expected


def test_a_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 50))
    assert milliseconds([]) == ["–", "–", "–"]


def test_a_round_is_measured_against_the_upstreams_own_times() -> None:
    figures = measure([EXCHANGE], RECORDS)

    assert figures.accept == pytest.approx([0.02])
    assert figures.first_text == pytest.approx([0.2])
    assert figures.whole == pytest.approx([0.12])
    assert figures.makespan == pytest.approx(3.3)
    assert figures.ratio == pytest.approx(3.3 / 2.98)
    assert figures.wrong == 0


@pytest.mark.parametrize("change", [{"status": "failed"}, {"is_exact": False}])
def test_a_wrong_reply_is_counted_and_gives_no_figure(change: dict[str, object]) -> None:
    figures = measure([EXCHANGE, replace(EXCHANGE, **change)], RECORDS)  # type: ignore[arg-type]

    assert (figures.wrong, len(figures.whole)) == (1, 1)


def test_a_second_attempt_is_measured_against_the_second_request() -> None:
    records = {"bench-a": [[90.0, 91.0, 93.0], *RECORDS["bench-a"]]}

    assert measure([replace(EXCHANGE, attempts=2)], records).first_text == pytest.approx([0.2])


def test_rounds_together_keep_every_reply_and_the_median_makespan() -> None:
    one = measure([EXCHANGE], RECORDS)
    rounds = [replace(one, makespan=seconds) for seconds in (3.0, 9.0, 3.1)]

    assert together(rounds).makespan == 3.1
    assert len(together(rounds).accept) == 3


def test_the_ideal_counts_the_second_in_which_people_post() -> None:
    assert ideal_seconds(1) == pytest.approx(2.98)
    assert ideal_seconds(200) == pytest.approx(3.98)


def test_a_table_lines_up() -> None:
    assert table(["a", "b"], [["long", "1"], ["x", "22"]]) == (
        "| a    |  b |\n| ---- | -: |\n| long |  1 |\n| x    | 22 |"
    )
