"""What a model is asked for a title, and what of its answer is one. Pure."""

import re
import uuid

from common.titles import Material
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE, count_tokens
from worker.context_window import Part, Window

# deploy/demo/answers.py knows it by its first words.
INSTRUCTION = (
    "Write a title of three to six words for the conversation that begins like this, in the"
    " language of its question. Answer with the title alone: no quotation marks, no full stop."
)
LONGEST = 80

_THOUGHTS = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_LABEL = re.compile(r"(title|título|titulo)\s*:\s*", re.IGNORECASE)
_AROUND = " \t*_`\"'“”«»‘’"


def window_for(material: Material, prompt_id: uuid.UUID, budget: int) -> Window:
    """The call's two messages: the instruction, and how the conversation begins."""
    begins = f"<question>\n{material.question}\n</question>\n<reply>\n{material.reply}\n</reply>"
    parts = [Part(prompt_id, "system", INSTRUCTION), Part(prompt_id, "user", begins)]
    used = sum(count_tokens(part.content) + TOKENS_PER_MESSAGE for part in parts)
    return Window(
        parts=parts,
        budget=budget,
        used=used + TOKENS_PER_ANSWER,
        omitted_turns=0,
        first_sent_message_id=prompt_id,
    )


def title_of(answer: str) -> str | None:
    """One line without thoughts, marks and label, cut between words; None: there is none."""
    lines = (line.lstrip("#").strip(_AROUND) for line in _THOUGHTS.sub("", answer).splitlines())
    first = next((line for line in lines if line), "")
    title = " ".join(_LABEL.sub("", first, count=1).strip(_AROUND).rstrip(".").split())
    if len(title) > LONGEST:
        title = title[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
    return title or None
