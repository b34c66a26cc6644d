"""When what a customer received is invoiced: at once, when he is presumed to have it, or at the end of the month.

A receipt is never refused for what our records lack: the invoice is held, accounting is told which mention is missing,
no number is burnt, and it is tried again.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import events, invoices, journal, rounds
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.errors import Refused
from core.invoices import Invoice
from core.journal import SYSTEM, Actor
from core.orders import Order
from core.parties import Customer, InvoiceTrigger

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def invoice_received(session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime) -> None:
    """Invoice a received delivery when its customer's trigger says now, and something was received; or hold it."""
    if _due_now(delivery, on=business_date(at)):
        _invoice_or_hold(session, [delivery], house=house, by=by, at=at)


def try_again(session: Session, *, house: House, at: datetime) -> None:
    """Each day: invoice what is due by now, the months that end and what could not be invoiced before.

    The missing mention may be there by now. One invoice holds a customer's deliveries of a month that are on the same
    terms and went to the same place.
    """
    today = business_date(at)
    groups: dict[tuple[object, ...], list[Delivery]] = {}
    for delivery in to_invoice(session):
        if not _due_now(delivery, on=today):
            continue
        if delivery.order.customer.invoice_trigger is InvoiceTrigger.MONTH_END:
            left_on = _left_on(delivery)
            groups.setdefault((*invoices.alike(delivery), left_on.year, left_on.month), []).append(delivery)
        else:
            groups[(delivery.id,)] = [delivery]
    together = {deliveries[0]: deliveries for deliveries in groups.values()}
    rounds.each(
        session, "invoicing", together,
        lambda first: _invoice_or_hold(session, together[first], house=house, by=SYSTEM, at=at), at=at,
    )  # fmt: skip


def to_invoice(session: Session, customer: Customer | None = None) -> list[Delivery]:
    """What was received, or is presumed to be, and no invoice stands for, oldest first; of one customer or of all."""
    query = select(Delivery).where(
        Delivery.state.in_([DeliveryState.SHIPPED, DeliveryState.VERIFIED]), ~invoices.invoiced()
    )
    if customer is not None:
        query = query.join(Order, Order.id == Delivery.order_id).where(Order.customer_id == customer.id)
    found = session.scalars(query.order_by(Delivery.id)).all()
    return [
        delivery for delivery in found if _received(delivery) and any(line.invoiceable > 0 for line in delivery.lines)
    ]


def _received(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.VERIFIED or delivery.presumed_at is not None


def _left_on(delivery: Delivery) -> date:
    """The day that decides to which month a delivery belongs."""
    assert delivery.shipped_at is not None  # noqa: S101 - only what left is received
    return business_date(delivery.shipped_at)


def _due_now(delivery: Delivery, *, on: date) -> bool:
    """The customer's trigger is pulled: he verified, he is presumed to have it, or the month of its shipping ends."""
    if not _received(delivery) or not any(line.invoiceable > 0 for line in delivery.lines):
        return False
    trigger = delivery.order.customer.invoice_trigger
    if trigger is InvoiceTrigger.MONTH_END:
        left = _left_on(delivery)
        return on >= left.replace(day=calendar.monthrange(left.year, left.month)[1])
    return trigger is InvoiceTrigger.PRESUMED or delivery.state is DeliveryState.VERIFIED


def _invoice_or_hold(
    session: Session, deliveries: Sequence[Delivery], *, house: House, by: Actor, at: datetime
) -> Invoice | None:
    """Issue the invoice, when we invoice at all; or hold it, and say which mention is missing."""
    if house.invoicing != "comptoir":
        return None
    first = deliveries[0]
    try:
        with session.begin_nested():
            return invoices.issue_for(session, deliveries, house=house, by=by, at=at)
    except Refused as refusal:
        field = str(refusal.data.get("field", refusal.code))
        journal.write(session, "invoice_held", subject=first.subject, by=by, at=at, code=refusal.code, field=field)
        events.emit(session, "invoice_held", first, at=at, field=field)
        return None


def replace_refused(
    session: Session, invoice: Invoice, *, reason: str, house: House, by: Actor, at: datetime
) -> tuple[Invoice, Invoice | None]:
    """A refused or rejected document: its internal credit note, and the new document, None where that one is held.

    A held invoice is tried again each day like any other.
    """
    note = invoices.cancel_internally(session, invoice, reason=reason, house=house, by=by, at=at)
    deliveries = invoices.deliveries_of(session, invoice)
    if deliveries:
        return note, _invoice_or_hold(session, deliveries, house=house, by=by, at=at)
    return note, invoices.issue_again(session, invoice, house=house, by=by, at=at)
