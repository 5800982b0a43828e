"""A real nginx on the project's own files, moved to free ports and to a folder of its own."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.stack import free_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "nginx"
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/opt/homebrew/bin")
OPENSSL = shutil.which("openssl")
FILES = ("chatgpt.conf", "compose.conf", "compose-https.conf")


class Nginx:
    """nginx with one of the files; `url` is its page, `plain` where HTTP is sent to HTTPS."""

    def __init__(
        self, name: str, folder: Path, *, web: str = "127.0.0.1:1", flower: str = "127.0.0.1:1"
    ) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.has_tls = name != "compose.conf"
        plain, tls = free_port(), free_port()
        self.port = tls if self.has_tls else plain
        self.plain = f"http://127.0.0.1:{plain}"
        self.url = f"https://127.0.0.1:{tls}" if self.has_tls else self.plain
        conf = (FOLDER / name).read_text()
        # first, before paths of this machine are in it
        conf = conf.replace("/tmp/", f"{folder}/").replace("/dev/stderr", f"{folder}/error.log")
        if self.has_tls:
            _certificate(folder)
            conf = re.sub(r"/etc/letsencrypt/live/[a-z.]+/", f"{folder}/", conf)
        conf = re.sub(r"listen (80|8080);", f"listen 127.0.0.1:{plain};", conf)
        conf = re.sub(r"listen (443|8443) ssl", f"listen 127.0.0.1:{tls} ssl", conf)
        conf = re.sub(r" +listen \[::\].*\n", "", conf)
        conf = re.sub(r"server (127\.0\.0\.1|web):8000( resolve)?;", f"server {web};", conf)
        # Debian's nginx can't look names up anew, which 1.28 of the image can
        conf = re.sub(r" +(zone epicode_web|resolver) .*\n", "", conf)
        conf = re.sub(r"http://(127\.0\.0\.1|flower):5555", f"http://{flower}", conf)
        conf = conf.replace("http://grafana:3000", "http://127.0.0.1:1")
        conf = conf.replace("/path/to/your/project/", f"{ROOT}/").replace("/srv/", f"{ROOT}/web/")
        conf = conf.replace("/etc/nginx/epicode/", f"{FOLDER}/epicode/")
        conf = re.sub(r"/var/www/(html|acme)", str(folder), conf)
        conf = re.sub(r"/var/log/nginx/chatgpt.log|/dev/stdout", f"{folder}/access.log", conf)
        conf = re.sub(r"^user .*\n|^worker_processes.*\n", "", conf, flags=re.MULTILINE)
        if name == "chatgpt.conf":  # one file of many of a whole nginx
            conf = _whole(conf, folder)
        self.file = folder / "nginx.conf"
        self.file.write_text(f"daemon off;\nmaster_process off;\n{conf}")

    @property
    def command(self) -> list[str]:
        log = str(self.folder / "start.log")
        return [str(PROGRAM), "-e", log, "-p", str(self.folder), "-c", str(self.file)]

    @property
    def log(self) -> str:
        return (self.folder / "access.log").read_text()

    def __enter__(self) -> Nginx:
        self._process = subprocess.Popen(self.command)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        raise AssertionError((self.folder / "start.log").read_text())

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)


def _whole(conf: str, folder: Path) -> str:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\ninclude /etc/nginx/mime.types;\n{temporary}{conf}\n}}\n"
    )


def _certificate(folder: Path) -> None:
    """One that nobody else trusts, named as certbot names its own."""
    subprocess.run(
        [str(OPENSSL), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(folder / "privkey.pem"),
         "-out", str(folder / "fullchain.pem")],
        check=True,
        capture_output=True,
    )  # fmt: skip
