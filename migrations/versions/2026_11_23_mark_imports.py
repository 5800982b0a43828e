"""A message that was imported is known: no job stands behind an imported reply.

Revision: 2026_11_23_mark_imports, after 2026_11_23_create_sessions
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_mark_imports"
down_revision = "2026_11_23_create_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "messages",
        sa.Column("imported", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("messages", "imported")
