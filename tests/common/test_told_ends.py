"""How the live log tells of a reply that was just saved."""

import uuid
from collections.abc import Iterator

import pytest
import redis

from common.cursor import Cursor, Reading
from common.db import new_id
from common.live_log import HASH_SECONDS, SAVED_TEXT_SECONDS, End, LiveLog, NewText
from tests.databases import Databases

ALICE, BOB = uuid.UUID(int=1), uuid.UUID(int=2)
SHOWN = {"status": "in_progress", "model": "m"}


@pytest.fixture(scope="module")
def url(databases: Databases) -> str:
    return databases.create_redis()


@pytest.fixture(scope="module")
def valkey(url: str) -> Iterator["redis.Redis"]:
    """A look inside."""
    client = redis.Redis.from_url(url)
    yield client
    client.close()


@pytest.fixture(scope="module")
def live_log(url: str) -> Iterator[LiveLog]:
    live_log = LiveLog.connect(url)
    yield live_log
    live_log.close()


@pytest.fixture
def job(live_log: LiveLog) -> uuid.UUID:
    """A running job in its first attempt, Alice's."""
    job = new_id()
    live_log.show([(job, 1, ALICE, SHOWN)])
    return job


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
