"""Sessions: signing in and out, and the list of one's own."""

from datetime import timedelta
from typing import Any

import structlog
from flask import Response, jsonify, request
from flask_openapi import APIBlueprint
from sqlalchemy import update

from common import accounts, passwords
from common import sessions as rules
from common.errors import EpiCodeError
from common.models import User
from web import access_presenters as presenters
from web import access_shapes, session_cookie, shapes
from web.access_inputs import SignIn
from web.auth import caller_or_none, check_accounts, has_accounts, look_again, person
from web.database import db
from web.inputs import ItemPath
from web.services import services

log = structlog.get_logger(__name__)

sessions = APIBlueprint("sessions", __name__, url_prefix="/api", abp_tags=[access_shapes.ACCOUNTS])


@sessions.get(
    "/session",
    summary="Who has signed in; `user` is null where nobody has",
    responses={200: access_shapes.Session, **shapes.problems()},
)
def read_session() -> Response:
    caller = caller_or_none()
    user = db.session.get(User, caller.id) if caller else None
    token = session_cookie.token() if caller and caller.session_id else None
    return jsonify(_shown(user, token))


@sessions.post(
    "/session",
    summary="Sign in: sets the session's cookie",
    responses={200: access_shapes.Session, **shapes.problems(409, 429)},
)
def sign_in(body: SignIn) -> Response:
    check_accounts()
    session_cookie.check_safe()
    session, email = db.session(), accounts.normalised(body.email)
    address = request.remote_addr or ""
    rules.check_attempts(session, address, email, services().config.EPICODE_SIGN_IN_ATTEMPTS)
    known = accounts.known(session, email)
    session.commit()  # nothing is held while the password is looked at
    kept = known.password_hash if known else None
    if not passwords.matches(kept, body.password) or known is None or known.disabled_at:
        rules.note_failure(session, address, email)
        session.commit()
        log.info("sign_in_refused", user_id=str(known.id) if known else None)
        raise EpiCodeError("wrong_credentials")
    if passwords.is_outdated(known.password_hash):
        # only over the hash that was looked at: a change of password meanwhile stays
        anew = update(User).where(User.id == known.id, User.password_hash == known.password_hash)
        session.execute(anew.values(password_hash=passwords.hashed(body.password)))
    return begin(session.get_one(User, known.id))


@sessions.delete(
    "/session",
    summary="Sign out: ends the session",
    responses={204: None, **shapes.problems()},
)
def sign_out() -> Response:
    caller = caller_or_none()
    if caller and caller.session_id:
        rules.end(db.session(), caller.id, caller.session_id)
        db.session.commit()
        look_again(caller.id)
    response = Response(status=204)
    session_cookie.clear(response)
    return response


@sessions.get(
    "/sessions",
    summary="One's sessions, the latest first",
    responses={200: access_shapes.SignedInPage, **shapes.problems()},
)
def list_sessions() -> Response:
    caller = person()
    found = rules.listed(db.session(), caller.id)
    data = [presenters.session(item, current=caller.session_id) for item in found]
    return jsonify({"data": data, "next": None})


@sessions.delete(
    "/sessions/<id>",
    summary="End one of one's sessions, at once",
    responses={204: None, **shapes.problems(404)},
)
def end_session(path: ItemPath) -> tuple[str, int]:
    holder = person()
    rules.end(db.session(), holder.id, path.id)
    db.session.commit()
    look_again(holder.id)
    return "", 204


def begin(user: User) -> Response:
    """A new session of the user, committed, with its cookie. The browser's old one ends."""
    session = db.session()
    lasts = timedelta(days=services().config.EPICODE_SESSION_DAYS)
    before = caller_or_none()
    if before and before.session_id:
        rules.end_quietly(session, before.session_id)
    agent = request.headers.get("User-Agent", "")
    token = rules.begin(session, user.id, user_agent=agent, lasts=lasts)
    session.commit()
    if before:
        look_again(before.id)
    log.info("signed_in", user_id=str(user.id))
    response = jsonify(_shown(user, token))
    session_cookie.put(response, token, lasts)
    return response


def _shown(user: User | None, token: str | None) -> dict[str, Any]:
    return {
        "auth": "accounts" if has_accounts() else "local",
        "user": presenters.account(user) if user else None,
        "csrf_token": session_cookie.csrf_token(token) if token else None,
    }
