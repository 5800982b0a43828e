"""The live log over a real Valkey: what it keeps, what it refuses, what a reader gets."""

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from common.cursor import Cursor, Reading, read_on
from common.db import new_id
from common.live_log import (
    CANCEL_MARK_SECONDS,
    HASH_SECONDS,
    TEXT_SECONDS,
    LiveLog,
    NewText,
)
from tests.common.live_rows import ALICE, BOB, SHOWN


def say(
    live_log: LiveLog, job: uuid.UUID, text: str, *, expected: int = 0, attempt: int = 1
) -> bool:
    """Whether the text was taken."""
    return not live_log.append([NewText(job, attempt, expected, text.encode())], []).refused


def read(live_log: LiveLog, job: uuid.UUID, cursor: Cursor | None = None) -> Reading:
    found = live_log.read(job, ALICE, cursor)
    assert found is not None
    return found.reading


def test_a_poll_finds_fields_text_and_attempt(live_log: LiveLog, job: uuid.UUID) -> None:
    say(live_log, job, "¡Hola!")

    found = live_log.read(job, ALICE, None)

    assert found is not None
    assert (found.shown, found.attempt, found.cancelling) == (SHOWN, 1, False)
    assert found.length == len("¡Hola!".encode())
    assert found.reading == Reading("¡Hola!", Cursor(1, found.length), reset=False)


def test_text_is_appended_only_where_it_belongs(live_log: LiveLog, job: uuid.UUID) -> None:
    assert say(live_log, job, "uno ")
    assert not say(live_log, job, "uno ")  # the same flush, sent twice
    assert not say(live_log, job, "tres", expected=9)  # one in between was lost
    assert say(live_log, job, "dos", expected=4)

    assert live_log.text(job, 1) == b"uno dos"


def test_a_refused_append_names_its_text_and_the_others_are_taken(live_log: LiveLog) -> None:
    jobs = [new_id() for _ in range(3)]
    news = [NewText(jobs[at], 1, (0, 5, 0)[at], b"x") for at in range(3)]

    flushed = live_log.append(news, [])

    assert flushed.refused == [news[1]]
    assert [live_log.text(job, 1) for job in jobs] == [b"x", b"", b"x"]


