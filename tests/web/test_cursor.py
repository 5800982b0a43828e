"""The reader's cursor: every case of it, and a reader who neither misses nor doubles a thing."""

import base64
import itertools
import random
import uuid

import pytest

from common.cursor import Cursor, Reading, read_on
from common.errors import EpiCodeError
from tests.web.hand import Hand
from tests.web.people import Person

TEXTS = ["", "a", "hola", "ñ€😀", "👩‍💻 e\u0301\n"]


def _starts(text: str) -> list[int]:
    """The offsets at which a character starts, and the end."""
    return [len(text[:at].encode()) for at in range(len(text) + 1)]


def _expected(cursor: Cursor | None, attempt: int, text: bytes, finished: bool) -> Reading:
    """The definition, as the design words it, against attempt A with text T. What lies within a
    character, which no cursor of ours does, counts as its start."""
    end = Cursor(attempt, len(text))
    if cursor is None or cursor.attempt == 0:  # a reader who was shown nothing yet
        return Reading(text.decode(), end, reset=False)
    if cursor.attempt == attempt and cursor.offset <= len(text):
        start = max(at for at in _starts(text.decode()) if at <= cursor.offset)
        return Reading(text[start:].decode(), end, reset=False)
    if cursor.attempt == attempt and not finished:
        return Reading("", cursor, reset=False)
    return Reading(text.decode(), end, reset=True)


def _cursors(text: str) -> list[Cursor | None]:
    beyond = len(text.encode())
    offsets = [*range(beyond + 2), beyond + 1000, 10**12]
    return [None, Cursor(0, 0), *itertools.starmap(Cursor, itertools.product((1, 2, 3), offsets))]


@pytest.mark.parametrize("text", TEXTS)
def test_every_cursor_reads_as_it_is_defined(text: str) -> None:
    for cursor in _cursors(text):
        for attempt, finished in itertools.product((1, 2, 3), (False, True)):
            said = text.encode()
            reading = read_on(cursor, attempt, said, finished=finished)
            assert reading == _expected(cursor, attempt, said, finished), (cursor, attempt)


def test_before_the_first_attempt_there_is_nothing_to_read() -> None:
    for finished in (False, True):
        for cursor in (None, Cursor(0, 0)):
            assert read_on(cursor, 0, b"", finished=finished) == Reading("", Cursor(0, 0), False)


@pytest.mark.parametrize("text", TEXTS)
def test_the_live_log_reads_every_cursor_as_the_database_does(
    alice: Person, hand: Hand, text: str
) -> None:
    job = uuid.UUID(alice.say(alice.converse()["id"])["job"]["id"])
    hand.claim(str(job))
    hand.requeue(str(job))
    attempt = hand.claim(str(job))
    hand.write(str(job), text, attempt=attempt)
    assert attempt == 2

    for cursor in _cursors(text):
        live = hand.live_log.read(job, alice.id, cursor)
        if cursor is not None and cursor.attempt > attempt:
            assert live is None, cursor  # the database knows which is the last attempt
            continue
        assert live is not None
        assert live.reading == read_on(cursor, attempt, text.encode(), finished=False), cursor


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_a_reader_ends_with_the_saved_text(seed: int) -> None:
    """Attempts start over, the live log is lost and written anew, the saved text may be longer."""
    chance = random.Random(seed)
    attempt, logged, said = 0, "", ""
    shown, cursor = "", None

    def read(text: str, finished: bool) -> None:
        nonlocal shown, cursor
        reading = read_on(cursor, attempt, text.encode(), finished=finished)
        shown = ("" if reading.reset else shown) + reading.text
        cursor = Cursor.decode(reading.cursor.encode())

    for _ in range(200):
        match chance.choice(["say", "say", "say", "read", "read", "flush", "lose", "restart"]):
            case "restart" if attempt == 0 or chance.random() < 0.2:
                attempt, logged, said = attempt + 1, "", ""
            case "say" if attempt:
                said += chance.choice(["a", "ñ", "😀", "e\u0301", " \n"]) * chance.randint(1, 4)
            case "flush":
                logged = said
            case "lose":
                logged = ""
            case "read":
                read(logged, finished=False)
                if cursor is not None and cursor.attempt == attempt:
                    assert said.startswith(shown)

    attempt = max(attempt, 1)
    read(said, finished=True)
    assert shown == said


def test_a_cursor_survives_its_journey() -> None:
    for cursor in (Cursor(0, 0), Cursor(1, 0), Cursor(3, 1_048_576), Cursor(10**6, 10**12)):
        opaque = cursor.encode()
        assert Cursor.decode(opaque) == cursor
        assert opaque.isascii()
        assert not set(opaque) & set("=+/&?# ")


@pytest.mark.parametrize(
    "inside",
    [
        *(b"", b".", b"1", b"1.", b".1", b"1.2.3", b"1,2", b" 1.2", b"1.2\n", b"1e3.0", b"0x1.0"),
        *(b"-1.2", b"1.-2", b"+1.2", "١.٢".encode(), b"\x00.\x00", b"1" * 12 + b"." + b"1" * 12),
    ],
)
def test_what_we_did_not_hand_out_is_no_cursor(inside: bytes) -> None:
    with pytest.raises(EpiCodeError) as refusal:
        Cursor.decode(base64.urlsafe_b64encode(inside).decode())

    assert refusal.value.code == "invalid_input"


@pytest.mark.parametrize("opaque", ["!", "MC4", "MS4 w", "MS4w\n", "ñ", "\x00", "a", "====", "M"])
def test_what_is_no_base64_is_no_cursor(opaque: str) -> None:
    with pytest.raises(EpiCodeError):
        Cursor.decode(opaque)
