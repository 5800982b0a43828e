import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from deploy.local.upstream_choice import Upstream, choose_upstream, without_secret


@contextmanager
def server(answer: object, status: int = 200) -> Iterator[int]:
    """A server on the loopback that says `answer` to GET /v1/models; its port."""
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/models" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *ignored: object) -> None:
            """Silent."""

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    yield listening.server_address[1]
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")


def test_demo_is_chosen_by_name_whatever_the_settings_are(tmp_path: Path) -> None:
    settings = {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://x/v1"}

    assert choose_upstream(settings, tmp_path / ".env", demo=True, servers=[]).is_demo


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"OPENAI_API_KEY": "sk-1"}, "https://api.openai.com/v1"),
        ({"OPENAI_BASE_URL": "http://10.0.0.5/v1"}, "http://10.0.0.5/v1"),
        ({"OPENAI_BASE_URL": "http://me:secret@10.0.0.5/v1"}, "http://10.0.0.5/v1"),
    ],
)
def test_a_key_or_an_address_in_the_settings_comes_before_looking_around(
    settings: dict[str, str], address: str, tmp_path: Path
) -> None:
    with server({"data": [{"id": "local"}]}) as port:
        chosen = choose_upstream(settings, tmp_path / ".env", demo=False, servers=[("X", port)])

    assert chosen == Upstream(sentences=(f"Model API: {address}",))


def test_a_server_on_this_machine_is_used_and_named_with_its_models(tmp_path: Path) -> None:
    with server({"data": [{"id": "llama"}, {"id": "qwen"}]}) as port:
        chosen = choose(tmp_path, ("Ollama", port))

    assert chosen.settings["OPENAI_BASE_URL"] == f"http://127.0.0.1:{port}/v1"
    assert chosen.settings["OPENAI_API_KEY"]
    assert chosen.sentences == (
        f"Model API: found Ollama at http://127.0.0.1:{port}/v1 with llama and 1 more",
    )


def test_a_second_server_is_mentioned_and_one_without_models_is_not_chosen(tmp_path: Path) -> None:
    with (
        server({"data": None}) as empty,
        server({"data": [{"id": "one"}]}) as first,
        server({"data": [{"id": "two"}]}) as second,
    ):
        chosen = choose(tmp_path, ("Ollama", empty), ("llama.cpp", first), ("LM Studio", second))

    assert chosen.settings["OPENAI_BASE_URL"] == f"http://127.0.0.1:{first}/v1"
    assert "found llama.cpp" in chosen.sentences[0]
    assert "LM Studio" in chosen.sentences[1]
    assert "Ollama runs at" in chosen.sentences[2]


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"<html>", 200), ({"data": [{"id": "x"}]}, 500), ([], 200), ({"data": 5}, 200), (b"", 200)],
)
def test_another_programs_port_is_no_model_api(answer: object, status: int, tmp_path: Path) -> None:
    with server(answer, status) as port:
        chosen = choose(tmp_path, ("llama.cpp", port))

    assert chosen.settings == {}
    assert chosen.sentences[-1].startswith("No model API")


def test_a_person_is_asked_once_and_the_key_is_kept_for_the_owner_alone(tmp_path: Path) -> None:
    asked = []

    def ask(question: str) -> str:
        asked.append(question)
        return " sk-proj-12345678 \n"

    chosen = choose(tmp_path, ask=ask)

    file = tmp_path / ".env"
    assert len(asked) == 1
    assert file.read_text() == "OPENAI_API_KEY=sk-proj-12345678\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not chosen.is_demo
    assert "sk-proj" not in "".join(chosen.sentences)


def test_an_address_is_as_good_as_a_key(tmp_path: Path) -> None:
    choose(tmp_path, ask=lambda question: "http://192.168.1.9:8000/v1")

    assert (tmp_path / ".env").read_text() == "OPENAI_BASE_URL=http://192.168.1.9:8000/v1\n"


def test_enter_is_the_demo_and_is_not_kept(tmp_path: Path) -> None:
    assert choose(tmp_path, ask=lambda question: "").is_demo
    assert not (tmp_path / ".env").exists()


def test_what_is_no_key_is_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["no tengo", "sk-proj-12345678"])

    choose(tmp_path, ask=lambda question: next(answers))

    assert "neither a key nor an address" in capsys.readouterr().out
    assert "sk-proj-12345678" in (tmp_path / ".env").read_text()


def test_with_nobody_to_ask_it_says_so_and_goes_on(tmp_path: Path) -> None:
    chosen = choose(tmp_path, ("Ollama", free_port()))

    assert chosen.settings == {}
    assert not chosen.is_demo
    assert "--demo" in chosen.sentences[0]


def test_an_address_is_shown_without_its_password() -> None:
    assert without_secret("https://a:b@c.d/v1") == "https://c.d/v1"
    assert without_secret("https://c.d/v1") == "https://c.d/v1"
    assert without_secret("nonsense") == "nonsense"


def choose(folder: Path, *servers: tuple[str, int], ask=None) -> Upstream:  # type: ignore[no-untyped-def]
    return choose_upstream({}, folder / ".env", demo=False, servers=servers, ask=ask)
