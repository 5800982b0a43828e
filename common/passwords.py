"""Passwords: argon2id with RFC 9106's parameters, hashed anew when those have grown."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from common.errors import EpiCodeError

SHORTEST, LONGEST = 10, 200
# Each hash takes 64 MiB and some 50 ms: more at once would let sign-ins starve everything else.
_AT_ONCE = threading.BoundedSemaphore(2)
_PATIENCE_SECONDS = 3.0
_hasher = PasswordHasher()
# Of no password at all: somebody unknown is refused no quicker than a wrong password.
_NOBODYS = _hasher.hash("")


def hashed(password: str) -> str:
    """The hash to keep. Raises `too_many_attempts` when too many wait for theirs."""
    with _Turn():
        return _hasher.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password of this hash; None takes as long and never matches. Raises as
    `hashed`."""
    with _Turn():
        try:
            return _hasher.verify(kept or _NOBODYS, password) and kept is not None
        except (VerifyMismatchError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether this hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(kept)


class _Turn:
    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=_PATIENCE_SECONDS):
            raise EpiCodeError("too_many_attempts", retry_after=_PATIENCE_SECONDS)

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()
