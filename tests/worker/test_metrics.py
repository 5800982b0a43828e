"""A worker's metrics: counted once an attempt, read from a listener of its own."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from common.db import Database
from common.jobs import NOTHING_SAID, Said, Usage
from common.models import Job
from tests.common.rows import post
from tests.databases import Databases
from tests.reader import ask
from tests.stack import Stack, free_port, wait_until
from tests.upstream import Script, Silence, Text, Upstream, failing, reply
from worker import generation, metrics
from worker.listener import MOST_PORTS, Listener
from worker.process import WorkerProcess

Samples = dict[tuple[str, ...], float]


@pytest.fixture
def before() -> Samples:
    """What other tests of this process have counted already."""
    return samples()


def samples() -> Samples:
    """(name, label's values …) → value."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
    }


def more(before: Samples, *key: str) -> float:
    return samples().get(key, 0) - before.get(key, 0)


def test_a_reply_is_counted_with_its_tokens_and_times(
    process: WorkerProcess, database: Database, upstream: Upstream, before: Samples
) -> None:
    upstream.script("[[counted]]", reply("una " * 50, chunk=4, every=0.005))
    with database.transaction() as session:
        job_id = post(session, content="[[counted]]", model="gpt-test").job.id

    generation.run_job(process, job_id)

    with database.transaction() as session:
        job = session.get_one(Job, job_id)
    assert more(before, "epicode_attempts_total", "gpt-test", "completed") == 1
    assert more(before, "epicode_jobs_ended_total", "completed") == 1
    assert job.output_tokens
    for kind, counted in (("input", job.input_tokens), ("output", job.output_tokens)):
        assert more(before, "epicode_tokens_total", "gpt-test", kind) == counted
    assert more(before, "epicode_waiting_seconds_count") == 1
    assert more(before, "epicode_first_token_seconds_count", "gpt-test") == 1
    assert more(before, "epicode_tokens_a_second_count", "gpt-test") == 1
    assert samples()["epicode_upstream_streams",] == 0


def test_an_attempt_that_the_server_failed_is_counted_by_its_code_and_spends_nothing(
    process: WorkerProcess, database: Database, upstream: Upstream, before: Samples
) -> None:
    upstream.script("[[counted error]]", failing(401))
    with database.transaction() as session:
        job_id = post(session, content="[[counted error]]", model="gpt-test").job.id

    with pytest.raises(generation.JobFailed):
        generation.run_job(process, job_id)

    assert more(before, "epicode_upstream_errors_total", "gpt-test", "invalid_api_key") == 1
    assert more(before, "epicode_attempts_total", "gpt-test", "invalid_api_key") == 1
    assert more(before, "epicode_jobs_ended_total", "failed") == 1
    assert more(before, "epicode_tokens_total", "gpt-test", "input") == 0


def test_a_rescue_is_counted(process: WorkerProcess, database: Database, before: Samples) -> None:
    from common import jobs

    with database.transaction() as session:
        job_id = post(session, model="gpt-test").job.id
        lost = timedelta(seconds=-1)
        assert jobs.claim(session, job_id, owner="x#1", lease=lost, budget=timedelta(hours=1))

    process.sweep.sweep()

    assert more(before, "epicode_leases_rescued_total", "queued") == 1
    assert more(before, "epicode_attempts_total", "gpt-test", "worker_lost") == 1


def test_cost_and_kinds_of_tokens_are_told_by_model(before: Samples) -> None:
    from decimal import Decimal

    model = f"model-{uuid.uuid4().hex[:6]}"
    said = Said("x", usage=Usage(100, 20, 30, 5, Decimal("0.25")))

    metrics.attempt_ended(model, "completed", said, status="completed", spoke_for=None)
    metrics.attempt_ended(
        model, "rate_limited", replace(NOTHING_SAID), status="queued", spoke_for=None
    )

    told = {kind: more(before, "epicode_tokens_total", model, kind) for kind in metrics.KINDS}
    assert told == {"input": 100, "output": 20, "cached": 30, "reasoning": 5}
    assert more(before, "epicode_cost_dollars_total", model) == 0.25
    assert more(before, "epicode_jobs_ended_total", "completed") == 1


def test_made_up_models_make_no_series_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_models", set())

    labels = {metrics.label(f"made-up-{number}") for number in range(200)}

    assert len(labels) == metrics.MOST_MODELS + 1
    assert "other" in labels
    assert metrics.label("made-up-0") == "made-up-0"


@pytest.fixture
def two_workers(databases: Databases) -> Iterator[tuple[Stack, list[str]]]:
    """A stack whose two workers have the same setting, and where they may listen."""
    port = free_port()
    with (
        Upstream() as upstream,
        Stack(databases, upstream, {"EPICODE_METRICS_PORT": str(port)}).start(2) as stack,
    ):
        yield stack, [f"http://127.0.0.1:{port + number}/metrics" for number in range(MOST_PORTS)]


def test_two_workers_of_a_machine_listen_beside_each_other(
    two_workers: tuple[Stack, list[str]],
) -> None:
    stack, addresses = two_workers
    wait_until(lambda: len(_listening(addresses)) == 2, what="both to listen")
    stack.upstream.script("[[open]]", Script(steps=(Text("so far"), Silence())))
    with stack.client() as client:
        for _ in range(3):
            ask(client, "[[open]]").read_until_text()

    read = [_read(address) for address in _listening(addresses)]

    assert sum(each["epicode_upstream_streams",] for each in read) == 3
    assert sum(each["epicode_worker_slots_busy",] for each in read) == 3
    assert [each["epicode_worker_slots",] for each in read] == [40, 40]
    assert all(each["process_resident_memory_bytes",] > 0 for each in read)

    stack.worker("worker-1").stop()
    wait_until(lambda: len(_listening(addresses)) == 1, what="one listener to be gone")


def test_a_port_that_nobody_may_have_stops_no_worker() -> None:
    listener = Listener("192.0.2.1", 9101)  # no address of this machine (RFC 5737)

    listener.start()
    listener.stop()


def _read(address: str) -> Samples:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(httpx.get(address, verify=False).text)
        for sample in family.samples
    }


def _listening(addresses: list[str]) -> list[str]:
    """Where a worker answers: any of the ports may be somebody else's."""
    found = []
    for address in addresses:
        try:
            if "epicode_worker_slots" in httpx.get(address, verify=False).text:
                found.append(address)
        except httpx.TransportError:
            continue
    return found
