"""Writing an attempt's end: tried again through an outage, and not for what no retry mends."""

import pytest
from sqlalchemy.exc import DataError

from common.db import Database
from common.jobs import Usage
from tests.common.rows import job_row, post
from worker.claim import claim
from worker.process import WorkerProcess
from worker.settlement import settle
from worker.speech import Speech


def test_an_end_that_no_row_can_hold_is_not_tried_for_ever(
    process: WorkerProcess, database: Database
) -> None:
    with database.transaction() as session:
        job_id = post(session, model="gpt-test").job.id
    claimed = claim(process, job_id)
    speech = Speech(window_used=claimed.window.used, claimed_at=claimed.claimed_at)
    speech.text, speech.finish_reason = "sí", "stop"
    speech.usage = Usage(input_tokens=2**40)

    with pytest.raises(DataError):
        settle(process, claimed, speech)

    with database.transaction() as session:
        assert job_row(session, job_id)["status"] == "in_progress"  # its lease lapses
    speech.usage = Usage(input_tokens=20)
    assert settle(process, claimed, speech) is not None
