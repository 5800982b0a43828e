"""A real PostgreSQL and a real Valkey for tests: stopped and killed at will, then thrown away.

    with Databases() as databases:
        url = databases.create_database("fresh")
        databases.postgres.kill()

Their folder is temporary, nothing is kept through a power cut, and their addresses stay the same
over `stop`, `kill` and `start`.
"""

import dataclasses
import itertools
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from deploy.local.postgres import Postgres
from deploy.local.processes import Process, Program
from deploy.local.valkey import Valkey

# A database of Redis for every stack and every file of a whole run.
REDIS_DATABASES = 4000
DROP_TRIES = 3


class _RoomyValkey(Valkey):
    """Valkey with more databases than the usual 16."""

    @property
    def program(self) -> Program:
        program = super().program
        return dataclasses.replace(
            program, command=(*program.command, "--databases", str(REDIS_DATABASES))
        )


class Server:
    """One of the two, with a hand on its life."""

    def __init__(self, server: Postgres | Valkey, log: Path) -> None:
        self._server = server
        self._log = log
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def pid(self) -> int:
        """The server's own pid; AssertionError while it is stopped."""
        assert self._process is not None, "not running"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> int:
        """Start it and wait until it answers; its pid."""
        assert self._process is None, "running already"
        # a killed PostgreSQL may hold its shared memory for a moment longer
        for _ in range(20):
            self._server.prepare()
            with self._log.open("ab") as log:
                self._process = Process(self._server.program, log)
            limit = time.monotonic() + 30
            while self._process.exit_code() is None and time.monotonic() < limit:
                if self._server.is_ready():
                    return self._process.pid
                time.sleep(0.02)
            self._process.stop()
            self._process = None
            time.sleep(0.2)
        raise AssertionError(f"did not start:\n{self._log.read_text()[-2000:]}")

    def stop(self) -> int:
        """Stop it as `./epicode up` does at its end; the pid that it had."""
        return self._end(Process.stop)

    def kill(self) -> int:
        """kill -9; the pid that it had."""
        return self._end(Process.kill)

    def quit(self) -> int:
        """SIGQUIT: for PostgreSQL `pg_ctl stop -m immediate`; the pid that it had."""
        return self._end(lambda process: os.kill(process.pid, signal.SIGQUIT))

    def restart(self) -> int:
        """Stop and start it; the new pid."""
        self.stop()
        return self.start()

    def _end(self, how: Callable[[Process], object]) -> int:
        process, self._process = self._process, None
        assert process is not None, "not running"
        how(process)
        assert process.wait(30)
        return process.pid


class Databases:
    """Both servers in one folder; also a context manager. `close` may be called twice."""

    def __init__(self, folder: Path | None = None) -> None:
        self._made = None if folder else tempfile.mkdtemp(prefix="epicode-test-")
        self.folder = folder or Path(str(self._made))
        site_packages = Path(sysconfig.get_path("purelib"))
        self._postgres = Postgres(self.folder, site_packages, durable=False)
        self.postgres = Server(self._postgres, self.folder / "postgres.log")
        self.valkey = Server(
            _RoomyValkey(self.folder, site_packages, durable=False), self.folder / "valkey.log"
        )
        self._redis_numbers = itertools.count(1)

    def start(self) -> "Databases":
        self.postgres.start()
        self.valkey.start()
        return self

    def close(self) -> None:
        for server in (self.valkey, self.postgres):
            if server.is_running:
                server.stop()
        self._postgres.clear_away()
        if self._made:
            shutil.rmtree(self._made, ignore_errors=True)

    def create_database(self, name: str, template: str | None = None) -> str:
        """A database made anew, an older one of that name dropped; its URL.

        With `template` it is a copy of that database, to which nobody may be connected.
        """
        copied = f' TEMPLATE "{template}"' if template else ""
        self.drop_database(name)
        self._postgres.run_sql(f'CREATE DATABASE "{name}"{copied};')
        return self._postgres.url_of(quote(name))

    def create_redis(self) -> str:
        """The URL of a database in Valkey that nobody had before.

        Whoever shares one takes the others' doorbells.
        """
        return f"{self.valkey.url.removesuffix('/0')}/{next(self._redis_numbers)}"

    def drop_database(self, name: str) -> None:
        """Ends every session in a database and then it; nothing happens if there is none."""
        # By force fails while PostgreSQL vacuums there, a process that isn't ours to end; without,
        # that is sent away, but sessions stay.
        for how in ["WITH (FORCE)", ""] * DROP_TRIES:
            try:
                self._postgres.run_sql(f'DROP DATABASE IF EXISTS "{name}" {how};')
            except subprocess.CalledProcessError as error:
                said = error.stderr
            else:
                return
        raise AssertionError(f"not dropped: {said}")

    def __enter__(self) -> "Databases":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
