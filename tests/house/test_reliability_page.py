"""docs/reliability.md names tests that exist, and times that are the settings'."""

import re

from common.config import ROOT, ProductionConfig
from common.db import ANSWER_SECONDS

PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_every_test_that_it_names_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", PAGE))

    assert len(named) > 5
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_its_times_are_the_settings() -> None:
    fields = ProductionConfig.model_fields
    lease, sweep, ring, handover = (
        int(fields[f"EPICODE_{name}_SECONDS"].default)
        for name in ("LEASE", "SWEEP", "RING", "HANDOVER")
    )

    assert f"The lease ({lease} s)" in PAGE
    assert f"its leases lapse | {lease} s and one sweep |" in PAGE
    assert f"it is rung again | {ring} s and one sweep |" in PAGE
    assert f"hands over after {handover} s; nothing is charged | {handover + 5} s |" in PAGE
    # a sweep comes after its time and a fifth at the latest
    assert f"the process is gone | {int(sweep * 1.2)} s, one sweep |" in PAGE
    assert f"with all of the pool's | {int(ANSWER_SECONDS)} s |" in PAGE


def test_its_figures_are_a_whole_table() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and " s |" in line]

    assert "| Fault | provoked | jobs | lost | doubled | slowest recovery |" in PAGE
    assert any(line.startswith("| **all** |") for line in rows)
