"""Saved system prompts, and that a key may have made one.

Revision: 2026_11_23_create_prompts, after 2026_11_23_index_what_was_said
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_create_prompts"
down_revision = "2026_11_23_index_what_was_said"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("now()")
    op.create_table(
        "prompts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_prompts_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompts")),
    )
    op.create_index("ix_prompts_user_id", "prompts", ["user_id"], unique=False)
    op.add_column("idempotency_keys", sa.Column("prompt_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("idempotency_keys", "prompt_id")
    op.drop_table("prompts")
