"""The worker processes that are online: those seen within the last 15 s."""

from datetime import datetime

from sqlalchemy import Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Base


class Worker(Base):
    """One row a process: `slots` replies at once at most, `busy` of them running."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    # Two workers started by hand on one machine share Celery's default name.
    pid: Mapped[int] = mapped_column(primary_key=True)
    slots: Mapped[int]
    busy: Mapped[int] = mapped_column(server_default=text("0"))
    queues: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # Boot and pid namespace: whoever shares it can see whether the pid still lives.
    place: Mapped[str | None] = mapped_column(Text)
    seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
