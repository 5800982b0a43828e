"""Who is rung, in which order, and how many at most."""

import uuid
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from common import catalogue, jobs, ringing, workers
from common.db import Database
from common.machine import Status
from common.models import Job
from common.ringing import Doorbell
from tests.common.at_once import at_once
from tests.common.rows import (
    ALICE,
    claim,
    come_online,
    make_conversation,
    make_user,
    post,
    put,
    put_in,
    queue_many,
)
from tests.common.statements import statements

RING_TIMEOUT = timedelta(seconds=30)


def rung(session: Session) -> list[uuid.UUID]:
    return [doorbell.job_id for doorbell in ringing.pick(session, RING_TIMEOUT)]


def owners(session: Session, job_ids: list[uuid.UUID]) -> Counter[uuid.UUID]:
    query = select(Job.user_id).where(Job.id.in_(job_ids))
    return Counter(session.scalars(query))


def start(session: Session, job_ids: list[uuid.UUID]) -> None:
    for job_id in job_ids:
        assert claim(session, job_id) is not None


def test_with_no_worker_online_nobody_is_rung(session: Session) -> None:
    waiting = queue_many(session, ALICE, 3)
    assert rung(session) == []

    come_online(session, 10)

    assert set(rung(session)) == set(waiting)


def test_a_worker_that_was_not_seen_for_15_seconds_offers_no_slot(session: Session) -> None:
    queue_many(session, ALICE, 3)
    come_online(session, 10)
    age = "UPDATE workers SET seen_at = now() - interval '16 s'"
    session.connection().exec_driver_sql(age)

    assert rung(session) == []


def test_a_lone_user_gets_every_slot_but_the_reserve(session: Session) -> None:
    waiting = queue_many(session, ALICE, 40)
    come_online(session, 16)

    first = rung(session)

    assert set(first) == set(waiting[:14])
    assert rung(session) == []


@pytest.mark.parametrize(("slots", "taken"), [(1, 1), (2, 1), (7, 6), (8, 7), (24, 21)])
def test_the_reserve_is_an_eighth_and_at_least_one(
    session: Session, slots: int, taken: int
) -> None:
    queue_many(session, ALICE, 40)
    come_online(session, slots)

    assert len(rung(session)) == taken


def test_the_reserve_is_for_users_who_have_nothing_under_way(session: Session) -> None:
    bob, carol = make_user(session, "bob"), make_user(session, "carol")
    come_online(session, 16)
    queue_many(session, ALICE, 40)
    start(session, rung(session))
    of_bob = queue_many(session, bob, 2)
    of_carol = queue_many(session, carol, 2)

    assert set(rung(session)) == {of_bob[0], of_carol[0]}
    assert rung(session) == []


def test_rung_and_running_jobs_together_never_exceed_the_slots(session: Session) -> None:
    come_online(session, 4)
    come_online(session, 4, name="worker-2@host")
    for number in range(30):
        queue_many(session, make_user(session, f"user {number}"), 1)

    first = rung(session)
    start(session, first[:5])

    assert len(first) == 8
    assert rung(session) == []
    jobs.complete(session, first[0], 1, jobs.NOTHING_SAID)
    assert len(rung(session)) == 1


def test_who_has_fewest_under_way_comes_first_then_the_oldest(session: Session) -> None:
    bob, carol = make_user(session, "bob"), make_user(session, "carol")
    flood = queue_many(session, ALICE, 20)
    of_bob = queue_many(session, bob, 3)
    of_carol = queue_many(session, carol, 1)
    for job_id in [*of_bob, *of_carol]:  # they came later than all of Alice's
        put(session, job_id, queued_at=func.now() + timedelta(seconds=len(flood)))
    start(session, flood[:2])
    come_online(session, 8)  # two are running, one is in reserve: five are free

    picked = rung(session)

    assert owners(session, picked) == {bob: 3, carol: 1, ALICE: 1}
    assert set(picked) == {*of_bob, *of_carol, flood[2]}


def test_among_equals_the_oldest_job_comes_first(session: Session) -> None:
    users = [make_user(session, f"user {number}") for number in range(5)]
    waiting = [queue_many(session, user, 1)[0] for user in users]
    for age, job_id in enumerate(waiting):
        put(session, job_id, queued_at=func.now() - timedelta(minutes=age))
    come_online(session, 2)

    assert set(rung(session)) == set(waiting[-2:])


def test_a_ring_is_repeated_only_after_its_time(session: Session) -> None:
    waiting = queue_many(session, ALICE, 2)
    come_online(session, 10)
    assert set(rung(session)) == set(waiting)
    put(session, waiting[0], rung_at=func.now() - RING_TIMEOUT + timedelta(seconds=1))
    put(session, waiting[1], rung_at=func.now() - RING_TIMEOUT)

    assert rung(session) == [waiting[1]]


def test_a_ring_that_came_to_nothing_is_taken_back(session: Session) -> None:
    waiting = queue_many(session, ALICE, 2)
    come_online(session, 10)
    rung(session)
    start(session, waiting[1:])

    ringing.unmark(session, waiting)

    assert rung(session) == waiting[:1]


