"""Credit that was used: what a credit note gave beyond its own invoice, set against another one; rows never change."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import journal, payments
from core.clock import business_date
from core.db import Base
from core.documents import DocumentKind
from core.errors import Refused
from core.invoices import Invoice
from core.journal import Actor
from core.money import ZERO, Money, total
from core.payments import Allocation, OpenItem, Payment

if TYPE_CHECKING:
    from core.settings import House


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


def surplus(session: Session, invoice: Invoice) -> Money:
    """What was credited and paid on the invoice beyond what it came to; the rest of it is the customer's credit."""
    if invoice.kind is DocumentKind.CREDIT_NOTE:
        return ZERO
    settled = payments.allocated(session, invoice) + payments.credited(session, invoice)
    return max(settled - invoice.payable, ZERO)


def left_of(session: Session, payment: Payment) -> Money:
    """What the payment brought and nothing was settled with."""
    return payment.amount - total(session.scalars(select(Allocation.amount).where(Allocation.payment_id == payment.id)))


def source_by_number(session: Session, customer_id: int, number: str) -> Invoice | Payment:
    """Where a customer's credit comes from: a payment, an invoice, or a credit note, whose invoice has the surplus."""
    number = number.strip().upper()
    mine = select(Payment).where(Payment.customer_id == customer_id, Payment.reference == number)
    found: Payment | Invoice | None = session.scalar(mine) or session.scalar(
        select(Invoice).where(Invoice.customer_id == customer_id, Invoice.number == number)
    )
    if isinstance(found, Invoice) and found.kind is DocumentKind.CREDIT_NOTE:
        found = found.refers_to
    if found is None:
        raise Refused("credit_unknown", number=number)
    return found


def use(
    session: Session, source: Invoice | Payment, document: Invoice | OpenItem, amount: Money | None = None, *,
    house: House, by: Actor, at: datetime,
) -> Money:  # fmt: skip
    """Settle a document with the customer's credit: as much as there is and is due, or that amount; what was settled.

    Refuses another customer's document, a source that has nothing left, and an amount above what is left or due.
    """
    from core import registration

    if source.customer_id != document.customer_id:
        raise Refused("credit_of_another_customer", number=document.number)
    registration.hold(session, [document.customer])
    journal.hold(session)  # whoever else uses or refunds this credit, or settles this document, waits
    session.flush()
    left = surplus(session, source) if isinstance(source, Invoice) else left_of(session, source)
    due = payments.amount_due(session, document)
    part = min(left, due) if amount is None else amount
    if part <= ZERO or part > min(left, due):
        raise Refused("credit_not_enough", number=document.number, left=left, due=due)
    registration.note_verdicts(session, document.customer, house=house, at=at)
    if isinstance(source, Payment):
        made = payments.line(document, part, at)
        made.payment_id = source.id
        session.add(made)
    else:
        used = CreditUse(
            customer_id=document.customer_id, from_invoice_id=source.id, amount=part, used_on=business_date(at),
            invoice_id=document.id if isinstance(document, Invoice) else None, used_at=at,
            open_item_id=document.id if isinstance(document, OpenItem) else None,
        )  # fmt: skip
        session.add(used)
        session.flush()
        made = payments.line(document, part, at, credit_use_id=used.id)
        session.add_all([payments.line(source, -part, at, credit_use_id=used.id), made])
    session.flush()
    number = source.number if isinstance(source, Invoice) else source.reference
    journal.write(
        session, "credit_used", subject=document.subject, by=by, at=at, source=number, amount=part,
        document=document.number, settled_by=made.id,
    )  # fmt: skip
    registration.look_again(session, document.customer, house=house, at=at)
    return part
