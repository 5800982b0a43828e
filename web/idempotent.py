"""A POST that creates, done once however often it is sent."""

from collections.abc import Callable
from typing import TypeVar

from flask import request
from sqlalchemy.orm import Session

from common import idempotency
from common.idempotency import Made
from web.auth import current_user_id
from web.inputs import idempotency_key

T = TypeVar("T")


def once(
    session: Session, make: Callable[[], T], ids_of: Callable[[T], Made]
) -> tuple[Made, T | None]:
    """Runs `make` unless this Idempotency-Key was seen; the ids of what it made, now or before,
    and the thing itself if that was now.

    Nothing is committed: key and turn are one transaction, the door's.
    """
    key = idempotency_key()
    if key is not None:
        mark = idempotency.fingerprint(
            request.method, request.path, request.get_json(silent=True) or {}
        )
        before = idempotency.begin(session, current_user_id(), key, mark)
        if before is not None:
            return before, None
    made = make()
    ids = ids_of(made)
    if key is not None:
        idempotency.finish(session, current_user_id(), key, ids)
    return ids, made
