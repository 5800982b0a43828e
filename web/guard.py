"""What is checked before any route: Host, Origin, size and kind of the body; and the headers
that every answer carries. In local mode this is what keeps other web pages out."""

import ipaddress
import secrets
import threading
import time
from functools import lru_cache
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.utils import host_is_trusted

from common.config import BaseConfig
from common.errors import EpiCodeError

MAX_BODY_BYTES = 2 * 1024 * 1024
# A refused body is read and dropped up to this size: most clients don't look for an answer
# before they have sent everything.
MAX_DRAINED_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 5.0
# Not more at once: those who send slowly must not hold every thread.
_draining = threading.BoundedSemaphore(2)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Answered by any name: probes and Prometheus ask by address, and /metrics has a rule of its own.
ANY_HOST = ("/health", "/metrics")

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
# The same in few bytes, for what no page runs in: some seventy files a page bring these.
PART_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PARTS = ("text/javascript", "text/css")
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def register_guard(app: Flask, config: BaseConfig) -> None:
    has_accounts, trusted = config.EPICODE_AUTH == "accounts", config.trusted_hosts

    def check() -> None:
        _name_request()
        if request.path not in ANY_HOST and not is_this_machine(request.host):
            _check_name(has_accounts, trusted)
        _check_origin()
        _check_body()

    app.before_request(check)
    app.after_request(_add_headers)


def _name_request() -> None:
    g.request_id = f"req_{secrets.token_hex(10)}"
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _check_name(has_accounts: bool, trusted: list[str]) -> None:
    """A name that isn't this machine's may be another page's DNS trick (rebinding)."""
    if not has_accounts:
        raise EpiCodeError("host_not_allowed")
    if not host_is_trusted(request.host, trusted):
        raise EpiCodeError("host_not_trusted")


def _check_origin() -> None:
    """Another site's page can't make a browser change anything here."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    if origin is not None:
        if _authority(origin) != request.host:
            raise EpiCodeError("foreign_origin")
    elif request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise EpiCodeError("foreign_origin")


def _check_body() -> None:
    """Only JSON objects of at most 2 MiB get in; flask-openapi would decode a string twice."""
    if request.method in SAFE_METHODS or not request.path.startswith("/api/"):
        return
    # Werkzeug cuts a chunked body at its limit without a word: one byte more tells it from a whole.
    request.max_content_length = MAX_BODY_BYTES + 1
    is_too_large = (request.content_length or 0) > MAX_BODY_BYTES
    body = b"" if is_too_large else request.get_data(cache=True)
    if is_too_large or len(body) > MAX_BODY_BYTES:
        _drain()
        raise EpiCodeError("payload_too_large")
    if not body:
        return
    if request.mimetype != "application/json":
        raise EpiCodeError("unsupported_media_type")
    try:
        content = request.get_json()
    except BadRequest:
        raise EpiCodeError("malformed_json") from None
    if not isinstance(content, dict):
        raise EpiCodeError("malformed_json")


def _add_headers(response: Response) -> Response:
    if request.path.startswith("/static/") and response.mimetype in PARTS:
        response.headers.extend(PART_HEADERS)
        response.headers.remove("Content-Disposition")
        return response
    # Added, not set: no route makes one of these, and looking for each costs a poll more.
    response.headers.extend(HEADERS)
    if request.path.startswith("/api/") and "Cache-Control" not in response.headers:
        response.headers.add("Cache-Control", "no-store")
    response.headers.add("X-Request-Id", g.request_id)
    return response


@lru_cache(maxsize=64)
def is_this_machine(host: str) -> bool:
    """Whether a Host header names this machine: localhost or a loopback address, any port."""
    try:
        name = urlsplit(f"//{host}").hostname
        return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
    except ValueError:
        return False


def _authority(origin: str) -> str | None:
    """Host and port of an Origin header; None for `null` and for what is no address at all."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _drain() -> None:
    if not _draining.acquire(blocking=False):
        return
    try:
        _drop_what_comes()
    finally:
        _draining.release()


def _drop_what_comes() -> None:
    stream, length = request.environ["wsgi.input"], request.content_length
    left = MAX_DRAINED_BYTES if length is None else min(length, MAX_DRAINED_BYTES)
    ends_at = time.monotonic() + DRAIN_SECONDS
    try:
        while left > 0 and time.monotonic() < ends_at and (chunk := stream.read(min(left, 65536))):
            left -= len(chunk)
    except OSError:  # the client has gone: nobody waits for the answer
        return
