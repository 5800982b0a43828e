"""The reader's cursor: opaque, counted in bytes, cut where characters start."""

import base64
import random

import pytest

from common.cursor import Cursor, Reading, character_start, read_on
from common.errors import EpiCodeError

TEXT = "año 😀 שלום".encode()


def test_a_cursor_comes_back_as_it_was() -> None:
    for cursor in (Cursor(0, 0), Cursor(1, 0), Cursor(3, 1_048_576), Cursor(12, 7)):
        opaque = cursor.encode()

        assert Cursor.decode(opaque) == cursor
        assert opaque.isascii()
        assert not set(opaque) & set("+/=&?# ")


@pytest.mark.parametrize(
    "opaque",
    [
        "",
        "x",
        "1.2",
        "....",
        "é",
        "\ud800",
        "AAAA",
        "A" * 5000,
        *[
            base64.urlsafe_b64encode(inside).decode().rstrip("=")
            for inside in (b"1", b"1.", b".1", b"1.2.3", b"-1.2", b"1.-2", b"a.b", b"1. 2")
        ],
        base64.urlsafe_b64encode(b"1." + b"9" * 40).decode(),
        base64.urlsafe_b64encode("².".encode() + b"1").decode(),
    ],
)
def test_what_we_did_not_hand_out_is_refused_by_its_field(opaque: str) -> None:
    with pytest.raises(EpiCodeError) as refused:
        Cursor.decode(opaque)

    assert refused.value.code == "invalid_input"
    assert refused.value.fields == [{"field": "cursor", "key": "invalid.cursor"}]


def test_random_bytes_are_refused_or_read_and_never_an_error() -> None:
    chance = random.Random(11)
    for _ in range(2000):
        raw = bytes(chance.choice(b"0123456789.-+ax\xff") for _ in range(chance.randint(0, 12)))
        try:
            cursor = Cursor.decode(base64.urlsafe_b64encode(raw).decode().rstrip("="))
        except EpiCodeError:
            continue
        assert cursor.attempt >= 0
        assert cursor.offset >= 0


@pytest.mark.parametrize("finished", [False, True])
def test_without_a_cursor_the_whole_text_comes_and_nothing_is_dropped(finished: bool) -> None:
    whole = Reading(TEXT.decode(), Cursor(2, len(TEXT)), reset=False)

    assert read_on(None, 2, TEXT, finished=finished) == whole
    assert read_on(Cursor(0, 0), 2, TEXT, finished=finished) == whole


@pytest.mark.parametrize("finished", [False, True])
def test_within_the_same_attempt_the_rest_comes(finished: bool) -> None:
    at = len("año ".encode())

    reading = read_on(Cursor(2, at), 2, TEXT, finished=finished)

    assert reading == Reading("😀 שלום", Cursor(2, len(TEXT)), reset=False)
    end = Cursor(2, len(TEXT))
    assert read_on(end, 2, TEXT, finished=finished) == Reading("", end, reset=False)


def test_beyond_an_unfinished_text_the_reader_waits() -> None:
    beyond = Cursor(2, len(TEXT) + 5)

    assert read_on(beyond, 2, TEXT, finished=False) == Reading("", beyond, reset=False)


def test_beyond_a_finished_text_the_reader_starts_over() -> None:
    reading = read_on(Cursor(2, len(TEXT) + 5), 2, TEXT, finished=True)

    assert reading == Reading(TEXT.decode(), Cursor(2, len(TEXT)), reset=True)


@pytest.mark.parametrize("attempt", [1, 3])
@pytest.mark.parametrize("finished", [False, True])
def test_in_another_attempt_the_reader_starts_over(attempt: int, finished: bool) -> None:
    reading = read_on(Cursor(attempt, 4), 2, TEXT, finished=finished)

    assert reading == Reading(TEXT.decode(), Cursor(2, len(TEXT)), reset=True)


def test_a_cursor_inside_a_character_reads_it_whole() -> None:
    inside = len("año ".encode()) + 2

    assert read_on(Cursor(1, inside), 1, TEXT, finished=False).text == "😀 שלום"
    assert character_start(TEXT, inside) == len("año ".encode())


def test_a_reader_who_reads_in_any_steps_sees_every_character_once() -> None:
    chance = random.Random(5)
    for _ in range(200):
        text = "".join(chance.choice("añ😀\n漢") for _ in range(chance.randint(0, 40)))
        seen, cursor, known = "", None, 0
        while True:
            reading = read_on(cursor, 1, text[:known].encode(), finished=False)
            assert not reading.reset
            seen, cursor = seen + reading.text, reading.cursor
            if known == len(text):
                break
            known = min(len(text), known + chance.randint(0, 7))
        assert seen == text
