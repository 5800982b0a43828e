"""Stopping and deleting without Redis, at the times of production: the lease's renewal tells."""

import time
import uuid
from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.faults.race import traces
from tests.reader import ask
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack
from tests.upstream import Script, Silence, Text, Upstream, reply

RENEW_SECONDS = 5
TALK = "palabra tras palabra " * 500


@pytest.fixture
def slow(own_databases: Databases) -> Iterator[Stack]:
    """Leases as they are in production: 30 s, renewed every 5 s."""
    settings = {
        "EPICODE_LEASE_SECONDS": "30",
        "EPICODE_RENEW_SECONDS": str(RENEW_SECONDS),
        "EPICODE_SWEEP_SECONDS": "5",
    }
    with Upstream() as upstream, Stack(own_databases, upstream, settings).start() as stack:
        yield stack


def test_without_redis_a_stop_reaches_a_silent_model_and_a_delete_a_speaking_one(
    slow: Stack, scale: Scale, tally: Tally
) -> None:
    rounds = [_stopped_and_deleted(slow) for _ in range(scale.of(1, 5))]

    stopped, deleted = (max(times) for times in zip(*rounds, strict=True))
    # five and a moment are promised; the rest is the machine's
    assert max(stopped, deleted) < RENEW_SECONDS + 3
    assert slow.audit() == []
    for fault, slowest in (
        ("cancel without Redis", stopped),
        ("conversation deleted without Redis", deleted),
    ):
        tally.add(Outcome(fault, len(rounds), len(rounds), recovery=slowest))


def _stopped_and_deleted(stack: Stack) -> tuple[float, float]:
    """After how long the last stopped call and the deleted one were hung up on."""
    mark = f"[[{uuid.uuid4().hex[:8]}"
    silent, speaking, deleted = (f"{mark} {word}]]" for word in ("silent", "speaking", "deleted"))
    stack.upstream.script(silent, Script(steps=(Silence(),)))
    stack.upstream.script(speaking, Script(steps=(Text("so far"), Silence())))
    stack.upstream.script(deleted, reply(TALK, every=0.02))
    with stack.client() as client:
        readers = {word: ask(client, word) for word in (silent, speaking, deleted)}
        calls = {word: stack.upstream.wait_for(1, word)[0] for word in readers}
        for word in (speaking, deleted):
            readers[word].read_until_text()
        conversation = readers[deleted].polls[-1]["conversation_id"]
        stack.databases.valkey.stop()

        asked_at = {}
        for word in (silent, speaking):
            asked_at[word] = time.time()
            answer = client.post(f"/api/jobs/{readers[word].job_id}/cancellation")
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() < 4  # it waits a second for the end
        asked_at[deleted] = time.time()
        answer = client.delete(f"/api/conversations/{conversation}")
        assert answer.status_code == 204
        assert answer.elapsed.total_seconds() < 3
        # back before anybody has learned: what is still being said must not be written again
        stack.databases.valkey.start()
        assert client.get(f"/api/jobs/{readers[deleted].job_id}").status_code == 404
        closed = {word: stack.upstream.wait_closed(call, 15) for word, call in calls.items()}
        took = {word: closed[word] - asked_at[word] for word in calls}

        ended = [readers[word].read_to_end() for word in (silent, speaking)]
        assert [job["status"] for job in ended] == ["cancelled", "cancelled"]
        assert readers[speaking].text == "so far"
        assert client.get(f"/api/jobs/{readers[deleted].job_id}").status_code == 404
        time.sleep(1)  # a flush that was on its way would have arrived
        assert traces(stack, readers[deleted].job_id) == set()
        assert ask(client, "and on").read_to_end()["status"] == "completed"
    return max(took[silent], took[speaking]), took[deleted]
