"""What the jobs of deleted conversations had cost: a deletion gives nobody his limits back."""

import uuid
from decimal import Decimal

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Base


class Spending(Base):
    """One row a deleted job that had begun, under the job's own id, which tells when it was posted
    (UUIDv7)."""

    __tablename__ = "spending"
    __table_args__ = (Index("ix_spending_user_id_job_id", "user_id", "job_id"),)

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key_id: Mapped[uuid.UUID | None]
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 8))
