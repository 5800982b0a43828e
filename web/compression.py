"""Answers packed with gzip for clients that take it. Static files are packed once a process.

Nothing secret is in an answer that also repeats what the asker sent, so that its packed length
tells nobody anything (BREACH).
"""

import gzip
from functools import lru_cache

from flask import Flask, Response, request
from werkzeug.http import parse_accept_header

# Below it the answer goes out in one packet anyway; most polls are.
SMALLEST = 1400
# JSON is packed for each answer, a file once for all.
QUICK, THOROUGH = 4, 9
PACKED_KINDS = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/problem+json",
        "image/svg+xml",
        "text/css",
        "text/html",
        "text/javascript",
        "text/markdown",
    }
)


def register_compression(app: Flask) -> None:
    """To be registered before whatever else changes answers: the last to run is the first."""
    packed_files: dict[str, bytes] = {}

    @app.after_request
    def pack(response: Response) -> Response:
        has_body = response.status_code != 304
        if has_body and (response.content_length or 0) < SMALLEST:
            return response
        if response.mimetype not in PACKED_KINDS or response.status_code == 206:
            return response
        response.vary.add("Accept-Encoding")
        if not has_body:
            return response
        if not takes_gzip(request.headers.get("Accept-Encoding")):
            return response
        etag, _ = response.get_etag()
        is_file, response.direct_passthrough = response.direct_passthrough, False
        name = f"{request.path} {etag}"
        if is_file and etag and name in packed_files:
            packed = packed_files[name]
            response.close()
        else:
            packed = pack_bytes(response.get_data(), THOROUGH if is_file else QUICK)
            if is_file and etag:
                packed_files[name] = packed
        _replace(response, packed, etag)
        return response


def pack_bytes(body: bytes, level: int = QUICK) -> bytes:
    """The same as gzip, whenever it is packed."""
    return gzip.compress(body, level, mtime=0)


@lru_cache(maxsize=64)
def takes_gzip(accepted: str | None) -> bool:
    """Whether a client does, by its Accept-Encoding."""
    return bool(parse_accept_header(accepted)["gzip"])


def _replace(response: Response, packed: bytes, etag: str | None) -> None:
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"
    # a range of the packed bytes would be none of the file's
    response.headers.pop("Accept-Ranges", None)
    if etag:  # other bytes, the same content (RFC 9110, 8.8.1)
        response.set_etag(etag, weak=True)
