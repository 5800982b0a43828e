"""A copy of the project to start things in, so that no test meets a person's `.env` or data."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common import run_file
from deploy.local import environment
from deploy.local.data_folder import DataFolder, stop_leftovers
from deploy.local.paths import ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".env", "node_modules", "__pycache__", "tests", "bench", "docs", ".*_cache"
)


class Launcher:
    """One `./epicode …` that was started and goes on."""

    def __init__(self, project: Path, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self.output_file = project / f"output-{time.monotonic_ns()}"
        with self.output_file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(project / "epicode"), *arguments],
                cwd=project,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.output_file.read_text(errors="replace")

    def wait_for(self, words: str, seconds: float = 40) -> None:
        """Return when it has said `words`; AssertionError with all that it said otherwise."""
        wait_until(
            lambda: words in self.output or self.process.poll() is not None,
            seconds,
            lambda: f"never said {words!r}:\n{self.output}",
        )
        assert words in self.output, self.output

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)


class Project:
    """The copy, with the environment of the running Python as its `.venv`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        use_this_environment(folder / ".venv")
        self._started: list[Launcher] = []

    def env(self, **more: str) -> dict[str, str]:
        """A newcomer's: no settings, an English terminal, nobody to ask."""
        kept = ("PATH", "HOME", "TMPDIR", "USER", "LD_LIBRARY_PATH")
        plain = {name: os.environ[name] for name in kept if name in os.environ}
        return plain | {"LANG": "en_GB.UTF-8", "CI": "true", **more}

    def start(self, *arguments: str, **env: str) -> Launcher:
        launcher = Launcher(self.folder, arguments, self.env(**env))
        self._started.append(launcher)
        return launcher

    def run(self, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        return subprocess.run(
            [sys.executable, str(self.folder / "epicode"), *arguments],
            cwd=self.folder,
            env=self.env(**env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def close(self, data: Path) -> None:
        """Leave nothing behind, whatever the test did."""
        for launcher in self._started:
            if launcher.process.poll() is None:
                launcher.stop()
        stop_leftovers(DataFolder(data).leftovers())


def use_this_environment(venv: Path) -> None:
    """Make `venv` look like one that the launcher made, from the packages that are running this."""
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    for name, locks in (
        ("runtime", environment.RUN_TIME),
        ("development", environment.DEVELOPMENT),
    ):
        (venv / f"installed-{name}").write_text(environment.fingerprint(locks))


def wait_until(
    holds: Callable[[], object], seconds: float, complaint: Callable[[], str] = lambda: "too slow"
) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, complaint()
        time.sleep(0.05)


@pytest.fixture(scope="session")
def site_packages() -> Path:
    """Where the programs of PostgreSQL and Valkey are."""
    return Path(sys.prefix) / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = Project(tmp_path_factory.mktemp("project") / "epicode copy")
    yield made
    made.close(made.folder / "data")


@pytest.fixture
def child() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts programs in sessions of their own, and ends them all."""
    started = []

    def start(*command: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
        started.append(process)
        # until it has become its program
        wait_until(lambda: run_file.start_time(process.pid), 5)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
