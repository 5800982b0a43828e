"""The statements of the state machine: each verb of `common/jobs.py` is one guarded UPDATE.

They are written out once: building them anew for each call would cost more than running them.
"""

from dataclasses import dataclass

from common.machine import MACHINE, STARTABLE, Status, Verb
from common.models import Job
from common.statement import Statement, columns_of, prepared

# The columns of a job.
ROW = columns_of(Job.__table__)

_FENCE = "jobs.id = :job_id AND jobs.attempt = :attempt"
_UNHELD = "lease_owner = NULL, lease_expires_at = NULL, rung_at = NULL"
_OFF_THE_LINE = "finished_at = now(), rung_at = NULL, not_before = NULL, waits_for = NULL"
_WITH_OUTCOME = """
    attempts = attempts || jsonb_build_array(jsonb_build_object(
        'n', attempt, 'outcome', CAST(:outcome AS text),
        'ran_ms', round(extract(epoch FROM clock_timestamp() - started_at) * 1000),
        'worker', lease_owner))
"""
_FINISHED = f"{_UNHELD}, {_WITH_OUTCOME}, finished_at = now()"
_ENDED = f"""
    {_FINISHED},
    input_tokens = :input_tokens, output_tokens = :output_tokens,
    cached_tokens = :cached_tokens, reasoning_tokens = :reasoning_tokens, cost = :cost,
    first_token_at = started_at + CAST(:first_token_after AS interval)
"""
_ERROR = "error = CAST(:error AS jsonb)"


def moving(verb: Verb, target: Status, guard: str, values: str) -> str:
    """The one UPDATE of a state, as SQL: it touches no row unless one is in the verb's source and
    meets the guard. ValueError where the machine has no such way."""
    rule = MACHINE[verb]
    if target not in rule.targets:
        raise ValueError(f"{verb} does not lead to {target}")
    return f"""
        UPDATE jobs SET status = '{target}', {values}
        WHERE {_opaque(f"jobs.status = '{rule.source}'")} AND {guard}
        RETURNING {ROW}
    """


def _opaque(condition: str) -> str:
    """The same for whoever runs it, but not for the planner, which might else read all that meets
    it, along an index of those, instead of the few that are named by their ids."""
    return f"CASE WHEN {condition} THEN true END"


def _ending(verb: Verb, target: Status, guard: str, values: str) -> str:
    """That of a verb which ends the job, and with it its reply."""
    return f"""
        WITH ended AS ({moving(verb, target, guard, values)}),
        saved AS (
            UPDATE messages
            SET status = :reply_status, content = :content, token_count = :token_count,
                finish_reason = :finish_reason
            FROM ended WHERE messages.id = ended.reply_message_id
        )
        SELECT * FROM ended
    """


