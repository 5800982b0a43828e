"""Titles that a model gives: a background job after the first reply, never over a person's title.

The job has no reply: its prompt is the conversation's first turn, and its text becomes the title.
"""

import uuid
from dataclasses import dataclass

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from common.db import new_id
from common.jobs import JobRow

# Whoever has so many jobs waiting needs replies, not titles.
MOST_WAITING = 50
# Room for models that think before they answer; a title itself takes ten.
PARAMS = {"max_output_tokens": 1000, "temperature": 0.2, "reasoning_effort": "low"}
# Characters of the question and of its reply that a title is made from.
OF_QUESTION, OF_REPLY = 1200, 600

_ENQUEUE = text("""
    INSERT INTO jobs (id, user_id, key_id, conversation_id, prompt_message_id, kind, model, params)
    SELECT :id, user_id, CAST(:key AS uuid), id, :prompt, 'title', :model, CAST(:params AS jsonb)
    FROM conversations
    WHERE id = :conversation AND title_source = 'default' AND (
        SELECT count(*) FROM (
            SELECT FROM jobs WHERE status = 'queued' AND user_id = :user LIMIT :most) AS few
    ) < :most
    ON CONFLICT (prompt_message_id) WHERE kind = 'title' DO NOTHING
    RETURNING id
""")
_MATERIAL = text("""
    SELECT left(content, :of_question) AS question, coalesce((
        SELECT left(content, :of_reply) FROM messages
        WHERE parent_id = prompt.id AND content <> '' ORDER BY id LIMIT 1), '') AS reply
    FROM messages AS prompt WHERE id = :prompt
""")
_HOLD = text("SELECT FROM conversations WHERE id = :id FOR NO KEY UPDATE")
# `updated_at` stays: a title is no change that moves a conversation in the list.
_GIVE = text("""
    UPDATE conversations SET title = :title, title_source = 'model'
    WHERE id = :id AND title_source = 'default'
    RETURNING id
""")


@dataclass(frozen=True)
class Material:
    """The beginnings of the first turn and of its first reply."""

    question: str
    reply: str


def enqueue(session: Session, job: JobRow) -> uuid.UUID | None:
    """The title's job after that of the first turn has ended, of the same model and key. None: the
    conversation has a title, this turn has asked for one already, or too much waits."""
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
    made: uuid.UUID | None = session.scalar(_ENQUEUE, values)
    return made


def material(session: Session, prompt_id: uuid.UUID) -> Material:
    """What the title is to be made from."""
    values = {"prompt": prompt_id, "of_question": OF_QUESTION, "of_reply": OF_REPLY}
    return Material(*session.execute(_MATERIAL, values).one())


def hold(session: Session, conversation_id: uuid.UUID) -> None:
    """Locks the conversation, as whoever changes it does before touching its jobs."""
    session.execute(_HOLD, {"id": conversation_id})


def give(session: Session, conversation_id: uuid.UUID, title: str) -> bool:
    """Writes the title, unless there is one by now: then False."""
    return session.execute(_GIVE, {"id": conversation_id, "title": title}).first() is not None
