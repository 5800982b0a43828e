"""Where this process lives, so that its neighbours can tell when it is gone.

A pid means something only within one pid namespace of one boot of one kernel; that is the place.
Names and host names prove nothing: machines are cloned, and pids are given out again.
"""

import os
from pathlib import Path


def this_place() -> str | None:
    """The boot and the pid namespace of this process; None where the system doesn't tell
    (macOS), and then only the lease says that a worker is gone."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def is_gone(pid: int) -> bool:
    """Whether no process of this place has that pid. A number given out again counts as alive:
    then the lease decides."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
