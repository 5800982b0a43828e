"""Reading a conversation's tree: the branch in view a page at a time, and what stands beside it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from common.db import Transaction
from common.models import Job, Message
from common.statement import Row, Statement, prepared
from common.tokens import TOKENS_PER_MESSAGE

MOST_REPLIES = 100

# What a window is built from, and the way up.
_COUNTED = ", ".join(
    f"messages.{name}"
    for name in ("id", "parent_id", "role", "content", "in_window", "turn_index", "token_count")
)

_UPWARDS = text("""
    WITH RECURSIVE branch AS (
        SELECT messages.*, 1 AS step FROM messages
        WHERE id = :start AND conversation_id = :conversation
        UNION ALL
        SELECT messages.*, branch.step + 1
        FROM branch JOIN messages ON messages.id = branch.parent_id
        WHERE branch.step < :limit OR :limit IS NULL
    )
    SELECT * FROM branch ORDER BY step DESC
""")


# From prompts towards their roots until the tokens are spent: what can't be sent isn't read. A turn
# counts when its question is reached, and only if it can be sent; those left out make room. Each
# step is a look by id, whatever a planner expects of so many prompts: OFFSET 0 keeps it from other
# joins, CASE from other indexes.
_WITHIN_BUDGET = prepared(
    "within_budget",
    f"""
    WITH RECURSIVE asked AS (
        SELECT * FROM unnest(
            CAST(:prompts AS uuid[]), CAST(:conversations AS uuid[]), CAST(:budgets AS bigint[])
        ) WITH ORDINALITY AS asked (prompt, conversation, budget, place)
    ),
    branch AS (
        SELECT prompt.*, prompt.token_count::bigint AS total, asked.budget, asked.place
        FROM asked CROSS JOIN LATERAL (
            SELECT {_COUNTED} FROM messages
            WHERE id = asked.prompt
              AND CASE WHEN conversation_id = asked.conversation THEN true END OFFSET 0
        ) AS prompt
        UNION ALL
        SELECT above.*, branch.total + CASE
            WHEN above.role = 'user' AND branch.content <> ''
                 AND 'never' NOT IN (above.in_window, branch.in_window)
            THEN above.token_count + branch.token_count ELSE 0 END, branch.budget, branch.place
        FROM branch CROSS JOIN LATERAL (
            SELECT {_COUNTED} FROM messages WHERE id = branch.parent_id OFFSET 0
        ) AS above
        WHERE branch.total <= branch.budget
    )
    SELECT * FROM branch ORDER BY place, turn_index
    """,
)

_ROOT = prepared(
    "root",
    f"""
    SELECT {_COUNTED}, EXISTS (
        SELECT FROM messages AS pin
        WHERE pin.conversation_id = :conversation AND pin.in_window = 'always'
          AND pin.turn_index < :depth
    ) AS any_pinned
    FROM messages WHERE conversation_id = :conversation AND turn_index = 0
    """,
)

# Pinned turns above those: the pinned message itself and the other half of its turn.
_PINNED_ABOVE = Statement(f"""
    WITH RECURSIVE above AS (
        SELECT id, parent_id, role, in_window FROM messages WHERE id = :start
        UNION ALL
        SELECT messages.id, messages.parent_id, messages.role, messages.in_window
        FROM above JOIN messages ON messages.id = above.parent_id
    ),
    turns AS (
        SELECT reply.id AS reply, question.id AS question
        FROM above AS reply JOIN above AS question ON question.id = reply.parent_id
        WHERE reply.role = 'assistant'
          AND (reply.in_window = 'always' OR question.in_window = 'always')
    )
    SELECT {_COUNTED} FROM messages
    JOIN turns ON messages.id IN (turns.reply, turns.question)
    ORDER BY messages.turn_index
""")


# Pinned turns of the branch that ends in a leaf, as windows send them: whole, and not without a
# text of the reply, which may be on its way.
_PINNED_TOKENS = Statement("""
    WITH RECURSIVE branch AS (
        SELECT id, parent_id, role, in_window, token_count,
               content <> '' OR status = 'pending' AS is_answered
        FROM messages WHERE id = :leaf AND conversation_id = :conversation
        UNION ALL
        SELECT parent.id, parent.parent_id, parent.role, parent.in_window,
               parent.token_count, parent.content <> '' OR parent.status = 'pending'
        FROM branch JOIN messages AS parent ON parent.id = branch.parent_id
    )
    SELECT coalesce(sum(question.token_count + reply.token_count + 2 * :per_message), 0)::int
    FROM branch AS reply JOIN branch AS question ON question.id = reply.parent_id
    WHERE reply.role = 'assistant' AND reply.is_answered
      AND 'always' IN (question.in_window, reply.in_window)
      AND 'never' NOT IN (question.in_window, reply.in_window)
""")

_NEWEST_LEAF = Statement("""
    WITH RECURSIVE down AS (
        SELECT id, turn_index FROM messages
        WHERE id = :message AND conversation_id = :conversation
        UNION ALL
        SELECT child.id, child.turn_index
        FROM down CROSS JOIN LATERAL (
            SELECT id, turn_index FROM messages WHERE parent_id = down.id
            ORDER BY id DESC LIMIT 1
        ) AS child
    )
    SELECT id FROM down ORDER BY turn_index DESC LIMIT 1
