"""The parts of a running EpiCode: how each is started, when it is ready, what run.json says."""

import http.client
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import run_file
from deploy.local.environment import environment_for, python
from deploy.local.paths import ROOT
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.private_files import kept_secret
from deploy.local.processes import Program
from deploy.local.revisions import tables_are_current
from deploy.local.supervisor import Child, Stage
from deploy.local.valkey import Valkey

FLOWER_USER = "epicode"
DEMO_NOTICE = (
    "Esto es la demo: responde un guion, no un modelo. · "
    "This is the demo: a script answers, not a model."
)


@dataclass(frozen=True)
class Choices:
    """What the person chose, by options, settings and answers."""

    folder: Path
    host: str
    port: int
    workers: int
    # environment and `.env` together
    settings: Mapping[str, str]
    upstream: Mapping[str, str]
    is_demo: bool


class Stack:
    """Every child of one `./epicode up`, not yet started."""

    def __init__(self, choices: Choices, site_packages: Path) -> None:
        self._choices = choices
        self._settings = choices.settings
        folder = choices.folder
        self._server: Postgres | None = None
        self.postgres, self._database_url = None, self._settings.get("DATABASE_URL", "")
        self.valkey, self._redis_url = None, self._settings.get("REDIS_URL", "")
        if not self._database_url:
            self._server = Postgres(folder, site_packages)
            self._database_url = self._server.url
            self.postgres = _database("postgres", self._server)
        if not self._redis_url:
            cache = Valkey(folder, site_packages)
            self._redis_url = cache.url
            self.valkey = _database("valkey", cache)
        self._flower_port = free_port([5555])
        self._flower_password = kept_secret(folder / "flower_password")
        self._demo_port = free_port() if choices.is_demo else 0
        self._secret_key = self._settings.get("SECRET_KEY") or kept_secret(folder / "secret_key")
        self.demo = self._make_demo() if choices.is_demo else None
        self.web = self._make_web()
        self.workers = [self._make_worker(number + 1) for number in range(choices.workers)]
        self.flower = self._make_flower()

    @property
    def url(self) -> str:
        """The page's address."""
        host = self._host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._choices.port}"

    @property
    def _host(self) -> str:
        """Under which this machine reaches the page."""
        every = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return every.get(self._choices.host, self._choices.host)

    @property
    def flower_url(self) -> str:
        return f"http://127.0.0.1:{self._flower_port}"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(child.name for child in self._children())

    def migration(self) -> Program | None:
        """Brings the tables up to date and ends; None if they are, for all that is known."""
        if self._server is not None and tables_are_current(self._server):
            return None
        return self._program("migrate", "manage.py", "migrate")

    def clear_away(self) -> None:
        """After the end of all."""
        if self._server is not None:
            self._server.clear_away()

    def run_file(self, *, ready: bool) -> dict[str, Any]:
        """What run.json says just now."""
        host = self.flower_url.removeprefix("http://")
        flower_url = f"http://{FLOWER_USER}:{self._flower_password}@{host}"
        processes = [child.process for child in self._children() if child.process is not None]
        # a pid's number is given out again: with its start time it is itself
        started = {str(process.pid): process.started for process in processes}
        started[str(os.getpid())] = run_file.start_time(os.getpid())
        content: dict[str, Any] = {
            "url": self.url,
            "web": {"pid": _pid(self.web)},
            "workers": [{"name": one.name, "pid": _pid(one)} for one in self.workers],
            "postgres": {"pid": _pid(self.postgres), "url": self._database_url},
            "redis": {"pid": _pid(self.valkey), "url": self._redis_url},
            "flower": {"pid": _pid(self.flower), "url": flower_url},
            "launcher": {"pid": os.getpid()},
            "ready": ready,
            "environment": self.told(),
            "started": started,
        }
        if self.demo:
            content["demo"] = {"pid": _pid(self.demo), "url": self._demo_url()}
        return content

    def told(self) -> dict[str, str]:
        """The variables that this start decides; `./epicode run` finds them in run.json."""
        chosen = self._choices
        told = {
            **chosen.upstream,
            "DATABASE_URL": self._database_url,
            "REDIS_URL": self._redis_url,
            "SECRET_KEY": self._secret_key,
            "FLASK_ENV": self._settings.get("FLASK_ENV") or "production",
            "WEB_CONCURRENCY": self._settings.get("WEB_CONCURRENCY") or "2",
            # read by a person at this terminal
            "EPICODE_LOG_FORMAT": self._settings.get("EPICODE_LOG_FORMAT") or "text",
            "EPICODE_DATA": str(chosen.folder),
            "EPICODE_HOST": chosen.host,
            "EPICODE_PORT": str(chosen.port),
        }
        if chosen.is_demo:
            # over whatever `.env` says: the demo must not reach anybody's account
            told |= {
                "OPENAI_BASE_URL": self._demo_url(),
                "OPENAI_API_KEY": "demo",
                "EPICODE_NOTICE": DEMO_NOTICE,
            }
        return told

    def _environment(self) -> dict[str, str]:
        return environment_for(self._settings, self.told()) | {"PYTHONUNBUFFERED": "1"}

    def _children(self) -> list[Child]:
        optional = [self.postgres, self.valkey, self.demo]
        present = [child for child in optional if child is not None]
        return [*present, self.web, *self.workers, self.flower]

    def _demo_url(self) -> str:
        return f"http://127.0.0.1:{self._demo_port}/v1"

    def _make_demo(self) -> Child:
        def program() -> Program:
            port = str(self._demo_port)
            return self._program("demo", "-m", "deploy.demo", "--port", port, patience=5)

        return Child("demo", Stage.UPSTREAM, program, lambda: _listens(self._demo_port))

    def _make_web(self) -> Child:
        def program() -> Program:
            words = ("-m", "gunicorn", "-c", "gunicorn_conf.py", "wsgi:app")
            return self._program("web", *words, patience=35)

        return Child("web", Stage.WEB, program, lambda: self._answers("/health"))

    def _make_worker(self, number: int) -> Child:
        name = f"worker-{number}"

        def program() -> Program:
            words = ("-m", "worker", "-n", f"{name}@%h")
            # whoever starts EpiCode as root knows; eight lines at every start tell nobody
            quiet = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
            env = quiet | self._environment()
            return self._program(name, *words, env=env, patience=40)

        return Child(name, Stage.WORKER, program, lambda: self._answers("/health/ready"))

    def _make_flower(self) -> Child:
        def program() -> Program:
            self._flower_port = free_port([self._flower_port])
            words = ("-m", "deploy.flower")
            where = ("--address=127.0.0.1", f"--port={self._flower_port}", "--logging=error")
            env = self._environment() | {
                # not on the command line, which everybody on the machine can read
                "FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{self._flower_password}"
            }
            # it would let any web page stop workers
            env.pop("FLOWER_UNAUTHENTICATED_API", None)
            return self._program("flower", *words, *where, env=env, patience=5)

        return Child("flower", Stage.WEB, program, lambda: _listens(self._flower_port))

    def _program(
        self, name: str, *words: str, patience: float = 10.0, env: Mapping[str, str] | None = None
    ) -> Program:
        return Program(
            name=name,
            command=(str(python()), *words),
            folder=ROOT,
            env=self._environment() if env is None else env,
            patience=patience,
        )

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection(self._host, self._choices.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _database(name: str, server: Postgres | Valkey) -> Child:
    return Child(
        name, Stage.DATABASE, lambda: server.program, server.is_ready, prepare=server.prepare
    )


def _pid(child: Child | None) -> int | None:
    return child.process.pid if child is not None and child.process is not None else None


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
