"""When what a customer received is invoiced: at once, or later when a mention of our own records was missing.

A receipt is never refused for what our records lack: the invoice is held, accounting is told which mention is missing,
no number is burnt, and it is tried again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import events, invoices, journal
from core.deliveries import Delivery, DeliveryState
from core.errors import Refused
from core.invoices import Invoice
from core.journal import SYSTEM, Actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def invoice_received(session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime) -> None:
    """Invoice a verified delivery, when we invoice at all and something was received, or hold its invoice."""
    if house.invoicing != "comptoir" or not any(line.invoiceable > 0 for line in delivery.lines):
        return
    try:
        with session.begin_nested():
            invoices.issue_for_delivery(session, delivery, house=house, by=by, at=at)
    except Refused as refusal:
        field = str(refusal.data.get("field", refusal.code))
        journal.write(session, "invoice_held", subject=delivery.subject, by=by, at=at, code=refusal.code, field=field)
        events.emit(session, "invoice_held", delivery, at=at, field=field)


def try_again(session: Session, *, house: House, at: datetime) -> None:
    """Invoice what was received and could not be: the missing mention may be there by now."""
    query = (
        select(Delivery)
        .outerjoin(Invoice, Invoice.delivery_id == Delivery.id)
        .where(Delivery.state == DeliveryState.VERIFIED, Invoice.id.is_(None))
    )
    for delivery in session.scalars(query.order_by(Delivery.id)).all():
        invoice_received(session, delivery, house=house, by=SYSTEM, at=at)
