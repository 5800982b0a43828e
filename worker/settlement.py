"""How an attempt's end becomes a state: one fenced transaction, tried until it is answered.

Whole replies that end together are saved together; whatever else an end may be is saved alone.
"""

import difflib
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from common import catalogue, jobs, titles
from common.db import Transaction
from common.jobs import JobRow, Said, Usage
from common.live_log import End
from common.machine import Status
from common.shown import ended_fields
from common.tokens import count_tokens
from worker import metrics, titling
from worker.claim import TITLE, Claimed
from worker.leases import Interruption
from worker.speech import Ending, Speech
from worker.upstream import UpstreamError

if TYPE_CHECKING:  # which has the desk where all this is asked for
    from worker.process import WorkerProcess

RETRY_SECONDS = 1.0
# A server that asks for more patience than this is not waited for.
LONGEST_RETRY_AFTER_SECONDS = 60.0
# What a person is advised when the server named no time.
UNTOLD_WAIT_SECONDS = 60
# In each thread that counts a long text the tokenizer keeps megabytes: so two of them do it.
LONG_TEXT = 20_000
_counters = ThreadPoolExecutor(2, thread_name_prefix="tokens")
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Settled:
    """The job now, the code of its error, and in how many seconds to ring again."""

    job: JobRow
    code: str | None
    ring_in: float | None

    @property
    def status(self) -> str:
        return str(self.job.status)


@dataclass(frozen=True)
class Ended:
    """An attempt that has ended and isn't saved: what was claimed, what the call said, how long it
    ran."""

    claimed: Claimed
    speech: Speech
    ran_for: timedelta

    @cached_property
    def said(self) -> Said:
        """What will be saved of it. Counts its tokens: by whoever saves it, since each thread that
        does keeps what the tokenizer needs."""
        return _said(self.claimed, self.speech)

    @property
    def is_whole_reply(self) -> bool:
        """Whether all that is left to do is to save what was said, which takes no time."""
        speech = self.speech
        return (
            speech.ending is Ending.FINISHED
            and speech.error is None
            and 0 < len(speech.text) < LONG_TEXT
            and speech.finish_reason not in _INCOMPLETE
            and self.claimed.kind != TITLE
        )


def settle(process: "WorkerProcess", claimed: Claimed, speech: Speech) -> Settled | None:
    """Writes the end of an attempt, then tells its readers. None: the fence is lost, and nothing
    was written."""
    if speech.interruption is Interruption.FENCE_LOST:
        return None
    ran_for = timedelta(seconds=time.monotonic() - claimed.claimed_at)
    ended = Ended(claimed, speech, ran_for)
    together = process.ends.ask(ended) if ended.is_whole_reply else None
    return together or _settle_alone(process, ended)


def settle_together(process: "WorkerProcess", ends: Sequence[Ended]) -> list[Settled | None]:
    """Saves whole replies in one transaction; None for what somebody else holds just now."""
    attempts = [(end.claimed.lease.job_id, end.claimed.lease.attempt) for end in ends]
    said = [(*attempt, end.said) for attempt, end in zip(attempts, ends, strict=True)]
    try:
        with process.database.bare_transaction() as session:
            saved = {(job.id, job.attempt): job for job in jobs.complete_together(session, said)}
            found = [saved.get(attempt) for attempt in attempts]
            for end, job in zip(ends, found, strict=True):
                if job is not None:
                    _ask_for_title(process, session, end.claimed, job)
    except SQLAlchemyError as error:
        log.warning("ends_not_saved", jobs=len(ends), error=type(error).__name__)
        return [None] * len(ends)
    settled = [Settled(job, None, None) if job is not None else None for job in found]
    _tell(process, [(end, one) for end, one in zip(ends, settled, strict=True) if one])
    return settled


def _settle_alone(process: "WorkerProcess", ended: Ended) -> Settled | None:
    """Whatever the end is. While the database is away it tries again each second; a COMMIT whose
    answer was lost shows as a lost fence."""
    claimed, speech = ended.claimed, ended.speech
    gives_up_at = time.monotonic() + process.config.EPICODE_JOB_SECONDS
    while True:
        try:
            with process.database.bare_transaction() as session:
                job, ring_in = _write(process, session, claimed, speech, ended.said)
                if job is None:
                    return None
                _ask_for_title(process, session, claimed, job)
            code = job.error["code"] if job.error else None
            if job.status == Status.QUEUED and speech.error:
                code = speech.error.code
            settled = Settled(job, code, ring_in)
            _tell(process, [(ended, settled)])
            return settled
        except (DataError, IntegrityError, ProgrammingError):
            raise  # no outage: it would be the same in a second, so the lease ends and is rescued
        except SQLAlchemyError as error:
            log.warning("end_not_saved", error=type(error).__name__)
            if time.monotonic() > gives_up_at:
                return None
            time.sleep(RETRY_SECONDS)


def _tell(process: "WorkerProcess", saved: Sequence[tuple[Ended, Settled]]) -> None:
    """Tells metrics and readers of attempts whose ends are saved."""
    for ended, settled in saved:
        _count_in(ended.claimed, ended.speech, ended.said, settled.job, ended.ran_for)
    done = [
        (ended.claimed.lease.job_id, ended.claimed.lease.attempt, _end(ended.speech, settled.job))
        for ended, settled in saved
    ]
    try:
        process.live_log.mark_all_done(done)
    except RedisError as error:  # the hashes expire, and then readers ask the database
        log.warning("live_log_not_marked_done", error=type(error).__name__)


def _end(speech: Speech, job: JobRow) -> End | None:
    """What the live log may tell of the end; whatever isn't a whole reply is the database's."""
    is_reply = job.status == Status.COMPLETED and job.reply_message_id is not None
    if not is_reply or speech.unflushed is None:
        return None
    return End(speech.unflushed, ended_fields(job))


