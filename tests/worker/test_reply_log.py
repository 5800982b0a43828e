"""One attempt's text as the event loop writes it."""

import uuid

from worker.reply_writer import ReplyLog


def test_what_does_not_fit_is_cut_between_two_letters() -> None:
    reply_log = ReplyLog(uuid.uuid4(), 1)

    assert reply_log.write("sí", most=6)
    assert not reply_log.write("ñañ", most=6)

    assert reply_log.text() == "síña"
    assert not reply_log.write("x", most=6)
