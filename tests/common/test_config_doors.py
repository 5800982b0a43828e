"""Settings that would let in whoever has no business here: refused, with the setting's name."""

import pytest

from common.config import DevelopmentConfig, ProductionConfig, load_config
from tests.common.test_config import A_SECRET, complaints, given, newcomer  # noqa: F401


def test_with_accounts_it_may_be_reached_under_names_that_are_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(monkeypatch, FLASK_ENV="production", SECRET_KEY=A_SECRET)
    given(monkeypatch, EPICODE_AUTH="accounts", EPICODE_HOST="0.0.0.0")
    (said,) = complaints()
    assert said.startswith("EPICODE_TRUSTED_HOSTS must name the host")

    given(monkeypatch, EPICODE_TRUSTED_HOSTS=" Chat.example.org, .example.net ,")

    assert load_config().trusted_hosts == ["chat.example.org", ".example.net"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "EPICODE_TRUSTED_HOSTS would let other machines' names in"),
        (
            {"EPICODE_AUTH": "accounts", "EPICODE_HOST": "0.0.0.0"},
            "FLASK_ENV=development must not be reached by other machines",
        ),
    ],
)
def test_nobody_else_is_let_in_without_sign_in_nor_by_a_development_server(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], sentence: str
) -> None:
    given(monkeypatch, EPICODE_TRUSTED_HOSTS="chat.example.org", **settings)

    (said,) = complaints()

    assert said.startswith(sentence)


def test_debug_outside_development_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, FLASK_DEBUG="1")
    assert type(load_config()) is DevelopmentConfig
    given(monkeypatch, FLASK_ENV="production", SECRET_KEY=A_SECRET)

    (said,) = complaints()

    assert said.startswith("FLASK_DEBUG must not be set outside FLASK_ENV=development")
    given(monkeypatch, FLASK_DEBUG="0")
    assert type(load_config()) is ProductionConfig
