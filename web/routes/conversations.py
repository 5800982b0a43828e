"""Conversations: list, create, read, change, delete."""

from typing import Any

import structlog
from flask import Response, jsonify
from flask_openapi import APIBlueprint
from redis.exceptions import RedisError
from sqlalchemy import func

from common import conversations as rules
from common.db import new_id
from common.idempotency import Made
from common.jobs import NOTHING_SPENT
from common.listings import listed_conversations, spent_in
from common.models import Conversation
from common.system_prompt import DEFAULT_SYSTEM_PROMPT
from web import listing, presenters, shapes
from web.auth import current_user_id
from web.database import db, writing
from web.i18n import language
from web.idempotent import once
from web.inputs import (
    ConversationChange,
    ConversationList,
    ItemPath,
    ListingCursor,
    NewConversation,
)
from web.services import services

log = structlog.get_logger(__name__)

conversations = APIBlueprint(
    "conversations", __name__, url_prefix="/api/conversations", abp_tags=[shapes.CONVERSATIONS]
)


@conversations.get(
    "",
    summary="The user's conversations: pinned first, then by last change; `q` searches",
    responses={200: shapes.ConversationPage, **shapes.problems()},
)
def list_conversations(query: ConversationList) -> Response:
    cursor = listing.decode(query.cursor, dated=True)
    after = (bool(cursor.pinned), cursor.at, cursor.id) if cursor and cursor.at else None
    page = listed_conversations(
        db.session(),
        current_user_id(),
        archived=query.archived == "1",
        search=query.q,
        after=after,
        limit=query.limit,
    )
    last = page[-1] if len(page) == query.limit else None
    following = last and ListingCursor(id=last.id, at=last.updated_at, pinned=last.pinned)
    return jsonify(
        {
            "data": [presenters.conversation(item, None, None) for item in page],
            "next": listing.encode(following) if following else None,
        }
    )


@conversations.post(
    "",
    summary="A new conversation",
    responses={201: shapes.Conversation, **shapes.problems()},
)
def create_conversation(body: NewConversation) -> Response:
    given = body.system_prompt
    prompt = DEFAULT_SYSTEM_PROMPT[language()] if given is None else given
    makes = Made(new_id())
    with writing() as connection:
        made, created = once(
            connection,
            makes,
            lambda: rules.create(
                connection,
                current_user_id(),
                system_prompt=prompt,
                title=body.title,
                model=body.model,
                params=body.params.given(),
                conversation_id=makes.conversation_id,
            ),
        )
    assert made.conversation_id is not None  # only a call of this path finds its own key
    if created is not None:
        shown = presenters.conversation(created, prompt, NOTHING_SPENT)
    else:
        shown = _present(rules.find(db.session(), current_user_id(), made.conversation_id))
    response = jsonify(shown)
    response.status_code = 201
    response.headers["Location"] = f"/api/conversations/{made.conversation_id}"
    return response


@conversations.get(
    "/<id>",
    summary="One conversation with its settings",
    responses={200: shapes.Conversation, **shapes.problems(404)},
)
def read_conversation(path: ItemPath) -> Response:
    return jsonify(_present(rules.find(db.session(), current_user_id(), path.id)))


@conversations.patch(
    "/<id>",
    summary="Rename, change settings, pin, archive, or switch the branch in view",
    responses={200: shapes.Conversation, **shapes.problems(404)},
)
def change_conversation(path: ItemPath, body: ConversationChange) -> Response:
    session = db.session()
    conversation = rules.find(session, current_user_id(), path.id, lock=True)
    if body.says("title"):
        rules.rename(conversation, body.title or "")
    if body.says("model"):
        conversation.model = body.model
    if body.system_prompt is not None:
        rules.rewrite_system_prompt(session, conversation, body.system_prompt)
    if body.params is not None:
        conversation.params = body.params.given()
    if body.pinned is not None:
        conversation.pinned = body.pinned
    if body.archived is not None:
        conversation.archived_at = func.now() if body.archived else None
    if body.head_message_id is not None:
        rules.switch_branch(session, conversation, body.head_message_id)
    session.flush()
    # presented while it is locked: after the commit it may be deleted at any moment
    response = jsonify(_present(conversation))
    session.commit()
    return response


@conversations.delete(
    "/<id>",
    summary="Delete a conversation, its messages and jobs; what runs is stopped",
    responses={204: None, **shapes.problems(404)},
)
def delete_conversation(path: ItemPath) -> tuple[str, int]:
    gone = rules.remove(db.session(), current_user_id(), path.id)
    db.session.commit()
    live_log = services().live_log
    try:
        live_log.ask_to_cancel([job.job_id for job in gone if job.was_running], deleted=True)
        live_log.forget((job.job_id, job.attempt) for job in gone)
    except RedisError as error:  # its keys expire, and a renewal finds that the job is gone
        log.warning("live_log_not_forgotten", error=type(error).__name__)
    return "", 204


def _present(conversation: Conversation) -> dict[str, Any]:
    root = rules.system_message(db.session(), conversation.id)
    spent = spent_in(db.session(), conversation.id)
    return presenters.conversation(conversation, root.content, spent)
