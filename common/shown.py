"""What a poll shows of a job beside its text: written by the worker into the live log, and by
the web for a job that it reads from the database. One shape for both."""

from datetime import UTC, datetime
from typing import Any

from common.jobs import AnyJob, Spent


def shown_fields(job: AnyJob) -> dict[str, Any]:
    """The poll's fields that only the job's row decides, ready for JSON."""
    last_worker = job.attempts[-1]["worker"] if job.attempts else None
    return {
        "id": str(job.id),
        "kind": job.kind,
        "attempt": job.attempt,
        "model": job.model,
        "conversation_id": str(job.conversation_id),
        "prompt_message_id": str(job.prompt_message_id),
        "message_id": str(job.reply_message_id) if job.reply_message_id else None,
        "attempts": [
            {name: entry[name] for name in ("n", "outcome", "ran_ms")} for entry in job.attempts
        ],
        "worker": short_name(job.lease_owner or last_worker),
        "cancelling": job.cancel_requested_at is not None and job.finished_at is None,
        "context": context(job.window),
        "created_at": moment(job.queued_at),
        "started_at": moment(job.started_at),
        "first_token_at": moment(job.first_token_at),
    }


def ended_fields(job: AnyJob) -> dict[str, Any]:
    """All fields but the text of a job that is completed, ready for JSON."""
    return shown_fields(job) | {
        "status": job.status,
        "finished_at": moment(job.finished_at),
        "usage": usage(job),
    }


def usage(item: AnyJob | Spent | None) -> dict[str, Any] | None:
    """Tokens and US dollars; None where nothing was counted."""
    if item is None or item.input_tokens is None:
        return None
    return {
        "input_tokens": item.input_tokens,
        "output_tokens": item.output_tokens,
        "cost": float(item.cost) if item.cost is not None else None,
    }


def context(window: dict[str, Any] | None) -> dict[str, Any] | None:
    """The part of a job's recorded window that a poll shows."""
    if window is None:
        return None
    names = ("window", "used", "omitted_turns", "first_sent_message_id")
    return {name: window[name] for name in names}


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short_name(worker: str | None) -> str | None:
    """What people call a worker: `worker-2` of `worker-2@host#41`, the host of `celery@host#41`."""
    if worker is None:
        return None
    name, _, host = worker.partition("#")[0].partition("@")
    return host if name == "celery" and host else name
