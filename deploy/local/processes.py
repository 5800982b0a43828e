"""One child process: how it is started, asked to stop, and stopped.

Every child leads a session of its own: a terminal's Ctrl-C reaches only the launcher, which then
stops them in order, and what a child leaves behind can be found by its group.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from common import run_file


@dataclass(frozen=True)
class Program:
    """What to run, and how it likes to be stopped."""

    name: str
    command: tuple[str, ...]
    folder: Path
    env: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    # seconds between asking and SIGKILL
    patience: float = 10.0
    popen: Mapping[str, Any] = field(default_factory=dict)


class Process:
    """A started Program. Its pid is the program's own, without a shell or wrapper in between."""

    def __init__(self, program: Program, output: int | IO[Any] | None = None) -> None:
        self.program = program
        self._popen = subprocess.Popen(
            program.command,
            cwd=program.folder,
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
            **program.popen,
        )
        self.started = run_file.start_time(self.pid)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdout(self) -> IO[bytes] | None:
        return self._popen.stdout

    def exit_code(self) -> int | None:
        """None while it lives; negative after a signal, as in subprocess."""
        return self._popen.poll()

    def ask_to_stop(self) -> None:
        self._send(self.program.stop_signal)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it has ended within `seconds`."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self.exit_code() is not None

    def stop(self) -> int:
        """Ask, wait as long as the program deserves, then insist; the exit code."""
        self.ask_to_stop()
        if not self.wait(self.program.patience):
            self.kill()
        self._popen.wait()
        clear_group(self.pid)
        return self._popen.returncode

    def _send(self, number: signal.Signals) -> None:
        # Popen knows whether the pid is still ours, os.kill would not
        with suppress(ProcessLookupError):
            self._popen.send_signal(number)


def clear_group(leader: int) -> None:
    """End what a leader that has ended left in its group: it would hold the port or the folder."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _lives_in_group(leader):
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)
        for _ in range(20):
            time.sleep(0.05)
            if not _lives_in_group(leader):
                return


def stop_stranger(pid: int, started: str, number: signal.Signals, patience: float) -> bool:
    """Stop a process that isn't our child, kindly and then hard; False if it outlives even that."""
    ask_stranger(pid, started, number)
    return see_stranger_out(pid, started, patience)


def ask_stranger(pid: int, started: str, number: signal.Signals) -> None:
    """Send the signal, if the process is still the one that began at `started`."""
    if run_file.is_alive(pid, started):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def see_stranger_out(pid: int, started: str, patience: float) -> bool:
    """Wait `patience` seconds for one that was asked, then kill it; False if it outlives that.

    It isn't asked again: to many programs a second signal means to drop everything.
    """
    if not _ends_within(pid, started, patience):
        ask_stranger(pid, started, signal.SIGKILL)
        if not _ends_within(pid, started, 5.0):
            return False
    clear_group(pid)
    return True


def _ends_within(pid: int, started: str, seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while alive := run_file.is_alive(pid, started):
        if time.monotonic() >= limit:
            break
        time.sleep(0.05)
    return not alive


def _lives_in_group(leader: int) -> bool:
    """Whether the group has a member; not a zombie, which may wait for an init for ever."""
    if sys.platform == "linux":
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == leader and state not in "ZX":
                    return True
        return False
    ps = ["ps", "-ax", "-o", "pgid=,stat="]
    lines = subprocess.run(ps, capture_output=True, text=True).stdout.splitlines()
    members = [line.split()[1] for line in lines if line.split()[:1] == [str(leader)]]
    return any(not state.startswith("Z") for state in members)


def command_of(pid: int) -> str:
    """The command line of any process as one text; empty if it has ended."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True).stdout.strip()
