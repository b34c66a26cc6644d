"""Disputes: the part of an invoice a customer contests; reminders leave it alone, exposure keeps it.

What was invoiced of goods that arrived damaged, or that turned out missing later, is contested by itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, invoices, journal, mentions, payments
from core.clock import add_business_days, business_date
from core.db import Base, choice
from core.deliveries import Delivery, DeliveryLine, DeliveryState, Reserve, ReserveKind
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.invoices import Invoice, InvoiceLine
from core.journal import Actor
from core.money import ZERO, Money, total
from core.parties import Customer, Role
from core.payments import Receivable
from core.vat import totals

if TYPE_CHECKING:
    from core.settings import House

#: Business days within which a dispute is answered, as its customer is told.
ANSWERED_WITHIN = 2


class DisputeState(StrEnum):
    """What was decided about a dispute."""

    OPEN = "open"
    SETTLED = "settled"


class Dispute(Base):
    """A contested amount of one invoice, VAT included; `owner` is the role that answers, by the day `answer_by`.

    `reserve_id` is the remark on a delivery that it came from.
    """

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
    reserve_id: Mapped[int | None] = mapped_column(ForeignKey("reserve.id"), index=True)
    owner: Mapped[Role] = mapped_column(choice(Role), default=Role.ACCOUNTING)
    answer_by: Mapped[date | None]
    customer: Mapped[Customer] = relationship()
    invoice: Mapped[Invoice] = relationship()

    @property
    def subject(self) -> str:
        """The dispute as the subject of journal lines and outbox rows."""
        return f"dispute:{self.id}"


def open_dispute(
    session: Session, invoice: Invoice, *, text: str, by: Actor, at: datetime, amount: Money | None = None,
    reserve: Reserve | None = None,
) -> Dispute:  # fmt: skip
    """Note that the customer contests `amount` of the invoice, or all that is due; the rest stays due.

    Sales answers for goods, accounting for all else, within the two business days that the customer is told.
    """
    due = contestable(session, invoice)
    disputed = due if amount is None else amount
    if not ZERO < disputed <= due:
        raise Refused("dispute_not_possible", number=invoice.number, due=due)
    dispute = Dispute(
        reference=next_number(session, "LIT", on=business_date(at)), customer=invoice.customer, invoice=invoice,
        amount=disputed, text=text, opened_at=at, reserve_id=reserve.id if reserve is not None else None,
        owner=Role.ACCOUNTING if reserve is None else Role.SALES,
        answer_by=add_business_days(business_date(at), ANSWERED_WITHIN),
    )  # fmt: skip
    session.add(dispute)
    session.flush()
    journal.write(
        session, "dispute_opened", subject=dispute.subject, by=by, at=at, private=text, number=invoice.number,
        amount=disputed,
    )  # fmt: skip
    events.emit(session, "dispute_opened", dispute, at=at)
    return dispute


def contestable(session: Session, invoice: Invoice) -> Money:
    """The most that can be contested of the invoice now: what is due and not contested yet."""
    return max(payments.amount_due(session, invoice) - contested(session, invoice.id), ZERO)


def part_of(line: InvoiceLine, *, quantity: Decimal | None = None, price: Decimal | None = None) -> Money:
    """What is contested of an invoiced line, VAT included: so many units, what its price is above `price`, or all."""
    counted = line.quantity if quantity is None else min(quantity, line.quantity)
    over = line.unit_price if price is None else max(line.unit_price - price, Decimal(0))
    return totals([(line.vat_rate, Money.of(counted * over))]).gross


def settle(session: Session, dispute: Dispute, *, outcome: str, by: Actor, at: datetime) -> None:
    """Close the dispute with what was decided."""
    if dispute.state is not DisputeState.OPEN:
        raise IllegalTransition(thing="dispute", state=dispute.state, target=DisputeState.SETTLED)
    dispute.state, dispute.outcome = DisputeState.SETTLED, outcome
    journal.write(session, "dispute_settled", subject=dispute.subject, by=by, at=at, private=outcome)


def invoice_of(session: Session, delivery: Delivery) -> Invoice | None:
    """The invoice that stands for the delivery, if there is one."""
    return invoices.invoice_of(session, delivery)


def was_invoiced(reserve: Reserve, invoice: Invoice | None) -> bool:
    """Whether the invoice has what the remark is about: what is damaged, and what was remarked on after it."""
    return invoice is not None and (reserve.kind is ReserveKind.DAMAGED or reserve.at > invoice.issued_at)


def _invoiced_line(reserve: Reserve, invoice: Invoice) -> InvoiceLine | None:
    return invoices.line_of(invoice, reserve.line)


def open_for_reserves(session: Session, delivery: Delivery, *, by: Actor, at: datetime) -> list[Dispute]:
    """Contest the invoiced price, VAT included, of every remark that waits for its answer; once a remark.

    Nothing is contested of what is not due: a deposit or a payment covers it.
    """
    session.flush()
    invoice, opened = invoice_of(session, delivery), []
    for reserve in delivery.reserves if invoice is not None else ():
        if reserve.decision is not None or not was_invoiced(reserve, invoice) or _of(session, reserve) is not None:
            continue
        assert invoice is not None  # noqa: S101 - no remark is looked at without one
        line = _invoiced_line(reserve, invoice)
        due = contestable(session, invoice)
        if line is None or due <= ZERO:
            continue
        net = Money.of(min(reserve.quantity, line.quantity) * line.unit_price)
        amount = min(totals([(line.vat_rate, net)]).gross, due)
        if amount > ZERO:
            text = reserve.text or reserve.kind.value
            opened.append(open_dispute(session, invoice, text=text, by=by, at=at, amount=amount, reserve=reserve))
    return opened


def undisputed(session: Session) -> list[Delivery]:
    """Deliveries whose damaged goods wait for an answer and are not contested: they may have been invoiced since."""
    known = select(Dispute.id).where(Dispute.reserve_id == Reserve.id).exists()
    query = (
        select(Delivery).join(DeliveryLine, DeliveryLine.delivery_id == Delivery.id)
        .join(Reserve, Reserve.delivery_line_id == DeliveryLine.id)
        .where(
            Delivery.state == DeliveryState.VERIFIED, Reserve.decision.is_(None), ~known, invoices.invoiced(),
            Reserve.kind == ReserveKind.DAMAGED,
        )
    )  # fmt: skip
    return list(session.scalars(query.distinct()))


def _of(session: Session, reserve: Reserve) -> Dispute | None:
    return session.scalar(select(Dispute).where(Dispute.reserve_id == reserve.id))


def answer(
    session: Session, reserve: Reserve, invoice: Invoice, *, given: bool, house: House, by: Actor, at: datetime
) -> None:
    """End the dispute of a remark that was answered; what is given is credited, never more than is left of the line."""
    outcome = reserve.answer or str(reserve.decision)
    dispute = _of(session, reserve)
    if dispute is not None and dispute.state is DisputeState.OPEN:
        settle(session, dispute, outcome=outcome, by=by, at=at)
    line = _invoiced_line(reserve, invoice)
    if not given or line is None:
        return
    quantity = min(reserve.quantity, invoices.creditable_quantity(session, line))
    if quantity > 0:
        delivery = session.get_one(Delivery, reserve.line.delivery_id)
        why = mentions.wording(
            "reserve_granted", on=business_date(at), language=invoice.customer.language, number=delivery.reference
        )
        reason = f"{why} {reserve.text}".strip()
        invoices.issue_credit_note(
            session, invoice, {line.position: quantity}, reason=reason, returned=False, house=house, by=by, at=at
        )


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
