"""What a job costs a worker in statements and commands: counts, so that growth fails a test."""

import pytest

from common.config import TestingConfig
from common.db import Database
from tests.common.redis_commands import redis_commands
from tests.common.rows import post
from tests.common.statements import statements
from tests.upstream import Upstream, reply
from worker import generation
from worker.process import WorkerProcess


@pytest.mark.parametrize("tokens", [1, 200])
def test_a_job_costs_five_statements_however_much_is_said(
    process: WorkerProcess, database: Database, upstream: Upstream, tokens: int
) -> None:
    upstream.script("[[costs]]", reply("una " * tokens, chunk=4))
    with database.transaction() as session:
        job_id = post(session, content="[[costs]]", model="gpt-test").job.id

    with statements(process.database) as sql:
        assert generation.run_job(process, job_id) == "completed"

    # its row, the window, the claim, the end, and who waited for it
    assert [" ".join(statement.split()[:2]) for statement in sql] == [
        "EXECUTE hold_startable",
        "EXECUTE within_budget",
        "EXECUTE claim",
        "EXECUTE complete_together",
        "EXECUTE release",
    ]


def test_a_job_costs_two_commands_beside_its_flushes(
    process: WorkerProcess, database: Database, upstream: Upstream, config: TestingConfig
) -> None:
    upstream.script("[[commands]]", reply("una " * 100, chunk=4, every=0.01))
    with database.transaction() as session:
        first, job_id = [
            post(session, content="[[commands]]", model="gpt-test").job.id for _ in range(2)
        ]
    generation.run_job(process, first)  # opens connections, teaches Redis the scripts

    with redis_commands(config.REDIS_URL) as commands:
        assert generation.run_job(process, job_id) == "completed"

    seen = [command.split()[0] for command in commands]
    scripts = [command.split()[1] for command in commands if command.startswith("EVALSHA")]
    shown = [sha for sha in set(scripts) if scripts.count(sha) == 1]
    assert set(seen) - {"SELECT"} == {"EVALSHA", "MGET"}  # a connection begins with its SELECT
    assert len(shown) == 2  # shown when it was claimed, done when it was saved
    # a second's worth of text in a flush every 40 ms, and not in one for each of its tokens
    assert 2 <= len(scripts) - len(shown) <= 40
