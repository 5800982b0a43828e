"""A message that is deleted finds the conversation whose head it is along an index.

Revision: 2026_11_23_index_heads, after 2026_11_23_title_conversations
"""

from alembic import op

revision = "2026_11_23_index_heads"
down_revision = "2026_11_23_title_conversations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_conversations_head_message_id", "conversations", ["head_message_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_conversations_head_message_id", table_name="conversations")
