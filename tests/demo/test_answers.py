"""The prepared answers: language, determinism, and samples that do what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.answers import answer_to, kind_of, language_of, pieces_of, quote, title_of

ROOT = Path(__file__).parents[2]
QUESTIONS = {
    "default": {"es": "¿Qué es un cerrojo?", "en": "What is a lock?"},
    "code": {"es": "explica esto:\n```py\nx = 1\n```", "en": "explain this:\ndef f(): pass"},
    "tests": {"es": "escribe pruebas para mi función", "en": "write tests for my function"},
}
ALL = [(kind, language) for kind in QUESTIONS for language in ("es", "en")]


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_answer_says_first_that_it_is_the_demonstration(kind: str, language: str) -> None:
    question = QUESTIONS[kind][language]
    answer = answer_to([question])

    first = {"es": "Esto es la demostración de EpiCode", "en": "This is EpiCode's demonstration"}
    assert first[language] in answer.splitlines()[0]
    assert quote(question) in answer
    assert "{question}" not in answer


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_answer_has_code_with_its_file_a_table_and_a_diff(kind: str, language: str) -> None:
    answer = answer_to([QUESTIONS[kind][language]])

    assert re.search(r"^```python \w+\.py$", answer, re.MULTILINE)
    assert "```diff\n" in answer
    assert "|---|---|" in answer
    assert "kill -9" in answer
    assert answer.count("\n```") % 2 == 0


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_an_answer_is_long_enough_to_be_interrupted(kind: str, language: str) -> None:
    pieces = pieces_of(answer_to([QUESTIONS[kind][language]]))

    assert 450 <= len(pieces) <= 650


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_pieces_joined_are_the_text_again(kind: str, language: str) -> None:
    answer = answer_to([QUESTIONS[kind][language] + " 🎉 \u200d\tñ"])

    assert "".join(pieces_of(answer)) == answer


@pytest.mark.parametrize(("kind", "language"), [k for k in ALL if k[0] != "tests"])
def test_the_diffs_fit_the_files_before_them(kind: str, language: str) -> None:
    before, after = patched(answer_to([QUESTIONS[kind][language]]))

    compile(before, "before", "exec")
    compile(after, "after", "exec")
    assert before != after


def test_the_mended_sample_no_longer_splits_words() -> None:
    before, after = patched(answer_to([QUESTIONS["code"]["en"]]))

    assert run(before, "slug")("Crème brûlée again", 10) == "creme-brul"
    assert run(after, "slug")("Crème brûlée again", 10) == "creme"
    assert run(after, "slug")("Crème brûlée again", 12) == "creme-brulee"
    assert run(after, "slug")("¿?") == "untitled"


@pytest.mark.parametrize(
    ("turns", "language"),
    [
        (["hola"], "es"),
        (["Escribe quicksort en Python"], "es"),
        (["write quicksort in Python"], "en"),
        (["Hello, how are you?"], "en"),
        (["What is a lock?", "quicksort"], "en"),
        (["quicksort"], "es"),
        ([], "es"),
    ],
)
def test_the_language_is_the_askers(turns: list[str], language: str) -> None:
    assert language_of(turns) == language


def test_the_same_question_gets_the_same_answer() -> None:
    assert answer_to(["¿y eso?"]) == answer_to(["¿y eso?"])
    assert kind_of("haz un test") == "tests"


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("a\nb\r\n\tc\x00d", "`a b c d`"),
        ("``` <img src=x onerror=alert(1)>", "`''' <img src=x onerror=alert(1)>`"),
        ("x" * 500, "`" + "x" * 99 + "…`"),
        ("", "`…`"),
        ("\ud800", "`…`"),
    ],
)
def test_a_quoted_question_is_one_line_of_inline_code(question: str, quoted: str) -> None:
    assert quote(question) == quoted


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_buttons_it_names_are_called_so_on_the_page(language: str) -> None:
    catalogue = ROOT / "web" / "static" / "i18n" / f"{language}.json"
    labels = json.loads(catalogue.read_text(encoding="utf-8")).values()
    tour = answer_to([QUESTIONS["default"][language]]).rpartition("## ")[2]

    assert set(re.findall(r"\*\*(.+?)\*\*", tour)) <= set(labels)


def test_a_question_is_never_a_template() -> None:
    assert answer_to(["{question}"]).count("`{question}`") == 1


def patched(answer: str) -> tuple[str, str]:
    """The answer's file, and the same with the answer's diff applied."""
    before = re.findall(r"```python \S+\n(.*?)\n```", answer, re.DOTALL)[0] + "\n"
    diff = re.findall(r"```diff\n(.*?)\n```", answer, re.DOTALL)[0].splitlines()
    hunk = [line for line in diff if not re.match(r"---|\+\+\+|@@", line)]
    old = "".join(line[1:] + "\n" for line in hunk if line[0] in " -")
    new = "".join(line[1:] + "\n" for line in hunk if line[0] in " +")
    start, old_count, new_count = map(
        int, re.findall(r"@@ -(\d+),(\d+) \+\d+,(\d+) @@", "\n".join(diff))[0]
    )
    assert before.count(old) == 1
    assert before[: before.index(old)].count("\n") + 1 == start
    assert (old.count("\n"), new.count("\n")) == (old_count, new_count)
    return before, before.replace(old, new)


def run(source: str, name: str) -> Any:
    names: dict[str, Any] = {"__name__": "sample"}
    exec(source, names)
    return names[name]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("¿qué es un cerrojo en C++?", "Qué es un cerrojo en C++"),
        ("what is a lease, and who renews it when nobody looks?", "What is a lease and who"),
        ("```python\nx = 1\n```\nexplica esto", "Explica esto"),
        ("```python\nx = 1", "Una pregunta"),
        ("¿¡!?", "Una pregunta"),
    ],
)
def test_a_title_is_the_questions_first_words(question: str, title: str) -> None:
    begins = f"<question>\n{question}\n</question>\n<reply>\nnada\n</reply>"

    assert title_of([begins]) == title
    assert title_of([question]) == title
    assert title_of([]) == "Una pregunta"
