"""Children started in order, kept running, and stopped in order.

Every signal, a child's end among them, wakes the main thread, which alone looks and acts: starting,
restarting and stopping never run at the same time.
"""

import math
import queue
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from enum import IntEnum

from deploy.local.errors import OperatorError
from deploy.local.messages import text
from deploy.local.processes import Process, Program, clear_group
from deploy.local.terminal import Terminal

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STABLE_AFTER = 60.0


class Stage(IntEnum):
    """The order of stopping: workers hand over their jobs while all that they need still runs."""

    WORKER = 1
    WEB = 2
    UPSTREAM = 3
    DATABASE = 4


class Child:
    """A program that is kept running."""

    def __init__(
        self,
        name: str,
        stage: Stage,
        program: Callable[[], Program],
        is_ready: Callable[[], bool],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.stage = stage
        self.program = program
        self.is_ready = is_ready
        self.prepare = prepare
        self.process: Process | None = None
        self.delay = FIRST_DELAY
        self.started_at = 0.0
        # when to start it again; None while it runs
        self.due: float | None = None


class StopAsked(Exception):
    """Ctrl-C or a signal came while something was being waited for."""


class Supervisor:
    """Owns the children. `on_change` is called whenever a pid has changed."""

    def __init__(self, terminal: Terminal, on_change: Callable[[], None]) -> None:
        self.children: list[Child] = []
        self._terminal = terminal
        self._on_change = on_change
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._stop_asked = False
        self._hurry = False

    def listen_to_signals(self) -> None:
        """From here on Ctrl-C, SIGTERM and a closed terminal are a wish to stop in order."""
        # nohup means to outlive the terminal
        outlives_terminal = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            if not (number == signal.SIGHUP and outlives_terminal):
                # a handler may interrupt itself: SimpleQueue.put bears that, a Queue would not
                signal.signal(number, lambda number, frame: self._signals.put(number))

    def start(self, child: Child) -> None:
        """Start it without waiting. OperatorError if that fails."""
        self.children.append(child)
        self._start(child)

    def wait_until_ready(self, children: Iterable[Child], seconds: float) -> None:
        """Return when all are. OperatorError if one ends first or time is up, or StopAsked."""
        limit = time.monotonic() + seconds
        for child in children:
            while not child.is_ready():
                self._raise_what_happened()
                if time.monotonic() > limit:
                    raise OperatorError("start.slow", name=child.name, seconds=round(seconds))
                self._sleep(0.03)

    def run_to_end(self, program: Program) -> bool:
        """Run a program that ends by itself; whether it ended well."""
        process = self._spawn(program)
        while process.exit_code() is None:
            try:
                self._raise_what_happened()
            except (StopAsked, OperatorError):
                process.stop()
                raise
            self._sleep(0.02)
        self._terminal.finish(program.name)
        return process.exit_code() == 0

    def keep_running(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Start again what ends, for so many seconds or until `until` holds.

        Returns whether it holds; StopAsked after a signal.
        """
        limit = time.monotonic() + seconds
        while not until():
            if self._stop_asked:
                raise StopAsked
            now = time.monotonic()
            if now >= limit:
                return False
            for child in self.children:
                if child.due is None and child.process and child.process.exit_code() is not None:
                    self._note_end(child, child.process)
                elif child.due is not None and child.due <= now:
                    self._start_again(child)
            wakes = [limit, *(child.due for child in self.children if child.due is not None)]
            # SIGCHLD wakes us when a child ends, but nothing does when `until` comes true
            longest = 0.1 if limit < math.inf else LONGEST_DELAY
            self._sleep(max(0.0, min(min(wakes) - now, longest)))
        return True

    def stop(self) -> None:
        """Stop all, stage by stage. One more Ctrl-C hurries, but spares the databases."""
        self._stop_asked = True
        for stage in Stage:
            running = [
                child.process
                for child in self.children
                if child.stage is stage and child.process and child.process.exit_code() is None
            ]
            if running:
                self._stop_stage(stage, running)

    def _stop_stage(self, stage: Stage, running: list[Process]) -> None:
        longest = round(max(process.program.patience for process in running))
        key = "stop.waiting.worker" if stage is Stage.WORKER else "stop.waiting"
        names = ", ".join(process.program.name for process in running)
        self._terminal.say(text(key, names=names, seconds=longest))
        for process in running:
            process.ask_to_stop()
        asked = time.monotonic()
        while living := [process for process in running if process.exit_code() is None]:
            hurry = self._hurry and stage is not Stage.DATABASE
            for process in living:
                patience = process.program.patience
                if not hurry and time.monotonic() - asked < patience:
                    continue
                process.kill()
                if not hurry:
                    name = process.program.name
                    self._terminal.say(text("stop.killed", name=name, seconds=round(patience)))
                process.wait(5)
            self._sleep(0.03)
        for process in running:
            clear_group(process.pid)

    def _start(self, child: Child) -> None:
        child.prepare()
        child.due = None
        child.process = self._spawn(child.program())
        child.started_at = time.monotonic()
        self._on_change()

    def _spawn(self, program: Program) -> Process:
        try:
            process = Process(program, subprocess.PIPE)
        except OSError as error:
            raise OperatorError("program.missing", name=program.name, reason=error) from error
        assert process.stdout is not None
        self._terminal.follow(program.name, process.stdout)
        return process

    def _start_again(self, child: Child) -> None:
        try:
            self._start(child)
        except (OperatorError, OSError, subprocess.SubprocessError) as error:
            child.due = time.monotonic() + self._next_delay(child)
            seconds = round(child.due - time.monotonic(), 1)
            self._terminal.say(
                text("restart.failed", name=child.name, reason=error, seconds=seconds)
            )
        else:
            assert child.process is not None
            self._terminal.say(text("restart.done", name=child.name, pid=child.process.pid))

    def _next_delay(self, child: Child) -> float:
        if time.monotonic() - child.started_at > STABLE_AFTER:
            child.delay = FIRST_DELAY
        delay, child.delay = child.delay, min(child.delay * 2, LONGEST_DELAY)
        return delay

    def _note_end(self, child: Child, process: Process) -> None:
        clear_group(process.pid)
        self._terminal.finish(child.name)
        delay = self._next_delay(child)
        child.due = time.monotonic() + delay
        how = how_it_ended(process)
        self._terminal.say(
            text("restart.soon", name=child.name, pid=process.pid, how=how, seconds=delay)
        )

    def _raise_what_happened(self) -> None:
        if self._stop_asked:
            raise StopAsked
        for child in self.children:
            if child.process is not None and child.process.exit_code() is not None:
                clear_group(child.process.pid)
                self._terminal.finish(child.name)
                how = how_it_ended(child.process)
                raise OperatorError("start.ended", name=child.name, how=how)

    def _sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until the next signal."""
        try:
            number = self._signals.get(timeout=seconds)
        except queue.Empty:
            return
        if number == signal.SIGCHLD:
            return
        # closing a terminal may send SIGHUP twice, which is no hurry
        if self._stop_asked and number != signal.SIGHUP and not self._hurry:
            self._hurry = True
            self._terminal.say(text("stop.hurry"))
        self._stop_asked = True


def how_it_ended(process: Process) -> str:
    code = process.exit_code() or 0
    if code < 0:
        return text("ended.signal", signal=-code)
    return text("ended.code", code=code)
