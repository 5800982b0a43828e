"""Which model API the stack talks to: a setting's, one found on this machine, a person's answer,
or the demo."""

import getpass
import http.client
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.env_file import add_to_env_file
from deploy.local.messages import text
from deploy.local.paths import short

OPENAI = "https://api.openai.com/v1"
# where these listen unless told otherwise
USUAL_SERVERS = (("Ollama", 11434), ("llama.cpp", 8080), ("LM Studio", 1234))


@dataclass(frozen=True)
class Upstream:
    """What to tell the children beside `.env` (`settings`), and what to tell the person."""

    settings: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    is_demo: bool = False


@dataclass(frozen=True)
class Found:
    """A server on this machine that lists models as OpenAI's API does."""

    name: str
    address: str
    models: tuple[str, ...]


DEMO = Upstream(is_demo=True)


def choose_upstream(
    settings: Mapping[str, str],
    env_file: Path,
    *,
    demo: bool,
    servers: Sequence[tuple[str, int]] = USUAL_SERVERS,
    ask: Callable[[str], str] | None = None,
) -> Upstream:
    """The first that applies.

    1. `--demo`;
    2. OPENAI_API_KEY or OPENAI_BASE_URL in `settings` (environment and `.env`);
    3. a server on this machine that offers a model;
    4. what a person answers, once, on a terminal (`ask`), kept in `env_file`; Enter is the demo;
    5. nothing: the stack starts and says so.
    """
    if demo:
        return DEMO
    if settings.get("OPENAI_API_KEY") or settings.get("OPENAI_BASE_URL"):
        address = settings.get("OPENAI_BASE_URL") or OPENAI
        return Upstream(sentences=(text("upstream.key", address=without_secret(address)),))
    found = find_servers(servers)
    if any(server.models for server in found):
        return _use_found(found)
    said = tuple(text("upstream.empty", name=one.name, address=one.address) for one in found)
    if ask is None:
        return Upstream(sentences=(*said, text("upstream.none")))
    return _use_answer(ask, env_file, said)


def asks_on_terminal(environ: Mapping[str, str]) -> Callable[[str], str] | None:
    """How to ask the person at the terminal; None where there is nobody to ask."""
    if environ.get("CI") or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    return getpass.getpass


def find_servers(servers: Sequence[tuple[str, int]]) -> list[Found]:
    """Those of `servers` (name, port on the loopback) that answer, asked all at once."""
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        answers = list(pool.map(lambda server: _models_at(server[1]), servers))
    return [
        Found(name, f"http://127.0.0.1:{port}/v1", models)
        for (name, port), models in zip(servers, answers, strict=True)
        if models is not None
    ]


def without_secret(address: str) -> str:
    """The address without a user and password in it."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if rest else address


def _models_at(port: int) -> tuple[str, ...] | None:
    """The ids that GET /v1/models lists; None if nothing there speaks that language."""
    # http.client asks no proxy, which could not reach our loopback
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/v1/models")
        answer = connection.getresponse()
        content = json.loads(answer.read(1_000_000)) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    if not isinstance(content, dict) or "data" not in content:
        return None
    # Ollama without a model says null
    models = content["data"] or []
    if not isinstance(models, list):
        return None
    return tuple(
        str(model["id"]) for model in models if isinstance(model, dict) and model.get("id")
    )


def _use_found(found: list[Found]) -> Upstream:
    used, *others = sorted(found, key=lambda server: not server.models)
    first, count = used.models[0], len(used.models) - 1
    models = text("models.more" if count else "models.one", first=first, count=count)
    sentences = [text("upstream.found", name=used.name, address=used.address, models=models)]
    for other in others:
        key = "upstream.also" if other.models else "upstream.empty"
        sentences.append(text(key, name=other.name, address=other.address))
    # these servers ask for no key, but the client library insists on one
    settings = {"OPENAI_BASE_URL": used.address, "OPENAI_API_KEY": "local"}
    return Upstream(settings, tuple(sentences))


def _use_answer(ask: Callable[[str], str], env_file: Path, said: tuple[str, ...]) -> Upstream:
    for sentence in said:
        print(sentence)
    while True:
        try:
            answer = ask(text("upstream.ask")).strip()
        except EOFError:
            return Upstream(sentences=(text("upstream.none"),))
        if not answer:
            return DEMO
        if answer.isascii() and answer.isprintable() and " " not in answer and len(answer) >= 8:
            break
        print(text("upstream.not_a_key"))
    is_address = answer.startswith(("http://", "https://"))
    name = "OPENAI_BASE_URL" if is_address else "OPENAI_API_KEY"
    add_to_env_file(env_file, name, answer)
    address = without_secret(answer) if is_address else OPENAI
    kept = text("upstream.kept", file=short(env_file))
    return Upstream(sentences=(kept, text("upstream.key", address=address)))
