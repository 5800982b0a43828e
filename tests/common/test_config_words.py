"""A setting that can't be read is told in a person's words."""

import pytest

from tests.common.test_config import complaints, given, newcomer  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("EPICODE_WORKER_SLOTS", "viele", "must be a whole number, not viele"),
        ("EPICODE_WORKER_SLOTS", "1.5", "must be a whole number, not 1.5"),
        ("EPICODE_WORKER_SLOTS", "0", "must be at least 1, not 0"),
        ("EPICODE_PORT", "70000", "must be at most 65535, not 70000"),
        ("EPICODE_RENEW_SECONDS", "zwei", "must be a number, not zwei"),
        ("EPICODE_SWEEP_SECONDS", "0", "must be more than 0, not 0"),
        ("EPICODE_TITLES", "vielleicht", "must be 1 or 0, not vielleicht"),
        ("EPICODE_LOG_LEVEL", "loud", "must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR', not loud"),
        ("EPICODE_METRICS_TOKEN", "too-short", "must have at least 16 characters"),
        ("EPICODE_WORKER_SLOTS", "9" * 5000, "must be a whole number"),
    ],
)
def test_a_value_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    given(monkeypatch, **{name: value})

    assert complaints() == [f"{name} {sentence}"]
