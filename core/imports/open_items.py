"""Open items: what customers owe by the firm's own books.

With `as_of` the file is the full list at that day: what it no longer holds closes then. Payments typed in here come on
top of what the books say was paid, and documents that we issued ourselves are ours to follow. Where the ERP invoices,
the full list stands for the deliveries that it has invoiced by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core import journal
from core.clock import PARIS, business_date
from core.deliveries import Delivery
from core.deliveries.tables import GONE
from core.errors import Refused
from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.invoices import Invoice
from core.journal import Actor
from core.money import ZERO, Money
from core.parties import Customer
from core.payments import OpenItem, allocated
from core.settings import flag, raise_flag

if TYPE_CHECKING:
    from core.settings import House

REQUIRED = ("customer", "number", "date", "due_date", "gross")
LAST_LIST = "open_items_as_of"


@dataclass(frozen=True, slots=True)
class _Record:
    """One row that was read."""

    line: int
    customer_id: int
    number: str
    values: dict[str, Any]

    @property
    def key(self) -> tuple[int, str]:
        """What tells one item from another."""
        return self.customer_id, self.number.upper()


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:
    """Add and change the items of the file; with `as_of`, close those it no longer holds."""
    day = as_of or business_date(at)
    last = flag(session, LAST_LIST)
    if last is not None and day < date.fromisoformat(last):
        raise Refused("open_items_older", as_of=day, last=last)
    found = _read(session, content, report)
    known = {(item.customer_id, item.number.upper()): item for item in session.scalars(select(OpenItem))}
    for record in found:
        item = known.get(record.key)
        if item is None:
            item = OpenItem(customer_id=record.customer_id, number=record.number, as_of=day, **record.values)
            session.add(item)
            report.added += 1
            continue
        before = item.paid
        reopened = item.closed_on is not None
        changed = assign(item, {**record.values, "closed_on": None})
        if as_of is not None or changed:
            item.as_of = day
        if reopened:
            journal.write(session, "open_item_reopened", subject=item.subject, by=by, at=at, as_of=day)
        if item.paid != before and (typed := allocated(session, item)):
            report.notes.append(
                Remark(record.line, "paid", f"{typed} of payments typed in here come on top of these {item.paid}")
            )
        report.changed += changed
        report.unchanged += not changed
    if as_of is not None:
        _close_others(session, {record.key for record in found}, known, report, as_of=as_of, by=by, at=at)
        if last != as_of.isoformat():
            raise_flag(session, LAST_LIST, as_of.isoformat(), at=at)


def stand_for_deliveries(session: Session, house: House, *, as_of: date) -> int:
    """Where the ERP invoices: what left before the list's day, and the days it takes to invoice, is in its books now.

    From then on the list says what is owed of it, and no delivery counts beside it; how many these were.
    """
    opened = datetime.combine(as_of - timedelta(days=house.erp_invoice_days), time(), PARIS)
    left = Delivery.state.in_(GONE) & (Delivery.shipped_at < opened) & Delivery.in_books_on.is_(None)
    held = update(Delivery).where(left).values(in_books_on=as_of).returning(Delivery.id)
    return len(session.scalars(held.execution_options(synchronize_session="fetch")).all())


def _read(session: Session, content: bytes, report: Report) -> list[_Record]:
    problems: list[Remark] = []
    once = Once()
    codes = {customer.code: customer.id for customer in session.scalars(select(Customer))}
    ours = {number.upper() for number in session.scalars(select(func.upper(Invoice.number)))}
    found = []
    for row in records(content, required=REQUIRED, known=("paid",), report=report, problems=problems):
        record = _record(row, codes)
        if record.number.upper() in ours:
            report.notes.append(Remark(row.line, "number", f"{record.number} was issued here and is followed here"))
            report.unchanged += 1
        elif record.number and not once.seen(row, "number", record.key):
            found.append(record)
    if problems:
        raise ImportRefused(problems)
    return found


def _record(row: Row, codes: dict[str, int]) -> _Record:
    code = row.text("customer", required=True)
    if code and code not in codes:
        row.wrong("customer", f"{code!r} is not a customer's code")
    issued, due = row.day("date"), row.day("due_date")
    if issued is not None and due is not None and due < issued:
        row.wrong("due_date", "is before the date of the document")
    gross = row.number("gross", places=2, required=True)
    paid = row.number("paid", places=2)
    if gross is not None and not gross:
        row.wrong("gross", "is zero")
    if gross is not None and paid is not None and paid > gross:
        row.wrong("paid", "is more than the document's amount")
    values = {
        "issue_date": issued,
        "due_date": due,
        "gross": Money(gross) if gross is not None else ZERO,
        "paid": Money(paid) if paid is not None else ZERO,
    }
    return _Record(row.line, codes.get(code, 0), row.text("number", required=True), values)


def _close_others(
    session: Session, listed: set[tuple[int, str]], known: dict[tuple[int, str], OpenItem], report: Report,
    *, as_of: date, by: Actor, at: datetime,
) -> None:  # fmt: skip
    for key, item in known.items():
        if key not in listed and item.closed_on is None:
            item.closed_on = as_of
            report.closed += 1
            journal.write(session, "open_item_closed", subject=item.subject, by=by, at=at, as_of=as_of)
