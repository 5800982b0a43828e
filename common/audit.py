"""What must always be true of the tables, as queries that find nothing.

`python manage.py audit` asks them of a running installation, the fault tests after every fault.
Each query returns the ids of the conversations, messages or jobs that break its promise. They
need no index of their own: an audit may read every row.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.config import BaseConfig

# Two sweeps with their jitter, and a moment for what is being written.
_SWEEPS, _MOMENT = 2 * 1.2, timedelta(seconds=5)


@dataclass(frozen=True)
class Finding:
    """A row that breaks a promise: the promise's name, and the row's id."""

    promise: str
    id: uuid.UUID


@dataclass(frozen=True)
class Limits:
    """After how long an unfinished job is overdue: past its lease, its deadline, its acceptance."""

    lapsed: timedelta
    overrun: timedelta
    waiting: timedelta

    @classmethod
    def of(cls, config: BaseConfig) -> "Limits":
        sweeps = timedelta(seconds=_SWEEPS * config.EPICODE_SWEEP_SECONDS) + _MOMENT
        return cls(
            lapsed=sweeps,
            overrun=timedelta(seconds=config.EPICODE_LEASE_SECONDS) + sweeps,
            waiting=timedelta(seconds=config.EPICODE_WAITING_SECONDS) + sweeps,
        )


PROMISES = {
    "every_turn_has_a_reply": """
        SELECT turn.id FROM messages AS turn
        WHERE turn.role = 'user' AND NOT EXISTS (
            SELECT 1 FROM messages AS reply
            WHERE reply.parent_id = turn.id AND reply.role = 'assistant')
    """,
    "every_reply_has_a_job": """
        SELECT reply.id FROM messages AS reply
        WHERE reply.role = 'assistant' AND (NOT reply.imported OR reply.status = 'pending')
          AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.reply_message_id = reply.id)
    """,
    "a_reply_ends_as_its_job_does": """
        SELECT jobs.id FROM jobs JOIN messages AS reply ON reply.id = jobs.reply_message_id
        WHERE reply.status <> CASE jobs.status
            WHEN 'queued' THEN 'pending' WHEN 'in_progress' THEN 'pending'
            WHEN 'cancelled' THEN 'incomplete' ELSE jobs.status END
           OR (reply.status = 'completed' AND reply.content = '')
           OR (reply.status = 'pending' AND reply.content <> '')
    """,
    "an_end_is_written_whole": """
        SELECT id FROM jobs
        WHERE (status IN ('queued', 'in_progress')) <> (finished_at IS NULL)
           OR (status IN ('failed', 'incomplete')) <> (error IS NOT NULL)
    """,
    # One line an attempt, in order: a lost one was never accounted for, a doubled one spoke twice.
    "every_attempt_is_accounted_for_once": """
        SELECT id FROM jobs
        WHERE jsonb_array_length(attempts) <> attempt - (status = 'in_progress')::int
           OR EXISTS (
               SELECT 1 FROM jsonb_array_elements(attempts) WITH ORDINALITY AS line (said, n)
               WHERE (line.said ->> 'n')::int <> line.n)
    """,
    "a_reply_is_said_once": """
        SELECT id FROM jobs
        WHERE (SELECT count(*) FROM jsonb_array_elements(attempts) AS line
               WHERE line ->> 'outcome' IN ('completed', 'incomplete'))
           <> (status IN ('completed', 'incomplete'))::int
    """,
    "only_failures_are_charged": """
        SELECT id FROM jobs
        WHERE failures <> (
            SELECT count(*) FROM jsonb_array_elements(attempts) AS line
            WHERE line ->> 'outcome' NOT IN ('completed', 'incomplete', 'cancelled', 'handed_over'))
    """,
    "nothing_is_unfinished_past_its_limit": """
        SELECT id FROM jobs
        WHERE (status = 'in_progress' AND lease_expires_at < now() - :lapsed)
           OR (status IN ('queued', 'in_progress') AND deadline_at < now() - :overrun)
           OR (status = 'queued' AND queued_at < now() - :waiting)
    """,
    "a_turn_waits_for_the_reply_before_it": """
        SELECT jobs.id
        FROM jobs
        JOIN messages AS prompt ON prompt.id = jobs.prompt_message_id
        JOIN jobs AS previous ON previous.reply_message_id = prompt.parent_id
        WHERE jobs.started_at < coalesce(previous.finished_at, 'infinity')
    """,
    "who_waits_waits_for_a_pending_reply": """
        SELECT jobs.id
        FROM jobs
        JOIN messages AS prompt ON prompt.id = jobs.prompt_message_id
        JOIN messages AS previous ON previous.id = prompt.parent_id
        WHERE jobs.status = 'queued'
          AND jobs.waits_for IS DISTINCT FROM
              CASE WHEN previous.status = 'pending' THEN previous.id END
    """,
    "turns_and_replies_alternate": """
        SELECT message.id
        FROM messages AS message JOIN messages AS parent ON parent.id = message.parent_id
        WHERE message.conversation_id <> parent.conversation_id
           OR message.turn_index <> parent.turn_index + 1
           OR (message.role = 'assistant') <> (parent.role = 'user')
           OR message.role = 'system'
    """,
    "every_conversation_has_one_root_and_its_own_head": """
        SELECT conversations.id FROM conversations
        WHERE (SELECT count(*) FROM messages
               WHERE messages.conversation_id = conversations.id
                 AND messages.parent_id IS NULL AND messages.role = 'system'
                 AND messages.turn_index = 0) <> 1
           OR EXISTS (
               SELECT 1 FROM messages WHERE messages.conversation_id = conversations.id
                 AND (messages.parent_id IS NULL) <> (messages.role = 'system'))
           OR NOT EXISTS (
               SELECT 1 FROM messages AS head WHERE head.id = conversations.head_message_id
                 AND head.conversation_id = conversations.id)
    """,
    "a_job_belongs_to_its_conversation": """
        SELECT jobs.id
        FROM jobs
        JOIN conversations ON conversations.id = jobs.conversation_id
        JOIN messages AS prompt ON prompt.id = jobs.prompt_message_id
        LEFT JOIN messages AS reply ON reply.id = jobs.reply_message_id
        WHERE jobs.user_id <> conversations.user_id
           OR prompt.conversation_id <> jobs.conversation_id
           OR reply.parent_id <> prompt.id
    """,
}


def audit(session: Session, limits: Limits) -> list[Finding]:
    """Every row that breaks a promise; none is what must be.

    The session should see one snapshot (REPEATABLE READ): between two of the queries a job may
    end.
    """
    values = {"lapsed": limits.lapsed, "overrun": limits.overrun, "waiting": limits.waiting}
    return [
        Finding(promise, row_id)
        for promise, query in PROMISES.items()
        for row_id in session.scalars(
            text(query), {name: value for name, value in values.items() if f":{name}" in query}
        )
    ]
