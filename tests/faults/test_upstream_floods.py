"""More than fits: a model server that sends 50 MB, in every way there is, twenty times at once.

The worker takes what it may keep, closes the connection early, and its memory stays within
100 MiB of where it began.
"""

import gzip
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.databases import Databases
from tests.faults.upstream_walk import Walk
from tests.memory import forget_peak, peak, resident
from tests.reader import ask
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack
from tests.upstream import Raw, Script, Text, Upstream, sse
from tests.upstream_faults import ATTEMPTS, Fault

MOST_GROWTH_MIB = 100
MEGABYTES = 50
MIB = 1024 * 1024
PIECE = b"x" * 65_536
PIECES = (Raw(PIECE),) * (MEGABYTES * 1_000_000 // len(PIECE))
BODY = PIECE * len(PIECES)

SETTINGS = {"EPICODE_WORKER_SLOTS": "60", "EPICODE_LEASE_SECONDS": "20"}


def tokens(size: int) -> Fault:
    """A reply of 50 MB in tokens of `size` bytes, many of them in one piece of the network."""
    token = sse({"choices": [{"index": 0, "delta": {"content": "y" * size}}]})
    together = Raw(token * (16_384 // len(token) + 1))
    many = MEGABYTES * 1_000_000 // (size * together.data.count(b"\n\n"))
    return Fault(
        f"50 MB in tokens of {size} bytes",
        (Script(steps=(together,) * many),),
        ("incomplete",),
        code="output_too_long",
        text="y" * MIB,
    )


ONE_LINE = Fault(
    "50 MB in one line",
    (Script(steps=(Raw(b"data: {"), *PIECES)),),
    ("upstream_malformed",) * ATTEMPTS,
)
PACKED = Fault(
    "50 MB in one line, packed",
    (Script(steps=(Raw(gzip.compress(b"data: {" + BODY)),), headers={"content-encoding": "gzip"}),),
    ("upstream_malformed",) * ATTEMPTS,
)
LONG_400 = Fault(
    "400 with a body of 50 MB", (Script(status=400, steps=PIECES),), ("upstream_rejected",)
)
LONG_500 = Fault(
    "500 with a body of 50 MB",
    (Script(status=500, steps=PIECES),),
    ("upstream_unavailable",) * ATTEMPTS,
)
PACKED_500 = Fault(
    "500 with a packed body of 50 MB",
    (Script(status=500, body=gzip.compress(BODY), headers={"content-encoding": "gzip"}),),
    ("upstream_unavailable",) * ATTEMPTS,
)
FLOODS = [ONE_LINE, PACKED, LONG_400, LONG_500, PACKED_500]


@pytest.fixture(scope="module")
def walk(databases: Databases) -> Iterator[Walk]:
    with Upstream() as upstream, Stack(databases, upstream, SETTINGS).start() as stack:
        walk = Walk(stack)
        # imports, pools and caches are warm afterwards, the vocabulary too
        warm = replace(tokens(1024), answers=(Script(steps=(Text("y" * 1024),) * 1025),))
        walk.read_to_end([walk.post_one(warm, "gpt-test", *warm.answers) for _ in range(2)])
        yield walk


def flood(walk: Walk, fault: Fault, tally: Tally, at_once: int = 20, times: int = 1) -> None:
    """Asserts that so many at once, so often, come to what they must, within the memory."""
    worker = walk.stack.worker()
    before = resident(worker.pid)
    forget_peak(worker.pid)

    ended = []
    for _ in range(times):
        posted = [walk.post_one(fault, "gpt-test", *fault.answers) for _ in range(at_once)]
        walk.read_to_end(posted, seconds=300)
        ended += posted

    wrong = [item for item in ended if not item.is_right]
    tally.add(Outcome(fault.name, sum(item.provoked for item in ended), len(ended), len(wrong)))
    assert [(item.marker, item.ended) for item in wrong] == []
    assert peak(worker.pid) - before < MOST_GROWTH_MIB, (before, peak(worker.pid))
    assert worker.exit_code is None
    assert ask(walk.client, "are you well?").read_to_end()["status"] == "completed"
    assert walk.stack.audit() == []


def test_a_reply_without_end_is_kept_to_its_limit_and_its_connection_closed(
    walk: Walk, scale: Scale, tally: Tally
) -> None:
    endless = tokens(scale.of(512, 16))

    flood(walk, endless, tally)

    requests = [item for item in walk.upstream.requests if endless.name in item.text]
    assert len(requests) == 20
    for request in requests:
        walk.upstream.wait_closed(request)
        assert request.finished_at is None


@pytest.mark.parametrize("fault", FLOODS, ids=lambda fault: fault.name)
def test_fifty_megabytes_end_in_their_code_within_the_workers_memory(
    walk: Walk, scale: Scale, tally: Tally, fault: Fault
) -> None:
    flood(walk, fault, tally, times=scale.of(1, 5))


def test_a_page_of_fifty_megabytes_is_read_and_forgotten(
    walk: Walk, scale: Scale, tally: Tally
) -> None:
    page = Script(steps=(Raw(b"<p>a page</p>\n" * 5_000),) * (MEGABYTES * 14))
    fault = Fault("200 with HTML of 50 MB", (page,), ("upstream_malformed",) * ATTEMPTS)

    flood(walk, fault, tally, at_once=scale.of(1, 20))
