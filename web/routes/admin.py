"""What administrators do about people: invitations, accounts, what everybody spends. For everybody
else none of it is there."""

import uuid

import structlog
from flask import Response, jsonify, request
from flask_openapi import APIBlueprint

from common import accounts, administration, invitations, spending
from common.errors import EpiCodeError
from web import admin_presenters as presenters
from web import admin_shapes, listing, shapes
from web.access_inputs import NewInvitation, UserChange, UserList
from web.auth import administrator, check_accounts, look_again
from web.database import db
from web.inputs import ItemPath, ListingCursor

log = structlog.get_logger(__name__)

admin = APIBlueprint(
    "admin", __name__, url_prefix="/api/admin", abp_tags=[admin_shapes.ADMINISTRATION]
)


@admin.get(
    "/invitations",
    summary="Invitations that can still be used",
    responses={200: admin_shapes.InvitationPage, **shapes.problems(404)},
)
def list_invitations() -> Response:
    administrator()
    found = invitations.listed(db.session())
    return jsonify({"data": [presenters.invitation(item) for item in found], "next": None})


@admin.post(
    "/invitations",
    summary="Invite somebody: a link that makes one account, told this once",
    responses={201: admin_shapes.NewlyMadeInvitation, **shapes.problems(404, 409)},
)
def invite(body: NewInvitation) -> Response:
    by = _person()
    check_accounts()
    email = accounts.normalised(body.email) if body.email else None
    if email is not None:
        accounts.check_address(email)
    made, token = invitations.invite(db.session(), by, email=email, role=body.role)
    secret = {"token": token, "url": f"{request.host_url}join/{token}"}
    response = jsonify(presenters.invitation(made) | secret)
    db.session.commit()
    log.info("invited", invitation_id=str(made.id))
    response.status_code = 201
    return response


@admin.delete(
    "/invitations/<id>",
    summary="Withdraw an invitation",
    responses={204: None, **shapes.problems(404)},
)
def withdraw(path: ItemPath) -> tuple[str, int]:
    administrator()
    invitations.withdraw(db.session(), path.id)
    db.session.commit()
    return "", 204


@admin.get(
    "/users",
    summary="Accounts, the oldest first",
    responses={200: admin_shapes.AdminUserPage, **shapes.problems(404)},
)
def list_users(query: UserList) -> Response:
    administrator()
    cursor = listing.decode(query.cursor)
    page = administration.users(
        db.session(), after=cursor.id if cursor else None, limit=query.limit
    )
    following = page[-1].id if len(page) == query.limit else None
    return jsonify(
        {
            "data": [presenters.user(row) for row in page],
            "next": listing.encode(ListingCursor(id=following)) if following else None,
        }
    )


@admin.patch(
    "/users/<id>",
    summary="Change somebody's role or limits, or disable the account; the first and last end"
    " all of its sessions",
    responses={200: admin_shapes.AdminUser, **shapes.problems(404, 409)},
)
def change_user(path: ItemPath, body: UserChange) -> Response:
    _person()
    session = db.session()
    accounts.change(
        session,
        path.id,
        role=body.role,
        disabled=body.disabled,
        limits=body.limits.given() if body.limits else None,
    )
    (row,) = administration.users(session, after=None, limit=1, only=path.id)
    response = jsonify(presenters.user(row))
    session.commit()
    look_again(path.id)
    log.info("user_changed", user_id=str(path.id))
    return response


@admin.get(
    "/usage",
    summary="What everybody has spent today and this month",
    responses={200: admin_shapes.SpendingPage, **shapes.problems(404)},
)
def list_usage() -> Response:
    administrator()
    found = spending.by_user(db.session())
    return jsonify({"data": [presenters.spending(item) for item in found], "next": None})


def _person() -> uuid.UUID:
    """The administrator who has signed in. Raises `session_needed` for a key: it must not make
    accounts, nor raise its own limits."""
    found = administrator()
    if found.key_id is not None:
        raise EpiCodeError("session_needed")
    return found.id
