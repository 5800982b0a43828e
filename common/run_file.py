"""`DIR/run.json`: what a running `./epicode up` says about itself. Standard library only.

A pid alone proves nothing, numbers are given out again: a process counts as the one named here
only if it also started when this file says it did.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The data folder: EPICODE_DATA, else ~/.local/share/epicode."""
    chosen = environ.get("EPICODE_DATA")
    return Path(chosen).expanduser() if chosen else Path.home() / ".local" / "share" / "epicode"


def run_file(folder: Path) -> Path:
    """Where the run file of a data folder lies."""
    return folder / "run.json"


def read(folder: Path) -> dict[str, Any] | None:
    """The run file's content as written, or None: absent, unreadable for us, or not ours."""
    try:
        content = json.loads(run_file(folder).read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def read_running(folder: Path) -> dict[str, Any] | None:
    """The run file of the stack that runs on `folder`; None if there is none or it has ended.

    It runs while both its databases do: `["postgres"]["url"]` and `["redis"]["url"]` answer. The
    launcher's own life stands for a database that was given by URL and has no process here.
    """
    run = read(folder)
    if run is None:
        return None
    for name in ("postgres", "redis"):
        if not isinstance(run.get(name), dict) or not run[name].get("url"):
            return None
        who = run[name] if run[name].get("pid") is not None else run.get("launcher")
        if not isinstance(who, dict) or not names_a_living(run, who.get("pid")):
            return None
    return run


def names_a_living(run: Mapping[str, Any], pid: int | None) -> bool:
    """Whether `pid`, as named in a run file, is still that process."""
    started = run.get("started")
    if not isinstance(pid, int) or not isinstance(started, dict):
        return False
    return is_alive(pid, started.get(str(pid)))


def is_alive(pid: int, started: str | None) -> bool:
    """Whether the process `pid` lives and started at `started`."""
    return started is not None and start_time(pid) == started


def start_time(pid: int) -> str | None:
    """When the process started, as an opaque text equal only to itself; None if it has ended."""
    return _start_time_of_linux(pid) if sys.platform == "linux" else _start_time_of_ps(pid)


def _start_time_of_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # proc(5): the program's name, in brackets, may itself hold spaces and brackets
    fields = stat[stat.rindex(")") + 2 :].split()
    state, ticks_since_boot = fields[0], fields[19]
    return None if state in "ZX" else f"{boot}:{ticks_since_boot}"


def _start_time_of_ps(pid: int) -> str | None:
    said = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    ).stdout.split(maxsplit=1)
    return said[1].strip() if len(said) == 2 and not said[0].startswith("Z") else None
