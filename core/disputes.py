"""Disputes: the part of an invoice a customer contests; reminders leave it alone, exposure keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, payments
from core.clock import business_date
from core.db import Base, choice
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.invoices import Invoice
from core.journal import Actor
from core.money import ZERO, Money, total
from core.parties import Customer
from core.payments import Receivable


class DisputeState(StrEnum):
    """What was decided about a dispute."""

    OPEN = "open"
    SETTLED = "settled"


class Dispute(Base):
    """A contested amount of one invoice, VAT included."""

    __tablename__ = "dispute"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount: Mapped[Money]
    text: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[DisputeState] = mapped_column(choice(DisputeState), default=DisputeState.OPEN)
    opened_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text, default="")
    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice] = relationship()

    @property
    def subject(self) -> str:
        """The dispute as the subject of journal lines and outbox rows."""
        return f"dispute:{self.id}"


def open_dispute(
    session: Session, invoice: Invoice, *, text: str, by: Actor, at: datetime, amount: Money | None = None
) -> Dispute:
    """Note that the customer contests `amount` of the invoice, or all that is due; the rest stays due."""
    due = max(payments.amount_due(session, invoice) - contested(session, invoice.id), ZERO)
    disputed = due if amount is None else amount
    if not ZERO < disputed <= due:
        raise Refused("dispute_not_possible", number=invoice.number, due=due)
    dispute = Dispute(
        reference=next_number(session, "LIT", on=business_date(at)), customer=invoice.customer, invoice=invoice,
        amount=disputed, text=text, opened_at=at,
    )  # fmt: skip
    session.add(dispute)
    session.flush()
    journal.write(
        session, "dispute_opened", subject=dispute.subject, by=by, at=at, private=text, number=invoice.number,
        amount=disputed,
    )  # fmt: skip
    events.emit(session, "dispute_opened", dispute, at=at)
    return dispute


def settle(session: Session, dispute: Dispute, *, outcome: str, by: Actor, at: datetime) -> None:
    """Close the dispute with what was decided."""
    if dispute.state is not DisputeState.OPEN:
        raise IllegalTransition(thing="dispute", state=dispute.state, target=DisputeState.SETTLED)
    dispute.state, dispute.outcome = DisputeState.SETTLED, outcome
    journal.write(session, "dispute_settled", subject=dispute.subject, by=by, at=at, private=outcome)


def contested(session: Session, invoice_id: int | None) -> Money:
    """What is contested on the invoice now."""
    query = select(Dispute.amount).where(Dispute.invoice_id == invoice_id, Dispute.state == DisputeState.OPEN)
    return total(session.scalars(query)) if invoice_id is not None else ZERO


def claimable(session: Session, customer: Customer, *, due_before: date | None = None) -> list[Receivable]:
    """What may be claimed of the customer, by due date: what is due less what he contests; exposure keeps all of it."""
    owed = payments.receivables(session, customer, due_before=due_before)
    query = select(Dispute.invoice_id, Dispute.amount).where(
        Dispute.customer_id == customer.id, Dispute.state == DisputeState.OPEN
    )
    open_now: dict[int, Money] = {}
    for invoice_id, amount in session.execute(query) if owed else ():
        open_now[invoice_id] = open_now.get(invoice_id, ZERO) + amount
    if not open_now:
        return owed
    left = [replace(one, due=one.due - open_now.get(one.invoice_id or 0, ZERO)) for one in owed]
    return [one for one in left if one.due > ZERO]
