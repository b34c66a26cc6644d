"""Late interest and the recovery fee that a customer paid: kept of money that settles nothing, never of what is due.

Both carry no VAT. The fee is 40 euro an invoice, once (C. com. L441-10 II, D441-5), and never of a firm in insolvency
proceedings. What is kept is income (763, 758) and no longer the customer's credit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, ForeignKey, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column, relationship

from core import credit_uses, journal, mentions
from core.clock import business_date
from core.db import Base
from core.errors import Refused
from core.invoices import Invoice
from core.journal import Actor
from core.money import ZERO, Money, total
from core.payments import Allocation, OpenItem, Payment

if TYPE_CHECKING:
    from core.reversals import PaymentReversal
    from core.settings import House

#: The recovery fee of one unpaid invoice (D441-5).
FEE = Money.of(40)


class LateCharge(Base):
    """Interest and fee of one paper that a payment brought; below zero where the bank took that payment back."""

    __tablename__ = "late_charge"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    open_item_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"), index=True)
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"), unique=True)
    interest: Mapped[Money]
    recovery: Mapped[Money]
    kept_on: Mapped[date]
    kept_at: Mapped[datetime]
    payment: Mapped[Payment] = relationship()

    @property
    def subject(self) -> str:
        """The charge as the subject of journal lines."""
        return f"late_charge:{self.id}"

    def document(self, session: Session) -> Invoice | OpenItem:
        """The paper that was late."""
        if self.invoice_id is not None:
            return session.get_one(Invoice, self.invoice_id)
        return session.get_one(OpenItem, self.open_item_id)


@dataclass(frozen=True, slots=True)
class Owed:
    """What a payment that came late may have brought beside the paper: interest for these days, and the fee.

    `left` is what the payment brought and nothing was settled with.
    """

    days: int
    interest: Money
    recovery: Money
    left: Money


def owed(session: Session, payment: Payment, document: Invoice | OpenItem, *, house: House) -> Owed:
    """What may be kept of the payment for that paper: the fee first, then interest, as far as what is left of it goes.

    Interest is at the contract's yearly rate, else the one that the law gives, on what the payment settled of it (on
    all of it where it settled nothing), 365 days. Nothing is kept by asking.
    """
    left, days = credit_uses.left_of(session, payment), max((payment.received_on - document.due_date).days, 0)
    column = _column(document)
    paid = select(Allocation.amount).where(Allocation.payment_id == payment.id, _allocated_to(document))
    known = mentions.late_rate(payment.received_on)
    rate = house.penalty_rate if house.penalty_rate is not None else known.default if known is not None else Decimal(0)
    settled = total(session.scalars(paid)) or document.gross
    fee = ZERO if payment.customer.insolvent_since is not None or not days else FEE
    before = total(session.scalars(select(LateCharge.recovery).where(column == document.id)))
    recovery = min(max(fee - before, ZERO), max(left, ZERO))
    due = Money.of(settled.amount * rate / 100 * days / Decimal(365))
    kept = select(LateCharge.interest).where(column == document.id, LateCharge.payment_id == payment.id)
    due = max(due - total(session.scalars(kept)), ZERO)
    interest = min(due, max(left - recovery, ZERO))
    return Owed(days, interest, recovery, left)


def _column(document: Invoice | OpenItem) -> InstrumentedAttribute[int | None]:
    return LateCharge.invoice_id if isinstance(document, Invoice) else LateCharge.open_item_id


def _allocated_to(document: Invoice | OpenItem) -> ColumnElement[bool]:
    column = Allocation.invoice_id if isinstance(document, Invoice) else Allocation.open_item_id
    return column == document.id


def keep(
    session: Session, payment: Payment, document: Invoice | OpenItem, *, interest: Money, recovery: Money, house: House,
    by: Actor, at: datetime, left_as_shown: Money | None = None,
) -> LateCharge:  # fmt: skip
    """Keep interest and fee of what the payment brought and nothing was settled with.

    Refuses nothing at all, more than is left of the payment, another customer's paper, one that was not late when the
    money came, a second fee, any fee of an insolvent firm, and what was decided on other figures than today's.
    """
    from core import registration

    registration.hold(session, [payment.customer])
    journal.hold(session)  # whoever else uses what is left of it waits
    kept, left = interest + recovery, credit_uses.left_of(session, payment)
    if left_as_shown is not None and left != left_as_shown:
        raise Refused("late_charge_moved", number=document.number, left=left)
    if document.customer_id != payment.customer_id:
        raise Refused("credit_of_another_customer", number=document.number)
    if min(interest, recovery) < ZERO or kept <= ZERO:
        raise Refused("amount_not_positive", amount=kept)
    if kept > left:
        raise Refused("credit_not_enough", number=document.number, left=left, due=kept)
    if payment.received_on <= document.due_date:
        raise Refused("not_late", number=document.number, due_date=document.due_date)
    if recovery:
        _ensure_fee_due(session, payment, document, recovery)
    line = Allocation(payment_id=payment.id, amount=kept, settled_at=at)
    session.add(line)
    session.flush()
    charge = LateCharge(
        payment=payment, allocation_id=line.id, interest=interest, recovery=recovery, kept_on=business_date(at),
        kept_at=at, invoice_id=document.id if isinstance(document, Invoice) else None,
        open_item_id=document.id if isinstance(document, OpenItem) else None,
    )  # fmt: skip
    session.add(charge)
    session.flush()
    journal.write(
        session, "late_charge_kept", subject=charge.subject, by=by, at=at, reference=payment.reference,
        document=document.number, interest=interest, recovery=recovery,
    )  # fmt: skip
    registration.look_again(session, payment.customer, house=house, at=at)
    return charge


def _ensure_fee_due(session: Session, payment: Payment, document: Invoice | OpenItem, recovery: Money) -> None:
    if payment.customer.insolvent_since is not None:
        raise Refused("fee_of_insolvent", number=document.number, since=payment.customer.insolvent_since)
    before = total(session.scalars(select(LateCharge.recovery).where(_column(document) == document.id)))
    if before + recovery > FEE:
        raise Refused("fee_above", number=document.number, most=FEE, left=FEE - before)


def payment_by_reference(session: Session, reference: str) -> Payment:
    """The payment with that reference; refuses an unknown one."""
    found = session.scalar(select(Payment).where(Payment.reference == reference.strip().upper()))
    if found is None:
        raise Refused("credit_unknown", number=reference)
    return found


def take_back(session: Session, reversal: PaymentReversal, *, by: Actor, at: datetime) -> Money:
    """Undo what was kept of a payment that came back: the same charges below zero, each in the journal; their sum."""
    undone = ZERO
    kept = select(LateCharge).where(LateCharge.payment_id == reversal.payment_id).order_by(LateCharge.id)
    for charge in list(session.scalars(kept)):
        amount = charge.interest + charge.recovery
        line = Allocation(payment_id=charge.payment_id, amount=-amount, settled_at=at, reversal_id=reversal.id)
        session.add(line)
        session.flush()
        session.add(
            LateCharge(
                payment_id=charge.payment_id, invoice_id=charge.invoice_id, open_item_id=charge.open_item_id,
                allocation_id=line.id, interest=-charge.interest, recovery=-charge.recovery,
                kept_on=reversal.reversed_on, kept_at=at,
            )
        )  # fmt: skip
        undone += amount
        journal.write(
            session, "late_charge_taken_back", subject=charge.subject, by=by, at=at,
            reference=reversal.payment.reference, interest=charge.interest, recovery=charge.recovery,
        )  # fmt: skip
    session.flush()
    return undone
