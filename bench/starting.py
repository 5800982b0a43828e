"""A start: how long until somebody is answered, how long a worker takes, what idling costs.

    python -m bench.starting [--rounds 3]

The real `./epicode up`, in a copy of the project (nobody's `.env` or data folder is read) with the
packages that run this. The first start fills the folder and is not measured. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from bench.figures import Figure, figures_table, percentile
from bench.processes import OTHERS, Watch
from bench.upstream import MODEL, Pace
from common import run_file
from deploy.local import environment
from deploy.local.paths import ROOT
from deploy.local.ports import free_port

ROUNDS = 3
UP_SECONDS, WORKER_SECONDS, IDLE_MB = 4.0, 2.0, 450
GIVE_UP_SECONDS = 120
LOOK_SECONDS = 0.01
# until caches are filled and what was needed only to start has been given back
SETTLE_SECONDS = 15
PARTS = ("launcher", "web", "worker", "postgres", "valkey", "flower")
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".env", "node_modules", "tests", "docs", ".*_cache"
)


@dataclass
class Starts:
    """What each start took, in seconds from the command; memory in bytes, by part."""

    page: list[float] = field(default_factory=list)
    claimed: list[float] = field(default_factory=list)
    reply: list[float] = field(default_factory=list)
    worker_row: list[float] = field(default_factory=list)
    worker_ready: list[float] = field(default_factory=list)
    idle: dict[str, int] = field(default_factory=dict)


def measure(rounds: int = ROUNDS) -> list[Figure]:
    """So many starts, each after a clean stop; the medians."""
    return figures(run(rounds))


def run(rounds: int) -> Starts:
    """Starts, looks, stops, and leaves nothing behind."""
    folder = Path(tempfile.mkdtemp(prefix="epicode-bench-start-"))
    starts = Starts()
    try:
        with _upstream() as upstream:
            project = Project(folder / "project", upstream)
            with project.up() as first:
                first.wait(lambda: first.answers("/health/ready"))
            for number in range(rounds):
                with project.up() as up:
                    _watch_start(up, starts)
                    _watch_worker(up, starts)
                    if number == rounds - 1:
                        starts.idle = _idle(up)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return starts


def figures(starts: Starts) -> list[Figure]:
    """Against point 8's limits."""

    def median(name: str, seconds: Sequence[float], limit: float | None = None) -> Figure:
        return Figure(f"{name}, median", percentile(seconds, 50), "s", limit)

    return [
        median("second `./epicode up` to the page", starts.page, UP_SECONDS),
        median("second `./epicode up` to the first job claimed", starts.claimed, UP_SECONDS),
        median("second `./epicode up` to the end of a first reply", starts.reply, UP_SECONDS),
        median("a worker's start to its row in `workers`", starts.worker_row),
        median("a worker's start until it takes doorbells", starts.worker_ready, WORKER_SECONDS),
        Figure("idle stack, PSS", sum(starts.idle.values()) / 1e6, "MB", IDLE_MB),
        *(Figure(f"of that, {name}", size / 1e6, "MB") for name, size in starts.idle.items()),
    ]


class Project:
    """The copy, with a data folder of its own."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder = folder
        self.data = folder.parent / "data"
        self.port = free_port()
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        _use_this_environment(folder / ".venv")
        kept = ("PATH", "HOME", "TMPDIR", "USER", "LANG", "LD_LIBRARY_PATH")
        self.env = {name: os.environ[name] for name in kept if name in os.environ} | {
            "CI": "true",  # nobody is asked anything
            "OPENAI_BASE_URL": f"{upstream}/v1",
            "OPENAI_API_KEY": "bench",
            "EPICODE_DEFAULT_MODEL": MODEL,
        }

    @contextmanager
    def up(self) -> Iterator[Up]:
        """A start; stopped as a person would stop it."""
        command = [sys.executable, str(self.folder / "epicode"), "up"]
        command += ["--port", str(self.port), "--data", str(self.data)]
        begun = time.monotonic()
        with (self.folder.parent / "up.log").open("ab") as log:
            launcher = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield Up(self, launcher, begun)
        finally:
            launcher.send_signal(signal.SIGTERM)
            launcher.wait(GIVE_UP_SECONDS)


@dataclass(frozen=True)
class Up:
    """A running `./epicode up`; `begun` is when the command was given (time.monotonic())."""

    project: Project
    launcher: subprocess.Popen[bytes]
    begun: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.project.port}"

    @property
    def run(self) -> dict[str, Any]:
        """run.json."""
        return run_file.read(self.project.data) or {}

    def answers(self, path: str) -> bool:
        """Whether a GET is answered with 200 now."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait(self, is_so: Callable[[], object]) -> float:
        """The seconds since the command, once it is so. SystemExit if it never is."""
        while not is_so():
            is_over = self.launcher.poll() is not None
            if is_over or time.monotonic() - self.begun > GIVE_UP_SECONDS:
                log = (self.project.folder.parent / "up.log").read_text(errors="replace")
                raise SystemExit(f"./epicode up did not come up:\n{log[-3000:]}")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - self.begun


