"""From what a browser painted to what a person felt."""

import pytest

from bench.screen import Felt, Paint, growths
from bench.upstream import USUAL

SAID_SECONDS = (USUAL.tokens - 1) * USUAL.every_ms / 1000


def test_a_paint_that_shows_no_more_is_no_growth() -> None:
    paints = [Paint(1.0, 1, 11), Paint(1.1, 1, 11), Paint(1.2, 0, 3), Paint(1.3, 2, 22)]

    assert [paint.at for paint in growths(paints)] == [1.0, 1.3]


def test_of_one_moment_only_the_last_paint_was_seen() -> None:
    paints = [Paint(1.0, 1, 11), Paint(1.0, 2, 22)]

    assert growths(paints) == [Paint(1.0, 2, 22)]


def test_each_word_is_behind_by_its_own_lag() -> None:
    felt = Felt()
    # all words at once, half a second after the last of them was said
    felt.add([Paint(10.0 + SAID_SECONDS + 0.5, USUAL.tokens, 1100)], 10.0, 10.0 + SAID_SECONDS)

    assert len(felt.lags) == USUAL.tokens
    assert felt.first_lags == pytest.approx([SAID_SECONDS + 0.5])
    assert felt.lags[-1] == pytest.approx(0.5)
    assert felt.gaps == []


def test_a_word_counts_from_the_paint_that_holds_all_of_it() -> None:
    felt = Felt()
    half = USUAL.tokens // 2
    paints = [Paint(11.0, half, 11 * half), Paint(13.0, USUAL.tokens, 11 * USUAL.tokens)]

    felt.add(paints, 10.0, 10.0 + SAID_SECONDS)

    assert felt.lags[half - 1] == pytest.approx(1.0 - (half - 1) * USUAL.every_ms / 1000)
    assert felt.lags[half] == pytest.approx(3.0 - half * USUAL.every_ms / 1000)
    assert felt.gaps == pytest.approx([2.0])


def test_a_reply_that_was_not_shown_to_its_end_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="7 of 100"):
        Felt().add([Paint(1.0, 7, 77)], 0.0, 2.0)
