"""A job for a title has no reply, and a turn asks for one title at most.

Revision: 2026_11_23_title_conversations, after 2026_11_23_mark_imports
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_title_conversations"
down_revision = "2026_11_23_mark_imports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("jobs", "reply_message_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_jobs_reply"), "jobs", "(kind = 'title') = (reply_message_id IS NULL)"
    )
    op.create_index(
        "ix_jobs_title",
        "jobs",
        ["prompt_message_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'title'"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_title", table_name="jobs")
    op.drop_constraint(op.f("ck_jobs_reply"), "jobs")
    op.execute("DELETE FROM jobs WHERE kind = 'title'")
    op.alter_column("jobs", "reply_message_id", nullable=False)
