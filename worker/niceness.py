"""How a worker gives way: on a machine that the web shares, whoever waits for a page comes before
whoever writes replies."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import structlog

# While all cores are full a worker gets a third of what others do (each step is a fifth less). Of a
# crowd that posts at once the turns are then accepted in half the time, and the replies begin a
# little later; with 10 the last of them would come late (bench streams).
NICENESS = 5
# The kernel takes one such wish in a tenth of a second.
_TRIES, _BETWEEN_TRIES_SECONDS = 5, 0.1

log = structlog.get_logger(__name__)


def step_back() -> None:
    """This thread, and all that it starts, takes less, and interrupts nobody to get it."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        _step_back_as_session(Path("/proc/self/autogroup"))
        # saves half of the switches when hundreds of streams wake (bench streams)
        with suppress(OSError):  # not everybody may leave the policy that he was started under
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _step_back_as_session(autogroup: Path) -> None:
    """Linux weighs whole sessions, and niceness only within one (sched(7), "The autogroup
    feature"): a worker with one of its own, as `./epicode up` and systemd start it, says so there.
    Where there is no such weighing, nothing happens.
    """
    if os.getsid(0) != os.getpid():  # other programs' session, too
        return
    for _ in range(_TRIES):
        try:
            autogroup.write_text(str(NICENESS))
        except BlockingIOError:  # another worker has just asked
            time.sleep(_BETWEEN_TRIES_SECONDS)
        except OSError:
            return
        else:
            return
    log.warning("niceness_not_taken")
