"""What administrators are answered, as JSON: never a text, a secret or a hash."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from common.administration import Upstream
from common.models import Invitation, Worker
from common.shown import moment
from common.spending import UsersSpending
from common.workers import ONLINE_FOR
from web.access_presenters import limits, spent
from web.i18n import Language
from web.problems import sentences


def invitation(item: Invitation) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "email": item.email,
        "role": item.role,
        "created_at": moment(item.created_at),
        "expires_at": moment(item.expires_at),
    }


def user(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "display_name": row.display_name,
        "role": row.role,
        "disabled": row.disabled_at is not None,
        "limits": limits(row.limits),
        "created_at": moment(row.created_at),
        "last_seen_at": moment(row.last_seen),
    }


def spending(item: UsersSpending) -> dict[str, Any]:
    return {
        "user": {
            "id": str(item.user_id),
            "email": item.email,
            "display_name": item.display_name,
        },
        "today": spent(item.today),
        "month": spent(item.month),
    }


def job(row: Row[Any], lang: Language) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "user": {
            "id": str(row.user_id),
            "email": row.email,
            "display_name": row.display_name,
        },
        "kind": row.kind,
        "status": row.status,
        "attempt": row.attempt,
        "model": row.model,
        "cancelling": row.cancel_requested_at is not None and row.finished_at is None,
        "created_at": moment(row.queued_at),
        "started_at": moment(row.started_at),
        "finished_at": moment(row.finished_at),
        "error": _error(row.error, lang),
    }


def worker(item: Worker) -> dict[str, Any]:
    return {
        "name": item.name,
        "slots": item.slots,
        "busy": item.busy,
        "queues": item.queues,
        "seen_at": moment(item.seen_at),
        "online": datetime.now(UTC) - item.seen_at < ONLINE_FOR,
    }


def upstream(item: Upstream, base_url: str, lang: Language) -> dict[str, Any]:
    last = _error(item.last_error, lang)
    return {
        # an address may hold a password
        "address": urlsplit(base_url).hostname or "",
        "models": item.models,
        "listed_at": moment(item.listed_at),
        "paused": [{"model": model, "until": moment(until)} for model, until in item.paused],
        "hour": {"completed": item.completed, "failed": item.failed},
        "last_error": {
            "code": last["code"],
            "title": last["title"],
            "at": moment(item.failed_at),
        }
        if last
        else None,
    }


def _error(record: dict[str, Any] | None, lang: Language) -> dict[str, Any] | None:
    if record is None:
        return None
    title, detail = sentences(lang, record["code"], record["params"])
    return {"code": record["code"], "title": title, "detail": detail}
