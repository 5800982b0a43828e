"""JSON leaves through here: snake_case, times in ISO 8601 UTC, absent is null."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from common.branches import Beside
from common.catalogue import Offer
from common.cursor import Reading
from common.jobs import AnyJob, Spent
from common.listings import Standing
from common.live_log import LiveJob
from common.models import Conversation, Message, Prompt
from common.search import Hit
from common.shown import context, moment, shown_fields, usage
from common.statement import Row
from web.i18n import Language, translate
from web.pacing import ALONE, Watched, poll_after_ms
from web.problems import sentences
from web.waiting_line import Line

# A worker that is just starting needs no notice.
NOBODY_COMES_AFTER = timedelta(seconds=2)


@dataclass(frozen=True)
class Place:
    """Where a queued job stands: its position (None past a hundred), and why it waits.

    `nobody_comes`: no worker is online and it has waited long enough to say so.
    """

    position: int | None
    reason: str
    eta_ms: int | None
    workers_online: int
    workers_busy: int
    nobody_comes: bool


def conversation(
    item: Conversation | Row, system_prompt: str | None, spent: Spent | None
) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "title": item.title,
        "title_source": item.title_source,
        "model": item.model,
        "system_prompt": system_prompt,
        "params": item.params,
        "head_message_id": _id(item.head_message_id),
        "pinned": item.pinned,
        "archived": item.archived_at is not None,
        "kind": item.kind,
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
        "usage": usage(spent),
    }


def message(item: Message, beside: Beside, lang: Language) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "conversation_id": str(item.conversation_id),
        "parent_id": _id(item.parent_id),
        "turn_index": item.turn_index,
        "role": item.role,
        "content": item.content,
        "in_window": item.in_window,
        "status": item.status,
        "model": item.model,
        "token_count": item.token_count,
        "finish_reason": item.finish_reason,
        "created_at": moment(item.created_at),
        "job_id": _id(beside.job.id if beside.job else None),
        "sibling_ids": [str(sibling) for sibling in beside.siblings],
        "context": context(beside.job.window if beside.job else None),
        "usage": usage(beside.job),
        "error": error(beside.job.error if beside.job else None, lang),
    }


def hit(item: Hit) -> dict[str, Any]:
    return {
        "conversation_id": str(item.conversation_id),
        "title": item.title,
        "message_id": _id(item.message_id),
        "role": item.role,
        "before": item.before,
        "match": item.match,
        "after": item.after,
        "created_at": moment(item.created_at),
    }


def error(record: dict[str, Any] | None, lang: Language) -> dict[str, Any] | None:
    """A job's error in a person's words."""
    if record is None:
        return None
    title, detail = sentences(lang, record["code"], record["params"])
    return {
        "code": record["code"],
        "title": title,
        "detail": detail,
        "retryable": record["retryable"],
    }


def live_job(live: LiveJob, watched: Watched) -> dict[str, Any]:
    """The poll of a running job, or of one that was just completed, from the live log alone."""
    if live.is_ended:
        return live.shown | {
            "text": live.reading.text,
            "cursor": live.reading.cursor.encode(),
            "reset": live.reading.reset,
            "queue": None,
            "poll_after_ms": poll_after_ms(live.shown["status"], watched),
            "error": None,
        }
    return live.shown | {
        "status": "in_progress",
        "cancelling": live.cancelling or live.shown["cancelling"],
        "text": live.reading.text,
        "cursor": live.reading.cursor.encode(),
        "reset": live.reading.reset,
        "queue": None,
        "poll_after_ms": poll_after_ms("in_progress", watched),
        "finished_at": None,
        "usage": None,
        "error": None,
    }


def stored_job(
    item: AnyJob,
    reading: Reading,
    place: Place | None,
    lang: Language,
    *,
    watched: Watched = ALONE,
) -> dict[str, Any]:
    """A job as the database has it: waiting, ended, or running without a live log."""
    return shown_fields(item) | {
        "status": item.status,
        "text": reading.text,
        "cursor": reading.cursor.encode(),
        "reset": reading.reset,
        "queue": queue(place, lang),
        "poll_after_ms": poll_after_ms(
            item.status, watched, worker_online=place is None or place.workers_online > 0
        ),
        "finished_at": moment(item.finished_at),
        "usage": usage(item),
        "error": error(item.error, lang),
    }


def queue(place: Place | None, lang: Language) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "position": place.position,
        "reason": place.reason,
        "eta_ms": place.eta_ms,
        "workers": {"online": place.workers_online, "busy": place.workers_busy},
        "notice": translate(lang, "error.no_worker.notice") if place.nobody_comes else None,
    }


def place_of(standing: Standing, line: Line) -> Place | None:
    """Why a queued job waits, and where; None for any other."""
    item, now = standing.job, standing.now
    if item.status != "queued":
        return None
    retry_at = max(filter(None, (item.not_before, standing.paused_until)), default=now)
    eta_ms: int | None
    if standing.previous_is_pending:
        reason, eta_ms = "previous_reply", None
    elif retry_at > now:
        reason, eta_ms = "retry", round((retry_at - now).total_seconds() * 1000)
    else:
        reason, eta_ms = "retry" if item.attempt else "worker", line.eta_ms(item.id)
    return Place(
        position=line.places.get(item.id),
        reason=reason,
        eta_ms=eta_ms,
        workers_online=line.crew.online,
        workers_busy=line.crew.busy,
        nobody_comes=line.crew.online == 0 and now - item.queued_at > NOBODY_COMES_AFTER,
    )


def model(offer: Offer, *, local: bool) -> dict[str, Any]:
    limits = offer.limits
    return {
        "id": limits.id,
        "label": limits.label,
        "context_window": limits.context_window,
        "max_output_tokens": limits.max_output_tokens,
        "input_price": limits.input_price,
        "output_price": limits.output_price,
        "available": offer.available,
        "default": offer.is_default,
        "local": local,
        "parameters": limits.parameters,
        "token_count_is_exact": limits.counts_exactly,
    }


def prompt(item: Prompt) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "name": item.name,
        "content": item.content,
        "created_at": moment(item.created_at),
        "updated_at": moment(item.updated_at),
    }


def _id(value: uuid.UUID | None) -> str | None:
    return str(value) if value is not None else None
