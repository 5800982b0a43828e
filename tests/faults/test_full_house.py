"""A house with too many waiting refuses, over HTTP, and takes again what it refused.

No worker runs at first, so that whatever is accepted waits.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.databases import Databases
from tests.faults.crowd import flood, rows, sign_up
from tests.faults.race import together
from tests.reader import Reader, converse, say
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack, wait_until
from tests.upstream import Upstream
from web.database import DATABASE_CONNECTIONS

A_USER_MAY, ALL_MAY = 4, 12
TABLES = ("conversations", "messages", "jobs", "idempotency_keys")
WEB_PROCESSES = 2
# Posts that are being written can't see each other: one fewer than there are connections.
OVERSHOOT = WEB_PROCESSES * DATABASE_CONNECTIONS - 1


@pytest.fixture(scope="module")
def small(databases: Databases) -> Iterator[Stack]:
    """A house with little room and no worker."""
    settings = {
        "EPICODE_MAX_WAITING_PER_USER": str(A_USER_MAY),
        "EPICODE_MAX_WAITING": str(ALL_MAY),
        "WEB_CONCURRENCY": str(WEB_PROCESSES),
    }
    with Upstream() as upstream, Stack(databases, upstream, settings) as stack:
        stack.start_web()
        yield stack


def test_posts_in_one_moment_overshoot_a_cap_by_no_more_than_the_connections(
    small: Stack, scale: Scale, tally: Tally
) -> None:
    at_once, rounds = 50, scale.of(1, 10)
    for number in range(rounds):
        (member,) = sign_up(small, f"Alice {number}")

        def post(client: httpx.Client, headers: dict[str, str] = member.headers) -> httpx.Response:
            return client.post("/api/ask", json={"content": "me too"}, headers=headers)

        answers = together(small, *[post] * at_once)

        accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
        refused = {said(answer) for answer in answers if answer.status_code != 202}
        kept = rows(small, "SELECT count(*) FROM jobs WHERE user_id = %s", str(member.id))[0][0]
        assert refused == {(429, "too_many_waiting")}
        assert A_USER_MAY <= len(accepted) == kept <= A_USER_MAY + OVERSHOOT
        with small.client(headers=member.headers) as client:
            for job_id in accepted:  # room for the next round
                client.post(f"/api/jobs/{job_id}/cancellation")
    assert small.audit() == []
    tally.add(Outcome("fifty posts at once at the cap", rounds, at_once * rounds))


def test_a_full_house_refuses_whole_and_takes_again_once_there_is_room(small: Stack) -> None:
    alice, bob, other, late = sign_up(small, "Alice", "Bob", "another", "too late")
    with (
        small.client(headers=alice.headers) as as_alice,
        small.client(headers=bob.headers) as as_bob,
        small.client(headers=other.headers) as as_other,
        small.client(headers=late.headers) as as_late,
    ):
        conversation = converse(as_alice)
        mine = [say(as_alice, conversation, f"turn {number}") for number in range(A_USER_MAY)]
        ways = posts_in(conversation, mine[0]["message"]["id"])

        refused_whole(small, as_alice, ways, 429, "too_many_waiting")

        for client in (as_bob, as_other):
            flood(client, [f"question {number}" for number in range(A_USER_MAY)])
        late_ways = posts_in(converse(as_late), None)
        refused_whole(small, as_late, late_ways, 503, "queue_full")
        assert as_late.get("/api/conversations").status_code == 200

        small.start_worker("worker-1")
        wait_until(lambda: waiting(small) == 0, what="an empty house")
        # the same posts with the same keys: their refusals left no trace
        again = [*send(as_alice, ways), *send(as_late, late_ways)]
        assert {answer.status_code for answer in again} == {202}
        for client, answer in ((as_alice, again[0]), (as_late, again[-1])):
            job = answer.json().get("job", answer.json())
            assert Reader(client, job["id"]).read_to_end()["status"] == "completed"
    assert small.audit() == []


Way = tuple[str, dict[str, str]]


def posts_in(conversation: str, message: str | None) -> list[Way]:
    """Each way of posting there is; without a message nothing can be regenerated."""
    regenerate: list[Way] = [(f"/api/messages/{message}/replies", {})] if message else []
    return [
        (f"/api/conversations/{conversation}/messages", {"content": "one more"}),
        *regenerate,
        ("/api/ask", {"content": "one more"}),
    ]


def send(client: httpx.Client, ways: list[Way]) -> list[httpx.Response]:
    """Posts in every way, always with the same keys."""
    return [
        client.post(path, json=body, headers={"Idempotency-Key": f"one more by {path}"})
        for path, body in ways
    ]


def refused_whole(
    stack: Stack, client: httpx.Client, ways: list[Way], status: int, code: str
) -> None:
    """Asserts that each is refused so, told when to come back, and has written nothing."""
    before = counts(stack)

    answers = send(client, ways)

    assert {said(answer) for answer in answers} == {(status, code)}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert counts(stack) == before


def said(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("code")


def counts(stack: Stack) -> dict[str, int]:
    """How many rows there are of what a post writes."""
    return {table: rows(stack, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def waiting(stack: Stack) -> int:
    found: int = rows(stack, "SELECT count(*) FROM jobs WHERE status = 'queued'")[0][0]
    return found
