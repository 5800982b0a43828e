"""How the live log tells of a reply that was just saved."""

import uuid

import redis

from common.cursor import Cursor, Reading
from common.live_log import HASH_SECONDS, SAVED_TEXT_SECONDS, End, LiveLog, NewText
from tests.common.live_rows import ALICE, BOB, SHOWN


def say(live_log: LiveLog, job: uuid.UUID, text: str) -> None:
    live_log.append([NewText(job, 1, 0, text.encode())], [])


def read(live_log: LiveLog, job: uuid.UUID) -> Reading:
    """What Alice reads from the beginning."""
    found = live_log.read(job, ALICE, None)
    assert found is not None
    return found.reading


def ended(job: uuid.UUID, rest: str, *, expected: int) -> End:
    return End(NewText(job, 1, expected, rest.encode()), SHOWN | {"status": "completed"})


def test_a_reply_that_is_saved_is_told_whole_until_the_log_forgets_it(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    say(live_log, job, "almost")
    live_log.mark_done(job, 1, ended(job, " all", expected=6))
    live_log.show([(job, 1, ALICE, SHOWN)])  # a renewal that was on its way

    found = live_log.read(job, ALICE, Cursor(1, 6))
    assert found is not None
    assert found.is_ended
    assert found.shown["status"] == "completed"
    assert found.reading == Reading(" all", Cursor(1, 10), reset=False)
    assert live_log.read(job, BOB, None) is None
    assert 0 < valkey.ttl(f"live:{job}") <= HASH_SECONDS
    assert HASH_SECONDS < valkey.ttl(f"live:{job}:1:text") <= SAVED_TEXT_SECONDS


def test_one_that_was_never_flushed_is_told_whole_too(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    live_log.mark_done(job, 1, ended(job, "at once", expected=0))

    assert read(live_log, job) == Reading("at once", Cursor(1, 7), reset=False)
    assert valkey.ttl(f"live:{job}:1:text") > HASH_SECONDS


def test_where_the_log_lacks_something_the_end_is_the_databases_to_tell(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    say(live_log, job, "three")
    live_log.mark_done(job, 1, ended(job, "!", expected=6))
    assert live_log.read(job, ALICE, None) is None

    live_log.mark_done(job, 1, ended(job, "!", expected=5))
    assert read(live_log, job).text == "three!"
    assert live_log.read(job, ALICE, Cursor(1, 99)) is None
    live_log.ask_to_cancel([job], deleted=True)
    assert live_log.read(job, ALICE, None) is None

    valkey.delete(f"live:{job}:cancel", f"live:{job}:1:text")
    assert live_log.read(job, ALICE, None) is None


def test_an_end_that_comes_late_ends_no_newer_attempt(live_log: LiveLog, job: uuid.UUID) -> None:
    say(live_log, job, "first")
    live_log.show([(job, 2, ALICE, SHOWN)])
    live_log.mark_done(job, 1, ended(job, "", expected=5))

    found = live_log.read(job, ALICE, None)
    assert found is not None
    assert (found.attempt, found.is_ended) == (2, False)
