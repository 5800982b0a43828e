"""A POST that creates, done once however often it is sent."""

from collections.abc import Callable
from typing import TypeVar

from flask import request

from common import idempotency
from common.db import Transaction
from common.idempotency import Key, Made, Repeated
from web.auth import current_user_id
from web.inputs import idempotency_key

T = TypeVar("T")


def once(session: Transaction, makes: Made, make: Callable[[], T]) -> tuple[Made, T | None]:
    """Runs `make`, which makes things of the ids in `makes`, unless this Idempotency-Key was seen;
    the ids of what was made, now or before, and the thing itself if that was now.

    Nothing is committed: key and turn are one transaction, the door's.
    """

    def take_and_make(key: Key | None) -> T:
        if key is not None:
            idempotency.take(session, key)
        return make()

    return once_in(makes, take_and_make)


def once_in(makes: Made, make: Callable[[Key | None], T]) -> tuple[Made, T | None]:
    """The same for a `make` that takes the key itself, along with something else."""
    try:
        return makes, make(_key(makes))
    except Repeated as repeated:
        return repeated.made, None


def _key(makes: Made) -> Key | None:
    given = idempotency_key()
    if given is None:
        return None
    body = request.get_json(silent=True) or {}
    fingerprint = idempotency.fingerprint(request.method, request.path, body)
    return Key(current_user_id(), given, fingerprint, makes)
