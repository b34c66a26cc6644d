"""Payments that came back: a rejected direct debit, an unpaid cheque. The payment stays, a reversal undoes it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base
from core.money import Money
from core.parties import Customer
from core.payments import Payment


class PaymentReversal(Base):
    """The whole of one payment undone, once: what it settled is due again (`Allocation` rows below zero)."""

    __tablename__ = "payment_reversal"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), unique=True)
    amount: Mapped[Money]
    reversed_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text, default="")
    recorded_at: Mapped[datetime]
    payment: Mapped[Payment] = relationship()

    @property
    def subject(self) -> str:
        """The reversal as the subject of journal lines and outbox rows."""
        return f"payment_reversal:{self.id}"

    @property
    def customer(self) -> Customer:
        """Whose payment came back."""
        return self.payment.customer
