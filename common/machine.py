"""The machine of a job, as a table: its statuses, its verbs, what may lead where, who may start.

docs/jobs.md shows it, and a test keeps both equal. `common/jobs.py` carries the verbs out.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The statuses of OpenAI's Responses API."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({Status.COMPLETED, Status.INCOMPLETE, Status.FAILED, Status.CANCELLED})


class Verb(StrEnum):
    """What may be asked of a job; each is a function of `common/jobs.py`."""

    CLAIM = "claim"
    RENEW = "renew"
    COMPLETE = "complete"
    FAIL = "fail"
    REQUEUE = "requeue"
    HAND_OVER = "hand_over"
    ASK_TO_CANCEL = "ask_to_cancel"
    CANCEL = "cancel"
    TAKE_OFF = "take_off"
    EXPIRE = "expire"


@dataclass(frozen=True)
class Transition:
    """What a verb may do: from `source` to one of `targets`."""

    source: Status
    targets: frozenset[Status]


# The machine. Every pair of status and verb that isn't here changes nothing.
MACHINE: dict[Verb, Transition] = {
    Verb.CLAIM: Transition(Status.QUEUED, frozenset({Status.IN_PROGRESS})),
    Verb.RENEW: Transition(Status.IN_PROGRESS, frozenset({Status.IN_PROGRESS})),
    Verb.COMPLETE: Transition(Status.IN_PROGRESS, frozenset({Status.COMPLETED, Status.INCOMPLETE})),
    Verb.FAIL: Transition(Status.IN_PROGRESS, frozenset({Status.FAILED})),
    Verb.REQUEUE: Transition(Status.IN_PROGRESS, frozenset({Status.QUEUED})),
    Verb.HAND_OVER: Transition(Status.IN_PROGRESS, frozenset({Status.QUEUED})),
    Verb.ASK_TO_CANCEL: Transition(Status.IN_PROGRESS, frozenset({Status.IN_PROGRESS})),
    Verb.CANCEL: Transition(Status.IN_PROGRESS, frozenset({Status.CANCELLED})),
    # A queued job ends without having run: its owner cancels it, or it waited too long.
    Verb.TAKE_OFF: Transition(Status.QUEUED, frozenset({Status.CANCELLED})),
    Verb.EXPIRE: Transition(Status.QUEUED, frozenset({Status.FAILED})),
}


# A queued job may start when its wait is over, its model isn't paused, and the reply that its
# prompt hangs from is no longer pending, which keeps a conversation in order.
STARTABLE = """
    jobs.status = 'queued'
    AND jobs.waits_for IS NULL
    AND (jobs.not_before IS NULL OR jobs.not_before <= now())
    AND jobs.model <> ALL (ARRAY(SELECT id FROM models WHERE paused_until > now()))
"""
