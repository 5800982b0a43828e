"""What is read of a long branch to build its window: no more than may be sent, and all of that."""

import random
import uuid
from collections.abc import Sequence

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from common.db import Database
from common.models import Conversation, Message
from tests.common.lines import EVERYTHING, Line, branch, must_be_sent, random_branch, sent
from tests.common.rows import ALICE, for_window
from tests.common.statements import statements
from worker.context_window import build_window


def save(session: Session, lines: Sequence[Line]) -> uuid.UUID:
    """The branch as a conversation of Alice's; its id."""
    conversation = Conversation(user_id=ALICE)
    session.add(conversation)
    session.flush()
    parents = [None, *[line.id for line in lines]]
    session.execute(
        insert(Message),
        [
            {
                "id": line.id,
                "conversation_id": conversation.id,
                "parent_id": parent,
                "turn_index": line.turn_index,
                "role": line.role,
                "content": line.content,
                "in_window": line.in_window,
                "token_count": line.token_count,
            }
            for line, parent in zip(lines, parents, strict=False)
        ],
    )
    return conversation.id


def read(session: Session, lines: Sequence[Line], budget: int) -> Sequence[Message]:
    conversation = save(session, lines)
    return for_window(session, conversation, lines[-1].id, budget)


def test_of_300_turns_only_what_may_be_sent_is_read(shared_database: Database) -> None:
    lines = branch(300)
    with shared_database.transaction() as session:
        conversation = save(session, lines)
        with statements(shared_database) as asked:
            messages = for_window(session, conversation, lines[-1].id, 500)

        assert len(asked) <= 3
        assert 40 <= len(messages) <= 60
        assert messages[0].id == lines[0].id
        assert messages[-1].id == lines[-1].id


def test_pins_are_found_far_above(shared_database: Database) -> None:
    lines = branch(300)
    lines[5].in_window = "always"
    lines[302].in_window = "always"  # a reply: its question comes with it
    with shared_database.transaction() as session:
        conversation = save(session, lines)
        with statements(shared_database) as asked:
            messages = for_window(session, conversation, lines[-1].id, 500)

        assert len(asked) <= 4
        assert len(messages) <= 64
        window = build_window(messages, 500)
        assert sent(window, lines)[:5] == [0, 5, 6, 301, 302]
        assert window.omitted_turns == 300 - (len(window.parts) - 2) // 2


def test_a_branch_that_is_short_is_read_whole_in_one_statement(shared_database: Database) -> None:
    lines = branch(5)
    with shared_database.transaction() as session:
        conversation = save(session, lines)
        with statements(shared_database) as asked:
            messages = for_window(session, conversation, lines[-1].id, EVERYTHING)

        assert len(asked) == 1
        assert [message.id for message in messages] == [line.id for line in lines]


def test_siblings_are_not_read(session: Session) -> None:
    lines = branch(2)
    conversation = save(session, lines)
    sibling = Message(
        conversation_id=conversation,
        parent_id=lines[1].id,
        turn_index=2,
        role="assistant",
        content="another reply",
    )
    session.add(sibling)
    session.flush()

    messages = for_window(session, conversation, lines[-1].id, EVERYTHING)

    assert sibling.id not in {message.id for message in messages}


def test_a_turn_marked_never_makes_room_for_those_above_it(session: Session) -> None:
    lines = branch(3)
    lines[5].in_window, lines[6].token_count = "never", 5000
    messages = read(session, lines, 500)

    assert sent(build_window(messages, 500), lines) == [0, 1, 2, 3, 4, 7]


def test_a_question_that_failed_makes_room_for_those_above_it(session: Session) -> None:
    lines = branch(3)
    lines[5].token_count, lines[6].content, lines[6].token_count = 5000, "", 0
    messages = read(session, lines, 500)

    assert sent(build_window(messages, 500), lines) == [0, 1, 2, 3, 4, 7]


def test_a_pinned_reply_at_the_end_of_what_fits_brings_its_question(
    session: Session,
) -> None:
    lines = branch(3)
    lines[5].token_count = 465
    lines[4].in_window = "always"  # the first message that the budget can not reach
    messages = read(session, lines, 490)

    assert sent(build_window(messages, 490), lines) == [0, 3, 4, 7]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_builds_the_window_of_the_whole_branch(session: Session, seed: int) -> None:
    chance = random.Random(100 + seed)
    for _ in range(15):
        lines = random_branch(chance)
        budget = must_be_sent(lines) + chance.choice([0, 20, 60, 150, 400])

        messages = read(session, lines, budget)

        whole, partial = build_window(lines, budget), build_window(messages, budget)
        assert sent(partial, lines) == sent(whole, lines)
        assert partial.as_record(1) == whole.as_record(1)
