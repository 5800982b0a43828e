"""What of a conversation is sent to the model. Pure: takes counted messages, returns a window.

1. The system message and the newest turn, always.
2. Turns with a part marked `always`.
3. Whole turns backwards from the newest until one does not fit.
Never a reply without its question; a turn whose reply has no text, or with a part marked
`never`, is left out whole. Each message counts once, with the count that was stored.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Protocol

from common.errors import EpiCodeError
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE


class Counted(Protocol):
    """A message as the window needs it; `token_count` in o200k tokens."""

    id: uuid.UUID
    role: str
    content: str
    in_window: str
    turn_index: int
    token_count: int


@dataclass(frozen=True)
class Part:
    """One message as it is sent."""

    id: uuid.UUID
    role: str
    content: str


@dataclass(frozen=True)
class Window:
    """The messages sent, in order; `used` of `budget` tokens; how many earlier turns were not.

    `first_sent_message_id` is where the unbroken run up to the newest turn begins.
    """

    parts: list[Part]
    budget: int
    used: int
    omitted_turns: int
    first_sent_message_id: uuid.UUID

    @property
    def is_of_first_turn(self) -> bool:
        """Nothing was said in the conversation before."""
        asked = sum(part.role == "user" for part in self.parts)
        return asked == 1 and self.omitted_turns == 0

    def as_record(self, context_window: int) -> dict[str, Any]:
        """What the job keeps of it; `context_window` is the model's, in tokens."""
        return {
            "window": context_window,
            "budget": self.budget,
            "used": self.used,
            "omitted_turns": self.omitted_turns,
            "first_sent_message_id": str(self.first_sent_message_id),
            "message_ids": [str(part.id) for part in self.parts],
        }


@dataclass(frozen=True)
class _Turn:
    question: Counted
    reply: Counted

    @property
    def tokens(self) -> int:
        return _cost(self.question) + _cost(self.reply)

    def is_marked(self, mark: Literal["always", "never"]) -> bool:
        return mark in (self.question.in_window, self.reply.in_window)

    @property
    def can_be_sent(self) -> bool:
        return bool(self.reply.content) and not self.is_marked("never")


def build_window(messages: Sequence[Counted], budget: int) -> Window:
    """The window for the last of `messages`, a user's turn; the first is the system message.

    `messages` are in order and may leave out turns that could not fit anyway. Raises EpiCodeError
    `turn_too_long` when system message, newest turn and pins alone exceed the budget.
    """
    root, newest = messages[0], messages[-1]
    earlier = _turns(messages[1:-1])
    chosen = {
        turn.reply.id: turn for turn in earlier if turn.can_be_sent and turn.is_marked("always")
    }
    used = TOKENS_PER_ANSWER + (_cost(root) if root.content else 0) + _cost(newest)
    used += sum(turn.tokens for turn in chosen.values())
    if used > budget:
        raise EpiCodeError("turn_too_long", tokens=used, budget=budget, model="")
    run_begins = newest.id
    for turn in reversed(earlier):
        if turn.reply.id not in chosen and turn.can_be_sent:
            if used + turn.tokens > budget:
                break
            used += turn.tokens
            chosen[turn.reply.id] = turn
        if turn.reply.id in chosen:
            run_begins = turn.question.id
    sent = [turn for turn in earlier if turn.reply.id in chosen]
    parts = [root] if root.content else []
    for turn in sent:
        parts += [turn.question, turn.reply]
    parts.append(newest)
    return Window(
        parts=[Part(part.id, part.role, part.content) for part in parts],
        budget=budget,
        used=used,
        # Depths alternate question and reply, so the newest turn's depth counts those before it.
        omitted_turns=(newest.turn_index - 1) // 2 - len(sent),
        first_sent_message_id=run_begins,
    )


def _turns(messages: Sequence[Counted]) -> list[_Turn]:
    """Questions with their replies; a reply whose question was not read is no turn."""
    turns = []
    for question, reply in pairwise(messages):
        if (question.role, reply.role) == ("user", "assistant"):
            turns.append(_Turn(question, reply))
    return turns


def _cost(message: Counted) -> int:
    return message.token_count + TOKENS_PER_MESSAGE
