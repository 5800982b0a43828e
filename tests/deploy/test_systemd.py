"""systemd's own reading of the units. It exits 0 on unknown keys, so any output fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
INSTALLED = "/opt/chatgpt/.venv/bin"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    true = shutil.which("true")
    assert true is not None
    for program in ("python", "gunicorn", "celery"):
        (tmp_path / program).symlink_to(true)  # it looks whether the programs exist
    units = []
    for unit in UNITS.iterdir():
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace(INSTALLED, str(tmp_path)))
        units.append(str(copy).replace("@.", "@1."))

    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", ["chatgpt.service", "chatgpt-worker@.service"])
def test_a_unit_waits_for_the_hand_over(unit: str) -> None:
    text = (UNITS / unit).read_text()

    assert "TimeoutStopSec=40\n" in text
    assert "KillMode=mixed\n" in text
