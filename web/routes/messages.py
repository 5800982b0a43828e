"""Messages: the branch in view, posting a turn, regenerating, pinning, taking back."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response, g, jsonify
from flask_openapi import APIBlueprint

from common import branches, conversations
from common.db import new_id
from common.errors import EpiCodeError
from common.idempotency import Made
from common.listings import find_job, new_standing
from common.models import Message
from common.turns import Posted
from web import listing, presenters, shapes
from web.auth import current_user_id
from web.database import db, writing
from web.doorway import ring
from web.i18n import language
from web.idempotent import once, once_in
from web.inputs import ItemPath, ListingCursor, MessageChange, MessageList, NewMessage, NewReply
from web.polling import poll_of
from web.services import services

messages = APIBlueprint("messages", __name__, url_prefix="/api", abp_tags=[shapes.MESSAGES])


@messages.get(
    "/conversations/<id>/messages",
    summary="The branch in view, newest page first, oldest message first within a page",
    responses={200: shapes.MessagePage, **shapes.problems(404)},
)
def list_messages(path: ItemPath, query: MessageList) -> Response:
    conversation = conversations.find(db.session(), current_user_id(), path.id)
    cursor = listing.decode(query.cursor)
    session, lang = db.session(), language()
    if query.all == "1":
        page = branches.tree(session, conversation.id, cursor.id if cursor else None, query.limit)
        following = page[-1].id if len(page) == query.limit else None
    else:
        start = cursor.id if cursor else conversation.head_message_id
        found = branches.branch(session, conversation.id, start, query.limit)
        page, following = found.messages, found.older
    beside = branches.beside(session, page)
    return jsonify(
        {
            "data": [presenters.message(item, beside[item.id], lang) for item in page],
            "next": listing.encode(ListingCursor(id=following)) if following else None,
        }
    )


@messages.post(
    "/conversations/<id>/messages",
    summary="Post a turn: stored and enqueued at once, answered by a worker",
    responses={202: shapes.PostedTurn, **shapes.problems(404, 409, 429)},
)
def post_message(path: ItemPath, body: NewMessage) -> Response:
    part = services()
    makes = Made(path.id, message_id=new_id(), job_id=new_id())
    with writing() as connection:
        done = once_in(
            makes,
            lambda key: conversations.post_message(
                connection,
                current_user_id(),
                path.id,
                content=body.content,
                catalogue=part.catalogue,
                caps=part.caps,
                model=body.model,
                parent_id=body.parent_id,
                on_busy=body.on_busy,
                in_window=body.in_window,
                params=body.params.given(),
                message_id=makes.message_id,
                job_id=makes.job_id,
                key=key,
                request_id=g.request_id,
            ),
        )
    return accept(*done)


@messages.post(
    "/messages/<id>/replies",
    summary="Regenerate: another reply to a user's turn",
    responses={202: shapes.PostedTurn, **shapes.problems(404, 429)},
)
def regenerate(path: ItemPath, body: NewReply) -> Response:
    session, part = db.session(), services()
    makes = Made(message_id=path.id, job_id=new_id())
    done = once(
        session,
        makes,
        lambda: conversations.regenerate(
            session,
            current_user_id(),
            path.id,
            catalogue=part.catalogue,
            caps=part.caps,
            model=body.model,
            params=body.params.given(),
            job_id=makes.job_id,
            request_id=g.request_id,
        ),
    )
    session.commit()
    return accept(*done)


@messages.get(
    "/messages/<id>/replies",
    summary="All the replies to a user's turn, oldest first: to read them side by side",
    responses={200: shapes.MessagePage, **shapes.problems(404)},
)
def list_replies(path: ItemPath) -> Response:
    session, lang = db.session(), language()
    question = conversations.find_message(session, current_user_id(), path.id)
    page = branches.replies(session, question.id)
    beside = branches.beside(session, page)
    data = [presenters.message(item, beside[item.id], lang) for item in page]
    return jsonify({"data": data, "next": None})


@messages.patch(
    "/messages/<id>",
    summary="Pin a message to the window, or leave it out",
    responses={200: shapes.Message, **shapes.problems(404)},
)
def change_message(path: ItemPath, body: MessageChange) -> Response:
    session = db.session()
    message = conversations.set_in_window(
        session, current_user_id(), path.id, body.in_window, services().catalogue
    )
    session.commit()
    return jsonify(_present(message))


@messages.delete(
    "/messages/<id>",
    summary="Take back a turn that hasn't started",
    responses={204: None, **shapes.problems(404, 409)},
)
def take_back(path: ItemPath) -> tuple[str, int]:
    conversations.take_back(db.session(), current_user_id(), path.id)
    db.session.commit()
    return "", 204


def accept(made: Made, posted: Posted | None) -> Response:
    """202 with turn, reply and job as they are now, however often the post was sent; a new one,
    which is committed, is rung first, and presented from the rows in hand."""
    lang = language()
    if posted is not None:
        ring(posted.job.id)
        standing, beside = new_standing(posted), posted.beside
        pair: Sequence[Message] = [posted.message, posted.reply]
    else:
        session = db.session()
        known = find_job(session, current_user_id(), made.job_id or uuid.UUID(int=0))
        if known is None:  # deleted since
            raise EpiCodeError("not_found")
        standing, pair = known, branches.turn(session, known.job)
        beside = branches.beside(session, pair, jobs=[known.job])
    job = standing.job
    message, reply = [presenters.message(one, beside[one.id], lang) for one in pair]
    watched = services().watchers.saw(job.id, time.monotonic())  # as it will be from now on
    body = poll_of(standing, None, lang, watched=watched).body
    response = jsonify({"message": message, "reply": reply, "job": body})
    response.status_code = 202
    response.headers["Location"] = f"/api/jobs/{job.id}"
    return response


def _present(message: Message) -> dict[str, Any]:
    beside = branches.beside(db.session(), [message])
    return presenters.message(message, beside[message.id], language())
