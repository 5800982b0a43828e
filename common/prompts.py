"""Saved system prompts: a user's own short list."""

import uuid
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from common.errors import EpiCodeError
from common.models import Prompt

# The list is one page: whoever has more than this can't choose from it.
MOST = 200


def listed(session: Session, user_id: uuid.UUID) -> Sequence[Prompt]:
    """All of a user's, by name."""
    query = select(Prompt).where(Prompt.user_id == user_id)
    return session.scalars(query.order_by(func.lower(Prompt.name), Prompt.id).limit(MOST)).all()


def save(
    session: Session, user_id: uuid.UUID, *, name: str, content: str, prompt_id: uuid.UUID
) -> Prompt:
    """A new one. Raises `too_many_prompts`."""
    count = session.scalar(select(func.count()).where(Prompt.user_id == user_id)) or 0
    if count >= MOST:
        raise EpiCodeError("too_many_prompts", limit=MOST)
    prompt = Prompt(id=prompt_id, user_id=user_id, name=name, content=content)
    session.add(prompt)
    session.flush()
    return prompt


def find(session: Session, user_id: uuid.UUID, prompt_id: uuid.UUID) -> Prompt:
    """The user's prompt. Raises `not_found`."""
    query = select(Prompt).where(Prompt.id == prompt_id, Prompt.user_id == user_id)
    prompt = session.scalars(query).one_or_none()
    if prompt is None:
        raise EpiCodeError("not_found")
    return prompt


def change(
    session: Session,
    user_id: uuid.UUID,
    prompt_id: uuid.UUID,
    *,
    name: str | None,
    content: str | None,
) -> Prompt:
    """Gives it another name or text; None leaves it. Raises `not_found`."""
    prompt = find(session, user_id, prompt_id)
    prompt.name = prompt.name if name is None else name
    prompt.content = prompt.content if content is None else content
    prompt.updated_at = session.scalar(select(func.now())) or prompt.updated_at
    session.flush()
    return prompt


def remove(session: Session, user_id: uuid.UUID, prompt_id: uuid.UUID) -> None:
    """Raises `not_found`."""
    gone = session.execute(
        delete(Prompt).where(Prompt.id == prompt_id, Prompt.user_id == user_id).returning(Prompt.id)
    )
    if gone.first() is None:
        raise EpiCodeError("not_found")
