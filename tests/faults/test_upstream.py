"""Every fault of a model server on one worker, all at once and over and over.

Each ends in its code, after its attempts, within its limit; the worker lives, and its memory ends
within 100 MiB of where it began. What was said before a failure can be read, and one call retries.
Beside all that a second stack hears a model that says one token at a time for ten minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from common.errors import STATUS_OF_CODE
from tests.databases import Databases
from tests.faults.upstream_walk import Posted, Walk, models
from tests.memory import forget_peak, peak, resident
from tests.reader import ask
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack
from tests.upstream import End, Upstream, reply, stream
from tests.upstream_faults import ALL, FAULTS, SAID, SILENT, Fault

SETTINGS = {
    "EPICODE_FIRST_TOKEN_SECONDS": "2",
    "EPICODE_SILENCE_SECONDS": "1.5",
    "EPICODE_ATTEMPT_SECONDS": "60",
    "EPICODE_WORKER_SLOTS": "250",
    # what is tested here is no crash: a busy machine must not look like one
    "EPICODE_LEASE_SECONDS": "20",
}
# What the model that takes its time keeps within; the long form has production's limits.
PATIENT = {
    "EPICODE_FIRST_TOKEN_SECONDS": "5",
    "EPICODE_SILENCE_SECONDS": "3",
    "EPICODE_ATTEMPT_SECONDS": "60",
}
MOST_GROWTH_MIB = 100
# How often all faults are provoked after the first time, and how many jobs of each at once.
ROUNDS, AT_ONCE = (1, 4), (2, 3)
# Ends of a job that no model server causes; tests/faults/test_failed_replies.py has them.
OF_OURS = {"internal_error", "worker_lost", "deadline_exceeded", "expired"}
# Trying again can help where the fault may pass by itself.
RETRYABLE = {
    "rate_limited",
    "upstream_unavailable",
    "upstream_timeout",
    "upstream_malformed",
    "empty_reply",
}
NOT_HEALED = [fault for fault in ALL if fault.status != "completed"]


@dataclass
class Slow:
    """Jobs that take their time, and their worker's memory when they had begun."""

    walk: Walk
    posted: list[Posted]
    memory: float


@pytest.fixture(scope="module", autouse=True)
def slow(databases: Databases, scale: Scale, times: dict[str, str]) -> Iterator[Slow]:
    """Begun before all others and looked at after them, so that nobody waits for it."""
    settings = times if scale.is_long else PATIENT
    seconds = scale.of(15, 600)
    late = scale.of(2.0, 50.0)  # just within the silence that is borne
    with (
        Upstream(models=models(1)) as upstream,
        Stack(databases, upstream, settings).start() as stack,
    ):
        walk = Walk(stack)
        paced = [_one_at_a_time(0.2, seconds), _one_at_a_time(late, seconds)]
        posted = [walk.post_one(fault, "gpt-test", *fault.answers) for fault in paced]
        posted += walk.post(SILENT) if scale.is_long else []
        posted[0].reader.read_until_text()
        yield Slow(walk, posted, resident(stack.worker().pid))


def _one_at_a_time(every: float, seconds: float) -> Fault:
    tokens = [f"w{number} " for number in range(round(seconds / every))]
    name = f"one token every {every:g} s for {seconds:g} s"
    script = stream(tokens, every, every, End())
    return Fault(name, (script,), ("completed",), text="".join(tokens))


@pytest.fixture(scope="module")
def stack(databases: Databases, scale: Scale) -> Iterator[Stack]:
    with (
        Upstream(models=models(1 + scale.of(*ROUNDS) * scale.of(*AT_ONCE))) as upstream,
        Stack(databases, upstream, SETTINGS).start() as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def walk(stack: Stack) -> Walk:
    return Walk(stack)


@pytest.fixture(scope="module")
def first_round(walk: Walk) -> dict[str, Posted]:
    """One job of each fault, read to its end."""
    posted = walk.post(ALL)
    walk.read_to_end(posted)
    return {item.fault.name: item for item in posted}


@pytest.fixture(scope="module")
def retried(walk: Walk, first_round: dict[str, Posted]) -> dict[str, Posted]:
    """What failed, tried again by one call, now that the model is well."""
    again = []
    for item in [first_round[fault.name] for fault in NOT_HEALED]:
        walk.upstream.script(item.marker, reply(SAID))
        answer = walk.client.post(
            f"/api/messages/{item.prompt}/replies", json={"model": "gpt-test"}
        )
        assert answer.status_code == 202, answer.text
        again.append(walk.again(item, answer.json()["job"]["id"]))
    walk.read_to_end(again)
    return {item.fault.name: item for item in again}


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.name)
def test_a_fault_ends_in_its_code_after_its_attempts_within_its_limit(
    stack: Stack, first_round: dict[str, Posted], fault: Fault
) -> None:
    item = first_round[fault.name]

    assert item.ended is not None
    assert item.ended["status"] == fault.status, item.ended
    assert (item.ended["error"] or {}).get("code") == fault.error
    assert tuple(item.outcomes) == fault.outcomes
    assert item.reader.text == fault.text
    took = _moment(item.ended["finished_at"]) - _moment(item.ended["created_at"])
    assert took.total_seconds() <= fault.limit(stack.environment)


