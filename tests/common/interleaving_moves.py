"""The moves of a walk through the state machine: who does what next.

Each takes two numbers that say about which job and how, whatever there is at that moment, and
returns what happened, None when there was nothing to do it with. It makes no other choices, so
the same numbers walk the same way.
"""

from sqlalchemy import text

from common import conversations, jobs, ringing, workers
from common.config import BaseConfig
from common.db import Database
from common.live_log import LiveLog, NewText
from tests.common.interleaving import pick
from tests.common.interleaving_doors import Doors
from tests.common.rows import CAPS, CATALOGUE, MODEL, make_conversation
from worker.sweep import Sweep

MODELS = (MODEL, "o4-mini")
ENDINGS = ("complete", "fail", "retry", "incomplete", "retry", "slow down", "cancel", "fail")


class Moves(Doors):
    """What people, doorbells, workers and sweeps do."""

    def __init__(
        self, database: Database, live_log: LiveLog, away: LiveLog, config: BaseConfig
    ) -> None:
        super().__init__(database, live_log, config)
        self._sweeps = [Sweep(database, log, self.ring_all, config) for log in (live_log, away)]

    # People

    def post(self, subject: int, choice: int) -> str:
        job = self.subject(subject)
        owner, conversation_id = pick(self.conversations, subject)
        if job and self.step.is_race:
            owner, conversation_id = job.user_id, job.conversation_id
        replies = [job.reply_id for job in self.there if job.conversation_id == conversation_id]
        parent_id = pick([None, None, None, *replies], choice)
        with self.database.transaction() as session:
            posted = conversations.post_message(
                session,
                owner,
                conversation_id,
                content="¿Y ahora?",
                catalogue=CATALOGUE,
                caps=CAPS,
                model=pick(MODELS, choice),
                parent_id=parent_id,
                on_busy="reject" if choice % 5 == 4 else "queue",
            )
            bells = self.accept(session, posted)
        self.send(bells)
        if parent_id is None:
            self.step.hung.append(posted.message.parent_id)
        return "posted"

    def regenerate(self, subject: int, choice: int) -> str | None:
        job = self.subject(subject)
        if job is None:
            return None
        with self.database.transaction() as session:
            posted = conversations.regenerate(
                session, job.user_id, job.turn_id, catalogue=CATALOGUE, caps=CAPS, model=job.model
            )
            bells = self.accept(session, posted)
        self.send(bells)
        return "regenerated"

    def take_back(self, subject: int, choice: int) -> str | None:
        job = self.subject(subject)
        if job is None:
            return None
        with self.database.transaction() as session:
            taken = conversations.take_back(session, job.user_id, job.turn_id)
        self.gone.add(taken)
        self.taken_back.add(taken)
        return "taken back"

    def switch(self, subject: int, choice: int) -> str | None:
        job = self.subject(subject)
        if job is None:
            return None
        with self.database.transaction() as session:
            found = conversations.find(session, job.user_id, job.conversation_id, lock=True)
            conversations.switch_branch(session, found, pick([job.turn_id, job.reply_id], choice))
        return "switched"

    def delete(self, subject: int, choice: int) -> str | None:
        job = self.subject(subject)
        if job is None:
            return None
        with self.database.transaction() as session:
            removed = conversations.remove(session, job.user_id, job.conversation_id)
        self.gone.update(gone.job_id for gone in removed)
        self.live_log.forget((gone.job_id, gone.attempt) for gone in removed)
        with self.database.transaction() as session:
            fresh = make_conversation(session, job.user_id).id
        with self.lock:
            self.conversations = [
                (owner, fresh if known == job.conversation_id else known)
                for owner, known in self.conversations
            ]
        return "deleted"

    def cancel(self, subject: int, choice: int) -> str | None:
        job = self.subject(subject)
        if job is None:
            return None
        with self.database.transaction() as session:
            if choice % 4 == 3:
                asked = jobs.ask_to_cancel_as_operator(session, job.job_id)
            else:
                asked = jobs.ask_to_cancel(session, job.job_id, job.user_id)
            bells = ringing.pick(session, self.ring_timeout)
        self.send(bells)
        if asked is None:
            self.step.not_cancelled.add(job.job_id)
            return "refused: a cancel of what had ended"
        self.asked.add(job.job_id)
        if choice % 2:  # by the mark in Redis; else its worker learns of it when it renews
            for _, held in self.beliefs(job.job_id):
                held.told_to_cancel = True
        return "cancelled while it waited" if asked.status == "cancelled" else "asked to cancel"

    # Doorbells

    def ring(self, subject: int, choice: int) -> str | None:
        """The free slots are filled; when there are none, whoever is awake reports first."""
        if not self.ring_all():
            for worker in self.awake:
                self.renew_all(worker)
            self.ring_all()
        return "rang"

    def lose(self, subject: int, choice: int) -> str | None:
        """A doorbell that Redis lost."""
        return "lost a bell" if self.take_bell(subject) else None

    def unsent(self, subject: int, choice: int) -> str | None:
        """Doorbells that could not be sent: their marks are taken back."""
        bells = [bell for _ in range(3) if (bell := self.take_bell(subject))]
        if not bells:
            return None
        with self.database.transaction() as session:
            ringing.unmark(session, bells)
        return "bells that could not be sent"

    def deliver(self, subject: int, choice: int) -> str | None:
        """A doorbell comes to a worker; some come once more."""
        job_id = self.take_bell(subject)
        if job_id is None:
            return self.ring(subject, choice) if self.unfinished else self.post(subject, choice)
        if choice % 4 == 3:
            self.bells.append(job_id)
        return self.claim(job_id, choice)

    def deliver_again(self, subject: int, choice: int) -> str | None:
        """A bell that was delivered before, whose job has ended, or that nobody rang."""
        job = self.subject(subject)
        return self.claim(job.job_id, choice) if job else None

    def deliver_together(self, subject: int, choice: int) -> str | None:
        """Doorbells that come to a worker at once, some of them delivered before."""
        job = self.subject(subject)
        worker = max(self.awake, key=lambda one: one.slots - len(one.held), default=None)
        if job is None or worker is None or len(worker.held) >= worker.slots:
            return None
        others = [bell for _ in range(choice % 3) if (bell := self.take_bell(choice))]
        others += [other.job_id for other in reversed(self.unfinished)]
        job_ids = list(dict.fromkeys([job.job_id, *others]))[: worker.slots - len(worker.held)]
        claimed = self.claim_together(worker, job_ids)
        return ("refused: claims for nothing", "claimed", "claimed together")[min(claimed, 2)]

    # Workers

    def speak(self, subject: int, choice: int) -> str | None:
        """The model says some words, which go to the live log."""
        belief = self.belief(subject, choice)
        if belief is None:
            return self.deliver(subject, choice)
        held, words = belief[1], f"palabra {next(self.serial)} "
        job_id, length = held.job.job_id, len(held.said.encode())
        held.said += words
        news = [NewText(job_id, held.attempt, length, words.encode())]
        if self.live_log.append(news, []).refused:
            self.live_log.rewrite(job_id, held.attempt, held.said.encode())
        self.logged[job_id, held.attempt] = held.said
        return "spoke"

    def forget(self, subject: int, choice: int) -> str | None:
        """Redis loses what a job said."""
        job = self.subject(subject)
        attempts = [claim for claim in self.claims if job and claim[0] == job.job_id]
        if not attempts:
            return None
        self.live_log.forget(attempts)
        for attempt in attempts:
            self.logged.pop(attempt, None)
        return "forgot what was said"

    def settle(self, subject: int, choice: int) -> str | None:
        """A worker writes how its attempt ended, in time or not; some will write it again."""
        belief = self.belief(subject, choice)
        if belief is None:
            return self.deliver(subject, choice)
        worker, held = belief
        ending = "cancel" if held.told_to_cancel else pick(ENDINGS, choice)
        job = self.write_end(worker, held, ending)
        was_asked = held.job.job_id in self.asked
        if not self.step.is_race:
            right = self.owns(held) and (ending != "cancel" or was_asked)
            assert (job is not None) == right, f"{ending} of {held} was answered {job}"
        if job is None and ending == "cancel" and not was_asked:
            return "refused: a cancel that nobody asked for"
        if job is None or choice % 3:
            worker.drop(held)
        return f"ended {job.status}" if job else "refused: a late end"

    def settle_together(self, subject: int, choice: int) -> str | None:
        """All whole replies of a worker end at once; what isn't taken then is tried alone."""
        believers = [worker for worker in self.awake if worker.held]
        if not believers:
            return self.deliver_together(subject, choice)
        worker = max(believers, key=lambda one: len(one.held))
        ends = [held for held in worker.held if not held.told_to_cancel]
        saved = self.write_ends(worker, ends) if ends else []
        assert self.step.is_race or {id(held) for held in saved} == {
            id(held) for held in ends if self.owns(held)
        }
        for held in saved:
            worker.drop(held)
        for held in worker.held:
            self.write_end(worker, held, "cancel" if held.told_to_cancel else "complete")
        if choice % 3:
            worker.held = []
        return "ended together" if len(saved) > 1 else "ended alone"

    def renew(self, subject: int, choice: int) -> str | None:
        belief = self.belief(subject, choice)
        if not self.awake:
            return None
        self.renew_all(belief[0] if belief else pick(self.awake, choice))
        return "renewed"

    def stop(self, subject: int, choice: int) -> str | None:
        """SIGTERM: no more slots, all is handed over, signed off; another process follows."""
        if not self.awake:
            return None
        worker = pick(self.awake, choice)
        slots, worker.slots = worker.slots, 0
        self.renew_all(worker)
        for held in worker.held:
            self.write_end(worker, held, "hand over")
        with self.database.transaction() as session:
            workers.sign_off(session, name=worker.name, pid=worker.pid)
        self.ring_all()
        self.replace(worker, slots)
        return "stopped and handed over"

    def die(self, subject: int, choice: int) -> str:
        """kill -9: process and memory are gone."""
        worker = pick(self.workers, choice)
        self.replace(worker, worker.slots)
        return "died"

    def freeze(self, subject: int, choice: int) -> str:
        """SIGSTOP of who works on it, or of anyone."""
        belief = self.belief(subject, choice)
        worker = belief[0] if belief else pick(self.workers, choice)
        worker.frozen = True
        return "froze"

    def thaw(self, subject: int, choice: int) -> str | None:
        """SIGCONT: it believes what it believed."""
        frozen = [worker for worker in self.workers if worker.frozen]
        if not frozen:
            return None
        pick(frozen, choice).frozen = False
        return "thawed"

    def sweep(self, subject: int, choice: int) -> str:
        """A pass of the sweep, now and then without Redis."""
        without_redis = choice % 4 == 3
        self.step.log_was_away |= without_redis
        self._sweeps[without_redis].sweep()
        if not self.step.is_race:
            self.unswept = 0.0
        return "swept"

    def sweep_around(self, subject: int, choice: int) -> str | None:
        """A sweep while a process that froze in mid-transaction holds a running job's row.

        A waiting one's is waited for by whoever ends the reply above it, until PostgreSQL ends
        the frozen transaction.
        """
        job = self.subject(subject)
        if job is None or self.rows[job.job_id]["status"] != "in_progress":
            return None
        unswept, hold = self.unswept, text("SELECT FROM jobs WHERE id = :id FOR UPDATE")
        with self.database.transaction() as frozen:
            frozen.execute(hold, {"id": job.job_id})
            self.sweep(subject, choice)
        self.unswept = unswept  # that one is still to be seen to
        return "swept around a held row"

    # The clock

    def beat(self, subject: int, choice: int) -> str:
        """Time passes in which whoever is awake renews its leases."""
        self.let_pass(pick((1, 5, 16, 31), choice))
        for worker in self.awake:
            self.renew_all(worker)
        return "time passed"

    def jump(self, subject: int, choice: int) -> str:
        """Time passes in which nobody does anything; or the clock is put back."""
        return self._shift(pick((31, 61, 16, 31, -5, -60), choice))

    def lapse(self, subject: int, choice: int) -> str:
        """As long as a lease lasts, and nobody renews."""
        return self._shift(31)

    def leap(self, subject: int, choice: int) -> str:
        return self._shift(pick((200, 2760, 90_000, -600), choice))

    def _shift(self, seconds: int) -> str:
        self.let_pass(seconds)
        return "time passed" if seconds > 0 else "the clock went back"
