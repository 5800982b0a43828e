"""What is asked for a title, and which part of an answer is one."""

import pytest

from common.db import new_id
from common.titles import Material
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE, count_tokens
from deploy.demo.answers import ASKS_FOR_A_TITLE
from worker.titling import INSTRUCTION, LONGEST, title_of, window_for


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Colas con prioridad", "Colas con prioridad"),
        ('  "Colas con prioridad."\n', "Colas con prioridad"),
        ("**Título: «Colas»**", "Colas"),
        ("Title: Queues\n\nBecause the question…", "Queues"),
        ("# Colas   y\tárboles", "Colas y árboles"),
        ("<think>they ask\nfor a title</think>\nColas", "Colas"),
        ("¿Qué es una cola?", "¿Qué es una cola?"),
        ("## Colas en C#", "Colas en C#"),
        ("<think>and then it was cut", None),
        ("", None),
        (" \n\t\n ", None),
        ('"."', None),
        ("***", None),
    ],
)
def test_one_line_without_thoughts_marks_and_label_is_the_title(
    answer: str, title: str | None
) -> None:
    assert title_of(answer) == title


@pytest.mark.parametrize("answer", ["palabra " * 100, "a" * 500, "😀 " * 100])
def test_a_long_answer_is_cut_between_words_where_it_has_some(answer: str) -> None:
    title = title_of(answer)

    assert title is not None
    assert 1 < len(title) <= LONGEST
    assert title.endswith("…")
    assert not title.endswith(" …")


def test_the_call_has_the_instruction_and_how_the_conversation_begins() -> None:
    prompt = new_id()

    window = window_for(Material("¿Qué es una cola?", "Una lista."), prompt, budget=4000)

    system, user = window.parts
    assert (system.role, system.content) == ("system", INSTRUCTION)
    assert user.role == "user"
    assert "¿Qué es una cola?" in user.content
    assert "Una lista." in user.content
    said = sum(count_tokens(part.content) for part in window.parts)
    assert window.used == said + 2 * TOKENS_PER_MESSAGE + TOKENS_PER_ANSWER
    assert window.as_record(8000)["first_sent_message_id"] == str(prompt)


def test_the_demo_server_knows_the_instruction() -> None:
    assert INSTRUCTION.startswith(ASKS_FOR_A_TITLE)
