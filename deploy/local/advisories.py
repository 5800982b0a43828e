"""Known holes in the packages that the locks name, as PyPI's advisories tell them (pip-audit)."""

import json
import subprocess
import urllib.request

from deploy.local import environment
from deploy.local.messages import text
from deploy.local.paths import ROOT

# Answers with its advisories; a mirror without them says 404.
SOURCE = "https://pypi.org/pypi/pip/json"
LOCKS = ("requirements.txt", "requirements-embedded.txt")


def audit() -> int:
    """1 if a package that EpiCode runs with has a known hole. Without a source it says so."""
    if not is_reachable():
        print(text("audit.unreachable"), flush=True)
        return 0
    found = [hole for lock in LOCKS for hole in _holes(lock)]
    for hole in found:
        print(hole, flush=True)
    print(text("audit.done", count=len(found)), flush=True)
    return 1 if found else 0


def is_reachable() -> bool:
    try:
        with urllib.request.urlopen(SOURCE, timeout=5) as answer:
            return bool(answer.status == 200 and "vulnerabilities" in json.load(answer))
    except (OSError, ValueError):
        return False


def _holes(lock: str) -> list[str]:
    """`NAME VERSION: ID` of each."""
    command = [str(environment.python()), "-m", "pip_audit", "--disable-pip", "--require-hashes",
               "--requirement", lock, "--format", "json", "--progress-spinner", "off"]  # fmt: skip
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    return holes_in(ran.stdout) if ran.stdout.strip() else [f"{lock}: {ran.stderr[-300:].strip()}"]


def holes_in(report: str) -> list[str]:
    """Those of pip-audit's JSON."""
    return [
        f"{package['name']} {package['version']}: {hole['id']}"
        for package in json.loads(report)["dependencies"]
        for hole in package.get("vulns", [])
    ]