_STARTABLE = f"""
    SELECT {ROW} FROM jobs WHERE jobs.id = ANY (CAST(:job_ids AS uuid[])) AND {_opaque(STARTABLE)}
    FOR NO KEY UPDATE
"""
# Who holds several rows must wait for none: two who do might wait for each other.
HOLD_STARTABLE = prepared("hold_startable", f"{_STARTABLE} SKIP LOCKED")
WAIT_FOR_STARTABLE = prepared("wait_for_startable", _STARTABLE)
_CLAIMED = moving(
    Verb.CLAIM,
    Status.IN_PROGRESS,
    "jobs.id = ANY (ARRAY(SELECT job_id FROM noted))",
    """attempt = attempt + 1, lease_owner = :owner,
       lease_expires_at = now() + CAST(:lease AS interval),
       deadline_at = coalesce(deadline_at, now() + CAST(:budget AS interval)), rung_at = NULL,
       not_before = NULL, started_at = now(), first_token_at = NULL,
       "window" = (SELECT noted."window" FROM noted WHERE noted.job_id = jobs.id)""",
)
# Of rows that are held.
CLAIM = prepared(
    "claim",
    f"""
    WITH noted AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:windows AS json))
        AS window_of (job_id uuid, "window" jsonb)
    )
    {_CLAIMED}
    """,
)
RENEW = Statement(f"""
    UPDATE jobs SET lease_expires_at = now() + :lease
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held (id, attempt)
    WHERE jobs.id = held.id AND jobs.attempt = held.attempt
      AND jobs.status = '{MACHINE[Verb.RENEW].source}'
    RETURNING jobs.id, jobs.attempt, cancel_requested_at IS NOT NULL AS cancel_requested
""")
COMPLETE = {
    target: prepared(
        f"complete_{target.value}",
        _ending(Verb.COMPLETE, target, _FENCE, f"{_ENDED}, {_ERROR}"),
    )
    for target in (Status.COMPLETED, Status.INCOMPLETE)
}
_COMPLETED_TOGETHER = moving(
    Verb.COMPLETE,
    Status.COMPLETED,
    "jobs.id = ANY (ARRAY(SELECT held.id FROM held JOIN free ON free.id = held.reply_message_id))",
    f"""
    {_FINISHED}, error = NULL,
    (input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost, first_token_at) = (
        SELECT said.input_tokens, said.output_tokens, said.cached_tokens, said.reasoning_tokens,
               said.cost, jobs.started_at + said.first_token_after * interval '1 second'
        FROM said WHERE said.job_id = jobs.id AND said.attempt = jobs.attempt)
    """,
)
# What is found by ids is found along an index, however small the tables were when this was planned.
COMPLETE_TOGETHER = prepared(
    "complete_together",
    f"""
    WITH said AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:said AS json)) AS each (
            job_id uuid, attempt int, content text, token_count int, finish_reason text,
            input_tokens int, output_tokens int, cached_tokens int, reasoning_tokens int,
            cost numeric, first_token_after double precision)
    ),
    held AS MATERIALIZED (
        SELECT id, reply_message_id FROM jobs
        WHERE jobs.id = ANY (ARRAY(SELECT job_id FROM said))
          -- a process may see the end of an attempt that it has lost beside that of the next one
          AND jobs.attempt = ANY (ARRAY(SELECT said.attempt FROM said WHERE said.job_id = jobs.id))
          AND {_opaque(f"jobs.status = '{MACHINE[Verb.COMPLETE].source}'")}
        FOR NO KEY UPDATE SKIP LOCKED
    ),
    free AS MATERIALIZED (
        SELECT id FROM messages WHERE id = ANY (ARRAY(SELECT reply_message_id FROM held))
        FOR NO KEY UPDATE SKIP LOCKED
    ),
    ended AS ({_COMPLETED_TOGETHER}),
    saved AS (
        UPDATE messages
        SET (status, content, token_count, finish_reason) = (
            SELECT 'completed', said.content, said.token_count, said.finish_reason
            FROM said JOIN ended ON ended.id = said.job_id AND ended.attempt = said.attempt
            WHERE ended.reply_message_id = messages.id)
        WHERE messages.id = ANY (ARRAY(SELECT reply_message_id FROM ended))
    )
    SELECT * FROM ended
    """,
)
_NOT_CANCELLED = f"{_FENCE} AND cancel_requested_at IS NULL"
FAIL = Statement(
    _ending(
        Verb.FAIL, Status.FAILED, _NOT_CANCELLED, f"{_ENDED}, {_ERROR}, failures = failures + 1"
    )
)
REQUEUE = Statement(
    moving(
        Verb.REQUEUE,
        Status.QUEUED,
        _NOT_CANCELLED,
        f"{_UNHELD}, {_WITH_OUTCOME}, failures = failures + 1, not_before = now() + :wait",
    )
)
HAND_OVER = Statement(
    moving(Verb.HAND_OVER, Status.QUEUED, _NOT_CANCELLED, f"{_UNHELD}, {_WITH_OUTCOME}")
)
CANCEL = Statement(
    _ending(Verb.CANCEL, Status.CANCELLED, f"{_FENCE} AND cancel_requested_at IS NOT NULL", _ENDED)
)
EXPIRE = Statement(
    _ending(Verb.EXPIRE, Status.FAILED, "jobs.id = :job_id", f"{_ERROR}, {_OFF_THE_LINE}")
)
NOTE_WINDOW = prepared(
    "note_window",
    f"""
    UPDATE jobs SET "window" = CAST(:window AS jsonb)
    WHERE {_FENCE} AND status = '{Status.IN_PROGRESS}'
    RETURNING id
    """,
)
# A statement of its own: whose post held the reply's row until now, only this one sees.
RELEASE = prepared(
    "release",
    """
    UPDATE jobs SET waits_for = NULL
    WHERE waits_for IS NOT NULL AND waits_for = ANY (CAST(:replies AS uuid[]))
    """,
)


@dataclass(frozen=True)
class Asking:
    """A cancel asked for: the job held, taken off if it is queued, marked if it runs."""

    hold: Statement
    take_off: Statement
    mark: Statement

    @classmethod
    def of(cls, found: str) -> "Asking":
        marked = "cancel_requested_at = coalesce(cancel_requested_at, now())"
        return cls(
            Statement(f"SELECT id FROM jobs WHERE {found} FOR UPDATE"),
            Statement(
                _ending(
                    Verb.TAKE_OFF,
                    Status.CANCELLED,
                    found,
                    f"cancel_requested_at = now(), {_OFF_THE_LINE}",
                )
            ),
            Statement(moving(Verb.ASK_TO_CANCEL, Status.IN_PROGRESS, found, marked)),
        )


BY_OWNER = Asking.of("jobs.id = :job_id AND jobs.user_id = :user_id")
BY_OPERATOR = Asking.of("jobs.id = :job_id")
