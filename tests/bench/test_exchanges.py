"""The bench's arithmetic: a wrong percentile would be believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.exchanges import ideal_seconds, milliseconds, round_of, together
from bench.load import Exchange
from bench.upstream import Pace

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


def test_figures_of_nothing_are_dashes() -> None:
    assert milliseconds([]) == ["–", "–", "–"]


def test_a_round_is_round_ofd_against_the_upstreams_own_times() -> None:
    figures = round_of([EXCHANGE], RECORDS)

    assert figures.accept == pytest.approx([0.02])
    assert figures.first_text == pytest.approx([0.2])
    assert figures.whole == pytest.approx([0.12])
    assert figures.makespan == pytest.approx(3.3)
    assert figures.ratio == pytest.approx(3.3 / 2.98)
    assert figures.wrong == 0


@pytest.mark.parametrize("change", [{"status": "failed"}, {"is_exact": False}])
def test_a_wrong_reply_is_counted_and_gives_no_figure(change: dict[str, object]) -> None:
    figures = round_of([EXCHANGE, replace(EXCHANGE, **change)], RECORDS)  # type: ignore[arg-type]

    assert (figures.wrong, len(figures.whole)) == (1, 1)


def test_a_second_attempt_is_round_ofd_against_the_second_request() -> None:
    records = {"bench-a": [[90.0, 91.0, 93.0], *RECORDS["bench-a"]]}

    assert round_of([replace(EXCHANGE, attempts=2)], records).first_text == pytest.approx([0.2])


def test_rounds_together_keep_every_reply_and_the_median_makespan() -> None:
    one = round_of([EXCHANGE], RECORDS)
    rounds = [replace(one, makespan=seconds) for seconds in (3.0, 9.0, 3.1)]

    assert together(rounds).makespan == 3.1
    assert len(together(rounds).accept) == 3


def test_the_ideal_counts_the_second_in_which_people_post() -> None:
    assert ideal_seconds(1) == pytest.approx(2.98)
    assert ideal_seconds(200) == pytest.approx(3.98)
    assert ideal_seconds(200, Pace(tokens=500)) == pytest.approx(11.98)
