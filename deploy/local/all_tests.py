"""`./epicode test`: every test, with all of its own set-up.

pytest comes last, so that its closing line is the run's.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.local import advisories, environment
from deploy.local.messages import text
from deploy.local.paths import ROOT

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OLDEST_NODE = 20
# Most tests wait for processes to start and to recover: two files at a time, each with databases
# and ports of its own.
FILES_AT_ONCE = 2
# settings that must not reach the tests: their databases, their keys
PERSONAL = re.compile(
    "DATABASE_URL|REDIS_URL|SECRET_KEY|FLASK_ENV|WEB_CONCURRENCY|OPENAI_.*|EPICODE_.*"
)


def test(arguments: list[str]) -> int:
    """Run them; `arguments` go to pytest. The worst of the exit codes."""
    if not environment.python().exists() and not environment.can_make_environments():
        _install(environment.venv_package())
    environment.ensure_environment(development=True)
    browser = _browser()
    of_audit = advisories.audit() if not arguments else 0
    of_node = _test_javascript()
    env = {name: value for name, value in os.environ.items() if not PERSONAL.fullmatch(name)}
    env["EPICODE_CHROMIUM"] = browser
    # the long form prints how long recoveries take: nothing else may run beside it
    at_once = [] if "--faults" in arguments else ["-n", str(FILES_AT_ONCE), "--dist", "loadfile"]
    pytest = [str(environment.python()), "-m", "pytest", *at_once, *arguments]
    of_pytest = _run(pytest, env)
    if of_node:
        print(text("test.js_failed"), file=sys.stderr)
    return max(of_audit, of_node, of_pytest)


def _browser() -> str:
    """A Chromium that starts, installed if that is possible; empty, said so, otherwise."""
    found = next(_chromiums(), "")
    if not found and _install("chromium"):
        found = next(_chromiums(), "")
    if found:
        print(text("test.browser", path=found), flush=True)
    else:
        advice = "brew" if sys.platform == "darwin" else "apt" if shutil.which("apt") else "other"
        print(text("test.no_browser", advice=text(f"test.advice.{advice}")), flush=True)
    return found


def _chromiums() -> Iterator[str]:
    named = os.environ.get("EPICODE_CHROMIUM")
    candidates = [named] if named else [shutil.which(name) for name in CHROMIUMS]
    for path in [*candidates, *APPLICATIONS]:
        # Ubuntu's package of that name is a note that says where the browser isn't
        if path and os.access(path, os.X_OK) and _output([path, "--version"]):
            yield path


def _install(package: str) -> bool:
    """Whether Debian's package could be installed: only root can, and only Debian's is real."""
    release = Path("/etc/os-release")
    is_debian = release.exists() and re.search(r"^ID=debian$", release.read_text(), re.MULTILINE)
    if os.geteuid() != 0 or not is_debian or not shutil.which("apt-get"):
        return False
    print(text("test.installing", what=package), flush=True)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    return all(
        subprocess.run(
            [*quiet, *words], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        ).returncode
        == 0
        for words in (["update"], ["install", "-y", "--no-install-recommends", package])
    )


def _test_javascript() -> int:
    files = sorted(
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests" / "js").rglob("*.test.*")
        if path.suffix in (".js", ".mjs")
    )
    node = shutil.which("node")
    version = _output([node, "--version"]).removeprefix("v") if node else ""
    if not files:
        print(text("test.no_js"), flush=True)
        return 0
    if not node or not version or int(version.split(".")[0]) < OLDEST_NODE:
        print(text("test.no_node"), flush=True)
        return 0
    print(text("test.node", version=version), flush=True)
    return _run([node, "--test", "--test-reporter=spec", *files], dict(os.environ))


def _run(command: list[str], env: dict[str, str]) -> int:
    # nobody answers questions where nobody sits
    stdin = subprocess.DEVNULL if env.get("CI") else None
    code = subprocess.run(command, cwd=ROOT, env=env, stdin=stdin).returncode
    return 1 if code < 0 else code


def _output(command: list[str]) -> str:
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
