"""Titles that a model gives: a background job after the first reply, never over a person's title.

The job has no reply: its prompt is the conversation's first turn, and its text becomes the title.
"""

import uuid
from dataclasses import dataclass

import orjson

from common.db import Transaction, new_id
from common.jobs import JobRow
from common.statement import Statement, prepared

# Whoever has so many jobs waiting needs replies, not titles.
MOST_WAITING = 50
# Room for models that think before they answer; a title itself takes ten.
PARAMS = {"max_output_tokens": 1000, "temperature": 0.2, "reasoning_effort": "low"}
# Characters of the question and of its reply that a title is made from.
OF_QUESTION, OF_REPLY = 1200, 600

_ENQUEUE = prepared(
    "enqueue_title",
    """
    INSERT INTO jobs (id, user_id, key_id, conversation_id, prompt_message_id, kind, model, params)
    SELECT :id, user_id, CAST(:key AS uuid), id, :prompt, 'title', :model, CAST(:params AS jsonb)
    FROM conversations
    WHERE id = :conversation AND title_source = 'default' AND (
        SELECT count(*) FROM (
            SELECT FROM jobs WHERE status = 'queued' AND user_id = :user LIMIT :most) AS few
    ) < :most
    ON CONFLICT (prompt_message_id) WHERE kind = 'title' DO NOTHING
    RETURNING id
    """,
)
_MATERIAL = Statement("""
    SELECT left(content, :of_question) AS question, coalesce((
        SELECT left(content, :of_reply) FROM messages
        WHERE parent_id = prompt.id AND content <> '' ORDER BY id LIMIT 1), '') AS reply
    FROM messages AS prompt WHERE id = :prompt
""")
_HOLD = Statement("SELECT FROM conversations WHERE id = :id FOR NO KEY UPDATE")
# `updated_at` stays: a title is no change that moves a conversation in the list.
_GIVE = Statement("""
    UPDATE conversations SET title = :title, title_source = 'model'
    WHERE id = :id AND title_source = 'default'
    RETURNING id
""")


@dataclass(frozen=True)
class Material:
    """The beginnings of the first turn and of its first reply."""

    question: str
    reply: str


def enqueue(session: Transaction, job: JobRow) -> uuid.UUID | None:
    """The title's job after that of the first turn has ended, of the same model and key; None where
    the conversation has a title, this turn has asked for one already, or too much waits."""
    values = {
        "id": new_id(),
        "conversation": job.conversation_id,
        "user": job.user_id,
        "key": job.key_id,
        "prompt": job.prompt_message_id,
        "model": job.model,
        "params": orjson.dumps(PARAMS).decode(),
        "most": MOST_WAITING,
    }
    made: uuid.UUID | None = _ENQUEUE.scalar(session, values)
    return made


def material(session: Transaction, prompt_id: uuid.UUID) -> Material:
    """What the title is to be made from."""
    values = {"prompt": prompt_id, "of_question": OF_QUESTION, "of_reply": OF_REPLY}
    return Material(*_MATERIAL.one(session, values))


def hold(session: Transaction, conversation_id: uuid.UUID) -> None:
    """Locks the conversation, as whoever changes it does before touching its jobs."""
    _HOLD.all(session, {"id": conversation_id})


def give(session: Transaction, conversation_id: uuid.UUID, title: str) -> bool:
    """Writes the title, unless there is one by now: then False."""
    return _GIVE.first(session, {"id": conversation_id, "title": title}) is not None
