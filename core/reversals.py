"""Payments that came back: a rejected direct debit, an unpaid cheque. The payment stays, a reversal undoes it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import early_discounts, events, journal, late_charges, payments
from core.clock import business_date
from core.db import Base
from core.errors import Refused
from core.invoices import Invoice
from core.journal import Actor
from core.money import ZERO, Money
from core.parties import Customer
from core.payments import Allocation, OpenItem, Payment


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


def reverse(
    session: Session, payment: Payment, *, on: date, reason: str, by: Actor, at: datetime
) -> PaymentReversal:  # fmt: skip
    """Undo a payment that the bank took back: what it settled, and the discounts it earned, are due again.

    Refuses a second time, a day before the payment or in the future, and a payment of which money was refunded.
    """
    if not payment.received_on <= on <= business_date(at):
        raise Refused("reversal_date", on=on, received=payment.received_on)
    journal.hold(session)  # money moves one act after the other
    settled = settled_by(session, payment)
    lines = list(session.scalars(select(Allocation).where(Allocation.payment_id == payment.id)))
    if any(line.reversal_id is not None for line in lines):
        raise Refused("payment_already_reversed", reference=payment.reference)
    if any(line.refund_id is not None for line in lines):
        raise Refused("payment_already_refunded", reference=payment.reference)
    reversal = PaymentReversal(
        payment=payment, amount=payment.amount, reversed_on=on, reason=reason.strip(), recorded_at=at
    )
    session.add(reversal)
    session.flush()
    for document, amount in settled_by(session, payment):
        undone = payments.line(document, -amount, at, reversal_id=reversal.id)
        undone.payment_id = payment.id
        session.add(undone)
    kept = late_charges.take_back(session, reversal, by=by, at=at)
    session.add(Allocation(payment_id=payment.id, amount=payment.amount, settled_at=at, reversal_id=reversal.id))
    early_discounts.take_back(session, reversal, at=at)
    session.flush()
    numbers = ", ".join(document.number for document, _ in settled)
    journal.write(
        session, "payment_reversed", subject=payment.subject, by=by, at=at, reference=payment.reference,
        amount=payment.amount, on=on, documents=numbers, private=reason.strip() or None,
    )  # fmt: skip
    events.emit(session, "payment_reversed", reversal, at=at, numbers=numbers, kept=str(kept) if kept else "")
    return reversal


def settled_by(session: Session, payment: Payment) -> list[tuple[Invoice | OpenItem, Money]]:
    """What the payment settles now, document by document."""
    session.flush()
    found: dict[Invoice | OpenItem, Money] = {}
    for line in session.scalars(select(Allocation).where(Allocation.payment_id == payment.id).order_by(Allocation.id)):
        document: Invoice | OpenItem | None = None
        if line.invoice_id is not None:
            document = session.get_one(Invoice, line.invoice_id)
        elif line.open_item_id is not None:
            document = session.get_one(OpenItem, line.open_item_id)
        if document is not None:
            found[document] = found.get(document, ZERO) + line.amount
    return [(document, amount) for document, amount in found.items() if amount > ZERO]
