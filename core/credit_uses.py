"""Credit that was used: what a credit note gave beyond its own invoice, set against another one; rows never change."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.money import Money


class CreditUse(Base):
    """A surplus of one invoice (more credited and paid than it came to) that settles another document in part.

    It has two `Allocation` rows: one below zero on the invoice it comes from, one above on the document it settles.
    """

    __tablename__ = "credit_use"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    from_invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    open_item_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"), index=True)
    amount: Mapped[Money]
    used_on: Mapped[date]
    used_at: Mapped[datetime]

    @property
    def subject(self) -> str:
        """The use as the subject of journal lines."""
        return f"credit_use:{self.id}"
