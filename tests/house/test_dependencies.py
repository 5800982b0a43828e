"""Every dependency is pinned with its hashes, and known holes fail the run."""

import re

import pytest

from common.config import ROOT
from deploy.local import advisories

LOCKS = sorted(ROOT.glob("requirements*.txt"))
PACKAGE = re.compile(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==\S+.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_one_version_and_its_hashes(lock: object) -> None:
    text = lock.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    packages = list(PACKAGE.finditer(text))
    lines = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]

    assert len(packages) == len(lines) > 1
    assert [found[1] for found in packages if "--hash=sha256:" not in found[0]] == []


def test_a_known_hole_is_named() -> None:
    report = {
        "dependencies": [
            {"name": "sound", "version": "1.0", "vulns": []},
            {"name": "holed", "version": "2.0", "vulns": [{"id": "PYSEC-1"}]},
            {"name": "unknown", "skip_reason": "not on PyPI"},
        ]
    }

    assert advisories.is_from_a_source(report)
    assert advisories.holes_in(report) == ["holed 2.0: PYSEC-1"]


def test_a_source_that_knows_no_package_is_none() -> None:
    report = {"dependencies": [{"name": "unknown", "skip_reason": "not on PyPI"}]}

    assert not advisories.is_from_a_source(report)


def test_without_a_source_it_is_said_that_nothing_was_audited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert advisories.audit() == 0

    assert "http" not in (said := capsys.readouterr().out)
    assert "audit" in said
