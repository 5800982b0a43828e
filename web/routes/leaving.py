"""Taking along everything that one's account holds, and deleting the account."""

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
import structlog
from flask import Response, current_app
from flask_openapi import APIBlueprint
from redis.exceptions import RedisError

from common import access, accounts, allowance, export
from common.models import User
from common.shown import moment
from web import access_presenters as presenters
from web import access_shapes, session_cookie, shapes
from web.access_inputs import AccountDeletion
from web.auth import account_holder, look_again, person
from web.database import db, looking
from web.routes.account import check_own_password
from web.services import services

log = structlog.get_logger(__name__)

leaving = APIBlueprint(
    "leaving", __name__, url_prefix="/api/account", abp_tags=[access_shapes.ACCOUNTS]
)


@leaving.get(
    "/export",
    summary="Everything one's account holds, as one file",
    responses={200: access_shapes.AccountExport, **shapes.problems()},
)
def export_account() -> Response:
    user_id = person().id
    user = db.session.get_one(User, user_id)
    head = {
        "format": "epicode-account",
        "exported_at": moment(datetime.now(UTC)),
        "account": presenters.account(user),
        "keys": [presenters.key(key) for key in access.listed_keys(db.session(), user_id)],
    }
    ids = export.conversation_ids(db.session(), user_id)
    db.session.remove()  # nothing is held while a slow reader reads
    application = current_app._get_current_object()  # type: ignore[attr-defined]

    def pieces() -> Iterator[bytes]:
        yield orjson.dumps(head)[:-1] + b',"conversations":['
        first = True
        for conversation_id in ids:
            with application.app_context(), looking() as reader:
                found = export.conversation(reader, user_id, conversation_id)
            if found is not None:  # it may be deleted meanwhile
                yield (b"" if first else b",") + orjson.dumps(found)
                first = False
        yield b"]}"

    name = f"epicode-{allowance.day_of(datetime.now(UTC)).date()}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(pieces(), headers=headers, mimetype="application/json")


@leaving.post(
    "/deletion",
    summary="Delete one's account with all that it owns; what runs is stopped",
    responses={204: None, **shapes.problems(409, 429)},
)
def delete_account(body: AccountDeletion) -> Response:
    holder = account_holder()
    check_own_password(body.password, "password")
    gone = accounts.remove(db.session(), holder.id)
    db.session.commit()
    look_again(holder.id)
    log.info("account_deleted", user_id=str(holder.id))
    live_log = services().live_log
    try:
        live_log.ask_to_cancel([job.job_id for job in gone if job.was_running], deleted=True)
        live_log.forget((job.job_id, job.attempt) for job in gone)
    except RedisError as error:  # its keys expire, and a renewal finds that the job is gone
        log.warning("live_log_not_forgotten", error=type(error).__name__)
    response = Response(status=204)
    session_cookie.clear(response)
    return response