def _count_in(
    claimed: Claimed, speech: Speech, said: Said, job: JobRow, ran_for: timedelta
) -> None:
    """Tells the metrics of an attempt that is saved."""
    model, begun = claimed.limits.id, said.first_token_after
    if not speech.text and speech.usage is None:  # then nothing says that the model took it in
        said = replace(said, usage=Usage())
    metrics.attempt_ended(
        model,
        job.attempts[-1]["outcome"],
        said,
        status=job.status,
        spoke_for=ran_for - begun if begun is not None else None,
    )
    if speech.error is not None and speech.error.code != "internal_error":
        metrics.upstream_failed(model, speech.error.code)


def _said(claimed: Claimed, speech: Speech) -> Said:
    tokens = _count(speech.text) if speech.text else 0
    usage = speech.usage
    if usage is None:
        # The server told nothing, or the call ended before it could: counted by us.
        usage = Usage(input_tokens=speech.window_used, output_tokens=tokens)
    return Said(
        text=speech.text,
        token_count=tokens,
        finish_reason=speech.finish_reason,
        usage=replace(usage, cost=claimed.limits.cost(usage)),
        first_token_after=speech.first_token_after,
    )


def _count(text: str) -> int:
    if len(text) < LONG_TEXT:
        return count_tokens(text)
    return _counters.submit(count_tokens, text).result()


def _write(
    process: "WorkerProcess", session: Transaction, claimed: Claimed, speech: Speech, said: Said
) -> tuple[JobRow | None, float | None]:
    """The job after its verb (None: fence lost), and when to ring again."""
    job_id, attempt = claimed.lease.job_id, claimed.lease.attempt
    if speech.interruption is Interruption.CANCEL:
        return jobs.cancel(session, job_id, attempt, said), None
    if speech.interruption is Interruption.SHUTDOWN:
        return jobs.hand_over(session, job_id, attempt, said), None
    if speech.ending is Ending.TOO_LONG:
        return _complete(session, claimed, said, "output_too_long"), None
    error = speech.error
    if error is None and not speech.text and speech.finish_reason not in _INCOMPLETE:
        error = UpstreamError("empty_reply", retryable=True)
    if error is None:
        because = _INCOMPLETE.get(speech.finish_reason or "")
        return _complete(session, claimed, said, because), None
    return _after_error(process, session, claimed, error, said)


def _ask_for_title(
    process: "WorkerProcess", session: Transaction, claimed: Claimed, job: JobRow
) -> None:
    """Once there is a reply to a conversation's first turn."""
    has_reply = job.status in (Status.COMPLETED, Status.INCOMPLETE)
    begins = claimed.kind == "reply" and has_reply and claimed.window.is_of_first_turn
    if begins and process.config.EPICODE_TITLES:
        titles.enqueue(session, job)


def _complete(
    session: Transaction, claimed: Claimed, said: Said, because: str | None
) -> JobRow | None:
    lease = claimed.lease
    title = titling.title_of(said.text) if claimed.kind == TITLE else None
    if title:
        titles.hold(session, claimed.conversation_id)
    job = jobs.complete(session, lease.job_id, lease.attempt, said, incomplete_because=because)
    if job is not None and title:
        titles.give(session, claimed.conversation_id, title)
    return job


def _after_error(
    process: "WorkerProcess",
    session: Transaction,
    claimed: Claimed,
    error: UpstreamError,
    said: Said,
) -> tuple[JobRow | None, float | None]:
    """Another attempt where one may help and is left; otherwise the end."""
    lease, config = claimed.lease, process.config
    asked = error.retry_after or 0.0
    patience = None
    if error.code == "rate_limited" or asked:
        # Every worker slows down for this model, not only the one that was told; for a moment
        # where no time was named, or one asker's large prompts would stop everybody.
        patience = min(asked or config.EPICODE_BACKOFF_SECONDS, LONGEST_RETRY_AFTER_SECONDS)
        catalogue.pause(session, claimed.limits.id, timedelta(seconds=patience))
    may_help = error.retryable and asked <= LONGEST_RETRY_AFTER_SECONDS
    if may_help and claimed.failures + 1 < config.EPICODE_MAX_FAILURES:
        backoff = config.EPICODE_BACKOFF_SECONDS * 4**claimed.failures * random.uniform(0.75, 1.25)
        wait = max(asked, backoff)
        job = jobs.requeue(
            session,
            lease.job_id,
            lease.attempt,
            outcome=error.code,
            wait=timedelta(seconds=wait),
            said=said,
        )
        return job, wait
    record = {
        "code": error.code,
        "params": _params(process, session, claimed, error),
        "retryable": error.retryable,
    }
    return jobs.fail(session, lease.job_id, lease.attempt, record, said), patience


def _params(
    process: "WorkerProcess", session: Transaction, claimed: Claimed, error: UpstreamError
) -> dict[str, Any]:
    """What the error's sentence needs beyond what the server said."""
    params = dict(error.params)
    if error.code == "rate_limited":
        params["seconds"] = round(error.retry_after or 0) or UNTOLD_WAIT_SECONDS
    if error.code == "model_not_found":
        offers = process.catalogue.offers(session)
        names = [
            offer.limits.id
            for offer in offers
            if offer.available and offer.limits.id != claimed.limits.id
        ]
        close = difflib.get_close_matches(claimed.limits.id, names, n=1, cutoff=0.3)
        params["available"] = ", ".join(names) or "—"
        params["suggestion"] = (close or names or ["—"])[0]
    if error.code == "content_filter":
        params = {}
    return params
