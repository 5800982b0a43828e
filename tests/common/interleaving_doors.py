"""What the product's doors do in one go, for walks through the state machine.

The transactions of a post, a doorbell, a claim, the end of an attempt, a renewal: the product's
own rules and verbs, committed as the product commits them, and noted in the world. What is done
alone is also held against how the tables were: in a race any answer may be right.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from common import catalogue, jobs, ringing, workers
from common.jobs import JobRow, Said
from common.machine import Status
from common.models import Job
from common.ringing import Doorbell
from common.turns import Posted
from tests.common.interleaving import Accepted, Held, PlainWorker, World, Write, pick
from tests.common.rows import BUDGET

UNAVAILABLE = "upstream_unavailable"
PAUSE = timedelta(seconds=20)

# Who may start, asked in other words than the claim's.
_MAY_START = text("""
    SELECT jobs.status = 'queued' AND coalesce(jobs.not_before, now()) <= now()
       AND coalesce(models.paused_until, now()) <= now() AND previous.status <> 'pending'
    FROM jobs
    JOIN messages AS prompt ON prompt.id = jobs.prompt_message_id
    JOIN messages AS previous ON previous.id = prompt.parent_id
    LEFT JOIN models ON models.id = jobs.model
    WHERE jobs.id = :job
""")
_USED_AND_ONLINE = text("""
    SELECT (SELECT count(*) FROM jobs WHERE status = 'in_progress'
            OR (status = 'queued' AND rung_at > now() - :ring_timeout)),
           (SELECT sum(slots) FROM workers WHERE seen_at > now() - interval '15 s')
