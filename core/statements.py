"""Statements of account: what a customer owed, what moved it, what he owes, and how old that is.

Everything follows from issued documents and recorded money; nothing is stored but the paper that was sent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import events, journal, papers
from core.clock import business_date
from core.documents import Ageing, Document, DocumentKind, EntryKind, Statement, StatementEntry
from core.early_discounts import EarlyDiscount
from core.errors import Refused
from core.identifiers import next_number
from core.invoices import Invoice
from core.late_charges import LateCharge
from core.money import ZERO, Money, total
from core.papers import Paper
from core.payments import Allocation, OpenItem, Payment
from core.refunds import Refund
from core.reversals import PaymentReversal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor
    from core.parties import Customer
    from core.settings import House

#: Classes of age in days since the due date: not yet due, then up to each bound, then older.
CLASSES = (0, 30, 60, 90, None)
#: Without a period asked for, a statement begins on the first of the month so many months ago.
MONTHS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Owed:
    """What is left to pay of one document on a day."""

    due_date: date
    amount: Money


def account(moves: Iterable[StatementEntry], owed: Iterable[Owed], *, since: date, until: date) -> Statement:
    """The statement of a period from everything that ever moved the account, and what was left to pay on `until`.

    The order is that of the days; on one day documents come before the money that settles them.
    """
    known = [move for move in moves if move.on <= until]
    balance = opening = total(move.debit - move.credit for move in known if move.on < since)
    entries = []
    for move in sorted((m for m in known if m.on >= since), key=lambda m: (m.on, m.debit == ZERO, m.number)):
        balance += move.debit - move.credit
        entries.append(dataclasses.replace(move, balance=balance))
    ages = dict.fromkeys(CLASSES, ZERO)
    for one in owed:
        late = (until - one.due_date).days
        ages[next(bound for bound in CLASSES if bound is None or late <= bound)] += one.amount
    ageing = tuple(Ageing(bound, amount) for bound, amount in ages.items() if amount)
    return Statement(since, until, opening, tuple(entries), ageing)


def usual_period(today: date) -> tuple[date, date]:
    """The period of a statement when nobody named one."""
    months = today.year * 12 + today.month - 1 - MONTHS
    return date(months // 12, months % 12 + 1, 1), today


def _move(
    on: date, kind: EntryKind, number: str, amount: Money, *, due: date | None = None, about: str = ""
) -> StatementEntry:
    """A movement by its sign: above zero the customer owes more."""
    debit, credit = (amount, ZERO) if amount > ZERO else (ZERO, -amount)
    return StatementEntry(on, kind, number, ZERO, debit, credit, due, about)


def _invoiced(session: Session, customer: Customer) -> Iterator[StatementEntry]:
    for invoice in session.scalars(select(Invoice).where(Invoice.customer_id == customer.id)):
        if invoice.kind is DocumentKind.CREDIT_NOTE:
            about = invoice.refers_to.number if invoice.refers_to is not None else ""
            # an internal one gives back no more than was to be paid: the deposits that were deducted are free again
            yield _move(invoice.issue_date, EntryKind.CREDIT_NOTE, invoice.number, -invoice.payable, about=about)
        else:
            kind = EntryKind(invoice.kind.value)
            yield _move(invoice.issue_date, kind, invoice.number, invoice.payable, due=invoice.due_date)


def _opened(session: Session, customer: Customer) -> Iterator[StatementEntry]:
    """What the firm's own books owed us on the day it started here; what they say was paid or closed settles it."""
    for item in session.scalars(select(OpenItem).where(OpenItem.customer_id == customer.id)):
        yield _move(item.issue_date, EntryKind.OPEN_ITEM, item.number, item.gross, due=item.due_date)
        if item.paid:
            yield _move(item.as_of, EntryKind.PAYMENT, item.number, -item.paid, about=item.number)
        if item.closed_on is not None:
            left = item.gross - item.paid - total(p.amount for p in _parts(session, open_item_id=item.id))
            yield _move(item.closed_on, EntryKind.PAYMENT, item.number, -left, about=item.number)


def _received(session: Session, customer: Customer) -> Iterator[StatementEntry]:
    for payment in session.scalars(select(Payment).where(Payment.customer_id == customer.id)):
        about = ", ".join(sorted({_number(session, part) for part in payment.allocations} - {""}))
        yield _move(payment.received_on, EntryKind.PAYMENT, payment.reference, -payment.amount, about=about)


def _returned(session: Session, customer: Customer) -> Iterator[StatementEntry]:
    """Money that went back: refunds that left the bank, and payments that the bank took back."""
    refunds = select(Refund).where(Refund.customer_id == customer.id, Refund.executed_on.is_not(None))
    for refund in session.scalars(refunds):
        assert refund.executed_on is not None  # noqa: S101 - the query asked for it
        yield _move(refund.executed_on, EntryKind.REFUND, refund.reference, refund.amount)
    undone = select(PaymentReversal).join(Payment).where(Payment.customer_id == customer.id)
    for reversal in session.scalars(undone):
        about = reversal.payment.reference
        yield _move(reversal.reversed_on, EntryKind.REVERSAL, about, reversal.amount, about=about)


def _discounted(session: Session, customer: Customer) -> Iterator[StatementEntry]:
    granted = select(EarlyDiscount, Invoice.number).join(Invoice, Invoice.id == EarlyDiscount.invoice_id)
    for discount, number in session.execute(granted.where(Invoice.customer_id == customer.id)):
        yield _move(discount.granted_on, EntryKind.DISCOUNT, number, -discount.amount, about=number)


