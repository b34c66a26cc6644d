"""Payments and what they settle; amounts due are computed from documents, never stored.

Open items are the receivables of the firm's books on the day it started with us: their file is a full list at a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    ForeignKey,
    Integer,
    Select,
    Subquery,
    UniqueConstraint,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, mentions
from core.clock import business_date
from core.db import Base, choice
from core.documents import DocumentKind
from core.errors import Refused
from core.identifiers import next_number
from core.invoices import Invoice
from core.journal import Actor
from core.means import PaymentMeans
from core.money import ZERO, Money, total
from core.parties import Customer

if TYPE_CHECKING:
    from core.settings import House


#: Statements are built once: putting one together costs more than running it.
CUSTOMER = bindparam("customer", type_=Integer)
BEFORE = bindparam("before", type_=Date)


class OpenItem(Base):
    """A receivable of the firm's own books; `paid` is what those books say, payments typed in here come on top."""

    __tablename__ = "open_item"
    __table_args__ = (UniqueConstraint("customer_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    number: Mapped[str]
    issue_date: Mapped[date]
    due_date: Mapped[date]
    gross: Mapped[Money]
    paid: Mapped[Money]
    as_of: Mapped[date]
    closed_on: Mapped[date | None]
    customer: Mapped[Customer] = relationship()

    @property
    def subject(self) -> str:
        """The item as the subject of journal lines and outbox rows."""
        return f"open_item:{self.id}"


class Payment(Base):
    """Money received from a customer."""

    __tablename__ = "payment"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    amount: Mapped[Money]
    received_on: Mapped[date]
    means: Mapped[PaymentMeans] = mapped_column(choice(PaymentMeans))
    recorded_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship()
    allocations: Mapped[list[Allocation]] = relationship()

    @property
    def subject(self) -> str:
        """The payment as the subject of journal lines and outbox rows."""
        return f"payment:{self.id}"


class Allocation(Base):
    """One line of what settles a document: a part of a payment, of a credit that was used, or an early discount.

    Exactly one of the sources is named, but a reversal or a refund of a payment names that payment too. A line below
    zero takes back what settled the document, or draws a surplus from it; a line without a document is money that went
    back: of a payment refunded or rejected.
    """

    __tablename__ = "allocation"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), index=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    open_item_id: Mapped[int | None] = mapped_column(ForeignKey("open_item.id"), index=True)
    amount: Mapped[Money]
    settled_at: Mapped[datetime]
    credit_use_id: Mapped[int | None] = mapped_column(ForeignKey("credit_use.id"), index=True)
    early_discount_id: Mapped[int | None] = mapped_column(ForeignKey("early_discount.id"), index=True)
    reversal_id: Mapped[int | None] = mapped_column(ForeignKey("payment_reversal.id"), index=True)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"), index=True)


@dataclass(frozen=True, slots=True)
class Receivable:
    """What a customer owes on one document today."""

    number: str
    issue_date: date
    due_date: date
    gross: Money
    due: Money
    invoice_id: int | None = None
    open_item_id: int | None = None

    def days_late(self, today: date) -> int:
        """Days since the due date; negative before it."""
        return (today - self.due_date).days


def allocated(session: Session, document: Invoice | OpenItem, *, since: datetime | None = None) -> Money:
    """What payments have settled of the document; with `since`, only from that instant on."""
    column = Allocation.invoice_id if isinstance(document, Invoice) else Allocation.open_item_id
    query = select(Allocation.amount).where(column == document.id)
    if since is not None:
        query = query.where(Allocation.settled_at >= since)
    return total(session.scalars(query))


def credited(session: Session, invoice: Invoice) -> Money:
    """What credit notes have given back on the invoice, VAT included, beside the deposits that one sets free again."""
    note = (Invoice.refers_to_id == invoice.id) & (Invoice.kind == DocumentKind.CREDIT_NOTE)
    return total(
        gross - prepaid for gross, prepaid in session.execute(select(Invoice.gross, Invoice.prepaid).where(note))
    )


def amount_due(session: Session, document: Invoice | OpenItem) -> Money:
    """What is still to be paid on the document: never below zero, a surplus is the customer's credit."""
    if isinstance(document, OpenItem):
        return max(ZERO if document.closed_on else document.gross - document.paid - allocated(session, document), ZERO)
    if document.kind is DocumentKind.CREDIT_NOTE:
        return ZERO
    return max(document.payable - allocated(session, document) - credited(session, document), ZERO)


def balances(theirs: ColumnElement[bool] = Invoice.customer_id == CUSTOMER) -> Subquery:
    """Of each of their invoices, in cents: payable less allocated and credited; below zero it is credit."""
    gross, prepaid = type_coerce(Invoice.gross, BigInteger), type_coerce(Invoice.prepaid, BigInteger)
    note = theirs & (Invoice.kind == DocumentKind.CREDIT_NOTE) & Invoice.refers_to_id.is_not(None)
    settled = select(Allocation.invoice_id, -type_coerce(Allocation.amount, BigInteger))
    moves = union_all(
        select(Invoice.id, (gross - prepaid).label("cents")).where(theirs, Invoice.kind != DocumentKind.CREDIT_NOTE),
        select(Invoice.refers_to_id, prepaid - gross).where(note),
        settled.join(Invoice, Invoice.id == Allocation.invoice_id).where(theirs),
    ).subquery()
    cents = cast(func.sum(moves.c.cents), BigInteger).label("cents")
    return select(moves.c.id, cents).group_by(moves.c.id).subquery()


def items(theirs: ColumnElement[bool] = OpenItem.customer_id == CUSTOMER) -> Subquery:
    """Of each of their open items, in cents: what is left to pay."""
    theirs &= OpenItem.closed_on.is_(None)
    left = type_coerce(OpenItem.gross, BigInteger) - type_coerce(OpenItem.paid, BigInteger)
    settled = select(Allocation.open_item_id, -type_coerce(Allocation.amount, BigInteger))
    moves = union_all(
        select(OpenItem.id, left.label("cents")).where(theirs),
        settled.join(OpenItem, OpenItem.id == Allocation.open_item_id).where(theirs),
    ).subquery()
    cents = cast(func.sum(moves.c.cents), BigInteger).label("cents")
    return select(moves.c.id, cents).group_by(moves.c.id).subquery()


def _above_zero(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(case((column > 0, column), else_=0)), 0), BigInteger)


