"""The bytes of an answer as events, however they are cut and whatever they hold."""

import time
from collections.abc import Iterator

import pytest

from common.jobs import Usage
from tests.upstream import DONE, sse
from worker.chunks import (
    MAX_LINE_BYTES,
    MAX_REASON_LENGTH,
    Counted,
    Event,
    Finish,
    Lines,
    NoChunk,
    Reported,
    Text,
    Thinking,
    events_of,
    joined,
)


def chunk(delta: object, finish_reason: object = None, index: object = 0) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return sse({"choices": [choice], "usage": None})


def usage(**counts: object) -> bytes:
    return sse({"choices": [], "usage": counts})


SI = chunk({"content": "sí 👩‍💻"})
END = chunk({}, "stop")
WHOLE = chunk({"role": "assistant", "content": ""}) + SI + chunk({"content": "no"}) + END + DONE
SAID = [Text("sí 👩‍💻"), Text("no"), Finish("stop")]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def read(*parts: bytes) -> list[Event]:
    lines = Lines()
    found = [line for part in parts for line in lines.feed(part)]
    return [event for line in found for event in events_of(line)]


def test_events_are_the_same_wherever_the_bytes_are_cut() -> None:
    for at in range(len(WHOLE)):
        assert read(WHOLE[:at], WHOLE[at:]) == SAID
    for size in (1, 2, 3, 5, 7, 64):
        assert read(*pieces(WHOLE, size)) == SAID


def test_nothing_is_read_after_the_last_word() -> None:
    lines = Lines()
    list(lines.feed(END))
    assert not lines.are_over

    assert list(lines.feed(DONE + SI)) == []
    assert lines.are_over


def test_texts_that_follow_each_other_are_joined_and_nothing_else_is() -> None:
    said = [Text("a"), Text("b"), Thinking(), Text("c"), Finish("stop"), Counted(Usage())]

    together = list(joined(said))

    assert together == [Text("ab"), Thinking(), Text("c"), Finish("stop"), Counted(Usage())]
    assert list(joined([])) == []


def test_what_was_said_before_an_error_is_not_lost_with_it() -> None:
    broken_off = joined(
        event for line in Lines().feed(SI + SI + sse([])) for event in events_of(line)
    )

    assert next(broken_off) == Text("sí 👩‍💻" * 2)
    with pytest.raises(NoChunk):
        next(broken_off)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.replace(b"data: ", b"data:"),
        b": hello\n\nevent: message\nid: 7\nretry: 10\n" + WHOLE,
        sse({"choices": []}) + sse({"choices": None}) + sse({}) + WHOLE,
        chunk({"content": "another"}, "length", index=1) + WHOLE,
        chunk({"content": None}) + chunk(None) + chunk([1]) + WHOLE,
        sse({"error": None, "choices": []}) + WHOLE,
    ],
    ids=[
        "BOM",
        "CR LF",
        "no blank",
        "other fields",
        "no choices",
        "two answers",
        "no text",
        "null",
    ],
)
def test_what_surrounds_the_text_changes_nothing(data: bytes) -> None:
    assert read(data) == SAID
    assert read(*pieces(data, 1)) == SAID


def test_a_byte_order_mark_is_one_only_at_the_beginning() -> None:
    assert read(SI + b"\xef\xbb\xbf" + SI + END) == [SAID[0], Finish("stop")]


def test_two_answers_in_one_chunk_are_told_apart() -> None:
    both = [{"index": 1, "delta": {"content": "B"}}, {"index": 0, "delta": {"content": "A"}}]

    assert read(sse({"choices": both})) == [Text("A")]


def test_reasoning_is_a_sign_of_life_and_no_text() -> None:
    said = read(chunk({"reasoning_content": "hm"}), chunk({"reasoning": "so"}), SI)

    assert said == [Thinking(), Thinking(), SAID[0]]


def test_a_letter_that_was_cut_costs_no_reply() -> None:
    surrogate = chunk({"content": "a\ud83d"})
    half_character = chunk({"content": "caf#"}).replace(b"#", b"\xc3")

    assert read(surrogate, half_character) == [Text("a\ud83d"), Text("caf\ufffd")]


@pytest.mark.parametrize(
    "data",
    [
        b"data: {nonsense\n\n",
        b"data: 5\n\n",
        b'data: "text"\n\n',
        b"data: null\n\n",
        b"data: [1]\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b"data: " + b"1" * 10_000 + b"\n\n",
        b"data: \xff\xfe\n\n",
        b"data: <html>\n\n",
        sse({"choices": 5}),
        sse({"choices": {"a": 1}}),
        sse({"choices": ["a"]}),
    ],
)
def test_what_is_no_chunk_is_refused(data: bytes) -> None:
    with pytest.raises(NoChunk):
        read(data)


@pytest.mark.parametrize("told", [{"code": 429}, {"message": "x"}, "out of memory", [1], 5])
def test_an_error_in_a_chunks_place_is_reported(told: object) -> None:
    with pytest.raises(Reported) as reported:
        read(SI + sse({"error": told}))

    assert reported.value.told == told


def test_a_reply_in_one_piece_is_read_to_a_megabyte_and_more() -> None:
    longest = "é" * (512 * 1024)
    whole = chunk({"content": longest}).replace("é".encode(), b"\\u00e9")

    assert read(*pieces(whole, 16_384)) == [Text(longest)]


def test_a_line_without_end_is_given_up() -> None:
    lines = Lines()
    for piece in pieces(b"x" * MAX_LINE_BYTES, 16_384):
        assert list(lines.feed(piece)) == []

    with pytest.raises(NoChunk):
        list(lines.feed(b"x"))


def test_a_line_costs_in_proportion_to_its_length_and_not_to_its_pieces() -> None:
    line = b"data: " + b"x" * (MAX_LINE_BYTES - 100)
    lines = Lines()

    began_at = time.process_time()
    for piece in pieces(line, 16):
        list(lines.feed(piece))
    took = time.process_time() - began_at

    # a fifth of a second; copying the line for each piece would take minutes
    assert took < 10


@pytest.mark.parametrize(
    "counts",
    [
        {"prompt_tokens": 2**40, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": 10**30},
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 1e300, "completion_tokens": 5},
        {"prompt_tokens": "5", "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"completion_tokens": 5},
        {},
    ],
)
def test_a_usage_that_can_not_be_is_none(counts: dict[str, object]) -> None:
    assert read(usage(**counts)) == []


def test_a_usage_is_read_as_far_as_it_is_told() -> None:
    told = usage(
        prompt_tokens=7,
        completion_tokens=5,
        prompt_tokens_details={"cached_tokens": 3},
        completion_tokens_details=None,
    )

    assert read(told) == [Counted(Usage(7, 5, cached_tokens=3))]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("st\0op", "stop"),
        ("st\ud800op", "stop"),
        ("x" * 10_000, "x" * MAX_REASON_LENGTH),
        ({"why": 1}, "{'why': 1}"),
    ],
)
def test_a_reason_to_stop_is_kept_so_that_it_can_be_saved(told: object, kept: str) -> None:
    assert read(chunk({}, told)) == [Finish(kept)]