def test_after_a_loss_the_whole_text_is_written_anew(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    say(live_log, job, "uno ")
    valkey.flushdb()
    assert live_log.text(job, 1) == b""
    assert not say(live_log, job, "dos", expected=4)

    live_log.rewrite(job, 1, b"uno dos")

    assert live_log.text(job, 1) == b"uno dos"
    assert say(live_log, job, " tres", expected=7)
    assert live_log.read(job, ALICE, None) is None  # until the next renewal shows it
    live_log.show([(job, 1, ALICE, SHOWN)])
    assert read(live_log, job, Cursor(1, 4)).text == "dos tres"


def test_a_reader_ahead_of_a_log_that_was_lost_waits_and_misses_nothing(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    say(live_log, job, "uno dos")
    ahead = read(live_log, job).cursor
    valkey.delete(f"live:{job}:1:text")

    assert read(live_log, job, ahead) == Reading("", ahead, reset=False)

    live_log.rewrite(job, 1, b"uno dos tres")
    assert read(live_log, job, ahead).text == " tres"


def test_everything_expires(live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis") -> None:
    say(live_log, job, "uno")
    live_log.ask_to_cancel([job])
    rewritten = new_id()
    live_log.rewrite(rewritten, 1, b"uno")
    live_log.mark_done(rewritten, 1)

    left = {name.decode(): valkey.ttl(name) for name in valkey.scan_iter("live:*")}

    assert 0 < left[f"live:{job}"] <= HASH_SECONDS
    assert 0 < left[f"live:{job}:1:text"] <= TEXT_SECONDS
    assert 0 < left[f"live:{rewritten}:1:text"] <= TEXT_SECONDS
    assert 0 < left[f"live:{rewritten}"] <= HASH_SECONDS
    assert 0 < left[f"live:{job}:cancel"] <= CANCEL_MARK_SECONDS
    assert min(left.values()) > 0


def test_a_renewal_keeps_the_hash_alive(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    valkey.expire(f"live:{job}", 3)

    live_log.show([(job, 1, ALICE, SHOWN)])

    assert valkey.ttl(f"live:{job}") > 3


def test_an_older_attempt_never_overwrites_a_newer_one(live_log: LiveLog, job: uuid.UUID) -> None:
    live_log.show([(job, 2, ALICE, SHOWN | {"model": "second"})])
    say(live_log, job, "second", attempt=2)

    live_log.show([(job, 1, ALICE, SHOWN | {"model": "frozen"})])
    say(live_log, job, "frozen", attempt=1)
    live_log.mark_done(job, 1)

    found = live_log.read(job, ALICE, None)
    assert found is not None
    assert (found.attempt, found.shown["model"]) == (2, "second")
    assert found.reading.text == "second"


def test_a_new_attempt_restarts_its_readers(live_log: LiveLog, job: uuid.UUID) -> None:
    say(live_log, job, "first try")
    cursor = read(live_log, job).cursor
    live_log.show([(job, 2, ALICE, SHOWN)])

    assert read(live_log, job, cursor) == Reading("", Cursor(2, 0), reset=True)

    say(live_log, job, "again", attempt=2)
    assert read(live_log, job, Cursor(2, 0)) == Reading("again", Cursor(2, 5), reset=False)


def test_whoever_has_seen_an_attempt_is_shown_none_before_it(
    live_log: LiveLog, job: uuid.UUID
) -> None:
    say(live_log, job, "first")

    assert live_log.read(job, ALICE, Cursor(2, 3)) is None
    assert live_log.read(job, ALICE, Cursor(1, 3)) is not None


def test_an_attempt_that_is_done_stays_done(live_log: LiveLog, job: uuid.UUID) -> None:
    say(live_log, job, "all of it")
    live_log.mark_done(job, 1)
    assert live_log.read(job, ALICE, None) is None

    live_log.show([(job, 1, ALICE, SHOWN)])  # a renewal that was on its way

    assert live_log.read(job, ALICE, None) is None
    live_log.show([(job, 2, ALICE, SHOWN)])
    assert live_log.read(job, ALICE, None) is not None


def test_bob_reads_nothing_of_alices_job(live_log: LiveLog, job: uuid.UUID) -> None:
    say(live_log, job, "for Alice")

    assert live_log.read(job, BOB, None) is None
    assert live_log.read(job, ALICE, None) is not None


def test_a_job_that_nobody_shows_is_left_to_the_database(live_log: LiveLog) -> None:
    assert live_log.read(new_id(), ALICE, None) is None
    assert live_log.text(new_id(), 1) == b""


def test_a_cancel_is_seen_by_readers_and_by_the_workers_next_flush(
    live_log: LiveLog, job: uuid.UUID
) -> None:
    other = new_id()
    assert live_log.append([], [job, other]).cancelled == []

    live_log.ask_to_cancel([job])

    assert live_log.append([], [other, job]).cancelled == [job]
    found = live_log.read(job, ALICE, None)
    assert found is not None
    assert found.cancelling


def test_a_deleted_job_leaves_nothing_of_any_attempt(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    say(live_log, job, "first", attempt=1)
    live_log.show([(job, 2, ALICE, SHOWN)])
    say(live_log, job, "second", attempt=2)

    live_log.forget([(job, 2)])

    assert list(valkey.scan_iter(f"live:{job}*")) == []


def test_nothing_to_forget_asks_nothing(live_log: LiveLog) -> None:
    live_log.forget([])


@pytest.mark.parametrize("only_starts", [True, False], ids=["at starts", "inside characters"])
def test_a_reader_gets_what_the_reading_rule_says(live_log: LiveLog, only_starts: bool) -> None:
    chance = random.Random(29)
    for _ in range(60):
        job, attempt = new_id(), chance.randint(1, 3)
        text = "".join(chance.choice("añ😀\n漢é") for _ in range(chance.randint(0, 12)))
        live_log.show([(job, attempt, ALICE, SHOWN)])
        live_log.rewrite(job, attempt, text.encode())
        starts = [len(text[:at].encode()) for at in range(len(text) + 1)]
        anywhere = list(range(len(text.encode()) + 1))
        for _ in range(6):
            offset = chance.choice([*(starts if only_starts else anywhere), 60, 1_000_000])
            cursor = chance.choice([None, Cursor(0, 0), Cursor(chance.randint(1, attempt), offset)])

            reading = read(live_log, job, cursor)

            assert reading == read_on(cursor, attempt, text.encode(), finished=False), cursor


@contextmanager
def round_trips() -> Iterator[list[Any]]:
    """What is sent to Redis meanwhile, one entry each time that somebody waits for it."""
    sent: list[Any] = []
    send = redis.connection.AbstractConnection.send_packed_command

    def note(self: Any, command: Any, check_health: bool = True) -> Any:
        sent.append(command)
        return send(self, command, check_health)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis.connection.AbstractConnection, "send_packed_command", note)
        yield sent


def test_every_call_is_one_round_trip(live_log: LiveLog, job: uuid.UUID) -> None:
    jobs = [new_id() for _ in range(40)]
    live_log.append([NewText(one, 1, 0, b"a") for one in jobs], jobs)  # the scripts are known now

    with round_trips() as sent:
        live_log.read(job, ALICE, None)
        assert len(sent) == 1, "read"
        live_log.append([NewText(one, 1, 1, b"b") for one in jobs], jobs)
        assert len(sent) == 2, "append"
        live_log.show([(one, 1, ALICE, SHOWN) for one in jobs])
        assert len(sent) == 3, "show"
        live_log.rewrite(job, 1, b"abc")
        live_log.text(job, 1)
        live_log.ask_to_cancel(jobs)
        live_log.mark_done(job, 1)
        live_log.forget([(one, 1) for one in jobs])
        assert len(sent) == 8


def test_a_server_that_has_forgotten_the_scripts_is_taught_them(
    live_log: LiveLog, job: uuid.UUID, valkey: "redis.Redis"
) -> None:
    for call in (
        lambda: say(live_log, job, "uno"),
        lambda: live_log.show([(job, 1, ALICE, SHOWN)]) is None,
        lambda: read(live_log, job).text == "uno",
        lambda: live_log.mark_done(job, 1) is None,
    ):
        valkey.script_flush()

        assert call()

    assert live_log.text(job, 1) == b"uno"


def test_a_call_gives_up_after_a_second_and_is_never_repeated(url: str) -> None:
    live_log = LiveLog.connect(url)
    options = live_log._client.connection_pool.connection_kwargs

    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (1, 1)
    assert options["retry"].get_retries() == 0
    live_log.close()


def test_while_redis_is_away_every_call_says_so() -> None:
    live_log = LiveLog.connect("redis://127.0.0.1:1/0")

    for call in (
        live_log.ping,
        lambda: live_log.read(new_id(), ALICE, None),
        lambda: live_log.append([NewText(new_id(), 1, 0, b"x")], []),
        lambda: live_log.show([(new_id(), 1, ALICE, SHOWN)]),
        lambda: live_log.text(new_id(), 1),
        lambda: live_log.mark_done(new_id(), 1),
        lambda: live_log.ask_to_cancel([new_id()]),
    ):
        with pytest.raises(redis.RedisError):
            call()
    live_log.close()
