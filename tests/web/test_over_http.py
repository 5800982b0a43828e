"""What only a real server can show: large and chunked bodies, many equal posts at once."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.reader import Reader, ask, converse, say
from tests.stack import Stack
from tests.upstream import Done, End, Gate, Script, Text, failing
from tests.web.contract import PROBLEM, Contract

MEBIBYTE = 1024 * 1024


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """A client whose every answer is held against the server's own OpenAPI document."""
    contract = Contract(httpx.get(f"{stack.url}/api/openapi.json").json())

    def check(answer: httpx.Response) -> None:
        kind = answer.headers.get("content-type", "").split(";")[0]
        path, verb = answer.request.url.path, answer.request.method
        contract.check(verb, path, answer.status_code, kind, answer.read())

    with stack.client(event_hooks={"response": [check]}) as client:
        yield client


def _chunks(size: int) -> Iterator[bytes]:
    yield b'{"content": "'
    for _ in range(size // 65536):
        yield b"x" * 65536
    yield b'"}'


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("size", [3 * MEBIBYTE, 50 * MEBIBYTE])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_the_connection_serves_on(
    client: httpx.Client, size: int, chunked: bool
) -> None:
    content: Any = _chunks(size) if chunked else b"".join(_chunks(size))

    answer = client.post("/api/ask", content=content, headers=JSON)

    assert answer.status_code == 413
    assert answer.json()["code"] == "payload_too_large"
    assert client.get("/api/models").status_code == 200


def test_a_chunked_body_that_is_whole_before_its_end_is_too_large_all_the_same(
    client: httpx.Client,
) -> None:
    content = iter([b'{"content": "x"}', *[b" " * 65536] * 33])

    answer = client.post("/api/ask", content=content, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("framing", "sent"),
    [
        (b"Content-Length: 999999", b"{"),
        (b"Content-Length: 99999999", b"{"),
        (b"Transfer-Encoding: chunked", b"fff\r\n{"),
        (b"Transfer-Encoding: chunked", b"300000\r\n" + b" " * 0x2F0000),
    ],
)
def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error(
    stack: Stack, client: httpx.Client, framing: bytes, sent: bytes
) -> None:
    head = b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(head + framing + b"\r\n\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # what is answered, if anything; then the end
            pass

    assert client.get("/api/models").status_code == 200
    assert stack.web is not None
    assert "unexpected_error" not in stack.web.log.read_text()


def test_a_chunked_body_is_read_like_any_other(client: httpx.Client) -> None:
    answer = client.post("/api/conversations", content=iter([b'{"tit', b'le": "a"}']), headers=JSON)

    assert answer.status_code == 201
    assert answer.json()["title"] == "a"


def test_chunked_rubbish_is_a_400_with_a_code(client: httpx.Client) -> None:
    answer = client.post("/api/ask", content=iter([b"[" * 65536] * 10), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


def test_no_content_type_is_a_415_naming_the_header(client: httpx.Client) -> None:
    answer = client.post("/api/ask", content=b'{"content": "x"}')

    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "target",
    [
        b"/api/jobs?cursor=\xff\xfe",
        b"/api/conversations?q=\xc3\x28",
        b"/api/conversations?q=%C3%28&limit=%",
        b"/api/jobs/\xff",
        b"/api/%2e%2e/%00",
        b"/\xed\xa0\x80",
    ],
)
def test_rubbish_in_the_address_is_a_4xx_or_ignored(stack: Stack, target: bytes) -> None:
    status, kind = _raw(stack, b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1")

    expected = [(200, "application/json"), (404, PROBLEM), (422, PROBLEM)]
    # Bytes that no address may hold never get past gunicorn, which answers them in its own words.
    assert (status, kind) in [*expected, (400, "text/html")]


@pytest.mark.parametrize(
    "header",
    [
        b"Idempotency-Key: \xff\xfe",
        b"Idempotency-Key:",
        b"Prefer: wait=\xff",
        b"Accept-Language: \xff;q=\xff",
        b"Cookie: lang=\xff\xfe; \xff",
        b"Authorization: Bearer \xff\xfe",
        b"Origin: \xff",
        b"If-None-Match: \xff\xfe",
    ],
)
def test_rubbish_in_a_header_is_a_4xx_or_ignored(stack: Stack, header: bytes) -> None:
    request = (
        b"POST /api/conversations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
        b"Content-Type: application/json\r\n" + header
    )
    status, kind = _raw(stack, request, b"{}")

    assert (status, kind) == (201, "application/json") or (
        status in (401, 403, 422) and kind == PROBLEM
    )


def test_ten_equal_posts_at_once_make_one_turn(stack: Stack, client: httpx.Client) -> None:
    conversation = converse(client)
    url, key = f"/api/conversations/{conversation}/messages", {"Idempotency-Key": "ten at once"}

    def post(_: int) -> dict[str, Any]:
        with stack.client() as own:
            answer = own.post(url, json={"content": "una vez"}, headers=key)
            assert answer.status_code == 202, answer.text
            body: dict[str, Any] = answer.json()
            return body

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(10)))

    for noun in ("message", "reply", "job"):
        assert len({answer[noun]["id"] for answer in answers}) == 1
    Reader(client, answers[0]["job"]["id"]).read_to_end()
    said = client.get(f"/api/conversations/{conversation}/messages").json()["data"]
    assert [message["role"] for message in said] == ["system", "user", "assistant"]


def test_ten_different_turns_at_once_hang_one_from_another(
    stack: Stack, client: httpx.Client
) -> None:
    conversation = converse(client)

    def post(n: int) -> str:
        with stack.client() as own:
            job: str = say(own, conversation, f"turno {n}")["job"]["id"]
            return job

    with ThreadPoolExecutor(10) as pool:
        jobs = list(pool.map(post, range(10)))

    for job in jobs:
        assert Reader(client, job).read_to_end()["status"] == "completed"
    said = client.get(f"/api/conversations/{conversation}/messages").json()["data"]
    assert [message["turn_index"] for message in said] == list(range(21))
    for question, reply in zip(said[1::2], said[2::2], strict=True):
        assert reply["content"] == f"echo: {question['content']}"


def test_every_answer_about_a_reply_keeps_the_contract_from_posting_to_its_end(
    stack: Stack, client: httpx.Client
) -> None:
    stack.upstream.script(
        "[[contract]]", Script(steps=(Text("uno "), Gate("contract"), Text("dos"), End(), Done()))
    )
    reader = ask(client, "[[contract]]", params={"temperature": 0.5})
    running = reader.read_until_text()
    conversation = running["conversation_id"]
    client.get("/api/jobs?active=1")
    client.get(f"/api/conversations/{conversation}/messages")
    stack.upstream.open("contract")
    ended = reader.read_to_end()

    assert running["worker"] == ended["worker"] == "worker-1"
    assert running["context"] == ended["context"]
    assert ended["context"]["omitted_turns"] == 0
    assert ended["usage"] == {"input_tokens": 20, "output_tokens": 10, "cost": None}
    assert ended["first_token_at"] is not None
    client.get("/api/jobs")
    client.get(f"/api/conversations/{conversation}/messages?all=1")


def test_a_reply_that_fails_keeps_the_contract_too(stack: Stack, client: httpx.Client) -> None:
    stack.upstream.script("[[refuse]]", failing(401, "invalid_api_key"))
    reader = ask(client, "[[refuse]]")

    ended = reader.read_to_end()

    assert ended["status"] == "failed"
    assert ended["error"]["code"] == "invalid_api_key"
    said = client.get(f"/api/conversations/{ended['conversation_id']}/messages").json()["data"]
    assert said[-1]["error"] == ended["error"]


def test_a_question_with_a_wait_is_answered_in_the_same_request(client: httpx.Client) -> None:
    answer = client.post("/api/ask", json={"content": "¿hola?"}, headers={"Prefer": "wait=20"})

    body = answer.json()
    assert (answer.status_code, body["status"], body["text"]) == (200, "completed", "echo: ¿hola?")


def test_the_models_of_the_server_are_listed_as_available(client: httpx.Client) -> None:
    models = {model["id"]: model["available"] for model in client.get("/api/models").json()["data"]}

    assert models["gpt-test"] is models["gpt-other"] is True
    assert models["chatgpt-4o-latest"] is False


def _raw(stack: Stack, head: bytes, body: bytes = b"") -> tuple[int, str]:
    """Status and kind of the answer to bytes that no client would send."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as connection:
        connection.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    lines = answer.split(b"\r\n\r\n")[0].decode("latin-1").lower().split("\r\n")
    kind = next(line for line in lines if line.startswith("content-type:")).split(":")[1]
    return int(lines[0].split()[1]), kind.split(";")[0].strip()
