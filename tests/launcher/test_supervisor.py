"""The supervisor with children of a few lines, in a process of its own: it owns the signals."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common import run_file
from deploy.local.paths import ROOT
from tests.launcher.conftest import wait_until

# a child writes its pid, then lives; `stubborn` ones ignore what asks them to stop
CHILD = """
import os, signal, subprocess, sys, time
name, manner = sys.argv[1:]
def leave(number, frame):
    print("asked", flush=True)
    time.sleep(0.2)
    open("stopped", "a").write(name + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "stubborn" else leave)
if manner == "family":
    helper = subprocess.Popen(["sleep", "60"])
    open("helper", "w").write(str(helper.pid))
open(name + ".new", "w").write(str(os.getpid()))
os.rename(name + ".new", name)
if manner == "broken":
    sys.exit("no such setting")
time.sleep(60)
"""

PARENT = """
import math, sys
from pathlib import Path
from deploy.local.errors import OperatorError
from deploy.local.processes import Program
from deploy.local.supervisor import Child, Stage, StopAsked, Supervisor
from deploy.local.terminal import Terminal
import deploy.local.supervisor as module
module.FIRST_DELAY = 0.05

folder, children = Path(sys.argv[1]), eval(sys.argv[2])
terminal = Terminal(names=tuple(name for name, _, _ in children))
supervisor = Supervisor(terminal, lambda: terminal.say("changed"))
supervisor.listen_to_signals()
def make(name, stage, manner):
    command = (sys.executable, "-c", (folder / "child.py").read_text(), name, manner)
    env = {"PYTHONUNBUFFERED": "1"}
    program = Program(name, command, folder, env, patience=1.0 if manner == "stubborn" else 10.0)
    ready = lambda: (folder / name).exists() and manner != "broken"
    return Child(name, Stage[stage], lambda: program, ready)
try:
    for each in children:
        child = make(*each)
        supervisor.start(child)
        supervisor.wait_until_ready([child], 20)
    terminal.say("all ready")
    (folder / "all ready").touch()
    supervisor.keep_running(math.inf)
except StopAsked:
    terminal.say("asked to stop")
except OperatorError as error:
    terminal.say(f"failed: {error}")
supervisor.stop()
terminal.say("the end")
terminal.close()
"""

Start = Callable[..., "Parent"]


class Parent:
    """A process with a supervisor in it."""

    def __init__(self, folder: Path, children: list[tuple[str, str, str]]) -> None:
        self.folder = folder
        (folder / "child.py").write_text(CHILD)
        with (folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PARENT, str(folder), repr(children)],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.output, 20, lambda: self.output)

    def pid_of(self, name: str) -> int:
        return int((self.folder / name).read_text())

    def stopped(self) -> list[str]:
        return (self.folder / "stopped").read_text().split()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    parents = []

    def started(*children: tuple[str, str, str]) -> Parent:
        parents.append(Parent(tmp_path, list(children)))
        return parents[-1]

    yield started
    for parent in parents:
        parent.process.kill()
        parent.process.wait()


def test_children_stop_in_order_and_what_they_say_has_their_name(start: Start) -> None:
    parent = start(("pg", "DATABASE", ""), ("page", "WEB", ""), ("worker-1", "WORKER", ""))
    parent.wait_for("all ready")

    parent.process.send_signal(signal.SIGTERM)

    assert parent.process.wait(20) == 0
    assert parent.stopped() == ["worker-1", "page", "pg"]
    assert "page     | asked" in parent.output
    assert "worker-1 | asked" in parent.output


def test_a_child_that_dies_is_started_again_with_growing_pauses(start: Start) -> None:
    parent = start(("page", "WEB", ""))
    parent.wait_for("all ready")

    for times, pause in ((1, "0.05"), (2, "0.1"), (3, "0.2")):
        os.kill(parent.pid_of("page"), signal.SIGKILL)
        parent.wait_for(f"ended with signal 9; starting it again in {pause} s")
        wait_until(lambda: parent.output.count("runs again") == times, 10)  # noqa: B023
        wait_until(lambda: run_file.start_time(parent.pid_of("page")), 10)

    parent.process.send_signal(signal.SIGINT)
    assert parent.process.wait(20) == 0


def test_a_child_that_fails_at_the_start_stops_the_others_and_its_words_come_first(
    start: Start,
) -> None:
    parent = start(("pg", "DATABASE", ""), ("page", "WEB", "broken"))

    assert parent.process.wait(20) == 0
    assert parent.stopped() == ["pg"]
    words, verdict = parent.output.index("no such setting"), parent.output.index("failed: page")
    assert words < verdict
    assert "code 1" in parent.output


def test_one_that_will_not_stop_is_killed_after_its_patience(start: Start) -> None:
    parent = start(("pg", "DATABASE", ""), ("worker-1", "WORKER", "stubborn"))
    parent.wait_for("all ready")

    parent.process.send_signal(signal.SIGTERM)

    assert parent.process.wait(20) == 0
    assert "worker-1 did not stop within 1 s and was killed" in parent.output
    assert parent.stopped() == ["pg"]


def test_a_second_ctrl_c_kills_the_rest_but_still_asks_the_database(start: Start) -> None:
    parent = start(("pg", "DATABASE", ""), ("worker-1", "WORKER", ""))
    parent.wait_for("all ready")
    worker = parent.pid_of("worker-1")

    parent.process.send_signal(signal.SIGINT)
    parent.wait_for("Waiting for worker-1")
    parent.process.send_signal(signal.SIGINT)

    assert parent.process.wait(20) == 0
    assert "Hurrying" in parent.output
    assert run_file.start_time(worker) is None
    assert parent.stopped() == ["pg"]


def test_what_a_killed_leader_leaves_in_its_group_is_ended_before_the_next_start(
    start: Start,
) -> None:
    parent = start(("page", "WEB", "family"))
    parent.wait_for("all ready")
    helper = parent.pid_of("helper")
    assert run_file.start_time(helper) is not None

    os.kill(parent.pid_of("page"), signal.SIGKILL)
    parent.wait_for("runs again")

    assert run_file.start_time(helper) is None
    parent.process.send_signal(signal.SIGTERM)
    assert parent.process.wait(20) == 0


def test_it_goes_on_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    children = repr([("page", "WEB", "")])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), children],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert parent.stdout is not None
    parent.stdout.close()
    wait_until(lambda: (tmp_path / "all ready").exists(), 10)

    os.kill(int((tmp_path / "page").read_text()), signal.SIGKILL)
    (tmp_path / "page").unlink()
    wait_until(lambda: (tmp_path / "page").exists(), 10)

    parent.send_signal(signal.SIGTERM)
    assert parent.wait(20) == 0


def test_the_run_file_is_written_anew_at_every_start(start: Start) -> None:
    parent = start(("page", "WEB", ""))
    parent.wait_for("all ready")
    assert parent.output.count("changed") == 1

    os.kill(parent.pid_of("page"), signal.SIGKILL)
    parent.wait_for("runs again")

    assert parent.output.count("changed") == 2
    parent.process.send_signal(signal.SIGTERM)
    assert parent.process.wait(20) == 0
