"""API keys: one's own, made and revoked by whoever has signed in."""

from datetime import UTC, datetime

import structlog
from flask import Response, jsonify
from flask_openapi import APIBlueprint

from common import access
from common.accounts import wrong_field
from common.errors import EpiCodeError
from web import access_presenters as presenters
from web import access_shapes, shapes
from web.access_inputs import NewKey
from web.auth import caller, look_again, person
from web.database import db
from web.inputs import ItemPath

log = structlog.get_logger(__name__)

keys = APIBlueprint("keys", __name__, url_prefix="/api/keys", abp_tags=[access_shapes.ACCOUNTS])


@keys.get(
    "",
    summary="One's API keys, the latest first, without what is secret of them",
    responses={200: access_shapes.KeyPage, **shapes.problems()},
)
def list_keys() -> Response:
    found = access.listed_keys(db.session(), caller().id)
    return jsonify({"data": [presenters.key(item) for item in found], "next": None})


@keys.post(
    "",
    summary="A new API key, told this once",
    responses={201: access_shapes.NewlyMadeKey, **shapes.problems(409)},
)
def make_key(body: NewKey) -> Response:
    maker = person()
    if body.expires_at is not None and body.expires_at <= datetime.now(UTC):
        raise wrong_field("expires_at", "in_the_past")
    if "admin" in body.scopes and not maker.is_administrator:
        raise EpiCodeError("scope_missing")
    made, key = access.make_key(
        db.session(),
        maker.id,
        body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        limits={name: value for name, value in body.limits.given().items() if value is not None},
    )
    response = jsonify(presenters.key(made) | {"key": key})
    db.session.commit()
    log.info("key_made", user_id=str(maker.id), key_id=str(made.id))
    response.status_code = 201
    return response


@keys.delete(
    "/<id>",
    summary="Revoke an API key, at once",
    responses={204: None, **shapes.problems(404)},
)
def revoke_key(path: ItemPath) -> tuple[str, int]:
    holder = person()
    access.revoke_key(db.session(), holder.id, path.id)
    db.session.commit()
    look_again(holder.id)
    log.info("key_revoked", key_id=str(path.id))
    return "", 204
