"""An operator's second try for a job, whatever became of it. Whose job it is doesn't matter here:
only who runs the machine may ask."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from common import conversations, jobs, ringing
from common.acceptance import WaitingCaps
from common.catalogue import Catalogue
from common.machine import Status
from common.models import Job

# The kinds that answer a person's turn; of the others nobody waits for a second one.
ANSWERING = ("reply", "ask")


class How(StrEnum):
    """What requeueing a job meant: it was put back, it may be rung at once, or it has a heir."""

    PUT_BACK = "put_back"
    RUNG_ANEW = "rung_anew"
    NEW_JOB = "new_job"


@dataclass(frozen=True)
class Requeued:
    """The job that will be claimed next: the one that was meant, or a new one in its place."""

    job_id: uuid.UUID
    how: How


def requeue(
    session: Session, job_id: uuid.UUID, *, catalogue: Catalogue, caps: WaitingCaps
) -> Requeued | None:
    """Gives the job another attempt. None: there is no such job, or it needs none any more.

    A running one is taken from its worker, which the fence then stops; nothing is charged. One
    that has ended never reopens: a new job makes a reply beside the old one, with the refusals of
    `conversations.regenerate`. Whoever calls this rings after the commit.
    """
    job = session.scalars(select(Job).where(Job.id == job_id)).one_or_none()
    if job is None or job.status == Status.COMPLETED:
        return None
    if job.status == Status.IN_PROGRESS:
        moved = jobs.hand_over(session, job.id, job.attempt)
        # its cancel had been asked: that was carried out instead
        return Requeued(job.id, How.PUT_BACK) if moved and moved.status == Status.QUEUED else None
    if job.status == Status.QUEUED:
        ringing.unmark(session, [job.id])
        return Requeued(job.id, How.RUNG_ANEW)
    if job.kind not in ANSWERING:
        return None
    posted = conversations.regenerate(
        session,
        job.user_id,
        job.prompt_message_id,
        catalogue=catalogue,
        caps=caps,
        model=job.model,
        params=job.params,
    )
    return Requeued(posted.job.id, How.NEW_JOB)
