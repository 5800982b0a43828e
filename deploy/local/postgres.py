"""PostgreSQL from the wheel, on a private Unix socket, with its data in one folder.

It listens on no network address. The role `epicode` owns its database and is no superuser; the
superuser has no password, so that nobody can sign in as it.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from common import run_file
from deploy.local import embedded
from deploy.local.errors import OperatorError
from deploy.local.identity import Identity, as_popen, hand_over_files, ordinary_identity
from deploy.local.private_files import kept_secret
from deploy.local.processes import Program, command_of, stop_stranger

# what sun_path holds on macOS, less PostgreSQL's own name in the folder
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432.lock")

# what survives a killed server still, but no longer a power cut
NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Postgres:
    """One server in `folder`/postgres. `durable=False` trades a power cut's safety for speed."""

    def __init__(
        self,
        folder: Path,
        site_packages: Path,
        *,
        durable: bool = True,
        identity: Identity | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "postgres"
        self._programs = embedded.postgres_programs(site_packages)
        self._identity = identity or ordinary_identity(self._programs / "postgres")
        self._durable = durable
        self._socket = _socket_folder(self.folder)
        self._password = kept_secret(self.folder / "postgres_password")

    @property
    def url(self) -> str:
        """Good for libpq and SQLAlchemy, as long as the server runs."""
        return self.url_of("epicode")

    def url_of(self, database: str) -> str:
        host = quote(str(self._socket), safe="/")
        return f"postgresql://epicode:{self._password}@/{database}?host={host}"

    def prepare(self) -> None:
        """Everything that must be true before the server is started, after a crash too."""
        if self._identity.user is not None:
            # another user must come through, but see nothing
            self.folder.chmod(0o711)
        if not self.data.exists():
            self._create()
        self._check_version()
        hand_over_files(self.data, self._identity)
        self._clear_stale_pid()
        self._make_socket_folder()

    @property
    def program(self) -> Program:
        """The server itself; its pid is the postmaster's."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            # four processes that have nothing to do here: nobody reads ahead, nobody subscribes
            "io_method": "sync",
            "max_logical_replication_workers": "0",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            # time and process are the launcher's to say
            "log_line_prefix": "",
        }
        if not self._durable:
            settings |= NOT_DURABLE
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=self._as_identity("postgres", "-D", str(self.data), *options),
            folder=self.data,
            env=_plain_environment(),
            # SIGTERM would wait for every client to leave, SIGINT ends their sessions
            stop_signal=signal.SIGINT,
            patience=30.0,
            popen=as_popen(self._identity),
        )

    def is_ready(self) -> bool:
        """Whether it takes connections: the postmaster itself writes so in its pid file."""
        lines = self._pid_file_lines()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def clear_away(self) -> None:
        """After its end: leave nothing in the folder for temporary files."""
        if self._socket.parent != self.folder:
            shutil.rmtree(self._socket, ignore_errors=True)

    def run_sql(self, sql: str, database: str = "epicode") -> str:
        """Run statements as the role epicode; what they return, a line a row.

        subprocess.CalledProcessError if one fails.
        """
        psql = str(self._programs / "psql")
        quietly = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        whom = ("--host", str(self._socket), "--username=epicode", "--dbname", database)
        env = {**_plain_environment(), "PGPASSWORD": self._password}
        return subprocess.run(
            [psql, *quietly, *whom], input=sql, env=env, capture_output=True, text=True, check=True
        ).stdout

    def _as_identity(self, program: str, *arguments: str) -> tuple[str, ...]:
        return (*self._identity.prefix, str(self._programs / program), *arguments)

    def _create(self) -> None:
        """initdb beside the final name, so that a start cut short leaves nothing half-made."""
        unfinished = self.folder / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._identity.owner != os.geteuid():
            os.chown(unfinished, self._identity.owner, -1)
        self._run(
            self._as_identity(
                "initdb", "--pgdata", str(unfinished), "--username=postgres",
                "--auth-local=scram-sha-256", "--auth-host=reject", "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
                *([] if self._durable else ["--no-sync"]),
            ),
        )  # fmt: skip
        # one statement a line is what the single-user server reads
        self._run(
            self._as_identity("postgres", "--single", "-D", str(unfinished), "postgres"),
            f"CREATE ROLE epicode LOGIN CREATEDB PASSWORD '{self._password}'\n"
            "CREATE DATABASE epicode OWNER epicode\n",
        )
        unfinished.rename(self.data)

    def _run(self, command: tuple[str, ...], given: str = "") -> None:
        ran = subprocess.run(
            command,
            input=given,
            env=_plain_environment(),
            cwd=self.folder / "postgres.unfinished",
            capture_output=True,
            text=True,
            **as_popen(self._identity),  # type: ignore[call-overload]
        )
        # the single-user server ends with 0 whatever its statements did
        if ran.returncode != 0 or "ERROR:" in ran.stderr:
            words = (ran.stderr or ran.stdout).strip().splitlines()
            raise OperatorError("postgres.create", reason=words[-1] if words else ran.returncode)

    def _check_version(self) -> None:
        try:
            data = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise OperatorError("postgres.unreadable", folder=self.data, reason=error) from error
        ours = str(embedded.postgres_major(self._programs))
        if data != ours:
            raise OperatorError("postgres.version", folder=self.data, data=data, ours=ours)

    def _make_socket_folder(self) -> None:
        shutil.rmtree(self._socket, ignore_errors=True)
        try:
            self._socket.mkdir(mode=0o700)
        except OSError as error:
            # somebody made it before us in a shared folder, perhaps to listen in our place
            raise OperatorError("postgres.socket", folder=self._socket) from error
        if self._identity.owner != os.geteuid():
            os.chown(self._socket, self._identity.owner, -1)

    def _clear_stale_pid(self) -> None:
        """Take away the pid file of a killed server: its number may be another program's by now.

        A server that does live on this folder is stopped first.
        """
        pid = next(iter(self._pid_file_lines()), "").strip()
        if pid.isdigit() and self._is_our_postmaster(int(pid)):
            stop_stranger(int(pid), run_file.start_time(int(pid)) or "", signal.SIGINT, 30.0)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _is_our_postmaster(self, pid: int) -> bool:
        command = command_of(pid)
        return "postgres" in command and str(self.data) in command

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []


def _socket_folder(folder: Path) -> Path:
    """In the data folder if its path is short, plain and on a file system that has sockets.

    Else in the folder for temporary files, under a name that stays the same. Never in
    XDG_RUNTIME_DIR, which is emptied when its user signs out, with us still running.
    """
    wanted = folder / "socket"
    # other characters would need quoting in URL and server alike
    plain = re.fullmatch(r"[A-Za-z0-9/._-]+", str(wanted))
    if plain and len(str(wanted)) <= LONGEST_SOCKET_FOLDER and _takes_sockets(folder):
        return wanted
    name = f"epicode-{os.geteuid()}-{sha256(str(folder).encode()).hexdigest()[:10]}"
    short = Path(tempfile.gettempdir()) / name
    return short if len(str(short)) <= LONGEST_SOCKET_FOLDER else Path("/tmp") / name


def _takes_sockets(folder: Path) -> bool:
    probe = folder / f".probe-{secrets.token_hex(2)}"
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.bind(str(probe))
        except OSError:
            return False
        finally:
            with suppress(OSError):
                probe.unlink()
    return True


def _plain_environment() -> dict[str, str]:
    """Ours without the variables that would steer libpq or the server elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "LANG": "C"}