""")


@dataclass(frozen=True)
class Page:
    """Messages from older to newer; `older` is where the page before this one starts."""

    messages: Sequence[Message]
    older: uuid.UUID | None


@dataclass(frozen=True)
class Beside:
    """What is shown with a message: its siblings in order, itself included, and a reply's job."""

    siblings: list[uuid.UUID]
    job: Job | Row | None


def branch(
    session: Session, conversation_id: uuid.UUID, leaf: uuid.UUID | None, limit: int | None
) -> Page:
    """At most `limit` messages of the branch that ends in `leaf`; None: all of it."""
    messages = _as_messages(
        session, _UPWARDS, {"start": leaf, "conversation": conversation_id, "limit": limit}
    )
    return Page(messages, messages[0].parent_id if messages else None)


def tree(
    session: Session, conversation_id: uuid.UUID, after: uuid.UUID | None, limit: int | None
) -> Sequence[Message]:
    """At most `limit` messages of the whole tree, in the order of their making; None: all."""
    query = select(Message).where(Message.conversation_id == conversation_id)
    if after is not None:
        query = query.where(Message.id > after)
    return session.scalars(query.order_by(Message.id).limit(limit)).all()


def newest_leaf(
    session: Session, conversation_id: uuid.UUID, message_id: uuid.UUID
) -> uuid.UUID | None:
    """The leaf below a message that is reached by its newest children; None: a stranger's."""
    values = {"message": message_id, "conversation": conversation_id}
    leaf: uuid.UUID | None = _NEWEST_LEAF.scalar(session, values)
    return leaf


def replies(session: Session, question_id: uuid.UUID) -> Sequence[Message]:
    """What was answered to a question, oldest first; a person has them made one at a time, and the
    hundred newest are all."""
    query = (
        select(Message)
        .where(Message.parent_id == question_id, Message.role == "assistant")
        .order_by(Message.id.desc())
        .limit(MOST_REPLIES)
    )
    return session.scalars(query).all()[::-1]


def pinned_tokens(session: Transaction, conversation_id: uuid.UUID, leaf: uuid.UUID | None) -> int:
    """What the pinned turns of the branch that ends in `leaf` take of every window."""
    values = {"leaf": leaf, "conversation": conversation_id, "per_message": TOKENS_PER_MESSAGE}
    return int(_PINNED_TOKENS.scalar(session, values))


@dataclass(frozen=True)
class WindowFor:
    """A prompt, and the tokens that its window may have."""

    conversation_id: uuid.UUID
    prompt_id: uuid.UUID
    budget: int


def for_windows(session: Transaction, asked: Sequence[WindowFor]) -> list[Sequence[Row]]:
    """What each window may be built from, oldest first: the root, pinned turns, and the branch
    above the prompt as far as the budget could reach. Rows of what it counts."""
    values = {
        "prompts": [one.prompt_id for one in asked],
        "conversations": [one.conversation_id for one in asked],
        "budgets": [one.budget for one in asked],
    }
    near: list[list[Row]] = [[] for _ in asked]
    for row in _WITHIN_BUDGET.all(session, values):
        near[row.place - 1].append(row)
    return [
        _up_to_root(session, one.conversation_id, rows)
        for one, rows in zip(asked, near, strict=True)
    ]


def _up_to_root(
    session: Transaction, conversation_id: uuid.UUID, near: Sequence[Row]
) -> Sequence[Row]:
    """Root and pinned turns before those of a branch that were near enough."""
    if near[0].turn_index == 0:
        return near
    above = {"conversation": conversation_id, "depth": near[0].turn_index, "start": near[0].id}
    root = _ROOT.one(session, above)
    pinned = _PINNED_ABOVE.all(session, above) if root.any_pinned else []
    return [root, *pinned, *near]


def turn(session: Session, job: Job | Row) -> Sequence[Message]:
    """A job's prompt and its reply, in this order."""
    ids = (job.prompt_message_id, job.reply_message_id)
    query = select(Message).where(Message.id.in_(ids)).order_by(Message.turn_index)
    return session.scalars(query).all()


def beside(
    session: Session, messages: Sequence[Message], *, jobs: Sequence[Job | Row] | None = None
) -> dict[uuid.UUID, Beside]:
    """Siblings and jobs of many messages, in two queries; in one where the `jobs` are known."""
    parents = {message.parent_id for message in messages if message.parent_id is not None}
    siblings: dict[uuid.UUID | None, list[uuid.UUID]] = {}
    for row in session.execute(
        select(Message.id, Message.parent_id)
        .where(Message.parent_id.in_(parents))
        .order_by(Message.id)
    ):
        siblings.setdefault(row.parent_id, []).append(row.id)
    replies = [message.id for message in messages if message.role == "assistant"]
    if jobs is None:
        jobs = session.scalars(select(Job).where(Job.reply_message_id.in_(replies))).all()
    job_of = {job.reply_message_id: job for job in jobs}
    return {
        message.id: Beside(siblings.get(message.parent_id, [message.id]), job_of.get(message.id))
        for message in messages
    }


def _as_messages(session: Session, query: TextClause, values: dict[str, Any]) -> Sequence[Message]:
    columns = query.columns(*Message.__table__.columns)
    return session.scalars(select(Message).from_statement(columns), values).all()
