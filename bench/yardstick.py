"""How quick the machine is just now: the CPU time of one fixed piece of work.

The same commit's figures differ between machines, and on a shared one from minute to minute; this
says by how much two runs do before anything of ours is measured.
"""

from __future__ import annotations

import statistics
import time

TIMES = 5


def measure() -> float:
    """CPU milliseconds of the work, the median of TIMES."""
    return statistics.median(_once() for _ in range(TIMES)) * 1000


def _once() -> float:
    """What Python does most: objects made and dropped, names looked up, memory touched."""
    begun = time.process_time()
    held: dict[int, str] = {}
    for number in range(250_000):
        held[number % 5000] = f"{number}x"
    return time.process_time() - begun
