"""systemd's own reading of the units. It exits 0 on unknown keys, so any output fails."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.niceness import weight_of
from worker.niceness import NICENESS

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
PROJECT = "/path/to/your/project"
NAMES = {"chatgpt.service", "chatgpt-worker@.service", "chatgpt-flower.service"}
# systemd's scale ends at 10; below 2 only what a network service must be able to do is left
MOST_EXPOSED = 2.0

with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """The units as an operator has them after the one replacement, and a project to run."""
    true = shutil.which("true")
    assert true is not None
    programs = tmp_path / "project" / ".venv" / "bin"
    programs.mkdir(parents=True)
    for program in ("python", "gunicorn", "celery"):
        (programs / program).symlink_to(true)  # it looks whether the programs exist
    units = []
    for unit in UNITS.iterdir():
        copy = tmp_path / unit.name
        copy.write_text(unit.read_text().replace(PROJECT, str(tmp_path / "project")))
        units.append(str(copy).replace("@.", "@1."))
    return units


def test_they_are_named_as_people_look_for_them() -> None:
    assert {unit.name for unit in UNITS.iterdir()} == NAMES


@with_systemd
def test_systemd_finds_nothing_to_complain_about(installed: list[str]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", *installed], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@with_systemd
def test_a_unit_may_do_little_beside_its_work(installed: list[str]) -> None:
    for unit in installed:
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
            capture_output=True,
            text=True,
            timeout=60,
        )
        (exposure,) = re.findall(r"Overall exposure level for \S+: (\d+\.\d)", done.stdout)
        assert float(exposure) < MOST_EXPOSED, done.stdout


@pytest.mark.parametrize("unit", sorted(NAMES))
def test_one_thing_is_to_be_replaced(unit: str) -> None:
    lines = [line for line in (UNITS / unit).read_text().splitlines() if not line.startswith("#")]

    paths = set(re.findall(r"[=\s-](/[^\s'\"]+)", "\n".join(lines).replace(PROJECT, "")))
    # the shell, kill, the unit's own state, and files below the project
    assert paths <= {
        "/bin/sh",
        "/bin/kill",
        "/dev/null",
        "/var/lib/chatgpt",
        "/.venv/bin/python",
        "/.venv/bin/gunicorn",
        "/.venv/bin/celery",
        "/.env",
    }
    assert sum(PROJECT in line for line in lines) >= 2


@pytest.mark.parametrize("unit", ["chatgpt.service", "chatgpt-worker@.service"])
def test_a_unit_waits_for_the_hand_over(unit: str) -> None:
    text = (UNITS / unit).read_text()

    assert "TimeoutStopSec=40\n" in text
    assert "KillMode=mixed\n" in text


@pytest.mark.parametrize("unit", sorted(NAMES))
def test_stopping_one_takes_nothing_from_the_others(unit: str) -> None:
    """RemoveIPC would empty /dev/shm of the user's files, where the web counts."""
    assert "RemoveIPC=true" not in (UNITS / unit).read_text()


def test_a_worker_may_make_way_for_the_web() -> None:
    """It lowers its own priority, which the group @resources is needed for, and its unit's."""
    unit = (UNITS / "chatgpt-worker@.service").read_text()

    assert "@resources" not in unit
    assert f"Slice=system.slice\nCPUWeight={weight_of(NICENESS) * 100:.0f}\n" in unit
