"""The errors of the house: a code of the table, and what a job keeps of one."""

import pytest

from common.errors import EpiCodeError


def test_an_error_without_a_code_of_the_table_can_not_be_raised() -> None:
    with pytest.raises(KeyError):
        EpiCodeError("no_such_code")


def test_an_error_knows_the_status_of_its_code() -> None:
    assert EpiCodeError("turn_too_long").status == 422
    assert EpiCodeError("queue_full", retry_after=30).status == 503


def test_a_job_keeps_code_and_numbers_and_never_a_sentence() -> None:
    error = EpiCodeError("rate_limited", retryable=True, retry_after=30, model="m")

    assert error.as_record() == {
        "code": "rate_limited",
        "params": {"model": "m"},
        "retryable": True,
    }
