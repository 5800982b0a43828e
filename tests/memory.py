"""The memory of a process, as Linux counts it, in MiB."""

from pathlib import Path

import pytest


def resident(pid: int) -> float:
    """What it holds now. Skips the test where the system doesn't tell."""
    return _told(pid, "VmRSS")


def peak(pid: int) -> float:
    """The most that it has held since `forget_peak`."""
    return _told(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """The peak is counted from now on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _told(pid: int, name: str) -> float:
    status = Path(f"/proc/{pid}/status")
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the memory of another process in /proc")
    for line in status.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"{status} has no {name}")
