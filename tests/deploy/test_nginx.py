"""nginx's own reading of its files, and a real one in front of nothing, of the stack and of
Flower."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from common.config import ROOT
from tests.deploy.nginx import FILES, FOLDER, OPENSSL, PROGRAM, Nginx
from tests.stack import Stack, free_port, wait_until
from tests.upstream import reply
from web.guard import HEADERS

pytestmark = pytest.mark.skipif(
    PROGRAM is None or OPENSSL is None, reason="nginx or openssl is not installed"
)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Nginx]:
    """With no EpiCode behind it."""
    with Nginx("compose.conf", tmp_path) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def front(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """In front of the running product, without TLS."""
    folder = tmp_path_factory.mktemp("front")
    with Nginx("compose.conf", folder, web=f"127.0.0.1:{stack.port}") as nginx:
        yield nginx


@pytest.fixture(scope="module")
def secured(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """The same with HTTPS, as on a machine of one's own."""
    folder = tmp_path_factory.mktemp("secured")
    with Nginx("chatgpt.conf", folder, web=f"127.0.0.1:{stack.port}") as nginx:
        yield nginx


@pytest.fixture(scope="module")
def flower(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """With Flower behind it, started as Compose starts it."""
    port = free_port()
    words = ["flower", "--address=127.0.0.1", f"--port={port}", "--url-prefix=flower"]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "common.queue", *words],
        cwd=ROOT,
        env=stack.environment
        | {"FLOWER_BASIC_AUTH": "alice:secret", "FLOWER_UNAUTHENTICATED_API": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = tmp_path_factory.mktemp("flower")
    try:
        with Nginx("compose.conf", folder, flower=f"127.0.0.1:{port}") as nginx:
            wait_until(
                lambda: (
                    httpx.get(f"{nginx.url}/flower/healthcheck", verify=False).status_code == 200
                ),
                what="Flower behind nginx",
            )
            yield nginx
    finally:
        process.terminate()
        process.wait(20)


def get(url: str, **options: object) -> httpx.Response:
    return httpx.get(url, verify=False, timeout=30, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FILES)
def test_nginx_finds_nothing_to_complain_about(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [*Nginx(name, tmp_path).command, "-t", "-q"], capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_thing_is_to_be_replaced_beside_the_name() -> None:
    text = (FOLDER / "chatgpt.conf").read_text()
    settings = "\n".join(line for line in text.splitlines() if not line.strip().startswith("#"))

    for folder in re.findall(r"(/\S*epicode\S*|\S*/web/static/)[;\s]", settings):
        assert folder.startswith("/path/to/your/project/")
    names = set(re.findall(r"server_name (\S+);", text))
    assert names == set(re.findall(r"/live/([^/]+)/", text)) == {"chat.example.org"}


def test_while_epicode_is_away_it_answers_with_a_problem_and_when_to_ask(alone: Nginx) -> None:
    for path in ("/api/jobs/x", "/flower/", "/grafana/"):
        answer = get(alone.url + path)

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.json()["status"], answer.json()["code"]) == (503, "unavailable")


def test_a_body_too_large_for_nginx_is_a_problem_too(alone: Nginx) -> None:
    refused = httpx.post(f"{alone.url}/api/ask", content=b"x" * (9 * 2**20), verify=False)

    assert (refused.status_code, refused.json()["code"]) == (413, "payload_too_large")


def test_the_words_of_a_search_stay_out_of_the_log(alone: Nginx) -> None:
    get(f"{alone.url}/api/conversations?q=secreto")

    wait_until(lambda: "/api/conversations" in alone.log, what="the log's line")
    assert "secreto" not in alone.log


def test_metrics_are_not_public(front: Nginx, stack: Stack) -> None:
    assert get(f"{stack.url}/metrics").status_code == 200, "from this machine they are"

    answer = get(f"{front.url}/metrics")

    assert answer.status_code == 404
    assert "epicode_" not in answer.text


def test_static_files_come_from_the_disk_with_the_headers_that_epicode_sends(
    front: Nginx, stack: Stack
) -> None:
    path = "/static/js/api.js"
    direct, fronted = get(stack.url + path), get(front.url + path)

    assert fronted.content == direct.content
    for file in (path, "/static/icons/epicode.svg", "/static/css/chat.css", "/static/i18n/es.json"):
        ours, nginx = get(stack.url + file).headers, get(front.url + file).headers
        assert [nginx.get(name) for name in HEADERS] == [ours.get(name) for name in HEADERS]
        assert nginx["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in get(f"{front.url}/static/icons/epicode.svg").headers
    assert fronted.headers["Cache-Control"] == direct.headers["Cache-Control"] == "no-cache"
    assert "X-Request-Id" not in fronted.headers, "no process was asked"
    assert fronted.headers["Content-Encoding"] == "gzip"
    again = get(front.url + path, headers={"If-None-Match": fronted.headers["ETag"]})
    assert again.status_code == 304
    for outside in ("/static/../create_app.py", "/static../create_app.py", "/static/js/"):
        # httpx would tidy the path up
        with httpx.Client(verify=False) as client:
            answer = client.get(front.url, extensions={"target": outside.encode()})
        assert answer.status_code in (400, 403, 404), outside


def test_a_turn_is_posted_polled_and_waited_for_through_it(front: Nginx, stack: Stack) -> None:
    stack.upstream.script("[[fronted]]", reply("una " * 100, chunk=4, every=0.005))
    with httpx.Client(base_url=front.url, verify=False, timeout=30) as client:
        made = client.post(
            "/api/ask",
            json={"content": "[[fronted]]"},
            headers={"Origin": front.url, "Prefer": "wait=20"},
        )

        assert made.status_code == 200
        assert made.json()["text"] == "una " * 100
        foreign = client.post(
            "/api/ask", json={"content": "x"}, headers={"Origin": "https://evil.example"}
        )
        assert foreign.json()["code"] == "foreign_origin"
    wait_until(
        lambda: made.headers["X-Request-Id"] in front.log, what="the request's id in the log"
    )


def test_https_is_the_only_door_and_says_so(secured: Nginx) -> None:
    sent = httpx.get(f"{secured.plain}/c/x?y=1", headers={"Host": "chat.example.org"})
    assert (sent.status_code, sent.headers["Location"]) == (301, "https://chat.example.org/c/x?y=1")
    (secured.folder / ".well-known" / "acme-challenge").mkdir(parents=True)
    (secured.folder / ".well-known" / "acme-challenge" / "token").write_text("proof")
    assert httpx.get(f"{secured.plain}/.well-known/acme-challenge/token").text == "proof"

    with httpx.Client(base_url=secured.url, verify=False) as client:
        for path in ("/health", "/static/js/api.js", "/nothing"):
            answer = client.get(path)
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert _protocol(secured) == "h2"


def test_flower_asks_for_credentials_of_its_own(flower: Nginx) -> None:
    own = ("alice", "secret")
    assert get(f"{flower.url}/flower/").status_code == 401
    assert get(f"{flower.url}/flower/api/workers").status_code == 401
    assert get(f"{flower.url}/flower/", auth=("alice", "guess")).status_code == 401

    wait_until(
        lambda: "worker-1@" in get(f"{flower.url}/flower/", auth=own).text,
        what="the worker on Flower's page",
    )
    page = get(f"{flower.url}/flower/", auth=own).text
    files = set(re.findall(r'(?:href|src)="(/[^"]*\.(?:css|js))', page))
    assert files
    assert all(file.startswith("/flower/") for file in files)
    assert {get(flower.url + file, auth=own).status_code for file in sorted(files)[:6]} == {200}


def _protocol(nginx: Nginx) -> str | None:
    """What nginx agrees to speak, by ALPN (RFC 7301)."""
    context = ssl.create_default_context(cafile=str(nginx.folder / "fullchain.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", nginx.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as spoken,
    ):
        return spoken.selected_alpn_protocol()
