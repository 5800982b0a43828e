"""Known holes in the packages that the locks name, as the source of pip-audit tells them."""

import json
import subprocess
from typing import Any

from deploy.local import environment
from deploy.local.messages import text
from deploy.local.paths import ROOT

LOCKS = ("requirements.txt", "requirements-embedded.txt")


def audit() -> int:
    """1 if a package that EpiCode runs with has a known hole. Without a source it says so."""
    found: list[str] = []
    for lock in LOCKS:
        report = _report(lock)
        if report is None or not is_from_a_source(report):
            print(text("audit.unreachable"), flush=True)
            return 0
        found += holes_in(report)
    for hole in found:
        print(hole, flush=True)
    print(text("audit.done", count=len(found)), flush=True)
    return 1 if found else 0


def is_from_a_source(report: dict[str, Any]) -> bool:
    """Whether anybody told anything: a mirror without advisories knows none of the packages."""
    return any("skip_reason" not in package for package in report["dependencies"])


def holes_in(report: dict[str, Any]) -> list[str]:
    """`NAME VERSION: ID` of each hole in pip-audit's report."""
    return [
        f"{package['name']} {package['version']}: {hole['id']}"
        for package in report["dependencies"]
        for hole in package.get("vulns", [])
    ]


def _report(lock: str) -> dict[str, Any] | None:
    """pip-audit's report on a lock; None where nobody can be asked."""
    command = [
        str(environment.python()), "-m", "pip_audit", "--disable-pip", "--require-hashes",
        "--requirement", lock, "--format", "json", "--progress-spinner", "off", "--timeout", "5",
    ]  # fmt: skip
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    # it ends with 1 for a hole, which is in its report, and for a source that it can't reach
    return json.loads(ran.stdout) if ran.stdout.strip() else None
