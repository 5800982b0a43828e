"""The data folder DIR: who holds it, and what `DIR/run.json` says.

The lock is the launcher's own: no child inherits it, so it falls with the launcher, however that
ends. What the children of a killed launcher still hold is found by run.json.
"""

import fcntl
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import run_file
from deploy.local.errors import OperatorError
from deploy.local.paths import short
from deploy.local.private_files import write_private
from deploy.local.processes import ask_stranger, see_stranger_out

# where run.json names processes, in the order of stopping, and how each is asked
LEFTOVERS = (
    ("workers", signal.SIGTERM, 40.0),
    ("web", signal.SIGTERM, 10.0),
    ("flower", signal.SIGTERM, 5.0),
    ("demo", signal.SIGTERM, 5.0),
    ("redis", signal.SIGTERM, 30.0),
    ("postgres", signal.SIGINT, 30.0),
)


class DataFolder:
    """DIR, made if absent."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # without O_CLOEXEC's default the children would keep the lock
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            reason = error.strerror
            raise OperatorError(
                "folder.unusable", folder=short(self.path), reason=reason
            ) from error

    def take(self) -> bool:
        """Whether the folder is ours now; it is until this process ends."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def address_of_other(self, seconds: float = 60.0) -> str | None:
        """The page's address of the launcher that holds the folder, once it is ready.

        None if it has let go meanwhile; OperatorError if it takes longer than `seconds`.
        """
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            run = run_file.read_running(self.path)
            if run is not None and run.get("ready"):
                return str(run["url"])
            if self.take():
                return None
            time.sleep(0.2)
        raise OperatorError("folder.busy", folder=short(self.path))

    def leftovers(self) -> list["Leftover"]:
        """The living processes that run.json names, in the order of stopping."""
        run = run_file.read(self.path) or {}
        found: list[Leftover] = []
        for key, number, patience in LEFTOVERS:
            entries = run.get(key)
            for entry in entries if isinstance(entries, list) else [entries or {}]:
                pid = entry.get("pid")
                if pid is None or not run_file.names_a_living(run, pid):
                    continue
                name = entry["name"] if isinstance(entries, list) else key
                started = run["started"][str(pid)]
                found.append(Leftover(name, key, pid, started, number, patience))
        return found

    def write_run_file(self, content: dict[str, Any]) -> None:
        """Replace run.json, readable for its owner alone."""
        write_private(run_file.run_file(self.path), json.dumps(content, indent=2) + "\n")

    def remove_run_file(self) -> None:
        run_file.run_file(self.path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Leftover:
    """A process of an earlier start whose launcher is gone."""

    name: str
    kind: str
    pid: int
    started: str
    stop_signal: signal.Signals
    patience: float

    def ask_to_stop(self) -> None:
        """Only ask, if it is still the one we mean."""
        ask_stranger(self.pid, self.started, self.stop_signal)

    def see_out(self) -> None:
        """Wait for one that was asked, then kill it. OperatorError if even that fails."""
        if not see_stranger_out(self.pid, self.started, self.patience):
            raise OperatorError("folder.stuck", name=self.name, pid=self.pid)


def stop_leftovers(leftovers: list[Leftover]) -> None:
    """Stop all, kind by kind: workers first, while the databases that they need still run."""
    for kind, _, _ in LEFTOVERS:
        same = [leftover for leftover in leftovers if leftover.kind == kind]
        for leftover in same:
            leftover.ask_to_stop()
        for leftover in same:
            leftover.see_out()
