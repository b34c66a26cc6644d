"""What the French platforms say of an issued invoice: deposited, refused, rejected, collected (CDAR, table 8 to 10).

Their codes are dated data. The rows are facts told by others: they are added, never changed. A refused or rejected
invoice goes to accounting, who corrects what was wrong and has it made again under a new number.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, invoices, invoicing, journal
from core.db import Base
from core.errors import Refused
from core.invoices import Invoice

if TYPE_CHECKING:
    from core.journal import Actor
    from core.settings import House

REFUSED, REJECTED, COLLECTED = "210", "213", "212"
#: The buyer or his platform will not have the document: an internal credit note and a new one (specifications §3.6.4).
FATAL = frozenset({REFUSED, REJECTED})


class InvoiceStatus(Base):
    """One status of one invoice; `at` is the platform's own time, `reason` its code, `source` who told us."""

    __tablename__ = "invoice_status"
    __table_args__ = (UniqueConstraint("invoice_id", "code", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    code: Mapped[str]
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")
    comment: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str]
    noted_at: Mapped[datetime]
    invoice: Mapped[Invoice] = relationship()


@dataclass(frozen=True, slots=True)
class Reported:
    """A status as a platform reports it."""

    number: str
    code: str
    at: datetime
    reason: str = ""
    comment: str = ""


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((importlib.resources.files("templates") / "exports" / "statuses.toml").read_text("utf-8"))


def label(code: str) -> str:
    """What a status is called; refuses a code that is not in the list."""
    known: dict[str, str] = _data()["statuses"]
    if code not in known:
        raise Refused("status_unknown", status=code)
    return known[code]


def reason_label(reason: str) -> str:
    """What a reason means, or its code where the list does not say."""
    return str(_data()["reasons"].get(reason, reason))


def note(session: Session, told: Reported, *, source: str, by: Actor, at: datetime) -> InvoiceStatus | None:
    """Keep what was told about an invoice; None when it is known already.

    Refuses an unknown invoice or code, an internal credit note, which no platform ever saw, a time still to come, and
    a refusal without the reason that the norm asks for.
    """
    label(told.code)
    invoice = invoices.by_number(session, told.number)
    if invoice.internal:
        raise Refused("status_of_internal", number=invoice.number)
    if told.at > at:
        raise Refused("date_in_future", date=told.at)
    if told.code in _data()["needs"]["reason"] and not told.reason:
        raise Refused("status_reason_missing", number=invoice.number, status=told.code)
    journal.hold(session)  # the same file taken in twice at once is one
    same = select(InvoiceStatus.id).where(
        InvoiceStatus.invoice_id == invoice.id, InvoiceStatus.code == told.code, InvoiceStatus.at == told.at
    )
    if session.scalar(same) is not None:
        return None
    row = InvoiceStatus(
        invoice=invoice, code=told.code, at=told.at, reason=told.reason, comment=told.comment, source=source,
        noted_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    journal.write(
        session, "invoice_status_noted", subject=invoice.subject, by=by, at=at, code=told.code, reason=told.reason,
        told_at=told.at, source=source,
    )  # fmt: skip
    if told.code in FATAL:
        events.emit(session, "invoice_refused", invoice, at=at, status=row.id)
    return row


def of(session: Session, invoice: Invoice) -> list[InvoiceStatus]:
    """Everything that was told about the invoice, in the platform's own order."""
    query = select(InvoiceStatus).where(InvoiceStatus.invoice_id == invoice.id)
    return list(session.scalars(query.order_by(InvoiceStatus.at, InvoiceStatus.id)))


def refusal(session: Session, invoice: Invoice) -> InvoiceStatus | None:
    """The status by which the invoice was refused or rejected, or None."""
    return next((status for status in reversed(of(session, invoice)) if status.code in FATAL), None)


def redo(
    session: Session, invoice: Invoice, *, house: House, by: Actor, at: datetime
) -> tuple[Invoice, Invoice | None]:
    """Replace an invoice for the reason for which it was refused or rejected; see `invoicing.replace_refused`."""
    status = refusal(session, invoice)
    if status is None:
        raise Refused("invoice_not_refused", number=invoice.number)
    said = ", ".join(part for part in (reason_label(status.reason), status.comment) if part)
    reason = f"{status.code} {label(status.code)} ({said})" if said else f"{status.code} {label(status.code)}"
    return invoicing.replace_refused(session, invoice, reason=reason, house=house, by=by, at=at)
