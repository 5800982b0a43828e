"""The same against a model server that we didn't write: llmock, with its verdict on the client."""

from collections.abc import Callable, Iterator

import pytest
from llmock.pytest_plugin import LLMock
from llmock.testing import LLMockServer

from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack

SAID = "Tres piezas: `acks_late`, una clave y un retardo. 😀"


class Elsewhere:
    """llmock in the place of our own scripted upstream."""

    def __init__(self, server: LLMockServer) -> None:
        self.url = server.base_url("openai")


@pytest.fixture(scope="module")
def foreign(databases: Databases) -> Iterator[tuple[Stack, LLMock]]:
    settings = {"EPICODE_SILENCE_SECONDS": "1", "EPICODE_DEFAULT_MODEL": "gpt-4o"}
    with (
        LLMockServer() as server,
        Stack(databases, Elsewhere(server), settings).start() as stack,
    ):
        yield stack, LLMock(server).reply(SAID, times=None)


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        (lambda mock: mock, []),
        (lambda mock: mock.rate_limit(times=2, retry_after=0.3), ["rate_limited"] * 2),
        (lambda mock: mock.fail(503), ["upstream_unavailable"]),
        (lambda mock: mock.disconnect(after_chunks=2), ["upstream_unavailable"]),
        (lambda mock: mock.truncate(after_chunks=2), ["upstream_malformed"]),
        (lambda mock: mock.corrupt(after_chunks=2), ["upstream_malformed"]),
        (lambda mock: mock.stall(after_chunks=2, seconds=5), ["upstream_timeout"]),
    ],
    ids=["none", "429 twice", "503", "disconnect", "truncate", "corrupt", "stall"],
)
def test_a_fault_costs_an_attempt_and_never_the_reply(
    foreign: tuple[Stack, LLMock], fault: Callable[[LLMock], LLMock], outcomes: list[str]
) -> None:
    stack, mock = foreign
    fault(mock)
    with stack.client() as client:
        reader = ask(client, "¿Cómo reintento?")

        ended = reader.read_to_end()

    assert [entry["outcome"] for entry in ended["attempts"]] == [*outcomes, "completed"]
    assert reader.text == SAID


def test_its_verdict_on_all_of_that_is_clean(foreign: tuple[Stack, LLMock]) -> None:
    _, mock = foreign

    assert len(mock.requests) > 7
    mock.assert_resilient()


def test_its_models_are_offered(foreign: tuple[Stack, LLMock]) -> None:
    stack, _ = foreign
    with stack.client() as client:
        offered = client.get("/api/models").json()["data"]

    assert any(model["available"] and model["id"].startswith("gpt-4o") for model in offered)
