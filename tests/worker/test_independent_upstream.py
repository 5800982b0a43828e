"""The same against a model server that we didn't write: llmock, with its verdict on the client."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Match, ToolFault
from llmock.testing import LLMockServer

from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack

SAID = "Tres piezas: `acks_late`, una clave y un retardo. 😀"
SETTINGS = {
    "EPICODE_FIRST_TOKEN_SECONDS": "3",
    "EPICODE_SILENCE_SECONDS": "1",
    "EPICODE_BACKOFF_SECONDS": "0.3",
    "EPICODE_DEFAULT_MODEL": "gpt-4o",
}


class Elsewhere:
    """llmock in the place of our own scripted upstream."""

    def __init__(self, server: LLMockServer) -> None:
        self.url = server.base_url("openai")


class Model(LLMock):
    """llmock's controls; between its faults it has one answer."""

    def __init__(self, server: LLMockServer) -> None:
        super().__init__(server)
        self.scenarios = server.state.scenarios
        self.is_well_again()

    def is_well_again(self) -> None:
        """Ends what lasts, and keeps the requests for the verdict."""
        self.scenarios.clear()
        self.limits().pace(0).reply(SAID, times=None)

    def calls_a_tool(self) -> LLMock:
        """One answer calls a tool, although none is offered, and with broken arguments."""
        self.scenarios.clear()
        self.add(ToolFault("malformed_arguments", match=Match()))
        return self.call_tool("delete_everything", {"really": True}).reply(SAID, times=None)


@pytest.fixture(scope="module")
def foreign(databases: Databases) -> Iterator[tuple[Stack, Model]]:
    with (
        LLMockServer() as server,
        Stack(databases, Elsewhere(server), SETTINGS).start() as stack,
    ):
        yield stack, Model(server)


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        (lambda mock: mock, []),
        (lambda mock: mock.rate_limit(times=2, retry_after=0.3), ["rate_limited"] * 2),
        (lambda mock: mock.fail(408), ["upstream_unavailable"]),
        (lambda mock: mock.fail(409), ["upstream_unavailable"]),
        (lambda mock: mock.fail(500), ["upstream_unavailable"]),
        (lambda mock: mock.fail(503, retry_after=1), ["upstream_unavailable"]),
        (lambda mock: mock.fail(529), ["upstream_unavailable"]),
        (lambda mock: mock.delay(0.5), []),
        (lambda mock: mock.slow_first_token(0.5), []),
        (lambda mock: mock.slow_first_token(6), ["upstream_timeout"]),
        (lambda mock: mock.disconnect(after_chunks=1), ["upstream_unavailable"]),
        (lambda mock: mock.disconnect(after_chunks=2), ["upstream_unavailable"]),
        (lambda mock: mock.truncate(after_chunks=2), ["upstream_malformed"]),
        # slowly, or all is sent before it can see that nobody reads on
        (lambda mock: mock.pace(50).corrupt(after_chunks=2), ["upstream_malformed"]),
        (lambda mock: mock.stall(after_chunks=2, seconds=5), ["upstream_timeout"]),
        (lambda mock: mock.calls_a_tool(), ["empty_reply"]),
    ],
    ids=[
        "none",
        "429 twice",
        "408",
        "409",
        "500",
        "503",
        "529",
        "delay",
        "slow",
        "too slow",
        "disconnect at once",
        "disconnect",
        "truncate",
        "corrupt",
        "stall",
        "tool call",
    ],
)
def test_a_fault_costs_an_attempt_and_never_the_reply(
    foreign: tuple[Stack, Model], fault: Callable[[Model], LLMock], outcomes: list[str]
) -> None:
    stack, mock = foreign
    fault(mock)
    with stack.client() as client:
        reader = ask(client, f"¿Cómo reintento? {len(mock.requests)}")

        ended = reader.read_to_end()
    mock.is_well_again()

    assert [entry["outcome"] for entry in ended["attempts"]] == [*outcomes, "completed"]
    assert reader.text == SAID


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        (lambda mock: mock.fail(401), ["invalid_api_key"]),
        (lambda mock: mock.fail(403), ["permission_denied"]),
        (lambda mock: mock.fail(404), ["model_not_found"]),
        (lambda mock: mock.fail(422), ["upstream_rejected"]),
        (lambda mock: mock.context_overflow(), ["context_length_exceeded"]),
        (lambda mock: mock.limits(context_window=5), ["context_length_exceeded"]),
        (lambda mock: mock.outage(), ["upstream_unavailable"] * 3),
    ],
    ids=["401", "403", "404", "422", "context overflow", "a window of five tokens", "outage"],
)
def test_what_no_attempt_can_heal_ends_in_its_code(
    foreign: tuple[Stack, Model], fault: Callable[[Model], LLMock], outcomes: list[str]
) -> None:
    stack, mock = foreign
    fault(mock)
    with stack.client() as client:
        ended = ask(client, f"¿Y ahora? {len(mock.requests)}").read_to_end()
    mock.is_well_again()

    assert (ended["status"], ended["error"]["code"]) == ("failed", outcomes[-1])
    assert [entry["outcome"] for entry in ended["attempts"]] == outcomes


def test_a_quota_is_kept_and_everybody_is_answered(foreign: tuple[Stack, Model]) -> None:
    stack, mock = foreign
    mock.limits(rpm=30).pace(5)
    with stack.client() as client:
        readers = [ask(client, f"¿Cabe otra? {number}") for number in range(32)]

        ended = [reader.read_to_end(60) for reader in readers]
    mock.is_well_again()

    assert {job["status"] for job in ended} == {"completed"}
    assert any(job["attempts"][0]["outcome"] == "rate_limited" for job in ended)
    assert {reader.text for reader in readers} == {SAID}


def test_its_verdict_on_all_of_that_is_clean(foreign: tuple[Stack, Model]) -> None:
    stack, mock = foreign

    assert len(mock.requests) > 60
    assert mock.verdict().findings == (), mock.verdict().render()
    assert stack.audit() == []


def test_its_models_are_offered(foreign: tuple[Stack, Model]) -> None:
    stack, _ = foreign
    with stack.client() as client:
        offered = client.get("/api/models").json()["data"]

    assert any(model["available"] and model["id"].startswith("gpt-4o") for model in offered)


@pytest.mark.parametrize(
    ("fault", "calls", "finding"),
    [
        (lambda mock: mock.rate_limit(retry_after=5), 2, "retry_after_ignored"),
        (lambda mock: mock.fail(400), 2, "retried_non_retryable"),
        (lambda mock: mock.fail(500, times=None), 11, "retry_storm"),
        (lambda mock: mock.fail(503), 1, "gave_up"),
        (lambda mock: mock.truncate(), 1, "truncated_stream_accepted"),
        (lambda mock: mock.corrupt(), 1, "malformed_chunk_ignored"),
        (lambda mock: mock.stall(seconds=1.2), 1, "no_read_timeout"),
    ],
)
def test_its_verdict_on_a_careless_client_is_not(
    fault: Callable[[LLMock], LLMock], calls: int, finding: str
) -> None:
    question = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with LLMockServer() as server:
        mock = fault(LLMock(server))
        for _ in range(calls):
            httpx.post(server.base_url("openai") + "/chat/completions", json=question)

        assert finding in {found.code for found in mock.verdict().findings}
