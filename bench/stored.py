"""Rows that were there before: conversations with their turns, and jobs that wait. Made by SQL.

They keep every promise of common/audit.py; a test asks it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import text

from bench.upstream import MODEL, Pace
from common.db import Database
from common.models.access import LOCAL_USER_ID
from common.tokens import count_tokens

SYSTEM_PROMPT = "Be brief."

# What one statement makes: more of it at once would take longer than a statement may.
_TURNS_A_STATEMENT = 4_000
# `turns` answered turns in each of the conversations, a day apart into the past.
_HISTORY = text("""
    WITH conversation AS MATERIALIZED (
        SELECT uuidv7() AS id, uuidv7() AS root, now() - n * interval '1 day' AS at
        FROM generate_series(CAST(:first AS int), :last) AS n
    ),
    turn AS MATERIALIZED (
        SELECT conversation.id AS conversation, root, at + n * interval '1 second' AS at, n,
               uuidv7() AS question, uuidv7() AS reply, uuidv7() AS job
        FROM conversation, generate_series(1, :turns) AS n
    ),
    chained AS MATERIALIZED (
        SELECT *, coalesce(lag(reply) OVER (PARTITION BY conversation ORDER BY n), root) AS parent
        FROM turn
    ),
    made_conversations AS (
        INSERT INTO conversations (id, user_id, model, head_message_id, created_at, updated_at)
        SELECT conversation, :owner, :model, reply, at, at FROM chained WHERE n = :turns
        RETURNING id
    ),
    made_messages AS (
        INSERT INTO messages (id, conversation_id, parent_id, turn_index, role, content,
                              token_count, model, finish_reason, created_at)
        SELECT root, id, NULL, 0, 'system', :prompt, :prompt_tokens, NULL, NULL, at
        FROM conversation
        UNION ALL
        SELECT question, conversation, parent, 2 * n - 1, 'user', :said, :tokens, NULL, NULL, at
        FROM chained
        UNION ALL
        SELECT reply, conversation, question, 2 * n, 'assistant', :said, :tokens, :model, 'stop', at
        FROM chained
    ),
    made_jobs AS (
        INSERT INTO jobs (id, user_id, conversation_id, prompt_message_id, reply_message_id, kind,
                          model, status, attempt, attempts, input_tokens, output_tokens,
                          queued_at, started_at, first_token_at, finished_at)
        SELECT job, :owner, conversation, question, reply, 'reply', :model, 'completed', 1,
               '[{"n": 1, "outcome": "completed", "ran_ms": 500}]', :tokens, :tokens,
               at, at, at + interval '0.2 seconds', at + interval '0.5 seconds'
        FROM chained
    )
    SELECT id FROM made_conversations
""")

# A conversation each, dealt out among the owners, the oldest first.
_WAITING = text("""
    WITH line AS MATERIALIZED (
        SELECT uuidv7() AS conversation, uuidv7() AS root, uuidv7() AS question,
               uuidv7() AS reply, uuidv7() AS job, now() + n * interval '1 microsecond' AS at,
               (CAST(:owners AS uuid[]))[1 + n % cardinality(CAST(:owners AS uuid[]))] AS owner
        FROM generate_series(1, :jobs) AS n
    ),
    made_conversations AS (
        INSERT INTO conversations (id, user_id, model, head_message_id)
        SELECT conversation, owner, :model, reply FROM line
    ),
    made_messages AS (
        INSERT INTO messages (id, conversation_id, parent_id, turn_index, role, content, status,
                              token_count)
        SELECT root, conversation, NULL, 0, 'system', :prompt, 'completed', :prompt_tokens
        FROM line
        UNION ALL
        SELECT question, conversation, root, 1, 'user', :said, 'completed', :tokens FROM line
        UNION ALL
        SELECT reply, conversation, question, 2, 'assistant', '', 'pending', 0 FROM line
    )
    INSERT INTO jobs (id, user_id, conversation_id, prompt_message_id, reply_message_id, kind,
                      model, queued_at)
    SELECT job, owner, conversation, question, reply, 'reply', :model, at FROM line
""")


def make_history(
    database: Database, conversations: int, turns: int, said: str, owner: uuid.UUID = LOCAL_USER_ID
) -> list[str]:
    """Conversations of `turns` turns, each question and each reply being `said`; their ids."""
    values = {"turns": turns, "owner": owner} | _said(said)
    at_once = max(1, _TURNS_A_STATEMENT // turns)
    ids: list[uuid.UUID] = []
    for first in range(1, conversations + 1, at_once):
        some = {"first": first, "last": min(first + at_once - 1, conversations)}
        with database.transaction() as session:
            ids += session.scalars(_HISTORY, values | some).all()
    _tidy(database)
    return [str(each) for each in ids]


def make_waiting(database: Database, jobs: int, owners: Sequence[uuid.UUID], pace: Pace) -> None:
    """Queued jobs of these users, each startable as soon as a slot is free."""
    values = {"jobs": jobs, "owners": list(owners)}
    with database.transaction() as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(_WAITING, values | _said(pace.marker("0")))
    _tidy(database)


def _said(said: str) -> dict[str, object]:
    return {
        "model": MODEL,
        "prompt": SYSTEM_PROMPT,
        "prompt_tokens": count_tokens(SYSTEM_PROMPT),
        "said": said,
        "tokens": count_tokens(said),
    }


def _tidy(database: Database) -> None:
    """What autovacuum would do within a minute, in the middle of a measurement."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM ANALYZE conversations, messages, jobs")
        connection.exec_driver_sql("RESET statement_timeout")
