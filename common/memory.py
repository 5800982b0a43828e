"""What a process keeps of the memory that it no longer uses. glibc's calls; elsewhere there are
none, and nothing happens."""

import ctypes
import gc
from contextlib import suppress

# <malloc.h>
M_TRIM_THRESHOLD, M_ARENA_MAX = -1, -8
# Python looks for cycles after so many new objects (gc.set_threshold). What hundreds of streams
# hold has next to none, and walking it took a twentieth of a worker's time, 50 ms at once.
COLLECTED_AFTER = (10_000, 20, 20)


def keep_little() -> None:
    """Before the threads start. glibc keeps what a long reply needed for the next one, in an arena
    of its own for nearly each thread: with few arenas one thread uses what another gave back, and
    with a fixed threshold the rest goes back to the system (mallopt(3))."""
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 2)
        mallopt(M_TRIM_THRESHOLD, 128 * 1024)


def settle() -> None:
    """After the start. What is there by now stays: a collection that walks it would hold everybody
    up, and copy it for each process that shares it. What only the start needed is given back."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
