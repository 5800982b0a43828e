"""The session's cookie, and the CSRF token that goes with it.

Over HTTPS the cookie's name begins with `__Host-`: browsers then take it from this host alone, for
all of its paths, and never over plain HTTP (RFC 6265bis).
"""

import hashlib
import hmac
from datetime import timedelta

from flask import Response, current_app, request

from common.errors import EpiCodeError
from web.guard import is_this_machine
from web.services import services

NAME = "epicode"


def token() -> str | None:
    """What the browser's cookie holds; None: it sent none."""
    return request.cookies.get(_name())


def csrf_token(session_token: str) -> str:
    """What a page of ours sends along as X-CSRF-Token: another site's page can't know it."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"csrf {session_token}".encode(), hashlib.sha256).hexdigest()


def check_csrf(session_token: str) -> None:
    """Raises `csrf_failed` unless the request carries the session's token."""
    sent = request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(sent.encode(), csrf_token(session_token).encode()):
        raise EpiCodeError("csrf_failed")


def check_safe() -> None:
    """Raises `https_needed` where a password and a cookie would cross a network unencrypted."""
    unencrypted = not request.is_secure and not is_this_machine(request.host)
    if unencrypted and not services().config.EPICODE_ALLOW_HTTP:
        raise EpiCodeError("https_needed")


def put(response: Response, session_token: str, lasts: timedelta) -> None:
    response.set_cookie(
        _name(),
        session_token,
        max_age=lasts,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def clear(response: Response) -> None:
    response.delete_cookie(
        _name(), secure=request.is_secure, httponly=True, samesite="Lax", path="/"
    )


def _name() -> str:
    return f"__Host-{NAME}" if request.is_secure else NAME
