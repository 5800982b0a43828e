"""The rows that growth is measured on keep every promise: others would measure nothing real."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import Date, func, select

from bench.stored import make_history, make_waiting
from bench.upstream import Pace
from common import branches, ringing
from common.audit import Limits, audit
from common.config import TestingConfig
from common.db import Database
from common.models import Conversation, Job, Message
from common.tokens import count_tokens
from tests.common.rows import come_online, make_user

RING_TIMEOUT = timedelta(seconds=30)


def test_a_long_history_is_one_branch_with_counted_turns(
    database: Database, config: TestingConfig
) -> None:
    ids = make_history(database, conversations=3, turns=4, said="some words")

    with database.transaction() as session:
        assert audit(session, Limits.of(config)) == []
        found = session.get_one(Conversation, uuid.UUID(ids[0]))
        page = branches.branch(session, found.id, found.head_message_id, limit=100)
        assert [each.turn_index for each in page.messages] == list(range(9))
        assert {each.token_count for each in page.messages[1:]} == {count_tokens("some words")}
        assert len(ids) == len(set(ids)) == 3


def test_a_history_too_long_for_one_statement_is_as_whole(
    database: Database, config: TestingConfig
) -> None:
    ids = make_history(database, conversations=3, turns=2_000, said="word")

    with database.transaction() as session:
        assert audit(session, Limits.of(config)) == []
        turns = select(Message.conversation_id, func.count()).group_by(Message.conversation_id)
        counted = {str(each): count for each, count in session.execute(turns)}
        assert counted == dict.fromkeys(ids, 4_001)
        days = session.scalars(select(Conversation.created_at.cast(Date))).all()
        assert len(set(days)) == 3


def test_waiting_jobs_stand_in_the_line_of_their_owners(
    database: Database, config: TestingConfig
) -> None:
    pace = Pace(tokens=1)
    with database.transaction() as session:
        owners = [make_user(session, name) for name in ("alice", "bob")]

    make_waiting(database, 6, owners, pace)

    with database.transaction() as session:
        assert audit(session, Limits.of(config)) == []
        assert sorted(session.scalars(select(Job.user_id))) == sorted(owners * 3)
        assert pace.marker("0") in session.scalars(select(Message.content)).all()
        come_online(session, 8)
        assert len(ringing.pick(session, RING_TIMEOUT)) == 6
