"""CPU time and memory of processes and their children, read from /proc (Linux only)."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
OTHERS = "everything else"
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Usage:
    """What one process with its children took; CPU in seconds, memory in bytes.

    `rss` is the peak and counts shared pages in each process; `pss` is at the end, and counts them
    once.
    """

    cpu: float = 0.0
    rss: int = 0
    pss: int = 0
    before: float = field(default=0.0, repr=False)


class Watch:
    """Watches named processes from `start` to `stop`; memory once a second.

    Beside them `OTHERS` is what everything else on the machine took: it should be near nothing.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self._ended = threading.Event()

    def start(self) -> None:
        self.usage = {
            name: Usage(before=cpu_seconds(root, self._roots.values()))
            for name, root in self._roots.items()
        }
        self._busy_before = _busy()
        self._ended.clear()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, Usage]:
        self._ended.set()
        self._thread.join()
        for name, root in self._roots.items():
            usage = self.usage[name]
            usage.cpu = cpu_seconds(root, self._roots.values()) - usage.before
            # adding up all mappings takes the kernel so long that it is done once
            usage.pss = sum(map(_pss, family(root, self._roots.values())))
        watched = sum(usage.cpu for usage in self.usage.values())
        return {**self.usage, OTHERS: Usage(cpu=max(0.0, _busy() - self._busy_before - watched))}

    def _look(self) -> None:
        while not self._ended.wait(1.0):
            parents = _parents()
            for name, root in self._roots.items():
                usage = self.usage[name]
                members = family(root, self._roots.values(), parents)
                usage.rss = max(usage.rss, sum(map(rss, members)))


def cpu_seconds(root: int, others: Collection[int] = ()) -> float:
    """Own and living children's time, and what ended children left with the root."""
    ticks = 0
    for pid in family(root, others):
        times = _stat(pid)[11:15]
        ticks += sum(times) if pid == root and pid != os.getpid() else sum(times[:2])
    return ticks / TICKS


def family(
    root: int, others: Collection[int] = (), parents: Mapping[int, int] | None = None
) -> list[int]:
    """The root and what descends from it, less `others` with theirs."""
    children = defaultdict(list)
    for child, parent in (_parents() if parents is None else parents).items():
        if child not in others:
            children[parent].append(child)
    members = [root]
    for pid in members:
        members += children[pid]
    return members


def rss(pid: int) -> int:
    """Resident bytes of one process; 0 when it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


def _busy() -> float:
    """Seconds in which the machine's cores were not idle, since it started."""
    user, nice, system, _idle, _iowait, irq, softirq = map(
        int, Path("/proc/stat").read_text().split()[1:8]
    )
    return (user + nice + system + irq + softirq) / TICKS


def _parents() -> dict[int, int]:
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return {pid: _stat(pid)[1] for pid in pids}


def _stat(pid: int) -> list[int]:
    """The fields after the command's name, as numbers: [1] is the parent, [11:15] the times."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return [0] * 15
    return [0, *(int(word) for word in after_name[1:15])]


def _pss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
