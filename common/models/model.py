"""What the model server said it offers, and which of its models asked us to slow down."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Base


class Model(Base):
    """`listed_at` None: not in the server's list any more; `listed_from` is that server's URL.

    `limits` holds what the listing told of the model (`context_window`, …), often nothing.
    """

    __tablename__ = "models"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    limits: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    listed_at: Mapped[datetime | None]
    listed_from: Mapped[str | None] = mapped_column(Text)
    paused_until: Mapped[datetime | None]
