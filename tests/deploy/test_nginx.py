"""nginx's own reading of its file, and what it says while EpiCode is away."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/opt/homebrew/bin")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def command(tmp_path: Path, port: int) -> list[str]:
    """nginx on a free port, with its files in a folder of its own and no EpiCode behind it."""
    conf = (ROOT / "deploy" / "nginx" / "chatgpt.conf").read_text()
    conf = conf.replace("/var/log/nginx", str(tmp_path)).replace(
        "127.0.0.1:8080", f"127.0.0.1:{port}"
    )
    (tmp_path / "chatgpt.conf").write_text(conf.replace("127.0.0.1:8000", "127.0.0.1:1"))
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\ndaemon off;\n"
        "master_process off;\nevents {}\n"
        f"http {{\n{folders}include {tmp_path}/chatgpt.conf;\n}}\n"
    )
    log = str(tmp_path / "start.log")
    return [str(NGINX), "-e", log, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]


@pytest.fixture
def running(command: list[str], port: int) -> Iterator[str]:
    process = subprocess.Popen(command)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def refusal(request: urllib.request.Request) -> urllib.error.HTTPError:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    return refused.value


def test_nginx_finds_nothing_to_complain_about(command: list[str]) -> None:
    done = subprocess.run([*command, "-t", "-q"], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_listens_on_loopback_only() -> None:
    conf = (ROOT / "deploy" / "nginx" / "chatgpt.conf").read_text()
    listens = [line.split()[1] for line in conf.splitlines() if line.split()[:1] == ["listen"]]

    assert listens == ["127.0.0.1:8080;"]


def test_while_epicode_is_away_it_answers_with_a_problem_and_when_to_ask(running: str) -> None:
    error = refusal(urllib.request.Request(running + "/api/jobs/x"))

    problem = json.load(error)
    assert (error.code, error.headers["Retry-After"]) == (503, "5")
    assert error.headers["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["code"]) == (503, "unavailable")


def test_a_body_too_large_for_nginx_is_a_problem_too(running: str) -> None:
    error = refusal(urllib.request.Request(running + "/api/ask", data=b"x" * (9 * 2**20)))

    assert (error.code, json.load(error)["code"]) == (413, "payload_too_large")


def test_the_words_of_a_search_stay_out_of_the_log(running: str, tmp_path: Path) -> None:
    refusal(urllib.request.Request(running + "/api/conversations?q=secreto"))

    log = tmp_path / "chatgpt.log"
    for _ in range(100):
        if log.read_text():
            break
        time.sleep(0.02)
    assert "/api/conversations" in log.read_text()
    assert "secreto" not in log.read_text()
