"""How often streams are read and the writer flushes."""

import pytest

from worker.cadence import (
    APPENDS_A_SECOND,
    FASTEST_SECONDS,
    SLOWEST_SECONDS,
    flush_seconds,
    rest_seconds,
)


@pytest.mark.parametrize("replies", [1, 20, 50])
def test_while_few_replies_run_their_text_is_written_as_fast_as_makes_sense(replies: int) -> None:
    assert flush_seconds(replies) == FASTEST_SECONDS


@pytest.mark.parametrize("replies", [100, 200, 300])
def test_however_many_run_redis_has_the_same_to_do(replies: int) -> None:
    assert replies / flush_seconds(replies) == pytest.approx(APPENDS_A_SECOND)


def test_no_reply_waits_longer_than_the_slowest_pace() -> None:
    assert flush_seconds(10_000) == SLOWEST_SECONDS


@pytest.mark.parametrize("replies", [1, 20, 50])
def test_while_few_replies_run_each_word_is_read_as_it_comes(replies: int) -> None:
    assert rest_seconds(replies) == 0


@pytest.mark.parametrize("replies", [100, 200, 1000])
def test_a_crowd_is_read_twice_a_flush(replies: int) -> None:
    assert rest_seconds(replies) == flush_seconds(replies) / 2
