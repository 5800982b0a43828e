"""The window: what it must hold for any branch."""

import random
import uuid
from collections.abc import Sequence

import pytest

from common.errors import EpiCodeError
from common.tokens import TOKENS_PER_ANSWER, TOKENS_PER_MESSAGE
from tests.common.lines import (
    EVERYTHING,
    Line,
    branch,
    can_be_sent,
    is_pinned,
    must_be_sent,
    random_branch,
    sent,
    turns_of,
)
from worker.context_window import build_window


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_branch_the_window_keeps_its_promises(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        lines = random_branch(chance)
        least = must_be_sent(lines)
        budget = least + chance.choice([0, 1, 30, 90, 200, 2000])

        window = build_window(lines, budget)

        by_id = {line.id: line for line in lines}
        parts = [by_id[part.id] for part in window.parts]
        turns = [turn for turn in turns_of(lines) if turn[1] in parts]
        earlier = [part for part in parts if part not in (lines[0], lines[-1])]
        # in order, each once, the newest last, the system message first unless it is empty
        places = sent(window, lines)
        assert places == sorted(set(places))
        assert parts[-1] is lines[-1]
        assert (parts[0] is lines[0]) == bool(lines[0].content)
        # whole turns only: never a reply without its question, nor the other way round
        assert earlier == [part for turn in turns for part in turn]
        # pins always; what is left out by hand, or has no text, never
        assert [turn for turn in turns_of(lines) if is_pinned(turn)] == [
            turn for turn in turns if is_pinned(turn)
        ]
        assert all(can_be_sent(turn) for turn in turns)
        # each message counted once, never over the budget
        assert window.used == TOKENS_PER_ANSWER + sum(part.cost for part in parts)
        assert window.used <= budget
        # no turn is left out that would have come next
        unsent = [turn for turn in turns_of(lines) if can_be_sent(turn) and turn not in turns]
        if unsent:
            assert window.used + sum(part.cost for part in unsent[-1]) > budget
        assert window.omitted_turns == len(turns_of(lines)) - len(turns)
        assert window.first_sent_message_id == run_begins(lines, turns)


def run_begins(lines: Sequence[Line], turns: Sequence[tuple[Line, Line]]) -> uuid.UUID:
    """Upwards from the newest turn until one that could be sent was not."""
    begins = lines[-1].id
    for turn in reversed(turns_of(lines)):
        if turn in turns:
            begins = turn[0].id
        elif can_be_sent(turn):
            break
    return begins


def test_a_new_conversation_sends_prompt_and_question() -> None:
    lines = branch(0)

    window = build_window(lines, 100)

    assert sent(window, lines) == [0, 1]
    assert (window.omitted_turns, window.first_sent_message_id) == (0, lines[1].id)
    assert window.used == 2 * (10 + TOKENS_PER_MESSAGE) + TOKENS_PER_ANSWER


def test_an_empty_system_message_is_not_sent_and_costs_nothing() -> None:
    lines = branch(0)
    lines[0].content, lines[0].token_count = "", 0

    window = build_window(lines, 100)

    assert sent(window, lines) == [1]
    assert window.used == 10 + TOKENS_PER_MESSAGE + TOKENS_PER_ANSWER


def test_the_budget_may_be_used_to_its_last_token() -> None:
    lines = branch(1)
    exactly = build_window(lines, EVERYTHING).used

    assert sent(build_window(lines, exactly), lines) == [0, 1, 2, 3]
    assert sent(build_window(lines, exactly - 1), lines) == [0, 3]


def test_a_turn_that_does_not_fit_ends_the_run_and_nothing_older_slips_in() -> None:
    lines = branch(3)
    lines[4].token_count = 1000  # the reply of the second turn

    window = build_window(lines, 200)

    assert sent(window, lines) == [0, 5, 6, 7]
    assert (window.omitted_turns, window.first_sent_message_id) == (2, lines[5].id)


def test_a_pinned_turn_is_sent_from_above_the_run_and_does_not_begin_it() -> None:
    lines = branch(4)
    lines[1].in_window = "always"
    lines[5].token_count = 1000

    window = build_window(lines, 200)

    assert sent(window, lines) == [0, 1, 2, 7, 8, 9]
    assert (window.omitted_turns, window.first_sent_message_id) == (2, lines[7].id)


def test_a_pinned_reply_brings_its_question() -> None:
    lines = branch(2)
    lines[2].in_window = "always"
    lines[4].token_count = 1000

    assert sent(build_window(lines, 200), lines) == [0, 1, 2, 5]


def test_a_turn_marked_never_is_left_out_even_when_its_other_half_is_pinned() -> None:
    lines = branch(2)
    lines[1].in_window, lines[2].in_window = "never", "always"

    window = build_window(lines, EVERYTHING)

    assert sent(window, lines) == [0, 3, 4, 5]
    assert window.omitted_turns == 1


def test_a_turn_whose_reply_has_no_text_is_left_out_whole_and_breaks_no_run() -> None:
    lines = branch(3)
    lines[4].content = ""

    window = build_window(lines, EVERYTHING)

    assert sent(window, lines) == [0, 1, 2, 5, 6, 7]
    assert (window.omitted_turns, window.first_sent_message_id) == (1, lines[1].id)


def test_marks_on_system_message_and_newest_turn_change_nothing() -> None:
    lines = branch(0, in_window="never")
    lines[0].in_window = "never"

    assert sent(build_window(lines, 100), lines) == [0, 1]


@pytest.mark.parametrize("pinned", [False, True])
def test_what_alone_exceeds_the_budget_is_refused_with_both_numbers(pinned: bool) -> None:
    lines = branch(1)
    (lines[1] if pinned else lines[-1]).token_count = 500
    lines[1].in_window = "always"
    needed = must_be_sent(lines)

    with pytest.raises(EpiCodeError) as refused:
        build_window(lines, needed - 1)

    assert refused.value.code == "turn_too_long"
    assert refused.value.params["tokens"] == needed
    assert refused.value.params["budget"] == needed - 1
    assert build_window(lines, needed).used == needed


def test_a_reply_whose_question_was_not_read_is_never_sent_alone() -> None:
    lines = branch(3)

    window = build_window([lines[0], *lines[4:]], EVERYTHING)

    assert sent(window, lines) == [0, 5, 6, 7]
    assert window.omitted_turns == 2


def test_the_job_keeps_what_was_sent() -> None:
    lines = branch(1)

    record = build_window(lines, 1000).as_record(32_768)

    assert record == {
        "window": 32_768,
        "budget": 1000,
        "used": 4 * (10 + TOKENS_PER_MESSAGE) + TOKENS_PER_ANSWER,
        "omitted_turns": 0,
        "first_sent_message_id": str(lines[1].id),
        "message_ids": [str(line.id) for line in lines],
    }