def sums(session: Session, customer: Customer) -> tuple[Money, Money]:
    """What the customer owes on invoices and open items, and what credit notes gave him beyond what he owed."""
    row = session.execute(owed(), {"customer": customer.id}).one()
    return Money.from_cents(row.owed), Money.from_cents(row.surplus)


@cache
def owed() -> Select[int, int]:
    """The statement behind `sums`: one row about `CUSTOMER`, in cents."""
    balance, item = balances(), items()
    opened = select(_above_zero(item.c.cents)).scalar_subquery()
    due = (_above_zero(balance.c.cents) + opened).label("owed")
    return select(due, _above_zero(-balance.c.cents).label("surplus"))


def receipts(session: Session, customer: Customer) -> list[tuple[str, Money]]:
    """The payments that settle less than they brought, and what is left of each, oldest first."""
    used = func.coalesce(func.sum(type_coerce(Allocation.amount, BigInteger)), 0)
    left = cast(type_coerce(Payment.amount, BigInteger) - used, BigInteger)
    query = select(Payment.reference, left).outerjoin(Allocation).where(Payment.customer_id == customer.id)
    query = query.group_by(Payment.id, Payment.reference, Payment.amount).having(left > 0).order_by(Payment.id)
    return [(reference, Money.from_cents(cents)) for reference, cents in session.execute(query)]


def is_unmatched(session: Session, customer: Customer) -> bool:
    """A payment of the customer came in and nothing was decided about any of it; what is left of another is credit."""
    session.flush()
    untouched = ~select(Allocation.id).where(Allocation.payment_id == Payment.id).exists()
    return session.scalar(select(Payment.id).where(Payment.customer_id == customer.id, untouched).limit(1)) is not None


@cache
def unallocated() -> Select[int]:
    """One row about `CUSTOMER`, in cents: what he paid and no document was settled with."""
    paid = select(func.coalesce(func.sum(type_coerce(Payment.amount, BigInteger)), 0))
    used = select(func.coalesce(func.sum(type_coerce(Allocation.amount, BigInteger)), 0)).join(Payment)
    brought = paid.where(Payment.customer_id == CUSTOMER).scalar_subquery()
    settled = used.where(Payment.customer_id == CUSTOMER).scalar_subquery()
    return select(cast(brought - settled, BigInteger).label("unallocated"))


def surpluses(session: Session, customer: Customer) -> list[tuple[str, Money]]:
    """The invoices of which more was credited and paid than they came to, and by how much."""
    balance = balances()
    query = (
        select(Invoice.number, -balance.c.cents).join(balance, balance.c.id == Invoice.id).where(balance.c.cents < 0)
    )
    rows = session.execute(query.order_by(Invoice.number), {"customer": customer.id})
    return [(number, Money.from_cents(cents)) for number, cents in rows]


def usable_credit(session: Session, customer: Customer) -> Money:
    """What the customer may still use: payments not allocated, and credit beyond what the credited invoice owed."""
    session.flush()
    left = session.execute(unallocated(), {"customer": customer.id}).scalar_one()
    return Money.from_cents(left) + sums(session, customer)[1]


@cache
def _due() -> CompoundSelect[Any]:
    """What is due of each document before a day, as it is stored: our invoices, then the open items."""
    balance, item = balances(), items()
    payable = type_coerce(Invoice.gross, BigInteger) - type_coerce(Invoice.prepaid, BigInteger)
    none = literal(None, Integer)
    ours = (
        select(Invoice.number, Invoice.issue_date, Invoice.due_date, payable.label("gross"))
        .add_columns(balance.c.cents.label("due"), Invoice.id.label("invoice_id"), none.label("open_item_id"))
        .join(balance, balance.c.id == Invoice.id)
        .where(balance.c.cents > 0, Invoice.due_date < BEFORE)
    )
    theirs = (
        select(OpenItem.number, OpenItem.issue_date, OpenItem.due_date, type_coerce(OpenItem.gross, BigInteger))
        .add_columns(item.c.cents, none, OpenItem.id)
        .join(item, item.c.id == OpenItem.id)
        .where(item.c.cents > 0, OpenItem.due_date < BEFORE)
    )
    return ours.union_all(theirs)


