"""A model's output made storable, however it is cut into deltas."""

import random

import pytest

from worker.text_cleaner import TextCleaner

PIECES = [*"añ漢😀\n\ufeff\uffff", "\x00", "\ud83d", "\ude00", "\ud83d\ude00", "\udfff", "\ud800"]


def clean(*deltas: str) -> str:
    cleaner = TextCleaner()
    return "".join(cleaner.feed(delta) for delta in deltas)


@pytest.mark.parametrize(
    ("deltas", "cleaned"),
    [
        (["hola"], "hola"),
        (["a\x00b"], "ab"),
        (["\x00"], ""),
        (["\ud83d", "\ude00"], "😀"),
        (["x\ud83d", "\ude00y"], "x😀y"),
        (["\ud83d", "", "\ude00"], "😀"),
        (["\ud83d\ude00"], "😀"),
        (["a\ud83d", "b"], "ab"),
        (["a\ude00b"], "ab"),
        (["\ud83d", "\ud83d", "\ude00"], "😀"),
        (["\ud83d", "\x00\ude00"], ""),
        (["😀", "\ude00"], "😀"),
        (["the end\ud83d"], "the end"),
        (["\ufeffmark"], "\ufeffmark"),
        ([""], ""),
        ([], ""),
    ],
)
def test_what_can_not_be_stored_is_left_out_and_pairs_become_one(
    deltas: list[str], cleaned: str
) -> None:
    assert clean(*deltas) == cleaned


def test_clean_text_passes_as_it_is() -> None:
    text = "¡Hola! 👩‍💻 e\u0301 עברית \u202e\ufffd\U0010ffff\x01\x7f\u2028"

    assert clean(*text) == text


@pytest.mark.parametrize("seed", range(4))
def test_any_cutting_of_any_text_gives_what_the_whole_gives(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(1500):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randint(0, 14)))
        deltas, at = [], 0
        while at < len(text):
            size = chance.choice([0, 1, 1, 2, 3, 7])
            deltas.append(text[at : at + size])
            at += size

        cleaned = clean(*deltas)

        assert cleaned == clean(text)
        assert "\x00" not in cleaned
        cleaned.encode()  # nothing is left that UTF-8 can't say
