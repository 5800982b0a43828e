"""`./epicode up`: the story of a start, from the folder's lock to the last goodbye."""

import ipaddress
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

from common import run_file
from deploy.local import env_file, environment
from deploy.local.data_folder import DataFolder, stop_leftovers
from deploy.local.errors import OperatorError
from deploy.local.messages import text
from deploy.local.paths import ENV_FILE, short
from deploy.local.ports import free_port, is_free
from deploy.local.stack import FLOWER_USER, Choices, Stack
from deploy.local.supervisor import StopAsked, Supervisor
from deploy.local.terminal import Terminal
from deploy.local.upstream_choice import asks_on_terminal, choose_upstream

READY_WITHIN = 60.0
QUIET_WITHIN = 6.0


@dataclass(frozen=True)
class Options:
    """The command line; None is "not said"."""

    host: str | None
    port: int | None
    data: Path | None
    workers: int
    demo: bool


def up(options: Options) -> int:
    """Start everything, keep it running, stop it in order; the exit code.

    1. Only one launcher a folder: a second one prints the address and is done.
    2. What a killed launcher left is stopped.
    3. Everything that can be refused is refused before anything starts.
    4. Databases (and the demo's server), tables, web, workers, Flower.
    """
    settings = env_file.settings_of(os.environ, ENV_FILE)
    host, port = _address(options, settings)
    folder = DataFolder(options.data or run_file.default_folder(settings))
    if not folder.take():
        url = folder.address_of_other()
        if url is not None:
            print(text("folder.running", folder=short(folder.path), url=url))
            return 0
    _clear(folder)
    if not is_free(host, port):
        free = free_port(range(port + 1, port + 100))
        raise OperatorError("port.taken", port=port, free=free)
    ask = asks_on_terminal(os.environ)
    upstream = choose_upstream(settings, ENV_FILE, demo=options.demo, ask=ask)
    # an answer may have been kept there
    settings = env_file.settings_of(os.environ, ENV_FILE)
    environment.ensure_environment()
    begun = time.monotonic()
    choices = Choices(
        folder.path, host, port, options.workers, settings, upstream.settings, upstream.is_demo
    )
    stack = Stack(choices, environment.site_packages())
    terminal = Terminal(names=("migrate", *stack.names))
    for sentence in upstream.sentences or (text("upstream.demo"),):
        terminal.say(sentence)
    try:
        return Run(folder, stack, terminal, begun).go()
    finally:
        terminal.close()


class Run:
    """One life of the stack."""

    def __init__(self, folder: DataFolder, stack: Stack, terminal: Terminal, begun: float) -> None:
        self._folder = folder
        self._stack = stack
        self._terminal = terminal
        self._begun = begun
        self._ready = False
        self._supervisor = Supervisor(terminal, self._write_run_file)

    def go(self) -> int:
        """The exit code: 0 after an asked-for stop, 1 if the start failed."""
        self._supervisor.listen_to_signals()
        code = 0
        try:
            self._start()
            self._greet()
            self._supervisor.keep_running(math.inf)
        except StopAsked:
            self._terminal.say(text("stop.begun"))
        except OperatorError as error:
            self._terminal.say(str(error))
            code = 1
        finally:
            self._supervisor.stop()
            self._stack.clear_away()
            self._folder.remove_run_file()
            self._terminal.say(text("stop.done"))
        return code

    def _start(self) -> None:
        stack, supervisor = self._stack, self._supervisor
        first = [child for child in (stack.postgres, stack.valkey, stack.demo) if child]
        for child in first:
            supervisor.start(child)
        databases = [child for child in first if child is not stack.demo]
        supervisor.wait_until_ready(databases, READY_WITHIN)
        migration = stack.migration()
        if migration is not None and not supervisor.run_to_end(migration):
            raise OperatorError("migrate.failed")
        supervisor.wait_until_ready(first, READY_WITHIN)
        supervisor.start(stack.web)
        supervisor.wait_until_ready([stack.web], READY_WITHIN)
        for worker in stack.workers:
            supervisor.start(worker)
        supervisor.wait_until_ready(stack.workers, READY_WITHIN)
        self._ready = True
        seconds = round(time.monotonic() - self._begun, 1)
        self._terminal.say(text("ready", url=stack.url, seconds=seconds))
        supervisor.start(stack.flower)

    def _greet(self) -> None:
        """The last words of the start. Flower is slow, and nothing but they waits for it."""
        stack, keep_running = self._stack, self._supervisor.keep_running
        if not keep_running(READY_WITHIN, until=stack.flower.is_ready):
            self._terminal.say(text("flower.slow"))
        # the children's first lines would scroll it away
        keep_running(QUIET_WITHIN, until=lambda: self._terminal.seconds_of_silence() > 1.2)
        password = short(self._folder.path / "flower_password")
        lines = [
            "",
            text("end.page", url=stack.url),
            text("end.flower", url=stack.flower_url, user=FLOWER_USER, file=password),
        ]
        pids = [worker.process.pid for worker in stack.workers if worker.process]
        for worker, pid in zip(stack.workers, pids, strict=True):
            lines.append(text("end.worker", name=worker.name, pid=pid))
        if stack.demo and pids:
            lines += ["", text("end.promise", pid=pids[0])]
        for line in [*lines, text("end.stop"), ""]:
            self._terminal.say(line)

    def _write_run_file(self) -> None:
        try:
            self._folder.write_run_file(self._stack.run_file(ready=self._ready))
        except OSError as error:
            # a full disk must not end what runs
            self._terminal.say(text("run_file.unwritable", reason=error))


def _address(options: Options, settings: dict[str, str]) -> tuple[str, int]:
    host = options.host or settings.get("EPICODE_HOST") or "127.0.0.1"
    if host == "localhost":
        host = "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = False
    if not loopback and settings.get("EPICODE_AUTH") != "accounts":
        raise OperatorError("host.refused", host=host)
    port = options.port or _port_of(settings.get("EPICODE_PORT") or "8000")
    return host.strip("[]"), port


def _port_of(value: str) -> int:
    if not (value.isdigit() and 0 < int(value) < 65536):
        raise OperatorError("port.invalid", value=value)
    return int(value)


def _clear(folder: DataFolder) -> None:
    leftovers = folder.leftovers()
    if leftovers:
        names = ", ".join(leftover.name for leftover in leftovers)
        print(text("folder.leftovers", names=names), flush=True)
        stop_leftovers(leftovers)
    folder.remove_run_file()
