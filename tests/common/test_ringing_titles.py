"""Background jobs: how many are rung, and after whom."""

from sqlalchemy.orm import Session

from common import ringing
from tests.common.rows import ALICE, come_online, make_user, queue_many
from tests.common.test_ringing import RING_TIMEOUT, rung, start


def test_background_jobs_take_at_most_a_quarter_and_go_to_their_own_queue(
    session: Session,
) -> None:
    titles = queue_many(session, ALICE, 20, kind="title")
    come_online(session, 16)

    picked = ringing.pick(session, RING_TIMEOUT)

    assert {doorbell.job_id for doorbell in picked} == set(titles[:4])
    assert {doorbell.queue for doorbell in picked} == {"background"}
    start(session, titles[:4])
    assert rung(session) == []
    replies = queue_many(session, ALICE, 20)
    assert set(rung(session)) == set(replies[:10])  # 16 less four titles less the reserve


def test_however_many_slots_there_are_eight_background_jobs_run_at_once(session: Session) -> None:
    titles = queue_many(session, ALICE, 20, kind="title")
    come_online(session, 1000)

    assert set(rung(session)) == set(titles[:8])


def test_replies_come_before_the_same_users_background_jobs(session: Session) -> None:
    queue_many(session, ALICE, 4, kind="title")
    replies = queue_many(session, ALICE, 4)
    come_online(session, 5)

    assert set(rung(session)) == set(replies)


def test_a_title_under_way_costs_its_user_no_turn(session: Session) -> None:
    come_online(session, 4)
    titled, bob = make_user(session, "titled"), make_user(session, "bob")
    start(session, queue_many(session, titled, 1, kind="title") + queue_many(session, bob, 1))
    of_bob, of_titled = queue_many(session, bob, 1), queue_many(session, titled, 1)

    assert ringing.next_in_line(session) == [*of_titled, *of_bob]
    assert rung(session) == of_titled  # the other free slot is the reserve
