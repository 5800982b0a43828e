"""Pinned turns take their room in every window: at the pin, and at each turn below it."""

import json
import uuid
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from common import conversations, jobs
from common.catalogue import Catalogue
from common.errors import EpiCodeError
from common.jobs import Said
from common.models import Conversation
from common.turns import Posted
from tests.common.rows import ALICE, CAPS, claim, for_window, make_conversation
from worker.context_window import build_window

BUDGET = 1024


@pytest.fixture
def small(tmp_path: Path) -> Catalogue:
    """A model whose window leaves 1,024 tokens for what is sent."""
    model = {"id": "small", "label": "Small", "context_window": 2048, "tokenizer": "o200k"}
    file = tmp_path / "models.json"
    file.write_text(json.dumps({"models": [model]}))
    return Catalogue(file)


def converse(session: Session) -> Conversation:
    conversation = make_conversation(session)
    conversation.model = None
    return conversation


def say(
    session: Session,
    conversation: Conversation,
    catalogue: Catalogue,
    words: int,
    *,
    parent_id: uuid.UUID | None = None,
    answered: int | None = 50,
) -> Posted:
    """A turn of so many tokens, answered with so many."""
    posted = conversations.post_message(
        session,
        ALICE,
        conversation.id,
        content="a " * words,
        catalogue=catalogue,
        caps=CAPS,
        parent_id=parent_id,
    )
    if answered is not None:
        claim(session, posted.job.id)
        jobs.complete(session, posted.job.id, 1, Said("b " * answered, token_count=answered))
    session.expire_all()
    return posted


def pin(session: Session, posted: Posted, catalogue: Catalogue) -> None:
    conversations.set_in_window(session, ALICE, posted.message.id, "always", catalogue)


def test_a_pin_counts_with_the_other_half_of_its_turn(session: Session, small: Catalogue) -> None:
    conversation = converse(session)
    turn = say(session, conversation, small, 400, answered=700)

    with pytest.raises(EpiCodeError) as refused:
        pin(session, turn, small)

    assert refused.value.code == "pins_too_long"
    assert refused.value.params["tokens"] > 1100
    assert refused.value.params["budget"] == BUDGET


def test_a_turn_that_does_not_fit_beside_the_pins_is_refused_at_the_door(
    session: Session, small: Catalogue
) -> None:
    conversation = converse(session)
    pin(session, say(session, conversation, small, 400, answered=300), small)

    with pytest.raises(EpiCodeError) as refused:
        say(session, conversation, small, 400)

    assert refused.value.code == "turn_too_long"
    assert refused.value.params["tokens"] > BUDGET


def test_what_the_door_lets_in_has_a_window_with_all_its_pins(
    session: Session, small: Catalogue
) -> None:
    conversation = converse(session)
    pinned = say(session, conversation, small, 300, answered=200)
    pin(session, pinned, small)
    say(session, conversation, small, 300)

    posted = say(session, conversation, small, 450, answered=None)

    read = for_window(session, conversation.id, posted.message.id, BUDGET)
    sent = [part.id for part in build_window(read, BUDGET).parts]
    assert {pinned.message.id, pinned.reply.id, posted.message.id} <= set(sent)


def test_pins_of_another_branch_take_no_room(session: Session, small: Catalogue) -> None:
    conversation = converse(session)
    root = conversations.system_message(session, conversation.id).id
    pin(session, say(session, conversation, small, 400, answered=400), small)

    edited = say(session, conversation, small, 500, parent_id=root)

    pin(session, edited, small)
    assert conversations.find_message(session, ALICE, edited.message.id).in_window == "always"


def test_regenerating_counts_the_pins_too(session: Session, small: Catalogue) -> None:
    conversation = converse(session)
    first = say(session, conversation, small, 400, answered=300)
    second = say(session, conversation, small, 400)
    pin(session, first, small)

    with pytest.raises(EpiCodeError, match="turn_too_long"):
        conversations.regenerate(session, ALICE, second.message.id, catalogue=small, caps=CAPS)
