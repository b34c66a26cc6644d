"""Payments of a CSV file: cheques, cards, what a treasury program knows. Each row is one payment, taken in once.

A row says whose it is, and `settles` which documents, in that order; without it what the amount explains for certain is
settled. What settles nothing stays the customer's credit, and is noted for a person to look at.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import means, mentions, payments, registration
from core.bank import books, matching
from core.bank.reading import Movement
from core.bank.tables import ImportedPayment
from core.clock import business_date
from core.errors import Refused
from core.imports.files import ImportRefused, Remark, Report, Row, records
from core.invoices import Invoice
from core.journal import Actor
from core.means import PaymentMeans
from core.money import ZERO, Money
from core.parties import Customer
from core.payments import OpenItem

if TYPE_CHECKING:
    from core.settings import House

REQUIRED = ("customer", "date", "amount")
KNOWN = ("means", "settles", "reference")


@dataclass(frozen=True, slots=True)
class _Record:
    """One row that was read."""

    line: int
    key: str
    customer: Customer
    day: date
    amount: Money
    means: PaymentMeans
    reference: str
    settles: tuple[Invoice | OpenItem, ...]


def load(
    session: Session, content: bytes, report: Report, *, by: Actor, at: datetime, house: House
) -> None:  # fmt: skip
    """Record the payments that no earlier file held."""
    found = _read(session, content, report, today=business_date(at))
    known = set(session.scalars(select(ImportedPayment.key)))
    new = [record for record in found if record.key not in known]
    report.unchanged += len(found) - len(new)
    registration.hold(session, [record.customer for record in new])
    for record in new:
        parts = [(document, record.amount) for document in record.settles] or _explained(session, record)
        payment = payments.record(
            session, record.customer, record.amount, received_on=record.day, by=by, at=at, house=house,
            means=record.means, parts=parts,
        )  # fmt: skip
        session.add(ImportedPayment(key=record.key, payment_id=payment.id))
        session.flush()
        report.added += 1
        left = payment.amount - _settled(payment)
        if left > ZERO:
            text = f"{left} of {payment.reference} settle nothing and stay the customer's credit"
            report.notes.append(Remark(record.line, "amount", text))


def _settled(payment: payments.Payment) -> Money:
    return sum((line.amount for line in payment.allocations), ZERO)


def _explained(session: Session, record: _Record) -> list[tuple[Invoice | OpenItem, Money]]:
    """What the amount settles of the customer's documents for certain; nothing where there is a doubt."""
    moved = Movement(
        line=record.line, booked_on=record.day, value_on=record.day, amount=record.amount, text=record.reference
    )
    book = books.opened_by(session, record.customer)
    answer = matching.match(moved, book)
    if isinstance(answer, matching.Doubt):
        answer = matching.of_customer(moved, record.customer.id, book)
    if isinstance(answer, matching.Doubt) or answer.uses:
        return []
    return [(books.document_of(session, p.claim.kind, p.claim.id), p.pays) for p in answer.parts]


def _read(session: Session, content: bytes, report: Report, *, today: date) -> list[_Record]:
    problems: list[Remark] = []
    before: Counter[str] = Counter()
    customers = {customer.code: customer for customer in session.scalars(select(Customer))}
    rows = records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems)
    read = [_record(session, row, customers, before, today=today) for row in rows]
    if problems:
        raise ImportRefused(problems)
    return [record for record in read if record is not None]


def _record(
    session: Session, row: Row, customers: dict[str, Customer], before: Counter[str], *, today: date
) -> _Record | None:  # fmt: skip
    code = row.text("customer", required=True)
    customer = customers.get(code)
    if code and customer is None:
        row.wrong("customer", f"{code!r} is not a customer's code")
    day, amount = row.day("date"), row.number("amount", places=2, required=True)
    if day is not None and day > today:
        row.wrong("date", "is still to come")
    if amount is not None and not amount:
        row.wrong("amount", "is zero")
    written = row.text("means")
    paid_by = means.named(written) if written else PaymentMeans.TRANSFER
    if paid_by is None:
        row.wrong("means", f"{written!r} is no means of payment (transfer, cheque, direct debit, card, cash)")
    if (
        paid_by is PaymentMeans.CASH
        and day is not None
        and amount
        and Money(amount) > (limit := mentions.amount("cash_limit", on=day))
    ):
        row.wrong("amount", f"is more than the {limit} that may be paid in cash")
    settles = tuple(_documents(session, row, customer)) if customer is not None else ()
    if customer is None or day is None or not amount or paid_by is None:
        return None
    said = "\0".join([code, day.isoformat(), str(amount), paid_by, row.text("settles"), row.text("reference")])
    digest = hashlib.sha256(said.encode()).hexdigest()
    before[digest] += 1
    return _Record(
        row.line, f"{digest}:{before[digest]}", customer, day, Money(amount), paid_by, row.text("reference"), settles
    )


def _documents(session: Session, row: Row, customer: Customer) -> list[Invoice | OpenItem]:
    found = []
    for number in row.words("settles"):
        try:
            found.append(payments.document_by_number(session, customer, number))
        except Refused:
            row.wrong("settles", f"{number!r} is no document of {customer.code}")
    return found
