"""Goods to come and goods that came: one row for each article of a supplier's order, taken in again at will.

`received` is all that came so far under that reference: only what is more than before comes in, so that the same file
twice is once. What is missing from a file is left alone; a quantity of 0 says that nothing more will come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deliveries, receipts, stock
from core.errors import Refused
from core.imports.files import ImportRefused, Once, Remark, Report, Row, records
from core.imports.stock import article_ids, article_of, quantity
from core.journal import Actor
from core.receipts import ExpectedReceipt

REQUIRED = ("reference", "sku", "quantity")
KNOWN = ("expected_on", "received")


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    reference: str
    article_id: int
    quantity: Decimal
    received: Decimal | None
    expected_on: date | None


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Note what is expected, and take in what came; sales hear which backorders could leave now."""
    found = _read(session, content, report)
    stock.hold(session, (record.article_id for record in found))
    held = {(one.reference, one.article_id): one for one in session.scalars(select(ExpectedReceipt))}
    problems: list[Remark] = []
    arrived = set()
    for record in found:
        known = held.get((record.reference, record.article_id))
        before = _state(known)
        if known is None:
            known = ExpectedReceipt(
                reference=record.reference, article_id=record.article_id, received=Decimal(0), noted_at=at
            )
            session.add(known)
        known.quantity, known.expected_on = record.quantity, record.expected_on
        if record.received is not None and record.received != known.received:
            try:
                receipts.set_received(session, known, record.received, by=by, at=at)
            except Refused as error:
                problems.append(
                    Remark(record.line, "received", f"cannot be taken back: only {error.data['on_hand']} left")
                )
                continue
            arrived.add(record.article_id)
        if record.received is not None and record.received > record.quantity:
            report.notes.append(Remark(record.line, "received", f"is more than the {record.quantity} expected"))
        report.added += before is None
        report.changed += before not in {None, _state(known)}
        report.unchanged += before == _state(known)
    if problems:
        raise ImportRefused(problems)
    if arrived:
        session.flush()
        deliveries.announce_backorders(session, at=at, articles=arrived)


def _state(known: ExpectedReceipt | None) -> tuple[object, ...] | None:
    return (known.quantity, known.received, known.expected_on) if known is not None else None


def _read(session: Session, content: bytes, report: Report) -> list[_Record]:
    problems: list[Remark] = []
    once = Once()
    known = article_ids(session)
    found = []
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        record = _record(row, known)
        if record is not None and not once.seen(row, "sku", (record.reference, record.article_id)):
            found.append(record)
    if problems:
        raise ImportRefused(problems)
    return found


def _record(row: Row, known: dict[str, int]) -> _Record | None:
    reference, article_id = row.text("reference", required=True), article_of(row, known)
    expected, received = quantity(row, "quantity", required=True), quantity(row, "received")
    day = row.day("expected_on") if row.text("expected_on") else None
    if expected and day is None and received is None and not row.text("expected_on"):
        row.wrong("expected_on", "is empty, and nothing was received")
    if article_id is None or expected is None:
        return None
    return _Record(row.line, reference, article_id, expected, received, day)
