"""What a model server may do wrong, each ending in its code, with the worker alive."""

import pytest

from tests.reader import Reader, ask, converse, say
from tests.stack import Stack
from tests.upstream import (
    Comment,
    Cut,
    Done,
    End,
    Pause,
    Raw,
    Reasoning,
    Script,
    Silence,
    Text,
    failing,
    reply,
)

STOP = (End("stop"), Done())


def _ended(stack: Stack, marker: str, *answers: Script) -> tuple[dict[str, object], Reader]:
    stack.upstream.script(marker, *answers)
    with stack.client(headers={"Accept-Language": "en"}) as client:
        reader = ask(client, marker)
        return reader.read_to_end(), reader


@pytest.mark.parametrize(
    ("marker", "answer", "code", "attempts"),
    [
        ("[[401]]", failing(401, "invalid_api_key"), "invalid_api_key", 1),
        ("[[403]]", failing(403), "permission_denied", 1),
        ("[[404]]", failing(404, "model_not_found"), "model_not_found", 1),
        ("[[quota]]", failing(429, "insufficient_quota"), "quota_exceeded", 1),
        ("[[429]]", failing(429, "rate_limit_exceeded"), "rate_limited", 3),
        ("[[400]]", failing(400, "unsupported_value"), "upstream_rejected", 1),
        ("[[context]]", failing(400, "context_length_exceeded"), "context_length_exceeded", 1),
        ("[[500]]", failing(500), "upstream_unavailable", 3),
        ("[[ends]]", Script(steps=(Text("half"),)), "upstream_malformed", 3),
        ("[[cut]]", Script(steps=(Text("half"), Pause(0.2), Cut())), "upstream_unavailable", 3),
        ("[[chunk]]", Script(steps=(Raw(b"data: {nonsense\n\n"),)), "upstream_malformed", 3),
        ("[[html]]", Script(body=b"<html>hi</html>"), "upstream_malformed", 3),
        ("[[empty]]", Script(steps=STOP), "empty_reply", 3),
    ],
)
def test_a_failure_ends_in_its_code(
    stack: Stack, marker: str, answer: Script, code: str, attempts: int
) -> None:
    ended, _ = _ended(stack, marker, answer)

    assert ended["status"] == "failed"
    assert ended["error"]["code"] == code  # type: ignore[index]
    assert [attempt["outcome"] for attempt in ended["attempts"]] == [code] * attempts  # type: ignore[attr-defined, index]


@pytest.mark.parametrize(
    ("marker", "reason", "code"),
    [
        ("[[length]]", "length", "max_output_tokens"),
        ("[[filter]]", "content_filter", "content_filter"),
    ],
)
def test_a_reply_cut_short_by_the_model_is_incomplete_and_kept(
    stack: Stack, marker: str, reason: str, code: str
) -> None:
    ended, reader = _ended(stack, marker, reply("what there is", finish_reason=reason))

    assert (ended["status"], ended["error"]["code"]) == ("incomplete", code)  # type: ignore[index]
    assert reader.text == "what there is"


def test_a_passing_failure_is_healed_by_another_attempt(stack: Stack) -> None:
    ended, reader = _ended(stack, "[[flaky]]", failing(503), failing(500), reply("at last"))

    assert ended["status"] == "completed"
    assert [attempt["outcome"] for attempt in ended["attempts"]] == [  # type: ignore[attr-defined]
        "upstream_unavailable",
        "upstream_unavailable",
        "completed",
    ]
    assert reader.text == "at last"


def test_a_cut_after_text_starts_the_reply_over(stack: Stack) -> None:
    first = Script(steps=(Text("the first try "), Pause(0.5), Cut()))
    stack.upstream.script("[[restart]]", first, reply("the second try"))
    with stack.client() as client:
        reader = ask(client, "[[restart]]")
        reader.read_until_text()

        ended = reader.read_to_end()

    assert ended["status"] == "completed"
    assert reader.text == "the second try"
    assert reader.resets == 1