def test_only_startable_jobs_are_rung(session: Session) -> None:
    come_online(session, 100)
    later, paused, first = (post(session, model=model) for model in (None, "o4-mini", None))
    put(session, later.job.id, not_before=func.now() + timedelta(seconds=1))
    catalogue.pause(session, "o4-mini", timedelta(seconds=1))
    put_in(session, first.job.id, Status.IN_PROGRESS)
    conversation = make_conversation(session)
    second, third = post(session, conversation), post(session, conversation)
    assert rung(session) == [second.job.id]

    put(session, later.job.id, not_before=func.now())
    session.connection().exec_driver_sql("UPDATE models SET paused_until = now()")
    start(session, [second.job.id])
    jobs.complete(session, second.job.id, 1, jobs.NOTHING_SAID)

    assert set(rung(session)) == {later.job.id, paused.job.id, third.job.id}


def test_replies_and_questions_are_interactive(session: Session) -> None:
    reply, ask = queue_many(session, ALICE, 1), queue_many(session, ALICE, 1, kind="ask")
    come_online(session, 5)

    picked = ringing.pick(session, RING_TIMEOUT)

    wanted = {Doorbell(job_id, "interactive") for job_id in [*reply, *ask]}
    assert set(picked) == wanted


def test_concurrent_picks_never_ring_one_job_twice(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 64)
        for number in range(4):
            queue_many(session, make_user(session, f"user {number}"), 20)
    picked: list[uuid.UUID] = []

    def pick(times: int) -> None:
        for _ in range(times):
            with database.transaction() as session:
                found = rung(session)
            picked.extend(found)

    at_once(pick, [3, 3, 3, 3])

    assert len(picked) == len(set(picked)) == 56


def test_a_pick_in_flight_is_not_waited_for_and_not_doubled(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 8)
        queue_many(session, ALICE, 20)
    with database.transaction() as first, database.transaction() as second:
        assert len(rung(first)) == 7

        assert rung(second) == []


def test_the_line_shows_who_gets_a_slot_next(session: Session) -> None:
    bob = make_user(session, "bob")
    of_alice = queue_many(session, ALICE, 3)
    of_bob = queue_many(session, bob, 2)
    for age, job_id in enumerate([*of_bob, *of_alice][::-1]):
        put(session, job_id, queued_at=func.now() - timedelta(seconds=age))
    # Bob's are the oldest; turns alternate, since neither has anything under way
    line = [of_bob[0], of_alice[0], of_bob[1], of_alice[1], of_alice[2]]

    assert ringing.next_in_line(session) == line


def test_who_has_jobs_running_stands_further_back_in_the_line(session: Session) -> None:
    bob = make_user(session, "bob")
    of_alice, of_bob = queue_many(session, ALICE, 4), queue_many(session, bob, 2)
    start(session, of_alice[:2])

    line = ringing.next_in_line(session)

    assert line == [*of_bob, *of_alice[2:]]


def test_a_rung_job_keeps_its_place_in_the_line_until_it_is_claimed(session: Session) -> None:
    come_online(session, 3)
    waiting = queue_many(session, ALICE, 4)

    assert set(rung(session)) == set(waiting[:2])

    assert ringing.next_in_line(session) == waiting
    start(session, waiting[:1])
    assert ringing.next_in_line(session) == waiting[1:]


def test_a_line_of_two_thousand_costs_as_many_statements_as_a_short_one(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 1000)
        for number in range(4):
            queue_many(session, make_user(session, f"user {number}"), 500)
        session.flush()
        with statements(database) as sent:
            line = ringing.next_in_line(session)
            picked = rung(session)

        assert len(sent) == 1 + 2  # the line; whether anybody waits, and the pick
        assert len(line) == ringing.PLACES_SHOWN
        assert set(line) <= set(picked)
        assert len(picked) == 1000 - 125
        assert set(owners(session, picked).values()) == {218, 219}


def test_nobody_waiting_costs_one_statement(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 10)
        start(session, queue_many(session, ALICE, 3))
        with statements(database) as sent:
            assert rung(session) == []

        assert len(sent) == 1


def test_a_post_while_slots_are_free_rings_its_job_with_one_statement(database: Database) -> None:
    with database.transaction() as session:
        come_online(session, 10)
        start(session, queue_many(session, ALICE, 3))
        (posted,) = queue_many(session, ALICE, 1)
        with statements(database) as sent:
            doorbells = ringing.pick_after_posts(session, [posted], RING_TIMEOUT)

        assert [doorbell.job_id for doorbell in doorbells] == [posted]
        assert len(sent) == 1
        assert ringing.pick_after_posts(session, [posted], RING_TIMEOUT) == []


def test_a_post_does_not_jump_the_line(session: Session) -> None:
    come_online(session, 2)
    (first,) = queue_many(session, ALICE, 1)
    (second,) = queue_many(session, make_user(session, "bob"), 1)
    (third,) = queue_many(session, make_user(session, "carol"), 1)

    doorbells = ringing.pick_after_posts(session, [third], RING_TIMEOUT)

    assert {doorbell.job_id for doorbell in doorbells} == {first, second}


def test_a_post_into_a_full_house_waits(session: Session) -> None:
    come_online(session, 8)
    start(session, queue_many(session, ALICE, 7))
    (posted,) = queue_many(session, ALICE, 1)

    # the reserve is not hers
    assert ringing.pick_after_posts(session, [posted], RING_TIMEOUT) == []
    (other,) = queue_many(session, make_user(session, "bob"), 1)
    bells = ringing.pick_after_posts(session, [other], RING_TIMEOUT)
    assert [doorbell.job_id for doorbell in bells] == [other]


def test_a_worker_that_is_stopping_offers_none_of_its_slots(session: Session) -> None:
    come_online(session, 10)
    come_online(session, 0, busy=3)
    queue_many(session, ALICE, 3)

    assert rung(session) == []
    assert workers.crew(session).online == 1
