"""The cursor's rule against any history: attempts that start over, logs that are lost and written
anew, readers who come when they like and whose answers are lost. The histories are hypothesis's.
"""

from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.cursor import Cursor, Reading, read_on

SETTINGS = settings(derandomize=True, deadline=None, database=None, max_examples=200)

# Every code point that UTF-8 has, and more often those that go together with others.
TOGETHER = "a\u0301\u200d👩💻🇪🇸🏽\ufe0f\u200fש\u05c1ل\u202b漢𠜎\n\u2028\ufeff\ufffd\0"
CHARACTERS = st.one_of(st.sampled_from(TOGETHER), st.characters(exclude_categories=["Cs"]))
LOOKS = st.sampled_from(["away", "and reads", "and the answer is lost", "anew"])


@dataclass(frozen=True)
class Moment:
    """In this order: something is said, the log is written, or lost but for some bytes; then each
    reader looks."""

    said: str
    is_logged: bool
    kept: int | None
    looks: tuple[str, str]


MOMENTS = st.builds(
    Moment,
    said=st.text(CHARACTERS, max_size=6),
    is_logged=st.booleans(),
    kept=st.one_of(st.none(), st.none(), st.integers(0, 6)),
    looks=st.tuples(LOOKS, LOOKS),
)
ATTEMPTS = st.lists(st.lists(MOMENTS, min_size=1, max_size=5), min_size=1, max_size=4)
LOST_AT_THE_END = [
    [
        Moment("👩‍💻 e\u0301", True, None, ("and reads", "away")),
        Moment("", False, 3, ("away", "anew")),
    ]
]


@dataclass
class Reader:
    """One who puts together what it is answered."""

    text: str = ""
    cursor: str | None = None

    def asks(self, attempt: int, text: str, *, finished: bool = False) -> Reading:
        cursor = Cursor.decode(self.cursor) if self.cursor else None
        return read_on(cursor, attempt, text.encode(), finished=finished)

    def takes(self, reading: Reading) -> None:
        self.text = ("" if reading.reset else self.text) + reading.text
        self.cursor = reading.cursor.encode()


@dataclass
class Job:
    """What each attempt said (none before the first), and the last one's live log."""

    said: list[str] = field(default_factory=lambda: [""])
    logged: str = ""

    @property
    def attempt(self) -> int:
        return len(self.said) - 1

    def begins_anew(self) -> None:
        self.said.append("")
        self.logged = ""

    def lives(self, moment: Moment) -> None:
        self.said[-1] += moment.said
        if moment.is_logged:
            self.logged = self.said[-1]
        if moment.kept is not None:
            self.logged = self.logged.encode()[: moment.kept].decode(errors="ignore")


@SETTINGS
@given(ATTEMPTS, st.booleans())
@example(LOST_AT_THE_END, True)
@example(LOST_AT_THE_END, False)
def test_every_reader_of_any_history_ends_with_the_saved_text(
    attempts: list[list[Moment]], ends_by_the_sweep: bool
) -> None:
    job, readers = Job(), [Reader(), Reader()]

    for moments in attempts:
        job.begins_anew()
        for moment in moments:
            job.lives(moment)
            for reader, look in zip(readers, moment.looks, strict=True):
                look_at(job, reader, look)

    saved = job.logged if ends_by_the_sweep else job.said[-1]
    for reader in readers:
        reader.takes(reader.asks(job.attempt, saved, finished=True))
        assert reader.text == saved
        again = reader.asks(job.attempt, saved, finished=True)
        assert (again.text, again.reset) == ("", False)


def look_at(job: Job, reader: Reader, look: str) -> None:
    """One poll, and what must hold of what is shown after it."""
    if look == "away":
        return
    if look == "anew":
        reader.text, reader.cursor = "", None
    before = reader.text if is_of(reader, job.attempt) else ""
    reading = reader.asks(job.attempt, job.logged)
    if look == "and the answer is lost":
        return
    reader.takes(reading)
    assert job.said[-1].startswith(reader.text)
    assert reader.text.startswith(before)
    assert reading.cursor == Cursor(job.attempt, len(reader.text.encode()))


def is_of(reader: Reader, attempt: int) -> bool:
    return reader.cursor is not None and Cursor.decode(reader.cursor).attempt == attempt


@SETTINGS
@given(st.text(CHARACTERS, max_size=40), st.integers(0, 200))
def test_an_offset_within_a_character_brings_that_character_whole(text: str, offset: int) -> None:
    said = text.encode()
    offset = min(offset, len(said))

    reading = read_on(Cursor(1, offset), 1, said, finished=False)

    assert said.endswith(reading.text.encode())
    assert 0 <= len(reading.text.encode()) - (len(said) - offset) < 4
    assert reading.cursor == Cursor(1, len(said))