def test_an_asked_wait_is_kept_and_pauses_the_model_for_everybody(stack: Stack) -> None:
    stack.upstream.script("[[slow down]]", failing(429, retry_after=1), reply("patience"))
    with stack.client() as client:
        told = ask(client, "[[slow down]]", model="gpt-other")
        told.read_until("queued")
        while not told.polls[-1]["attempts"]:
            told.poll()
        other = ask(client, "an innocent one", model="gpt-other")

        assert told.read_to_end()["status"] == "completed"
        assert other.read_to_end()["status"] == "completed"

    asked = [
        request.received_at
        for request in stack.upstream.requests
        if request.text in ("[[slow down]]", "an innocent one")
    ]
    assert min(asked[1:]) - asked[0] >= 1.0


def test_a_wait_longer_than_a_minute_fails_at_once_and_says_when(stack: Stack) -> None:
    stack.upstream.script("[[come back later]]", failing(429, retry_after=120))
    with stack.client() as client:
        ended = ask(client, "[[come back later]]", model="zz-limited").read_to_end()

    assert ended["error"]["code"] == "rate_limited"
    assert "120" in ended["error"]["detail"]
    assert len(ended["attempts"]) == 1


def test_an_unknown_model_names_those_that_there_are(stack: Stack) -> None:
    ended, _ = _ended(stack, "[[no such model]]", failing(404, "model_not_found"))

    assert "gpt-test" in ended["error"]["detail"]  # type: ignore[index]


def test_a_window_that_is_too_long_is_made_smaller_once(stack: Stack) -> None:
    with stack.client() as client:
        conversation = converse(client)
        for number in range(3):
            turn = say(client, conversation, f"turn {number} " + "word " * 4000)
            Reader(client, turn["job"]["id"]).read_to_end()
        stack.upstream.script(
            "[[too long]]", failing(400, "context_length_exceeded"), reply("it fits now")
        )
        posted = say(client, conversation, "[[too long]]")

        ended = Reader(client, posted["job"]["id"]).read_to_end()

    tries = [request for request in stack.upstream.requests if request.text == "[[too long]]"]
    assert ended["status"] == "completed"
    assert ended["attempt"] == 1
    assert len(tries[1].messages) < len(tries[0].messages)
    assert ended["context"]["omitted_turns"] == 3 - (len(tries[1].messages) - 2) // 2


def test_reasoning_is_no_text_of_the_reply(stack: Stack) -> None:
    thinking = Script(steps=(Reasoning("hmm"), Reasoning("so"), Text("answer"), *STOP))

    ended, reader = _ended(stack, "[[think]]", thinking)

    assert ended["status"] == "completed"
    assert reader.text == "answer"


def test_usage_is_the_servers_where_it_tells_and_ours_where_not(stack: Stack) -> None:
    told, _ = _ended(
        stack, "[[told]]", reply("a b c", usage={"prompt_tokens": 7, "completion_tokens": 5})
    )
    counted, _ = _ended(stack, "[[untold]]", reply("one two three", usage=None))

    assert told["usage"] == {"input_tokens": 7, "output_tokens": 5, "cost": None}
    assert counted["usage"]["output_tokens"] == 3  # type: ignore[index]
    assert counted["usage"]["input_tokens"] == counted["context"]["used"]  # type: ignore[index]


def test_what_stays_open_after_the_last_word_costs_nothing(stack: Stack) -> None:
    said_all = Script(steps=(Text("all said"), End("stop", None), Silence()))

    ended, reader = _ended(stack, "[[lingers]]", said_all)

    assert ended["status"] == "completed"
    assert reader.text == "all said"


def test_a_comment_is_no_text(stack: Stack) -> None:
    ended, reader = _ended(stack, "[[comment]]", Script(steps=(Comment(), Text("x"), *STOP)))

    assert (ended["status"], reader.text) == ("completed", "x")
