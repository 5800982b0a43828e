"""What administrators see of the machine, and do about jobs: everybody's, without their texts."""

import time
import uuid
from typing import Any

import structlog
from flask import Response, jsonify
from flask_openapi import APIBlueprint
from redis.exceptions import RedisError

from common import administration
from common import jobs as machine
from common.errors import EpiCodeError
from common.machine import Status
from common.requeueing import How, requeue
from common.shown import moment
from web import admin_presenters as presenters
from web import admin_shapes, listing, shapes
from web.access_inputs import AllJobsList
from web.auth import administrator
from web.database import db
from web.doorway import commit_and_ring
from web.i18n import language
from web.inputs import ItemPath, ListingCursor
from web.routes.jobs import CANCEL_WAIT_SECONDS
from web.services import services

log = structlog.get_logger(__name__)

admin_jobs = APIBlueprint(
    "admin_jobs", __name__, url_prefix="/api/admin", abp_tags=[admin_shapes.ADMINISTRATION]
)


@admin_jobs.get(
    "/jobs",
    summary="Everybody's jobs, the latest first",
    responses={200: admin_shapes.AdminJobPage, **shapes.problems(404)},
)
def list_all_jobs(query: AllJobsList) -> Response:
    administrator()
    cursor, lang = listing.decode(query.cursor), language()
    page = administration.jobs(
        db.session(),
        status=query.status,
        user_id=query.user_id,
        before=cursor.id if cursor else None,
        limit=query.limit,
    )
    following = page[-1].id if len(page) == query.limit else None
    return jsonify(
        {
            "data": [presenters.job(row, lang) for row in page],
            "next": listing.encode(ListingCursor(id=following)) if following else None,
        }
    )


@admin_jobs.post(
    "/jobs/<id>/cancellation",
    summary="Cancel anybody's job; may be called again",
    responses={200: admin_shapes.AdminJob, **shapes.problems(404)},
)
def cancel_anybodys_job(path: ItemPath) -> Response:
    by = administrator()
    session = db.session()
    asked = machine.ask_to_cancel_as_operator(session, path.id)
    body = _shown(path.id)
    commit_and_ring()
    log.info("job_cancelled_by_administrator", job_id=str(path.id), user_id=str(by.id))
    if asked is not None and asked.status == Status.IN_PROGRESS:
        try:
            services().live_log.ask_to_cancel([path.id])
        except RedisError as error:  # the lease's renewal brings the news within seconds
            log.warning("cancel_mark_not_left", error=type(error).__name__)
        body = _ended_soon(path.id, body)
    return jsonify(body)


@admin_jobs.post(
    "/jobs/<id>/requeueing",
    summary="Another attempt for anybody's job: put back if it runs, else a new job for its turn",
    responses={200: admin_shapes.AdminJob, **shapes.problems(404, 409, 429)},
)
def requeue_anybodys_job(path: ItemPath) -> Response:
    by, part = administrator(), services()
    session = db.session()
    _shown(path.id)
    done = requeue(session, path.id, catalogue=part.catalogue, caps=part.installation_caps)
    if done is None:
        raise EpiCodeError("not_requeueable")
    body = _shown(done.job_id)
    commit_and_ring(posted=done.job_id if done.how == How.NEW_JOB else None)
    log.info("job_requeued", job_id=str(path.id), user_id=str(by.id))
    return jsonify(body)


@admin_jobs.get(
    "/workers",
    summary="The worker processes of the last hour",
    responses={200: admin_shapes.AdminWorkerPage, **shapes.problems(404)},
)
def list_workers() -> Response:
    administrator()
    found = administration.workers(db.session())
    return jsonify({"data": [presenters.worker(item) for item in found], "next": None})


@admin_jobs.get(
    "/queue",
    summary="How many jobs wait and run",
    responses={200: admin_shapes.AdminQueue, **shapes.problems(404)},
)
def read_queue() -> Response:
    administrator()
    found = administration.queue(db.session())
    return jsonify(
        {
            "queued": found.queued,
            "in_progress": found.in_progress,
            "oldest_queued_at": moment(found.oldest_queued_at),
        }
    )


@admin_jobs.get(
    "/upstream",
    summary="How the model server does",
    responses={200: admin_shapes.Upstream, **shapes.problems(404)},
)
def read_upstream() -> Response:
    administrator()
    found = administration.upstream(db.session())
    base_url = services().config.OPENAI_BASE_URL
    return jsonify(presenters.upstream(found, base_url, language()))


def _ended_soon(job_id: uuid.UUID, body: dict[str, Any]) -> dict[str, Any]:
    """The job after the second at most that its worker needs to carry a cancel out."""
    ends_at = time.monotonic() + CANCEL_WAIT_SECONDS
    while body["status"] == Status.IN_PROGRESS and time.monotonic() < ends_at:
        db.session.remove()  # whoever waits holds no connection
        time.sleep(0.05)
        body = _shown(job_id)
    return body


def _shown(job_id: uuid.UUID) -> dict[str, Any]:
    """Raises `not_found`."""
    found = administration.jobs(db.session(), only=job_id)
    if not found:
        raise EpiCodeError("not_found")
    return presenters.job(found[0], language())
