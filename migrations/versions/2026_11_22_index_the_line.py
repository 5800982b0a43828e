"""The line of waiting jobs is read along an index, and a waiting job knows what it waits for.

Revision: 2026_11_22_index_the_line, after 2026_11_22_create_tables
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_index_the_line"
down_revision = "2026_11_22_create_tables"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("waits_for", sa.Uuid(), nullable=True))
    op.execute("""
        UPDATE jobs SET waits_for = previous.id
        FROM messages AS prompt JOIN messages AS previous ON previous.id = prompt.parent_id
        WHERE jobs.status = 'queued' AND prompt.id = jobs.prompt_message_id
          AND previous.status = 'pending'
    """)
    op.create_index(
        "ix_jobs_line",
        "jobs",
        ["user_id", sa.text("(kind = 'title')"), "queued_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'queued' AND waits_for IS NULL"),
    )
    op.create_index(
        "ix_jobs_waits_for",
        "jobs",
        ["waits_for"],
        unique=False,
        postgresql_where=sa.text("waits_for IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_rung",
        "jobs",
        ["rung_at"],
        unique=False,
        postgresql_where=sa.text("rung_at IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_finished",
        "jobs",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL AND started_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_finished", table_name="jobs")
    op.drop_index("ix_jobs_rung", table_name="jobs")
    op.drop_index("ix_jobs_waits_for", table_name="jobs")
    op.drop_index("ix_jobs_line", table_name="jobs")
    op.drop_column("jobs", "waits_for")
