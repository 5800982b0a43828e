"""What faults of a model server do beside the ends that tests/upstream_faults.py tells."""

from tests.reader import Reader, ask, converse, say
from tests.stack import Stack
from tests.upstream import Cut, End, Pause, Script, Silence, Text, failing, reply


def _ended(stack: Stack, marker: str, *answers: Script) -> tuple[dict[str, object], Reader]:
    stack.upstream.script(marker, *answers)
    with stack.client(headers={"Accept-Language": "en"}) as client:
        reader = ask(client, marker)
        return reader.read_to_end(), reader


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
