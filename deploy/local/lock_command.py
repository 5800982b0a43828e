"""`./epicode lock`: write the hashed locks anew from the .in files."""

import os
import subprocess

from deploy.local import environment
from deploy.local.errors import OperatorError
from deploy.local.messages import text
from deploy.local.paths import ROOT

# requirements.txt first, the development lock next: what follows is constrained by them
LOCKS = (
    ("requirements.in", ()),
    ("requirements-embedded.in", ("--no-deps",)),
    ("requirements-dev.in", ()),
    ("requirements-bench.in", ()),
)


def lock(options: list[str]) -> int:
    """Compile all of them; `options` go to uv, such as `--upgrade`. OperatorError if one fails."""
    environment.ensure_environment(development=True)
    for source, own in LOCKS:
        written = source.replace(".in", ".txt")
        print(text("lock.writing", file=written), flush=True)
        command = [
            str(environment.python().with_name("uv")), "pip", "compile", source,
            "--output-file", written, "--universal", "--python-version", "3.11",
            "--generate-hashes", "--quiet", *own, *options,
        ]  # fmt: skip
        # the header names the command that a reader can type, and no index of this machine's
        env = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "./epicode lock"}
        if subprocess.run(command, cwd=ROOT, env=env).returncode != 0:
            raise OperatorError("lock.failed", file=written)
    return 0
