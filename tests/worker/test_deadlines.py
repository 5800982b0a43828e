"""Every deadline, with times made short."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack, wait_until
from tests.upstream import Comment, Pause, Reasoning, Script, Silence, Text, Upstream

SHORT = {
    "EPICODE_FIRST_TOKEN_SECONDS": "0.8",
    "EPICODE_SILENCE_SECONDS": "0.6",
    "EPICODE_ATTEMPT_SECONDS": "2",
    "EPICODE_JOB_SECONDS": "6",
    "EPICODE_CONNECT_SECONDS": "0.5",
    "EPICODE_MAX_FAILURES": "1",
    "EPICODE_MAX_OUTPUT_BYTES": "2048",
}


@pytest.fixture(scope="module")
def hurried(databases: Databases) -> Iterator[Stack]:
    with Upstream() as upstream, Stack(databases, upstream, SHORT).start() as stack:
        yield stack


def forever(*steps: object) -> tuple[object, ...]:
    return steps * 400


@pytest.mark.parametrize(
    ("marker", "steps", "outcome", "within"),
    [
        ("[[silent]]", (Silence(),), "upstream_timeout", (0.8, 2.0)),
        ("[[falls silent]]", (Text("so"), Silence()), "upstream_timeout", (0.6, 2.0)),
        ("[[only comments]]", forever(Comment(), Pause(0.1)), "upstream_timeout", (0.8, 2.0)),
        ("[[only thoughts]]", forever(Reasoning("hm"), Pause(0.1)), "upstream_timeout", (2.0, 3.5)),
        ("[[endless]]", forever(Text("x"), Pause(0.1)), "upstream_timeout", (2.0, 3.5)),
    ],
)
def test_a_deadline_ends_the_attempt(
    hurried: Stack,
    marker: str,
    steps: tuple[object, ...],
    outcome: str,
    within: tuple[float, float],
) -> None:
    hurried.upstream.script(marker, Script(steps=steps))  # type: ignore[arg-type]
    with hurried.client() as client:
        ended = ask(client, marker).read_to_end()

    assert ended["status"] == "failed"
    assert ended["error"]["code"] == outcome
    assert within[0] * 1000 <= ended["attempts"][0]["ran_ms"] <= within[1] * 1000


def test_what_was_said_before_a_deadline_stays_readable(hurried: Stack) -> None:
    hurried.upstream.script("[[half said]]", Script(steps=(Text("half of it"), Silence())))
    with hurried.client() as client:
        reader = ask(client, "[[half said]]")

        ended = reader.read_to_end()

        page = client.get(f"/api/conversations/{ended['conversation_id']}/messages").json()["data"]
    assert page[-1]["content"] == "half of it"
    assert (page[-1]["status"], reader.text) == ("failed", "half of it")


def test_the_connection_is_closed_when_a_deadline_passes(hurried: Stack) -> None:
    hurried.upstream.script("[[let go]]", Script(steps=(Silence(),)))
    with hurried.client() as client:
        ask(client, "[[let go]]").read_to_end()

    request = next(item for item in hurried.upstream.requests if item.text == "[[let go]]")
    ends_at = time.monotonic() + 5
    while request.closed_at is None and time.monotonic() < ends_at:
        time.sleep(0.05)
    assert request.closed_at is not None


def test_a_reply_over_the_limit_is_stopped_and_kept(hurried: Stack) -> None:
    hurried.upstream.script("[[flood]]", Script(steps=(Text("y" * 1024),) * 50))
    with hurried.client() as client:
        reader = ask(client, "[[flood]]")

        ended = reader.read_to_end()

    assert (ended["status"], ended["error"]["code"]) == ("incomplete", "output_too_long")
    assert reader.text == "y" * 2048


def test_a_server_that_refuses_connections_is_given_up_and_asked_again_when_it_is_back(
    databases: Databases,
) -> None:
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))  # keeps the port, and refuses: it doesn't listen
    gone = Upstream(silent.getsockname()[1])
    times = {"EPICODE_MAX_FAILURES": "3", "EPICODE_BACKOFF_SECONDS": "0.5"}
    with Stack(databases, gone, SHORT | times).start() as stack, stack.client() as client:
        given_up = ask(client, "anybody?").read_to_end()
        waiting = ask(client, "still nobody?")
        wait_until(lambda: waiting.poll()["attempts"], what="the first refusal")
        silent.close()
        with gone:
            answered = waiting.read_to_end()

    assert given_up["error"]["code"] == "upstream_unavailable"
    assert [entry["outcome"] for entry in given_up["attempts"]] == ["upstream_unavailable"] * 3
    assert answered["status"] == "completed"
    assert answered["attempts"][0]["outcome"] == "upstream_unavailable"


def test_a_server_that_never_answers_the_connection_is_given_up(databases: Databases) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:  # fills the backlog: the next connection gets no answer
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        address = {"OPENAI_BASE_URL": f"http://127.0.0.1:{full.getsockname()[1]}/v1"}
        with (
            Upstream() as unused,
            Stack(databases, unused, SHORT | address).start() as stack,
            stack.client() as client,
        ):
            ended = ask(client, "anybody?").read_to_end()
        for sock in waiting:
            sock.close()

    assert ended["error"]["code"] == "upstream_timeout"
    assert ended["attempts"][0]["ran_ms"] < 2000
