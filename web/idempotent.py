"""A POST that creates, done once however often it is sent."""

from collections.abc import Callable
from typing import TypeVar

from flask import request

from common import idempotency
from common.db import Transaction
from common.idempotency import Made
from web.auth import current_user_id
from web.inputs import idempotency_key

T = TypeVar("T")


def once(session: Transaction, makes: Made, make: Callable[[], T]) -> tuple[Made, T | None]:
    """Runs `make`, which makes things of the ids in `makes`, unless this Idempotency-Key was seen;
    the ids of what was made, now or before, and the thing itself if that was now.

    Nothing is committed: key and turn are one transaction, the door's.
    """
    key = idempotency_key()
    if key is not None:
        mark = idempotency.fingerprint(
            request.method, request.path, request.get_json(silent=True) or {}
        )
        before = idempotency.take(session, current_user_id(), key, mark, makes)
        if before is not None:
            return before, None
    return makes, make()
