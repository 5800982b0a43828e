"""Where a model says "slow down", every worker slows down for that model, and for no other."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.reader import ask
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack, wait_until
from tests.upstream import Request, Script, Upstream, failing, reply

SECONDS = 3.0
TOLD = {
    "says-429": failing(429, retry_after=SECONDS),
    "says-429-without-a-time": failing(429),
    "says-503": failing(503, retry_after=SECONDS),
}
OTHER = "says-nothing"
# Where no time is named, a model is left alone for as long as the first backoff.
SETTINGS = {"EPICODE_BACKOFF_SECONDS": f"{SECONDS:g}", "EPICODE_LEASE_SECONDS": "20"}


@pytest.fixture(scope="module")
def two_workers(databases: Databases) -> Iterator[Stack]:
    with (
        Upstream(models=[*TOLD, OTHER]) as upstream,
        Stack(databases, upstream, SETTINGS).start(workers=2) as stack,
    ):
        yield stack


@pytest.mark.parametrize(("model", "refusal"), TOLD.items(), ids=TOLD)
def test_no_worker_asks_a_model_before_its_wait_is_over(
    two_workers: Stack, scale: Scale, tally: Tally, model: str, refusal: Script
) -> None:
    stack, upstream = two_workers, two_workers.upstream
    assert isinstance(upstream, Upstream)
    marker, behind, beside = f"[[told {model}]]", f"[[behind {model}", f"[[beside {model}"
    upstream.script(marker, refusal, reply("patience"))
    upstream.script(behind, reply("after the wait ", every=0.1))
    upstream.script(beside, reply("at once ", every=0.1))
    count = scale.of(12, 40)
    with stack.client() as client:
        told = ask(client, marker, model=model)
        wait_until(lambda: told.poll()["attempts"], what="the refusal")

        others, waiting = [], []
        for number in range(count):
            others.append(ask(client, f"{beside} {number}]]", model=OTHER))
            waiting.append(ask(client, f"{behind} {number}]]", model=model))
        ends = [reader.read_to_end(60) for reader in (*others, told, *waiting)]

    first, second, *_ = sorted(item.received_at for item in _asked(upstream, model))
    unhindered = [item.received_at for item in _asked(upstream, OTHER) if beside in item.text]
    tally.add(Outcome(f"“slow down” said to one of two workers: {model}", 1, len(ends)))
    assert {job["status"] for job in ends} == {"completed"}
    assert second - first >= SECONDS
    # they could have asked: both did as soon as they might, and meanwhile the other model
    assert {job["worker"] for job in ends[count:]} == {"worker-1", "worker-2"}
    assert first < min(unhindered) < second
    assert [len(job["attempts"]) for job in ends] == [*(1,) * count, 2, *(1,) * count]
    assert stack.audit() == []


def _asked(upstream: Upstream, model: str) -> list[Request]:
    return [request for request in upstream.requests if request.model == model]
