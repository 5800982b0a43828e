"""docs/security.md names tests, files and settings that exist."""

import re

import pytest

from common.config import ROOT, BaseConfig
from common.invitations import LASTS
from common.sessions import ATTEMPTS_COUNT_FOR

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_and_file_that_it_names_exists() -> None:
    named = set(re.findall(r"`((?:tests|common|web|deploy)/[\w/.]+)`", PAGE))

    assert len(named) > 25
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_promise_has_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| ([^|]+) \|$", PAGE, re.MULTILINE)

    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) >= 16
    assert [number for number, tests in rows if "`tests/" not in tests] == []


def test_every_setting_that_it_names_exists() -> None:
    named = set(re.findall(r"`(EPICODE_[A-Z_]+)", PAGE))

    assert len(named) > 8
    assert named <= set(BaseConfig.model_fields)


def test_its_numbers_are_those_of_the_code() -> None:
    assert BaseConfig.model_fields["EPICODE_SIGN_IN_ATTEMPTS"].default == 10
    assert ATTEMPTS_COUNT_FOR.total_seconds() == 15 * 60
    assert LASTS.days == 7


@pytest.mark.parametrize("readme", ["README.md", "README.es.md"])
def test_both_readmes_link_to_it(readme: str) -> None:
    assert "](docs/security.md)" in (ROOT / readme).read_text(encoding="utf-8")
