"""The virtual environment: made once, filled from the hashed locks, left alone while they are the
same."""

import fcntl
import hashlib
import importlib
import importlib.util
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from deploy.local.errors import OperatorError
from deploy.local.messages import text
from deploy.local.paths import ROOT, VENV, short
from deploy.local.pip_progress import Progress

# lock files, each with the options of its own
Locks = tuple[tuple[str, tuple[str, ...]], ...]
Wanted = dict[str, Locks]

RUN_TIME: Locks = (("requirements.txt", ()), ("requirements-embedded.txt", ("--no-deps",)))
DEVELOPMENT: Locks = (("requirements-dev.txt", ()),)
BENCH: Locks = (("requirements-bench.txt", ()),)


def ensure_environment(*, development: bool = False, bench: bool = False) -> Path:
    """The environment's Python, everything installed. OperatorError with what to do if it fails."""
    wanted = {"runtime": RUN_TIME}
    wanted |= {"development": DEVELOPMENT} if development else {}
    wanted |= {"bench": BENCH} if bench else {}
    if _is_current(wanted):
        return python()
    try:
        with _only_one():
            if not _is_current(wanted):
                _make(wanted)
    except PermissionError as error:
        raise OperatorError("venv.unwritable", folder=short(VENV), reason=error.strerror) from error
    return python()


def python() -> Path:
    return VENV / "bin" / "python"


def site_packages() -> Path:
    """Where the environment's packages lie, whichever Python made it."""
    return next((VENV / "lib").glob("python3.*/site-packages"))


def environment_for(settings: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """What a process of ours is told: `told` over `settings`, our programs first in PATH."""
    env = {**settings, **told}
    env["PATH"] = f"{python().parent}{os.pathsep}{settings.get('PATH', os.defpath)}"
    env["VIRTUAL_ENV"] = str(VENV)
    # a proxy that is set for the network must not be asked for this machine's own servers
    for name in ("NO_PROXY", "no_proxy"):
        listed = [entry for entry in env.get(name, "").split(",") if entry]
        env[name] = ",".join(dict.fromkeys([*listed, "127.0.0.1", "localhost"]))
    return env


def can_make_environments() -> bool:
    """Debian takes pip's seed out of Python and into a package of its own."""
    # it may have been installed since we last looked
    importlib.invalidate_caches()
    return importlib.util.find_spec("ensurepip") is not None


def venv_package() -> str:
    """The Debian package that makes can_make_environments() true."""
    return f"python3.{sys.version_info[1]}-venv"


def _is_current(wanted: Wanted) -> bool:
    return python().exists() and all(_is_installed(name, wanted[name]) for name in wanted)


def _is_installed(name: str, locks: Locks) -> bool:
    return _stamp(name).exists() and _stamp(name).read_text() == fingerprint(locks)


def _stamp(name: str) -> Path:
    return VENV / f"installed-{name}"


def fingerprint(locks: Locks) -> str:
    """What an installation of these locks is known by."""
    content = b"".join((ROOT / file).read_bytes() for file, _ in locks)
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _only_one() -> Iterator[None]:
    VENV.mkdir(exist_ok=True)
    with (VENV / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(text("venv.waiting"), flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(wanted: Wanted) -> None:
    begun = time.monotonic()
    if not python().exists():
        if not can_make_environments():
            raise OperatorError("venv.missing", package=venv_package())
        print(text("venv.making", folder=short(VENV)), flush=True)
        # of an environment whose Python is gone; the lock that we hold lies here too
        for name in ("bin", "lib", "lib64", "include"):
            shutil.rmtree(VENV / name, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(VENV)])
    for name, locks in wanted.items():
        if not _is_installed(name, locks):
            for file, options in locks:
                _install(file, options)
            # written last: an install cut short is taken up again
            _stamp(name).write_text(fingerprint(locks))
    print(text("venv.done", seconds=round(time.monotonic() - begun)), flush=True)


def _install(file: str, options: tuple[str, ...]) -> None:
    total = sum("==" in line and "win32" not in line for line in _requirements(ROOT / file))
    command = [str(python()), "-m", "pip", "install", "--require-hashes", "--no-input",
               "--disable-pip-version-check", "--progress-bar=off", *options,
               "-r", str(ROOT / file)]  # fmt: skip
    _run(command, Progress(total))


def _requirements(file: Path) -> Iterator[str]:
    for line in file.read_text().splitlines():
        if line and not line.startswith((" ", "#", "-")):
            yield line


def _run(command: list[str], progress: Progress | None = None) -> None:
    """Run it quietly, its output kept in a file. OperatorError with its last error otherwise."""
    log = VENV / "install.log"
    kept = {name: value for name, value in os.environ.items() if name != "PIP_REQUIRE_VIRTUALENV"}
    with log.open("wb") as story:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**kept, "PYTHONUNBUFFERED": "1"},
        )
        try:
            complaint = _read_all(running, story, progress)
        except BaseException:
            running.terminate()
            raise
    if running.wait() != 0:
        reason = complaint or f"{Path(command[0]).name}: {running.returncode}"
        raise OperatorError("venv.failed", reason=reason, log=short(log))


def _read_all(
    running: "subprocess.Popen[bytes]", story: IO[bytes], progress: Progress | None
) -> str:
    """Keep the output, feed the progress, also while nothing is said; pip's last complaint."""
    assert running.stdout is not None
    complaint, unfinished = "", b""
    while True:
        readable, _, _ = select.select([running.stdout], [], [], 0.5)
        if readable:
            new = os.read(running.stdout.fileno(), 65536)
            if not new:
                break
            story.write(new)
            *lines, unfinished = (unfinished + new).split(b"\n")
            for line in (raw.decode("utf-8", "replace") for raw in lines):
                if line.startswith("ERROR:"):
                    complaint = line.removeprefix("ERROR:").strip()
                if progress:
                    progress.see(line)
        if progress:
            progress.show()
    if progress:
        progress.close()
    return complaint
