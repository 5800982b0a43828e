"""Which prepared answer a question gets. Pure: the same turns always give the same text, so that
a second attempt after a crash says what the first one said."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

LONGEST_QUOTE = 100
WORDS_OF_A_TITLE = 6
# How EpiCode's instruction for a title begins (worker/titling.py).
ASKS_FOR_A_TITLE = "Write a title"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPANISH = _words(
    """
    a al algo con como cómo código de del el ella en es esa ese eso esta está este esto explica
    función gracias hay haz hola la las lo los me mi mis muy no o para pero por puedes que qué
    quiero se sin sobre son su te tengo tu un una uno usar y ya
    """
)
ENGLISH = _words(
    """
    about an and are as at be but by can code could do does explain for from function give have
    hello help hi how i if in is it like make me my need of on or please show test tests thanks
    that the this to use want was what when which why will with without write you your
    """
)

_TEXTS = Path(__file__).parent / "texts"
_PIECE = re.compile(r"\s*(?:\w{1,5}|[^\w\s]{1,3})|\s+")
_CODE = re.compile(
    r"```|^\s*(?:def|class|import|from|function|const|let|public|SELECT|#include)\b|[{};]\s*$",
    re.MULTILINE,
)
_FENCED = re.compile(r"```.*?(```|\Z)", re.DOTALL)
_TESTS = re.compile(r"\b(?:tests?|testing|pytest|unittest|pruebas?|prueba unitaria)\b", re.I)


def answer_to(turns: list[str]) -> str:
    """The whole answer, as Markdown, to the last of the user's turns."""
    question = turns[-1] if turns else ""
    language = language_of(turns)
    parts = [_text(name, language) for name in ("head", kind_of(question), "tour")]
    # only the head quotes the question, after the parts are read: nobody's words are a template
    parts[0] = parts[0].replace("{question}", quote(question))
    return "\n\n".join(parts) + "\n"


def title_of(turns: list[str]) -> str:
    """The title of a conversation, from the message that shows how it begins."""
    shown = turns[-1] if turns else ""
    begins = re.search(r"<question>(.*?)</question>", shown, re.DOTALL)
    question = begins[1] if begins else shown
    words = re.findall(r"\w[\w+#.-]*[\w+#]|\w", _FENCED.sub(" ", question))[:WORDS_OF_A_TITLE]
    title = " ".join(words)
    if not title:
        return "A question" if language_of([question]) == "en" else "Una pregunta"
    return title[0].upper() + title[1:]


def language_of(turns: list[str]) -> str:
    """ "es" or "en", from the last turn that shows it; "es" where none does."""
    for turn in reversed(turns):
        text = turn.lower()
        words = re.findall(r"[^\W\d_]+", text)
        spanish = sum(word in SPANISH for word in words) + 2 * len(re.findall("[¿¡ñáéíóú]", text))
        english = sum(word in ENGLISH for word in words)
        if spanish != english:
            return "es" if spanish > english else "en"
    return "es"


def kind_of(question: str) -> str:
    """Which of the prepared samples suits: "tests", "code" or "default"."""
    if _TESTS.search(question):
        return "tests"
    return "code" if _CODE.search(question) else "default"


def quote(question: str) -> str:
    """The question as one line of inline code, whatever Markdown or HTML it holds."""
    line = " ".join("".join(c if c.isprintable() else " " for c in question).split())
    line = line.replace("`", "'")
    if len(line) > LONGEST_QUOTE:
        line = line[: LONGEST_QUOTE - 1].rstrip() + "…"
    return f"`{line or '…'}`"


def pieces_of(text: str) -> list[str]:
    """The text in pieces about as long as a model's tokens; joined they are the text again."""
    return _PIECE.findall(text)


@cache
def _text(name: str, language: str) -> str:
    return (_TEXTS / f"{name}.{language}.md").read_text(encoding="utf-8").strip()
