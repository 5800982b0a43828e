"""Liveness and readiness."""

from flask import Response, jsonify
from flask_openapi import APIBlueprint
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common.errors import EpiCodeError
from common.workers import crew
from web import shapes
from web.database import db
from web.services import services

health = APIBlueprint("health", __name__, url_prefix="/health", abp_tags=[shapes.HEALTH])

RETRY_SECONDS = 5


@health.get(
    "",
    summary="200 while the process serves",
    responses={200: shapes.Health, **shapes.problems()},
)
def liveness() -> Response:
    return jsonify({"status": "ok"})


@health.get(
    "/ready",
    summary="200 when a message posted now would be answered; 503 names what is missing",
    responses={200: shapes.Readiness, **shapes.problems()},
)
def readiness() -> Response:
    try:
        online = crew(db.session()).online
    except SQLAlchemyError:
        raise EpiCodeError("database_unavailable", retry_after=RETRY_SECONDS) from None
    try:
        services().live_log.ping()
    except RedisError:
        raise EpiCodeError("redis_unavailable", retry_after=RETRY_SECONDS) from None
    if not online:
        raise EpiCodeError("worker_unavailable", retry_after=RETRY_SECONDS)
    return jsonify({"status": "ready", "workers": online})