@pytest.mark.parametrize("fault", SILENT, ids=lambda fault: fault.name)
def test_silence_is_borne_as_long_as_the_settings_say(
    first_round: dict[str, Posted], fault: Fault
) -> None:
    ended = first_round[fault.name].ended

    assert ended is not None
    assert fault.silent is not None
    patience = 1000 * float(SETTINGS[fault.silent])
    assert all(attempt["ran_ms"] >= patience for attempt in ended["attempts"])


@pytest.mark.parametrize(
    "fault", [fault for fault in ALL if fault.asks], ids=lambda fault: fault.name
)
def test_a_wait_that_was_asked_for_is_kept(
    walk: Walk, first_round: dict[str, Posted], fault: Fault
) -> None:
    refused, retry = walk.requests(first_round[fault.name])

    assert retry.received_at - refused.received_at >= fault.asks


@pytest.mark.parametrize("fault", NOT_HEALED, ids=lambda fault: fault.name)
def test_what_was_said_before_a_failure_stays_readable_with_what_to_do(
    walk: Walk, first_round: dict[str, Posted], retried: dict[str, Posted], fault: Fault
) -> None:
    item = first_round[fault.name]
    assert item.ended is not None
    title, detail = {}, {}
    for language in ("es", "en"):
        url = f"/api/jobs/{item.reader.job_id}"
        job = walk.client.get(url, headers={"Accept-Language": language}).json()
        title[language], detail[language] = job["error"]["title"], job["error"]["detail"]
        assert job["error"]["retryable"] is (fault.error in RETRYABLE)
        assert job["text"] == fault.text
        assert "{" not in title[language] + detail[language]
    assert title["es"] != title["en"]
    assert detail["es"] != detail["en"]

    (said,) = [
        message for message in walk.messages(item) if message["id"] == item.ended["message_id"]
    ]
    assert (said["status"], said["content"]) == (fault.status, fault.text)
    assert said["error"]["code"] == fault.error


@pytest.mark.parametrize("fault", NOT_HEALED, ids=lambda fault: fault.name)
def test_one_call_retries_what_failed(retried: dict[str, Posted], fault: Fault) -> None:
    item = retried[fault.name]

    assert item.ended is not None
    assert (item.ended["status"], item.reader.text) == ("completed", SAID)


def test_every_code_that_a_job_can_end_in_is_provoked() -> None:
    ends = {code for code, status in STATUS_OF_CODE.items() if status in (200, 502)}

    assert {fault.error for fault in NOT_HEALED} == ends
    assert OF_OURS.isdisjoint(ends)


def test_the_worker_outlives_all_faults_and_its_memory_does_not_grow(
    stack: Stack,
    walk: Walk,
    first_round: dict[str, Posted],
    scale: Scale,
    tally: Tally,
) -> None:
    worker = stack.worker()
    assert len(first_round) == len(ALL)  # imports, pools and caches are warm by now
    before = resident(worker.pid)
    forget_peak(worker.pid)

    ended = []
    for _ in range(scale.of(*ROUNDS)):
        posted = walk.post(ALL, times=scale.of(*AT_ONCE))
        walk.read_to_end(posted)
        ended += posted

    for kind, faults in FAULTS.items():
        jobs = [item for item in ended if item.fault in faults]
        wrong = [item for item in jobs if not item.is_right]
        tally.add(Outcome(kind, sum(item.provoked for item in jobs), len(jobs), len(wrong)))
        assert [(item.marker, item.ended) for item in wrong] == []
    assert peak(worker.pid) - before < MOST_GROWTH_MIB
    assert resident(worker.pid) - before < MOST_GROWTH_MIB
    assert worker.exit_code is None
    assert ask(walk.client, "are you well?").read_to_end()["status"] == "completed"
    assert stack.audit() == []


def test_one_token_at_a_time_is_waited_for_to_its_end(
    slow: Slow, scale: Scale, tally: Tally
) -> None:
    worker = slow.walk.stack.worker()

    slow.walk.read_to_end(slow.posted, seconds=scale.of(90, 900))

    wrong = [item for item in slow.posted if not item.is_right]
    for item in slow.posted:
        tally.add(Outcome(item.fault.name, item.provoked, 1, int(item in wrong)))
    assert [(item.marker, item.ended) for item in wrong] == []
    assert resident(worker.pid) - slow.memory < MOST_GROWTH_MIB
    assert worker.exit_code is None
    assert slow.walk.stack.audit() == []


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)
