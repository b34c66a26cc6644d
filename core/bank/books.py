"""The open items of all customers as the matching sees them: one look at the database for a whole statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.orm import Session, aliased

from core import early_discounts, payments, refunds
from core.bank.matching import Book, Claim, Credit
from core.bank.tables import CustomerIban
from core.documents import DocumentKind
from core.invoices import Invoice
from core.money import ZERO, Money
from core.orders import Order
from core.papers import Paper
from core.parties import Customer
from core.payments import Allocation, OpenItem

INVOICE, OPEN_ITEM = "invoice", "open_item"


def opened(session: Session) -> Book:
    """What every customer owes and may still use, the names of all, and the accounts they are known to pay from."""
    session.flush()
    names = {row.id: row.name for row in session.execute(select(Customer.id, Customer.name))}
    accounts: dict[str, set[int]] = {}
    for known in session.scalars(select(CustomerIban)):
        accounts.setdefault(known.iban, set()).add(known.customer_id)
    owners = sorted({*_owners(session)})
    credits_left = [credit for customer_id in owners for credit in _credits(session, customer_id)]
    return Book((*_invoices(session), *_items(session)), credits_left, names, accounts)


def opened_by(session: Session, customer: Customer) -> Book:
    """What one customer owes and may still use."""
    session.flush()
    claims = (*_invoices(session, customer.id), *_items(session, customer.id))
    return Book(claims, _credits(session, customer.id), {customer.id: customer.name})


def refreshed(session: Session, book: Book, customer_id: int) -> Book:
    """The book after something of one customer was booked."""
    session.flush()
    others = [claim for claim in book.claims if claim.customer_id != customer_id]
    left = [credit for credit in book.credits if credit.customer_id != customer_id]
    own = [*_invoices(session, customer_id), *_items(session, customer_id)]
    accounts = {iban: set(known) for iban, known in book.accounts.items()}
    for known in session.scalars(select(CustomerIban).where(CustomerIban.customer_id == customer_id)):
        accounts.setdefault(known.iban, set()).add(customer_id)
    return replace(book, claims=(*others, *own), credits=(*left, *_credits(session, customer_id)), accounts=accounts)


def document_of(session: Session, kind: str, number: int) -> Invoice | OpenItem:
    """The document that a claim is about."""
    return session.get_one(Invoice, number) if kind == INVOICE else session.get_one(OpenItem, number)


def _owners(session: Session) -> Iterable[int]:
    """The customers who may have credit: of whom something was received, or credited."""
    yield from session.scalars(select(payments.Payment.customer_id).distinct())
    yield from session.scalars(select(Invoice.customer_id).where(Invoice.kind == DocumentKind.CREDIT_NOTE).distinct())


def _credits(session: Session, customer_id: int) -> list[Credit]:
    customer = session.get_one(Customer, customer_id)
    if refunds.under_way(session, customer):  # promised to him: nothing is settled with it without asking
        return []
    found = [*payments.surpluses(session, customer), *payments.receipts(session, customer)]
    return [Credit(number, customer_id, amount) for number, amount in found]


def _invoices(session: Session, customer_id: int | None = None) -> list[Claim]:
    """What is due of each invoice, with the numbers of its order and what paying it early earns."""
    note = aliased(Invoice)
    settled = select(func.sum(type_coerce(Allocation.amount, BigInteger))).where(Allocation.invoice_id == Invoice.id)
    back = type_coerce(note.gross, BigInteger) - type_coerce(note.prepaid, BigInteger)
    credited = select(func.sum(back)).where(note.refers_to_id == Invoice.id, note.kind == DocumentKind.CREDIT_NOTE)
    payable = type_coerce(Invoice.gross, BigInteger) - type_coerce(Invoice.prepaid, BigInteger)
    due = (
        payable
        - func.coalesce(settled.correlate(Invoice).scalar_subquery(), 0)
        - func.coalesce(credited.correlate(Invoice).scalar_subquery(), 0)
    )
    early = Paper.payload.contains('"early_percent":"')
    query = (
        select(Invoice, due.label("due"), Order.reference, Order.customer_reference, early.label("early"))
        .join(Paper, Paper.id == Invoice.paper_id)
        .outerjoin(Order, Order.id == Invoice.order_id)
        .where(Invoice.kind != DocumentKind.CREDIT_NOTE, due > 0)
        .order_by(Invoice.id)
    )
    if customer_id is not None:
        query = query.where(Invoice.customer_id == customer_id)
    return [
        _claim(invoice, Money.from_cents(int(cents)), (reference or "", theirs or ""), early=bool(promised))
        for invoice, cents, reference, theirs, promised in session.execute(query)
    ]


def _claim(invoice: Invoice, due: Money, references: tuple[str, ...], *, early: bool) -> Claim:
    claim = Claim(
        INVOICE, invoice.id, invoice.number, invoice.customer_id, due, invoice.due_date, tuple(filter(None, references))
    )
    promised = early_discounts.offer(invoice.paper.document) if early else None
    if promised is None:
        return claim
    return replace(claim, discount=promised.on(due, paid_on=promised.until), discount_until=promised.until)


def _items(session: Session, customer_id: int | None = None) -> list[Claim]:
    settled = func.coalesce(func.sum(type_coerce(Allocation.amount, BigInteger)), 0)
    query = (
        select(OpenItem, settled)
        .outerjoin(Allocation, Allocation.open_item_id == OpenItem.id)
        .where(OpenItem.closed_on.is_(None))
        .group_by(OpenItem.id)
        .order_by(OpenItem.id)
    )
    if customer_id is not None:
        query = query.where(OpenItem.customer_id == customer_id)
    found = []
    for item, cents in session.execute(query):
        due = item.gross - item.paid - Money.from_cents(int(cents))
        if due > ZERO:
            found.append(Claim(OPEN_ITEM, item.id, item.number, item.customer_id, due, item.due_date))
    return found
