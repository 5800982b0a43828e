"""The way of docs/operating.md to its end: an administrator is made, signs in behind HTTPS and gets
a reply; who isn't signed in, or comes by another name, gets nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from common.config import ROOT
from tests.databases import Databases
from tests.deploy.nginx import OPENSSL, PROGRAM, Nginx
from tests.reader import Reader
from tests.stack import Stack
from tests.upstream import Upstream

pytestmark = pytest.mark.skipif(
    PROGRAM is None or OPENSSL is None, reason="nginx or openssl is not installed"
)
NAME = "chat.example.org"
ALICE, PASSWORD = "alice@example.org", "una frase larga y suya"


@pytest.fixture(scope="module")
def house(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    settings = {
        "EPICODE_AUTH": "accounts",
        "EPICODE_TRUSTED_HOSTS": NAME,
        "EPICODE_PROXIES": "1",
    }
    folder: Path = tmp_path_factory.mktemp("https")
    with Upstream() as upstream, Stack(databases, upstream, settings).start() as stack:
        made = subprocess.run(
            [sys.executable, "manage.py", "create-admin", ALICE],
            cwd=ROOT,
            env=stack.environment,
            input=PASSWORD,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert made.returncode == 0, made.stderr
        with Nginx("chatgpt.conf", folder, web=f"127.0.0.1:{stack.port}") as nginx:
            yield nginx


def visitor(house: Nginx, name: str = NAME) -> httpx.Client:
    """A browser that knows nothing yet, at that name."""
    return httpx.Client(base_url=house.url, headers={"Host": name}, verify=False, timeout=30)


def test_an_administrator_signs_in_behind_https_and_gets_a_reply(house: Nginx) -> None:
    origin = {"Origin": f"https://{NAME}"}
    with visitor(house) as alice:
        session = alice.post(
            "/api/session", json={"email": ALICE, "password": PASSWORD}, headers=origin
        )
        assert session.status_code == 200, session.text
        cookie = session.headers["Set-Cookie"]
        assert cookie.startswith("__Host-epicode=")
        assert "Secure" in cookie
        # httpx keeps no cookie for an address that isn't the Host it was told
        alice.headers["Cookie"] = cookie.partition(";")[0]
        alice.headers["X-CSRF-Token"] = session.json()["csrf_token"]

        asked = alice.post("/api/ask", json={"content": "hola"}, headers=origin)

        assert asked.status_code == 202, asked.text
        assert Reader(alice, asked.json()["id"]).read_to_end()["status"] == "completed"
        assert alice.get("/metrics").status_code == 404


def test_nobody_gets_anything(house: Nginx) -> None:
    with visitor(house) as nobody:
        assert nobody.get("/api/conversations").status_code == 401
        page = nobody.get("/")
        assert page.status_code in (302, 303)
        assert page.headers["Location"].startswith("/sign-in")


def test_another_name_is_refused(house: Nginx) -> None:
    with visitor(house, "evil.example") as bob:
        assert bob.get("/api/models").status_code == 403
