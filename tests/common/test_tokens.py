"""Token counts: a committed fixture, hostile texts, and no network."""

import json
import random
import socket
from pathlib import Path

import pytest
import tiktoken
import tiktoken_ext.openai_public

from common import tokens
from common.tokens import count_tokens, vocabulary

# Counted by tiktoken itself with its own definition of o200k (the fixture `plain` below).
FIXTURE = json.loads(Path(__file__).with_name("token_counts.json").read_text(encoding="utf-8"))
PIECES = [
    *("\n", " ", "  ", "\t", "\r\n", "\u00a0", "\u2028", "\x1c", "\u200b"),
    *("a", "hola", "ñ", "漢字", "😀", "e\u0301", "שלום", "İ", "ǅ"),
    *("'s", "'LL", "123456", ".", "//", "});", "<|endoftext|>", "```python\n", "_x"),
]


@pytest.fixture(scope="module")
def plain() -> tiktoken.Encoding:
    """tiktoken's own definition of o200k, its download answered from the shipped vocabulary."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tiktoken_ext.openai_public,
            "load_tiktoken_bpe",
            lambda *_, **__: vocabulary(),
        )
        return tiktoken.Encoding(**tiktoken_ext.openai_public.o200k_base())


@pytest.mark.parametrize("case", FIXTURE, ids=[case["name"] for case in FIXTURE])
def test_a_text_counts_as_the_committed_fixture_says(case: dict[str, object]) -> None:
    assert count_tokens(str(case["text"])) == case["tokens"]


def test_the_fixture_is_what_tiktoken_itself_counts(plain: tiktoken.Encoding) -> None:
    counted = [len(plain.encode_ordinary(case["text"])) for case in FIXTURE]

    assert counted == [case["tokens"] for case in FIXTURE]


def test_words_are_cut_as_tiktoken_cuts_them(plain: tiktoken.Encoding) -> None:
    assert plain._pat_str == tokens.O200K_PATTERN


def test_a_long_text_counts_exactly_although_it_is_counted_in_parts(
    plain: tiktoken.Encoding,
) -> None:
    chance = random.Random(200)
    for _ in range(6):
        text = "".join(chance.choice(PIECES) for _ in range(90_000))

        assert len(tokens.SLICES.findall(text)) > 1
        assert count_tokens(text) == len(plain.encode_ordinary(text))


@pytest.mark.parametrize(
    "character", [" ", "\t", "\n", "\u00a0", "a", "A", "^", "/", "1", "漢", "\u0301"]
)
def test_a_run_of_a_million_of_anything_is_counted(character: str) -> None:
    run = character * 1_100_000

    assert 0 < count_tokens(run) <= len(run.encode())


def test_a_long_run_is_miscounted_by_a_token_a_cut_at_most(plain: tiktoken.Encoding) -> None:
    run = "x" * 350_000 + " " * 350_000 + "\n" * 350_000

    assert abs(count_tokens(run) - len(plain.encode_ordinary(run))) <= 11


def test_special_tokens_in_a_turn_are_text_like_any_other() -> None:
    assert count_tokens("<|endoftext|>") > 1
    assert count_tokens("a<|endofprompt|>b") > 3


def test_lone_surrogates_count_as_question_marks() -> None:
    assert count_tokens("a\ud83d b\udc00c") == count_tokens("a? b?c")


def test_an_empty_text_has_no_tokens() -> None:
    assert count_tokens("") == 0


def test_counting_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the token counter asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    tokens._o200k.cache_clear()

    assert count_tokens("sin red") > 0


def test_a_vocabulary_that_was_changed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "O200K_SHA256", "0" * 64)
    tokens._o200k.cache_clear()

    with pytest.raises(RuntimeError, match="not the one tiktoken names"):
        count_tokens("a")
