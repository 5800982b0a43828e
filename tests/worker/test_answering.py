"""From a post to a saved reply, over real HTTP, with a real worker."""

import uuid

import pytest

from common.db import Database
from common.models import Job
from tests.reader import Reader, ask, converse, say
from tests.stack import Stack, wait_until
from tests.upstream import Done, End, Gate, Raw, Script, Text, reply

HOSTILE = (
    "¡Hola! 👩‍💻 é e\u0301 עברית \u202eשלום\u202c <script>&amp;</script>\n"
    "```python a.py\nx = '\\u0000'\n```\n"
)


def test_a_reply_is_saved_byte_for_byte_as_the_server_sent_it(stack: Stack) -> None:
    stack.upstream.script("[[exact]]", reply(HOSTILE * 20, chunk=7))
    with stack.client() as client:
        reader = ask(client, "[[exact]]")

        ended = reader.read_to_end()

        assert ended["status"] == "completed"
        assert reader.text == HOSTILE * 20
        messages = client.get(f"/api/conversations/{ended['conversation_id']}/messages").json()
        assert messages["data"][-1]["content"] == HOSTILE * 20
        assert messages["data"][-1]["finish_reason"] == "stop"


def test_a_reader_with_a_cursor_sees_the_text_grow_and_never_twice(stack: Stack) -> None:
    stack.upstream.script("[[grow]]", reply("uno dos tres ✓ " * 40, chunk=5, every=0.01))
    with stack.client() as client:
        reader = ask(client, "[[grow]]")

        reader.read_to_end()

        grown = [body for body in reader.polls if body["text"]]
        assert len(grown) > 3
        assert reader.resets == 0
        assert reader.text == "uno dos tres ✓ " * 40


def test_the_first_token_is_shown_while_the_rest_is_awaited(stack: Stack) -> None:
    stack.upstream.script("[[begun]]", Script(steps=(Text("begun"), Gate("rest"), End(), Done())))
    with stack.client() as client:
        reader = ask(client, "[[begun]]")
        wait_until(lambda: reader.poll()["first_token_at"], what="the first token's time")
        shown = reader.polls[-1]
        stack.upstream.open("rest")

        ended = reader.read_to_end()

    assert shown["started_at"] < shown["first_token_at"]
    assert ended["first_token_at"] == shown["first_token_at"]


def test_a_client_that_never_polls_still_gets_its_reply_saved(stack: Stack) -> None:
    with stack.client() as client:
        conversation = converse(client)
        say(client, conversation, "nobody watches")

        def last() -> dict[str, object]:
            page = client.get(f"/api/conversations/{conversation}/messages").json()
            message: dict[str, object] = page["data"][-1]
            return message

        wait_until(lambda: last()["status"] == "completed", what="the reply")
        assert "nobody watches" in str(last()["content"])


def test_nul_and_lone_surrogates_of_a_model_are_cleaned(stack: Stack) -> None:
    chunks = [
        b'data: {"choices":[{"delta":{"content":"a\\u0000b"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ude00 \\udc00c"}}]}\n\n',
        b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    ]
    stack.upstream.script("[[dirty]]", Script(steps=tuple(Raw(chunk) for chunk in chunks)))
    with stack.client() as client:
        reader = ask(client, "[[dirty]]")

        ended = reader.read_to_end()

        assert ended["status"] == "completed", ended["error"]
        assert reader.text == "ab😀 c"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_utf8_split_anywhere_arrives_whole(stack: Stack, size: int) -> None:
    line = 'data: {"choices":[{"delta":{"content":"ñ€😀"},"finish_reason":"stop"}]}\n\n'.encode()
    pieces = [line[at : at + size] for at in range(0, len(line), size)]
    stack.upstream.script("[[split]]", Script(steps=tuple(Raw(piece) for piece in pieces)))
    with stack.client() as client:
        reader = ask(client, "[[split]]")

        assert reader.read_to_end()["status"] == "completed"
        assert reader.text == "ñ€😀"


def test_the_recorded_window_is_what_the_server_received(stack: Stack) -> None:
    with stack.client() as client:
        conversation = converse(client, system_prompt="Sé breve.")
        for turn in ("primera", "segunda", "[[seen]] tercera"):
            Reader(client, say(client, conversation, turn)["job"]["id"]).read_to_end()
        sent = next(
            request.messages
            for request in reversed(stack.upstream.requests)
            if "[[seen]]" in request.messages[-1]["content"]
        )

        page = client.get(f"/api/conversations/{conversation}/messages").json()["data"]

        assert sent == [
            {"role": message["role"], "content": message["content"]} for message in page[:-1]
        ]
        assert _recorded(stack, page[-1]["job_id"]) == [message["id"] for message in page[:-1]]


def _recorded(stack: Stack, job_id: str) -> list[str]:
    database = Database(stack.database_url, pool_size=1)
    try:
        with database.transaction() as session:
            window = session.get_one(Job, uuid.UUID(job_id)).window
    finally:
        database.close()
    assert window is not None
    ids: list[str] = window["message_ids"]
    return ids
