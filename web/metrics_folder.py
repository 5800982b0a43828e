"""The folder in which gunicorn's processes count together: one a gunicorn, new at each start.

In shared memory where there is such a thing, since each count writes to it. Nothing here may import
prometheus_client: it decides how to count when it is imported.
"""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SHARED_MEMORY = Path("/dev/shm")


def use_own_folder() -> None:
    """Makes the folder of this process and its children, and removes those of masters that are
    gone. A reload keeps it, or every count would begin anew; a master that another one started
    has one of its own."""
    prefix = f"epicode-metrics-{os.getpid()}-"
    if prefix in os.environ.get(FOLDER_VARIABLE, ""):
        return
    parent = SHARED_MEMORY
    if not os.access(parent, os.W_OK):
        parent = Path(tempfile.gettempdir())
    for left in parent.glob("epicode-metrics-*-*"):
        # another start may be clearing it away, too
        with suppress(FileNotFoundError):
            master = re.search(r"-(\d+)-[^-]*$", left.name)
            if master and left.stat().st_uid == os.getuid() and not _is_alive(int(master[1])):
                shutil.rmtree(left, ignore_errors=True)
    os.environ[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix=prefix, dir=parent)


def remove_own_folder() -> None:
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    # what we may not signal is another user's by now, and no master of ours
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        return True
    return False
