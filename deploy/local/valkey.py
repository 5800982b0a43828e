"""Valkey from the wheel, on a loopback port with a password, with its data in one folder.

The port is kept from start to start, so that whoever was given the address keeps it; only a new
Valkey() looks for another when somebody else has taken it. The password is in the configuration
file alone: a command line is readable by everybody on the machine.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path

from deploy.local import embedded
from deploy.local.ports import free_port
from deploy.local.private_files import kept_secret, write_private
from deploy.local.processes import Program


class Valkey:
    """One server in `folder`/valkey. `durable=False` keeps nothing on disk."""

    def __init__(self, folder: Path, site_packages: Path, *, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "valkey"
        self._server = embedded.valkey_program(site_packages)
        self._durable = durable
        self._password = kept_secret(self.folder / "redis_password")
        self._port = free_port(self._kept_port())

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def prepare(self) -> None:
        """Write its configuration anew."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        write_private(self.data / "port", f"{self._port}\n")
        settings = [
            "bind 127.0.0.1",
            f"port {self._port}",
            f"requirepass {self._password}",
            "daemonize no",
            "loglevel warning",
            # a path with spaces would need their quoting: it is started in its folder instead
            "dir ./",
            "appendonly " + ("yes" if self._durable else "no"),
            "appendfsync everysec",
            # the append-only file is the one copy; snapshots would only cost
            'save ""',
            "maxmemory 256mb",
            # a full server must refuse, never forget a live log or a waiting message
            "maxmemory-policy noeviction",
        ]
        write_private(self.data / "valkey.conf", "\n".join(settings) + "\n")

    @property
    def program(self) -> Program:
        return Program(
            name="valkey",
            command=(str(self._server), "valkey.conf"),
            folder=self.data,
            env={**os.environ, "LC_ALL": "C"},
            patience=30.0,
        )

    def is_ready(self) -> bool:
        """Whether it answers a PING; not while it is still reading its file."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 0.5) as talk:
            talk.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
            said = b""
            while said.count(b"\r\n") < 2:
                more = talk.recv(1024)
                if not more:
                    return False
                said += more
            return said == b"+OK\r\n+PONG\r\n"
        return False

    def _kept_port(self) -> list[int]:
        try:
            return [int((self.data / "port").read_text())]
        except (OSError, ValueError):
            return []