""")


class Doors(World):
    """The world with what may be done in it."""

    def accept(self, session: Session, posted: Posted) -> list[Doorbell]:
        """A turn was written; the doorbells for after the commit."""
        bells = ringing.pick_after_posts(session, [posted.job.id], self.ring_timeout)
        job = posted.job
        ids = (job.id, job.user_id, job.conversation_id, posted.message.id, posted.reply.id)
        # before the commit: whoever sees the row must find it here too
        self.accepted[job.id] = Accepted(*ids, job.model)
        return bells

    def send(self, bells: list[Doorbell]) -> None:
        self.bells += [bell.job_id for bell in bells]
        self.step.rung += [bell.job_id for bell in bells]

    def ring_all(self) -> bool:
        """Fills the free slots; False: there was nobody to ring, or no slot."""
        values = {"ring_timeout": self.ring_timeout}
        with self.database.transaction() as session:
            bells = ringing.pick(session, self.ring_timeout)
            if bells and not self.step.is_race:
                used, online = session.execute(_USED_AND_ONLINE, values).one()
                assert used <= online, f"{used} jobs are rung or running on {online} slots"
        self.send(bells)
        return bool(bells)

    def claim(self, job_id: uuid.UUID, choice: int) -> str | None:
        """A doorbell reaches a worker with a free slot, if there is one."""
        free = [worker for worker in self.awake if len(worker.held) < worker.slots]
        if not free:
            return None
        worker = pick(free, choice)
        with self.database.transaction() as session:
            may = None if self.step.is_race else bool(session.scalar(_MAY_START, {"job": job_id}))
            job = jobs.claim(session, job_id, owner=worker.owner, lease=self.lease, budget=BUDGET)
            status = session.scalar(text("SELECT status FROM jobs WHERE id = :id"), {"id": job_id})
        assert may in (None, job is not None), f"may start: {may}, claimed: {job}"
        if job is None and status == Status.QUEUED:
            with self.database.transaction() as session:
                ringing.unmark(session, [job_id])
            return "refused: a claim too early"
        if job is None:
            return "refused: a claim for nothing"
        self._believe(worker, job)
        return "claimed"

    def claim_together(self, worker: PlainWorker, job_ids: Sequence[uuid.UUID]) -> int:
        """Doorbells that reach a worker at once: it takes in one transaction what nobody else
        holds. How many those were."""
        values = {"owner": worker.owner, "lease": self.lease, "budget": BUDGET}
        with self.database.transaction() as session:
            may = {id_ for id_ in job_ids if session.scalar(_MAY_START, {"job": id_})}
            held = jobs.hold_startable(session, job_ids)
            taken = jobs.claim_held(session, {job.id: None for job in held}, **values)
        assert self.step.is_race or {job.id for job in taken} == may
        for job in taken:
            self._believe(worker, job)
        return len(taken)

    def write_end(self, worker: PlainWorker, held: Held, ending: str) -> Job | None:
        """Ends an attempt, in the transaction that also rings for whoever is next.

        None: the tables did not take it.
        """
        said = Said(text=f"{held.said}{worker.name}: {ending} {next(self.serial)}")
        bells = []
        with self.database.transaction() as session:
            if ending == "slow down":
                catalogue.pause(session, held.job.model, PAUSE)
            job, outcome = self._end(session, held, ending, said)
            if job is not None:
                session.flush()
                bells = ringing.pick(session, self.ring_timeout)
        if job is None:
            return None
        self.send(bells)
        self._note_write(job, "cancelled" if job.status == Status.CANCELLED else outcome, said)
        return job

    def write_ends(self, worker: PlainWorker, ends: Sequence[Held]) -> list[Held]:
        """Saves whole replies in one transaction; those that the tables took."""
        said = {
            (held.job.job_id, held.attempt): Said(
                text=f"{held.said}{worker.name}: complete {next(self.serial)}"
            )
            for held in ends
        }
        with self.database.transaction() as session:
            saved = jobs.complete_together(session, [(*at, words) for at, words in said.items()])
            bells = ringing.pick(session, self.ring_timeout)
        self.send(bells)
        for job in saved:
            self._note_write(job, "completed", said[job.id, job.attempt])
        taken = {(job.id, job.attempt) for job in saved}
        return [held for held in ends if (held.job.job_id, held.attempt) in taken]

    def renew_all(self, worker: PlainWorker) -> None:
        """The renewer of a process: it is alive, its leases hold, and what it learned."""
        with self.database.transaction() as session:
            workers.report(
                session,
                name=worker.name,
                pid=worker.pid,
                slots=worker.slots,
                busy=len(worker.held),
                queues=["background", "interactive"],
                place=worker.place,
            )
        held = {(one.job.job_id, one.attempt): one for one in worker.held}
        with self.database.transaction() as session:
            renewed = jobs.renew(session, list(held), lease=self.lease)
        for row in renewed:
            held[row.job_id, row.attempt].told_to_cancel |= row.cancel_requested
        kept = {(row.job_id, row.attempt) for row in renewed}
        self.step.renewed |= kept
        for attempt, one in held.items():
            assert self.step.is_race or (attempt in kept) == self.owns(one), f"{one} kept: {kept}"
            if attempt not in kept:
                worker.drop(one)
                self.note("fence lost at a renewal")

    def replace(self, worker: PlainWorker, slots: int) -> None:
        """Its process is gone; its successor has not reported yet."""
        worker.die()
        self.buried.add(worker.owner)
        successor = PlainWorker(worker.name, slots, worker.place)
        with self.lock:
            if worker in self.workers:
                self.workers[self.workers.index(worker)] = successor
                return
        successor.die()

    def _believe(self, worker: PlainWorker, job: JobRow) -> None:
        with self.lock:
            assert (job.id, job.attempt) not in self.claims, "an attempt was claimed twice"
            self.claims[job.id, job.attempt] = worker.owner
        worker.held.append(Held(self.accepted[job.id], job.attempt, job.failures))

    def _note_write(self, job: JobRow, outcome: str, said: Said) -> None:
        with self.lock:
            written = self.writes.setdefault((job.id, job.attempt), [])
            written.append(Write(job.status, outcome, said.text))

    def _end(self, session: Session, held: Held, ending: str, said: Said) -> tuple[Job | None, str]:
        """The verb's answer, and the outcome that it should have noted."""
        at = (session, held.job.job_id, held.attempt)
        match ending:
            case "complete":
                return jobs.complete(*at, said), "completed"
            case "incomplete":
                because = "max_output_tokens"
                return jobs.complete(*at, said, incomplete_because=because), "incomplete"
            case "cancel":
                return jobs.cancel(*at, said), "cancelled"
            case "hand over":
                return jobs.hand_over(*at, said), "handed_over"
            case "retry" | "slow down" if held.failures + 1 < self.config.EPICODE_MAX_FAILURES:
                wait = timedelta(seconds=4**held.failures)
                return jobs.requeue(*at, outcome=UNAVAILABLE, wait=wait, said=said), UNAVAILABLE
        error = {"code": UNAVAILABLE, "params": {}, "retryable": True}
        return jobs.fail(*at, error, said), UNAVAILABLE