def _watch_start(up: Up, starts: Starts) -> None:
    starts.page.append(up.wait(lambda: up.answers("/")))
    # a model that takes no time: what is left is ours
    marker = Pace(tokens=1, every_ms=0, first_ms=0).marker(os.urandom(8).hex())
    question = urllib.request.Request(
        f"{up.url}/api/ask?wait=20",
        data=json.dumps({"content": f"One word. {marker}"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(question, timeout=GIVE_UP_SECONDS) as answer:
        job = json.load(answer)
    starts.reply.append(time.monotonic() - up.begun)
    if job["status"] != "completed":
        raise SystemExit(f"the first reply: {job['status']} {job['error']}")
    starts.claimed.append(_when_claimed(up))


def _when_claimed(up: Up) -> float:
    """When the newest job was claimed, by the database's clock, on ours."""
    with _connection(up) as cursor:
        cursor.execute("SELECT extract(epoch FROM now() - max(started_at)) FROM jobs")
        claimed_ago = float(cursor.fetchone()[0])
    return time.monotonic() - up.begun - claimed_ago


def _watch_worker(up: Up, starts: Starts) -> None:
    """One more worker beside the first, as a person would start it by hand."""
    log = up.project.folder.parent / "worker.log"
    log.unlink(missing_ok=True)
    env = up.project.env | up.run["environment"]
    command = [sys.executable, "-m", "worker", "-n", "bench@%h"]
    with _connection(up) as cursor, log.open("wb") as output:
        begun = time.monotonic()
        worker = subprocess.Popen(
            command, cwd=up.project.folder, env=env, stdout=output, stderr=output
        )
        try:

            def is_listed() -> bool:
                cursor.execute("SELECT 1 FROM workers WHERE pid = %s", [worker.pid])
                return cursor.fetchone() is not None

            up.wait(is_listed)
            starts.worker_row.append(time.monotonic() - begun)
            up.wait(lambda: " ready." in log.read_text())
            starts.worker_ready.append(time.monotonic() - begun)
        finally:
            worker.terminate()
            worker.wait(GIVE_UP_SECONDS)


def _idle(up: Up) -> dict[str, int]:
    """PSS in bytes, by part, of a stack in which nothing happens."""
    up.wait(lambda: up.run.get("flower", {}).get("pid"))
    time.sleep(SETTLE_SECONDS)
    run = up.run
    pids = {
        "launcher": run["launcher"]["pid"],
        "web": run["web"]["pid"],
        "worker": run["workers"][0]["pid"],
        "postgres": run["postgres"]["pid"],
        "valkey": run["redis"]["pid"],
        "flower": run["flower"]["pid"],
    }
    watch = Watch(pids)
    watch.start()
    time.sleep(3)
    return {name: used.pss for name, used in watch.stop().items() if name != OTHERS}


@contextmanager
def _connection(up: Up) -> Iterator[Any]:
    connection = psycopg2.connect(up.run["postgres"]["url"])
    connection.autocommit = True
    try:
        yield connection.cursor()
    finally:
        connection.close()


@contextmanager
def _upstream() -> Iterator[str]:
    """The bench's upstream; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)


def _use_this_environment(venv: Path) -> None:
    """Makes `venv` look like one that the launcher made, of the packages that run this."""
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    (venv / "installed-runtime").write_text(environment.fingerprint(environment.RUN_TIME))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.starting")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    print(figures_table(measure(options.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