def _charged(session: Session, customer: Customer) -> Iterator[StatementEntry]:
    """Interest and fee that were kept of what a payment brought: it is no longer his."""
    for kept in session.scalars(select(LateCharge).join(Payment).where(Payment.customer_id == customer.id)):
        document = kept.document(session)
        amount = kept.interest + kept.recovery
        yield _move(kept.kept_on, EntryKind.LATE_CHARGE, kept.payment.reference, amount, about=document.number)


def _number(session: Session, part: Allocation) -> str:
    settled = (
        session.get(Invoice, part.invoice_id) if part.invoice_id is not None
        else session.get(OpenItem, part.open_item_id) if part.open_item_id is not None else None
    )  # fmt: skip
    return settled.number if settled is not None else ""


def _parts(session: Session, *, invoice_id: int | None = None, open_item_id: int | None = None) -> list[Allocation]:
    named = Allocation.invoice_id == invoice_id if invoice_id is not None else Allocation.open_item_id == open_item_id
    return list(session.scalars(select(Allocation).where(named)))


#: Everything that moves a customer's account.
SOURCES: tuple[Callable[[Session, Customer], Iterator[StatementEntry]], ...] = (
    _invoiced, _opened, _received, _returned, _discounted, _charged,
)  # fmt: skip


def owed_on(session: Session, customer: Customer, day: date) -> Iterator[Owed]:
    """What was left to pay of each document at the end of a day."""
    notes = list(
        session.scalars(
            select(Invoice).where(
                Invoice.customer_id == customer.id, Invoice.kind == DocumentKind.CREDIT_NOTE, Invoice.issue_date <= day
            )
        )
    )
    documents = select(Invoice).where(
        Invoice.customer_id == customer.id, Invoice.kind != DocumentKind.CREDIT_NOTE, Invoice.issue_date <= day
    )
    for invoice in session.scalars(documents):
        credited = total(note.payable for note in notes if note.refers_to_id == invoice.id)
        left = invoice.payable - credited - _settled(session, _parts(session, invoice_id=invoice.id), day)
        if left > ZERO:
            yield Owed(invoice.due_date, left)
    items = select(OpenItem).where(OpenItem.customer_id == customer.id, OpenItem.issue_date <= day)
    for item in session.scalars(items):
        if item.closed_on is not None and item.closed_on <= day:
            continue
        paid = item.paid if item.as_of <= day else ZERO
        left = item.gross - paid - _settled(session, _parts(session, open_item_id=item.id), day)
        if left > ZERO:
            yield Owed(item.due_date, left)


def _settled(session: Session, parts: list[Allocation], day: date) -> Money:
    """What had settled the document by the end of a day; money counts from the day it came."""
    return total(part.amount for part in parts if _settled_on(session, part) <= day)


def _settled_on(session: Session, part: Allocation) -> date:
    if part.reversal_id is not None:
        return session.get_one(PaymentReversal, part.reversal_id).reversed_on
    if part.payment_id is not None and part.refund_id is None:
        return session.get_one(Payment, part.payment_id).received_on
    return business_date(part.settled_at)


def of_customer(session: Session, customer: Customer, *, since: date, until: date) -> Statement:
    """The customer's account over a period; refuses a period that ends before it begins."""
    if since > until:
        raise Refused("period_reversed", since=since, until=until)
    session.flush()
    moves = [move for source in SOURCES for move in source(session, customer)]
    return account(moves, owed_on(session, customer, until), since=since, until=until)


def issue(
    session: Session, customer: Customer, *, since: date, until: date, house: House, by: Actor, at: datetime
) -> Paper:
    """Freeze the statement as a paper; the same statement asked again on the same day is the same paper.

    Refuses a period that is not over yet and one that ends before it begins.
    """
    today = business_date(at)
    if until > today:
        raise Refused("date_in_future", date=until)
    made = of_customer(session, customer, since=since, until=until)
    mine = select(Paper).where(Paper.customer_id == customer.id, Paper.kind == DocumentKind.ACCOUNT_STATEMENT)
    latest = session.scalar(mine.order_by(Paper.id.desc()).limit(1))
    if latest is not None and business_date(latest.issued_at) == today and latest.document.statement == made:
        return latest
    document = Document(
        kind=DocumentKind.ACCOUNT_STATEMENT, number=next_number(session, "RC", on=today), issue_date=today,
        seller=house.as_party(), accent=house.accent, logo=house.emblem, buyer=customer.as_party(),
        language=customer.language, statement=made,
    )  # fmt: skip
    paper = papers.freeze(session, document, customer_id=customer.id, order_id=None, at=at)
    journal.write(
        session, "statement_issued", subject=customer.subject, by=by, at=at, number=document.number,
        since=since, until=until, closing=made.closing, payload_hash=paper.payload_hash,
    )  # fmt: skip
    return paper


def send(session: Session, customer: Customer, paper: Paper, *, by: Actor, at: datetime) -> None:
    """Send a statement to its customer; refuses another customer's paper."""
    if paper.customer_id != customer.id or paper.kind is not DocumentKind.ACCOUNT_STATEMENT:
        raise Refused("paper_unknown", number=paper.number)
    journal.write(session, "statement_sent", subject=customer.subject, by=by, at=at, number=paper.number)
    events.emit(session, "statement_issued", customer, at=at, paper=paper, reference=paper.number)


def show(session: Session, customer: Customer, paper: Paper, *, at: datetime) -> None:
    """Give a statement to accounting, who may send it on."""
    events.emit(session, "statement_ready", customer, at=at, paper=paper, reference=paper.number)
