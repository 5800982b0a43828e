"""`GET /metrics` for Prometheus: for this machine, or for who knows the token. Not public."""

import hmac
import ipaddress

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from common.errors import EpiCodeError
from web.guard import is_this_machine
from web.metrics import exposition
from web.services import services

metrics = Blueprint("metrics", __name__)


@metrics.get("/metrics")
def scrape() -> Response:
    """Whoever may not is told that there is nothing here."""
    config = services().config
    if not (_knows(config.EPICODE_METRICS_TOKEN) or _is_local()):
        raise EpiCodeError("not_found")
    response = Response(exposition(config.REDIS_URL), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


def _knows(token: str | None) -> bool:
    if token is None:
        return False
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())


def _is_local() -> bool:
    """From this machine and for this machine's name. Behind a proxy everybody comes from its
    address: what it forwards is nobody's local call."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        is_near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_near and is_this_machine(request.host)
