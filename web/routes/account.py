"""One's account: joining, profile, password."""

import structlog
from flask import Response, jsonify
from flask_openapi import APIBlueprint

from common import accounts, passwords, sessions
from common.models import User
from web import access_presenters as presenters
from web import access_shapes, session_cookie, shapes
from web.access_inputs import AccountChange, Joining, PasswordChange
from web.auth import account_holder, caller, check_accounts, look_again, person
from web.database import db
from web.i18n import language
from web.routes.sessions import begin
from web.services import services

log = structlog.get_logger(__name__)

account = APIBlueprint(
    "account", __name__, url_prefix="/api/account", abp_tags=[access_shapes.ACCOUNTS]
)


@account.post(
    "",
    summary="Join: the account that an invitation's link promises, signed in at once",
    responses={201: access_shapes.Session, **shapes.problems(404, 409, 429)},
)
def join(body: Joining) -> Response:
    check_accounts()
    session_cookie.check_safe()
    accounts.check_address(body.email)
    accounts.check_password(body.password, body.email, field="password")
    password_hash = passwords.hashed(body.password)
    user_id = accounts.join(
        db.session(),
        body.token,
        email=body.email,
        password_hash=password_hash,
        display_name=body.display_name,
        locale=language(),
    )
    log.info("account_made", user_id=str(user_id))
    response = begin(db.session.get_one(User, user_id))
    response.status_code = 201
    return response


@account.get(
    "",
    summary="One's account",
    responses={200: access_shapes.Account, **shapes.problems()},
)
def read_account() -> Response:
    return jsonify(presenters.account(db.session.get_one(User, caller().id)))


@account.patch(
    "",
    summary="Change one's name or language",
    responses={200: access_shapes.Account, **shapes.problems()},
)
def change_account(body: AccountChange) -> Response:
    user = db.session.get_one(User, person().id)
    user.display_name = body.display_name or user.display_name
    user.locale = body.locale or user.locale
    response = jsonify(presenters.account(user))
    db.session.commit()
    return response


@account.put(
    "/password",
    summary="Change one's password, which ends all other sessions",
    responses={204: None, **shapes.problems(409, 429)},
)
def change_password(body: PasswordChange) -> tuple[str, int]:
    holder = account_holder()
    check_own_password(body.current_password, "current_password")
    accounts.check_password(body.new_password, holder.email, field="new_password")
    password_hash = passwords.hashed(body.new_password)
    accounts.set_password(db.session(), holder.id, password_hash, keep=holder.session_id)
    db.session.commit()
    look_again(holder.id)
    log.info("password_changed", user_id=str(holder.id))
    return "", 204


def check_own_password(password: str, field: str) -> None:
    """Raises `invalid_input` about this field unless it is the caller's password, and counts a
    wrong one as a refused sign-in: a stolen session must not try them all."""
    holder = account_holder()
    session = db.session()
    most = services().config.EPICODE_SIGN_IN_ATTEMPTS
    sessions.check_attempts(session, "", holder.email, most)
    kept = session.get_one(User, holder.id).password_hash
    session.commit()
    if not passwords.matches(kept, password):
        sessions.note_failure(session, "", holder.email)
        session.commit()
        raise accounts.wrong_field(field, "wrong_password")
