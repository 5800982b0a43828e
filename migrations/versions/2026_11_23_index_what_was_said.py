"""What was said can be searched along an index of its trigrams.

Revision: 2026_11_23_index_what_was_said, after 2026_11_22_index_the_line
"""

import warnings

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_index_what_was_said"
down_revision = "2026_11_22_index_the_line"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if not _has_trigrams():
        warnings.warn(
            "EpiCode: PostgreSQL offers no pg_trgm here, so searching reads every message. "
            "Install its contrib package, then: CREATE EXTENSION pg_trgm; "
            "CREATE INDEX ix_messages_content ON messages USING gin (content gin_trgm_ops)",
            stacklevel=1,
        )
        return
    op.create_index(
        "ix_messages_content",
        "messages",
        ["content"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"content": "gin_trgm_ops"},
    )


def downgrade() -> None:
    # The extension stays: others in this database may use it.
    op.drop_index("ix_messages_content", table_name="messages", if_exists=True)


def _has_trigrams() -> bool:
    """Whether they are there now: whoever owns the database may add them."""
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError:
        return False
    return True
