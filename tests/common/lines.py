"""Branches without a database: what a window is built from, and what it must hold."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.db import new_id
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE
from worker.context_window import Window

EVERYTHING = 10**9


@dataclass
class Line:
    """A message of a branch, without a database."""

    role: str
    turn_index: int
    content: str = "text"
    in_window: str = "auto"
    token_count: int = 10
    id: uuid.UUID = field(default_factory=new_id)

    @property
    def cost(self) -> int:
        return self.token_count + TOKENS_PER_MESSAGE


def branch(turns: int, **newest: object) -> list[Line]:
    """A system message, so many answered turns, and the newest question."""
    lines = [Line("system", 0)]
    for _ in range(turns):
        lines += [Line("user", len(lines)), Line("assistant", len(lines) + 1)]
    return [*lines, Line("user", len(lines), **newest)]  # type: ignore[arg-type]


def random_branch(chance: random.Random) -> list[Line]:
    lines = branch(chance.randint(0, 12))
    for line in lines:
        line.token_count = chance.randint(1, 60)
        if line.role != "system":
            line.in_window = chance.choice(["auto"] * 6 + ["always", "never"])
        if line.role == "assistant" and chance.random() < 0.15:
            line.content, line.token_count = "", 0
    if chance.random() < 0.2:
        lines[0].content, lines[0].token_count = "", 0
    return lines


def turns_of(lines: Sequence[Line]) -> list[tuple[Line, Line]]:
    return list(zip(lines[1:-1:2], lines[2:-1:2], strict=True))


def can_be_sent(turn: tuple[Line, Line]) -> bool:
    return bool(turn[1].content) and "never" not in (turn[0].in_window, turn[1].in_window)


def is_pinned(turn: tuple[Line, Line]) -> bool:
    return can_be_sent(turn) and "always" in (turn[0].in_window, turn[1].in_window)


def must_be_sent(lines: Sequence[Line]) -> int:
    """The tokens of what is sent whatever the budget."""
    fixed = [lines[0]] if lines[0].content else []
    fixed += [part for turn in turns_of(lines) if is_pinned(turn) for part in turn]
    return TOKENS_PER_ANSWER + sum(line.cost for line in [*fixed, lines[-1]])


def sent(window: Window, lines: Sequence[Line]) -> list[int]:
    """The places in the branch of what is sent."""
    place = {line.id: at for at, line in enumerate(lines)}
    return [place[part.id] for part in window.parts]
