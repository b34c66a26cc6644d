"""Refunds: money that goes back to a customer, of credits, over-payments and deposits; two people of accounting."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.db import Base, choice
from core.means import PaymentMeans
from core.money import Money
from core.parties import Customer


class RefundState(StrEnum):
    """Where a refund stands."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    EXECUTED = "executed"


NEXT: dict[RefundState, frozenset[RefundState]] = {
    RefundState.ASKED: frozenset({RefundState.APPROVED, RefundState.REFUSED}),
    RefundState.APPROVED: frozenset({RefundState.EXECUTED, RefundState.REFUSED}),
    RefundState.REFUSED: frozenset(),
    RefundState.EXECUTED: frozenset(),
}
assert set(NEXT) == set(RefundState)  # noqa: S101 - the table is complete


class Refund(Base):
    """Money to give back; once executed, `executed_on` and `means` say when and how it left the bank.

    Its `Allocation` rows say whose it was: a part of a payment that settled nothing, or a surplus of an invoice.
    """

    __tablename__ = "refund"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    amount: Mapped[Money]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[RefundState] = mapped_column(choice(RefundState), default=RefundState.ASKED)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    means: Mapped[PaymentMeans | None] = mapped_column(choice(PaymentMeans))
    executed_on: Mapped[date | None]
    executed_at: Mapped[datetime | None]
    customer: Mapped[Customer] = relationship()

    @property
    def subject(self) -> str:
        """The refund as the subject of journal lines and outbox rows."""
        return f"refund:{self.id}"