def receivables(session: Session, customer: Customer, *, due_before: date | None = None) -> list[Receivable]:
    """Everything the customer owes, by due date: our invoices and the imported open items.

    With `due_before`, only what was to be paid before that day.
    """
    session.flush()
    rows = session.execute(_due(), {"customer": customer.id, "before": due_before or date.max})
    found = [
        Receivable(number, issued, to_pay_on, Money.from_cents(gross), Money.from_cents(due), invoice_id, open_item_id)
        for number, issued, to_pay_on, gross, due, invoice_id, open_item_id in rows
    ]
    return sorted(found, key=lambda receivable: (receivable.due_date, receivable.number))


def document_by_number(session: Session, customer: Customer, number: str) -> Invoice | OpenItem:
    """The invoice or open item of that customer with that number; refuses an unknown one."""
    number = number.strip().upper()
    found: Invoice | OpenItem | None = session.scalar(
        select(Invoice).where(Invoice.customer_id == customer.id, Invoice.number == number)
    ) or session.scalar(
        select(OpenItem).where(OpenItem.customer_id == customer.id, func.upper(OpenItem.number) == number)
    )
    if found is None:
        raise Refused("invoice_unknown", number=number)
    return found


def record(
    session: Session, customer: Customer, amount: Money, *, received_on: date, by: Actor, at: datetime,
    house: House, settles: Invoice | OpenItem | None = None, parts: Sequence[tuple[Invoice | OpenItem, Money]] = (),
    means: PaymentMeans = PaymentMeans.TRANSFER,
) -> Payment:  # fmt: skip
    """Note money received, and what it settles when that is said; the rest stays the customer's credit.

    `parts` settles several documents, each up to an amount, in their order, as far as the money goes.
    A payment within the time of an early discount that is exactly that much below what is due settles it in full.
    Refuses an amount that is not positive, a day in the future, and more cash than the law lets a debt be paid of
    (C. mon. fin. L112-6). Orders that waited for it are looked at again.
    """
    from core import early_discounts, registration, reminders

    if amount <= ZERO:
        raise Refused("amount_not_positive", amount=amount)
    if received_on > business_date(at):
        raise Refused("date_in_future", date=received_on)
    wanted = list(parts) if settles is None else [(settles, amount)]
    registration.hold(session, [customer])
    journal.hold(session)  # money is recorded one after the other: each must see what the other settled
    if means is PaymentMeans.CASH:
        _ensure_lawful_cash(session, amount, [document for document, _ in wanted], on=received_on)
    registration.note_verdicts(session, customer, house=house, at=at)
    payment = Payment(
        reference=next_number(session, "REG", on=received_on), customer=customer, amount=amount,
        received_on=received_on, means=means, recorded_at=at,
    )  # fmt: skip
    session.add(payment)
    left, discounts = amount, ZERO
    for document, most in wanted:
        due = amount_due(session, document)
        part = min(left, most, due)
        if part <= ZERO:
            continue
        left -= part
        payment.allocations.append(line(document, part, at))
        session.flush()
        if isinstance(document, Invoice):
            earned = early_discounts.earned(document, due, paid_on=received_on)
            if earned and part == due - earned:
                early_discounts.grant(session, payment, document, earned, at=at)
                discounts += earned
    session.flush()
    number = settles.number if settles is not None else ""
    journal.write(
        session, "payment_recorded", subject=payment.subject, by=by, at=at, reference=payment.reference,
        amount=amount, settles=number, discount=discounts, parts=[part.id for part in payment.allocations],
    )  # fmt: skip
    events.emit(session, "payment_recorded", payment, at=at, settles=number)
    reminders.keep_promises(session, customer, by=by, at=at)
    registration.look_again(session, customer, house=house, at=at)
    return payment


def _ensure_lawful_cash(session: Session, amount: Money, documents: Sequence[Invoice | OpenItem], *, on: date) -> None:
    """Several payments of one debt are one: what cash has settled of the documents counts too."""
    limit = mentions.amount("cash_limit", on=on)
    before = ZERO
    for document in documents:
        column = Allocation.invoice_id if isinstance(document, Invoice) else Allocation.open_item_id
        cash = select(Allocation.amount).join(Payment, Payment.id == Allocation.payment_id)
        before += total(session.scalars(cash.where(column == document.id, Payment.means == PaymentMeans.CASH)))
    if amount + before > limit:
        raise Refused("cash_above_limit", amount=amount + before, limit=limit)


def line(document: Invoice | OpenItem, amount: Money, at: datetime, **source: int) -> Allocation:
    """A part of something that settles the document, or takes back what did."""
    ours = isinstance(document, Invoice)
    return Allocation(
        amount=amount, settled_at=at, invoice_id=document.id if ours else None,
        open_item_id=None if ours else document.id, **source,
    )  # fmt: skip
