"""Two web processes behind nginx, and workers that come and go: the product as on many machines.

Each web process is a gunicorn of its own, as it would be on a machine of its own; nginx reads the
project's own files of deploy/nginx.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from bench.stack import ROOT, Stack, free_port, wait_until
from deploy.local.processes import Program

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CONF = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 8192; }}
http {{
    include /etc/nginx/mime.types;
    {temporary}
    include {files}/http.inc;
    upstream epicode_web {{ {servers} keepalive 64; keepalive_timeout 3s; }}
    server {{
        listen 127.0.0.1:{port};
        access_log off;
        set $epicode_static {static}/;
        set $epicode_flower http://127.0.0.1:1;
        include {files}/server.inc;
    }}
}}
"""


class Fronted(Stack):
    """`url` is nginx'; workers are added and taken away by their number, from 1 on."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        super().__init__({"WEB_CONCURRENCY": "1", **settings})
        self._webs = [self.url, f"http://127.0.0.1:{free_port()}"]

    def add_worker(self, number: int) -> None:
        """Returns once it takes doorbells."""
        self._workers += 1
        self._start_worker(f"worker-{number}")
        self._wait_for_workers()

    def take_worker_away(self, number: int) -> None:
        """As a deploy does: it hands over what it hasn't finished."""
        self._workers -= 1
        name = f"worker-{number}"
        self._running.pop(name).stop()
        del self.pids[name]

    def _start(self) -> None:
        if NGINX is None:
            raise SystemExit("nginx is not installed")
        super()._start()
        second = self._settings | {"EPICODE_PORT": self._webs[1].rpartition(":")[2]}
        first, self._settings = self._settings, second
        self._python("web-2", "-m", "gunicorn", "-c", "gunicorn_conf.py", "wsgi:app")
        self._settings = first
        wait_until(lambda: self.answers(self._webs[1]), "the second web isn't ready")
        port = free_port()
        file = self.folder / "nginx.conf"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        servers = (f"server {web.removeprefix('http://')};" for web in self._webs)
        file.write_text(
            CONF.format(
                folder=self.folder,
                temporary=" ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds),
                files=ROOT / "deploy" / "nginx" / "epicode",
                servers=" ".join(servers),
                port=port,
                static=ROOT / "web" / "static",
            )
        )
        command = (NGINX, "-e", str(self.folder / "nginx.log"), "-c", str(file))
        self._run(Program("nginx", command, ROOT, {}, patience=5.0))
        self.url = f"http://127.0.0.1:{port}"
        wait_until(lambda: self.answers(self.url), "nginx isn't ready")
