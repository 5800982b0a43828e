"""A cancel against whatever else happens just then: one end, and everybody is told the same."""

import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.race import rows, together
from tests.reader import FINISHED, Reader, ask
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack, wait_until
from tests.upstream import Script, Silence, Text, reply

WHOLE = "Se acaba, 👩‍💻 o se detiene — עד כאן. " * 3
SAID_IN = 0.7  # seconds from the first piece to the last
LOOKS_EVERY = 0.15
AT_ONCE = 20


@dataclass(frozen=True)
class Race:
    """One job that was cancelled near its end: the cancel's answer, and a reader's last poll."""

    cancelled: dict[str, Any]
    last: dict[str, Any]
    text: str


def _cancel(client: httpx.Client, job_id: str) -> dict[str, Any]:
    answer = client.post(f"/api/jobs/{job_id}/cancellation")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_cancel_near_the_end_leaves_the_whole_reply_or_what_was_said_never_both(
    stack: Stack, scale: Scale, tally: Tally
) -> None:
    mark, jobs = f"[[end {uuid.uuid4().hex[:8]}]]", scale.of(100, 1000)
    pieces = len(WHOLE) // 4
    stack.upstream.script(mark, reply(WHOLE, every=SAID_IN / pieces))

    def race(client: httpx.Client) -> list[Race]:
        return [_race(client, mark) for _ in range(jobs // AT_ONCE)]

    races = [one for some in together(stack, *[race] * AT_ONCE) for one in some]

    ends = [race.last["status"] for race in races]
    # both must have been possible, or nothing was raced
    assert set(ends) == {"completed", "cancelled"}
    for race in races:
        _is_told_alike(stack, race)
    # nobody asked for a second attempt, so each job was said once
    assert len(stack.upstream.wait_for(jobs, mark)) == jobs
    assert stack.audit() == []
    tally.add(Outcome("cancel against completion", jobs, jobs))


def _race(client: httpx.Client, mark: str) -> Race:
    reader = ask(client, mark)
    # the mark takes half a second at most, so that it meets the end from either side
    enough = random.uniform(0, len(WHOLE))
    while len(reader.text) < enough:
        time.sleep(LOOKS_EVERY)
        reader.poll()
    cancelled = _cancel(client, reader.job_id)
    return Race(cancelled, reader.read_to_end(), reader.text)


def _is_told_alike(stack: Stack, race: Race) -> None:
    job_id, status = race.last["id"], race.last["status"]
    [(in_job, attempts, in_reply, content)] = rows(
        stack,
        "SELECT jobs.status, attempts, messages.status, content"
        " FROM jobs JOIN messages ON messages.id = reply_message_id WHERE jobs.id = %s",
        job_id,
    )
    assert (in_job, [line["outcome"] for line in attempts]) == (status, [status])
    assert in_reply == ("completed" if status == "completed" else "incomplete")
    assert content == race.text
    assert content == WHOLE if status == "completed" else WHOLE.startswith(content)
    told = race.cancelled
    if told["status"] in FINISHED:
        assert (told["status"], told["text"], told["finished_at"]) == (
            status,
            content,
            race.last["finished_at"],
        )
    else:  # it couldn't be carried out within the second that the call waits
        assert (told["status"], told["cancelling"]) == ("in_progress", True)


def test_many_cancels_of_one_job_at_once_get_one_answer(stack: Stack) -> None:
    mark = f"[[many {uuid.uuid4().hex[:8]}]]"
    stack.upstream.script(mark, Script(steps=(Text("so far"), Silence())))
    with stack.client() as client:
        reader = ask(client, mark)
        reader.read_until_text()

        answers = together(stack, *[lambda own: _cancel(own, reader.job_id)] * 8)

        ended = reader.read_to_end()
    assert {answer["status"] for answer in answers} == {"cancelled"}
    assert {answer["finished_at"] for answer in answers} == {ended["finished_at"]}
    assert {answer["text"] for answer in answers} == {"so far"}
    assert stack.audit() == []


def test_silent_models_are_hung_up_on_within_a_second_of_the_cancel(
    stack: Stack, scale: Scale, tally: Tally
) -> None:
    mark, jobs = f"[[mute {uuid.uuid4().hex[:8]}]]", scale.of(8, 30)
    stack.upstream.script(mark, Script(steps=(Silence(),)))
    with stack.client() as client:
        readers = [ask(client, mark) for _ in range(jobs)]
        requests = stack.upstream.wait_for(jobs, mark)
        for reader in readers:
            reader.read_until("in_progress")

        asked_at = time.time()
        together(stack, *[lambda own, job=reader.job_id: _cancel(own, job) for reader in readers])

        closed = [stack.upstream.wait_closed(request, timeout=10) for request in requests]
        ended = [reader.read_to_end() for reader in readers]
    slowest = max(closed) - asked_at
    assert {job["status"] for job in ended} == {"cancelled"}
    assert slowest < 2  # one second is promised; the rest is this machine's
    assert stack.audit() == []
    tally.add(Outcome("cancel of a silent model", jobs, jobs, recovery=slowest))


def test_two_tabs_that_read_from_different_places_end_with_the_same_text(
    stack: Stack, scale: Scale
) -> None:
    for n in range(scale.of(1, 50)):
        mark = f"[[tabs {n} {uuid.uuid4().hex[:8]}]]"
        stack.upstream.script(mark, reply(WHOLE * 3, every=0.01))
        with stack.client() as client, stack.client() as other:
            first = ask(client, mark)
            first.read_until_text()
            second = Reader(other, first.job_id)
            wait_until(lambda first=first: len(first.poll()["text"]) and first.text, what="more")
            second.poll()
            assert first.cursor is not None
            # from here the first reads on only at the end, the second all the time
            _cancel(other, first.job_id)

            ended = second.read_to_end()
            seen = first.read_to_end()

            saved = client.get(f"/api/conversations/{ended['conversation_id']}/messages")
        assert ended["status"] == seen["status"] == "cancelled"
        assert first.text == second.text == saved.json()["data"][-1]["content"] != ""
        assert (WHOLE * 3).startswith(first.text)
