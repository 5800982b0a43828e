"""`./epicode run -- CMD`: a command with the addresses of what runs."""

import os
import shutil
from pathlib import Path

from common import run_file
from deploy.local import env_file, environment
from deploy.local.errors import OperatorError
from deploy.local.paths import ENV_FILE, short


def run(command: list[str], data: Path | None) -> int:
    """Become `command`: its exit code is ours. Returns only by OperatorError."""
    if not command:
        raise OperatorError("run.usage")
    settings = env_file.settings_of(os.environ, ENV_FILE)
    folder = (data or run_file.default_folder(settings)).expanduser().resolve()
    running = run_file.read_running(folder)
    if running is None:
        raise OperatorError("run.nothing", folder=short(folder))
    env = environment.environment_for(settings, running.get("environment") or {})
    if shutil.which(command[0], path=env["PATH"]) is None:
        raise OperatorError("run.unknown", command=command[0])
    try:
        os.execvpe(command[0], command, env)
    except OSError as error:
        raise OperatorError("run.failed", command=command[0], reason=error.strerror) from error
