"""Jobs: the poll, cancellation, the list; and the one question without a conversation."""

import time

import structlog
from flask import Response, g, jsonify, request
from flask_openapi import APIBlueprint
from redis.exceptions import RedisError
from sqlalchemy import Connection

from common import conversations
from common import jobs as machine
from common.cursor import Cursor
from common.db import new_id
from common.idempotency import Made
from common.listings import listed_jobs
from common.machine import FINISHED
from common.system_prompt import DEFAULT_SYSTEM_PROMPT
from common.turns import Posted
from web import listing, shapes
from web.auth import current_user_id
from web.database import db, writing
from web.doorway import commit_and_ring, ring
from web.i18n import language
from web.idempotent import once
from web.inputs import (
    ItemPath,
    JobList,
    ListingCursor,
    PollQuery,
    Question,
    WaitQuery,
    wait_seconds,
)
from web.polling import (
    Poll,
    committed_poll,
    stored_poll,
    wait_for_end,
    wait_for_news,
    without_text,
)
from web.services import services

CANCEL_WAIT_SECONDS = 1.0

log = structlog.get_logger(__name__)

jobs = APIBlueprint("jobs", __name__, url_prefix="/api", abp_tags=[shapes.JOBS])


@jobs.get(
    "/jobs/<id>",
    summary="The poll: what is new since the cursor, and where the job stands",
    responses={200: shapes.Job, 304: None, **shapes.problems(404)},
)
def poll_job(path: ItemPath, query: PollQuery) -> Response:
    cursor = Cursor.decode(query.cursor) if query.cursor else None
    found = wait_for_news(path.id, current_user_id(), cursor, language(), wait_seconds(query.wait))
    response = jsonify(found.body)
    response.set_etag(found.etag)
    if "If-None-Match" in request.headers:
        response.make_conditional(request)
    return response


@jobs.post(
    "/jobs/<id>/cancellation",
    summary="Cancel: answers the job as it then is; may be called again",
    responses={200: shapes.Job, **shapes.problems(404)},
)
def cancel_job(path: ItemPath) -> Response:
    session, user_id = db.session(), current_user_id()
    machine.ask_to_cancel(session, path.id, user_id)
    found = stored_poll(session, path.id, user_id, language())
    # A queued job has ended here and released whatever hung from its reply.
    commit_and_ring()
    if found.body["status"] not in FINISHED:
        found = _carried_out(found, path)
    return jsonify(found.body)


@jobs.get(
    "/jobs",
    summary="The user's jobs, newest first; `active=1` those that have not ended",
    responses={200: shapes.JobPage, 304: None, **shapes.problems()},
)
def list_jobs(query: JobList) -> Response:
    session, cursor = db.session(), listing.decode(query.cursor)
    page = listed_jobs(
        session,
        current_user_id(),
        active=query.active == "1",
        status=query.status,
        conversation_id=query.conversation_id,
        before=cursor.id if cursor else None,
        limit=query.limit,
    )
    following = page[-1].job.id if len(page) == query.limit else None
    response = jsonify(
        {
            "data": without_text(page, language()),
            "next": listing.encode(ListingCursor(id=following)) if following else None,
        }
    )
    response.add_etag()
    response.make_conditional(request)
    return response


@jobs.post(
    "/ask",
    summary="One question, no conversation in the list; `Prefer: wait=N` waits for its answer",
    responses={202: shapes.Job, 200: shapes.Job, **shapes.problems(429)},
)
def ask(query: WaitQuery, body: Question) -> Response:
    part = services()
    makes = Made(new_id(), message_id=new_id(), job_id=new_id())

    def post(connection: Connection) -> Posted:
        prompt = body.system_prompt
        conversation = conversations.create(
            connection,
            current_user_id(),
            system_prompt=DEFAULT_SYSTEM_PROMPT[language()] if prompt is None else prompt,
            kind="ask",
            conversation_id=makes.conversation_id,
        )
        return conversations.post_message(
            connection,
            current_user_id(),
            conversation.id,
            content=body.content,
            catalogue=part.catalogue,
            caps=part.caps,
            model=body.model,
            params=body.params.given(),
            message_id=makes.message_id,
            job_id=makes.job_id,
            request_id=g.request_id,
        )

    with writing() as connection:
        made, posted = once(connection, makes, lambda: post(connection))
    if posted is not None:
        ring(posted.job.id)
    assert made.job_id is not None  # only a call of this path finds its own key
    seconds = wait_seconds(query.wait)
    found = wait_for_end(made.job_id, current_user_id(), language(), seconds)
    response = jsonify(found.body)
    response.status_code = 200 if seconds and found.is_finished else 202
    response.headers["Location"] = f"/api/jobs/{made.job_id}"
    return response


def _carried_out(asked: Poll, path: ItemPath) -> Poll:
    """Leaves the mark for the worker and waits up to a second for the job's end."""
    try:
        services().live_log.ask_to_cancel([path.id])
    except RedisError as error:  # the lease's renewal brings the news within seconds
        log.warning("cancel_mark_not_left", error=type(error).__name__)
    ends_at = time.monotonic() + CANCEL_WAIT_SECONDS
    found = asked
    while found.body["status"] not in FINISHED and time.monotonic() < ends_at:
        db.session.remove()
        time.sleep(0.05)
        found = committed_poll(path.id, current_user_id(), None, language())
    return found
