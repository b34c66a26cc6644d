"""What an agent completes on a draft so that the purchase order conforms: its number and date, its buyer, its place.

The number, the date and the buyer say nothing that the customer agreed to: an accepted recap stays accepted. Another
place must be accepted again.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from core import events, journal
from core.errors import Refused
from core.journal import Actor
from core.orders.tables import Order, OrderState
from core.parties import Contact, DeliveryAddress

LONGEST_NUMBER = 50


def set_order_number(session: Session, order: Order, number: str, *, by: Actor, at: datetime) -> None:
    """Note the number of the customer's purchase order; refuses none, and one too long to be a number."""
    said = " ".join(number.split())
    if not said or len(said) > LONGEST_NUMBER:
        raise Refused("order_number_invalid", longest=LONGEST_NUMBER)
    before, order.customer_reference = order.customer_reference, said
    _noted(session, order, "number_noted", by=by, at=at, before=before, after=said)


def set_order_date(session: Session, order: Order, day: date, *, by: Actor, at: datetime) -> None:
    """Note the date of the customer's purchase order."""
    before, order.customer_reference_date = order.customer_reference_date, day
    _noted(session, order, "date_noted", by=by, at=at, before=before, after=day)


def set_buyer(session: Session, order: Order, contact: Contact, *, by: Actor, at: datetime) -> None:
    """Note who of the customer ordered; refuses somebody else's contact."""
    if contact.customer_id != order.customer_id:
        raise Refused("contact_of_another", reference=order.reference)
    order.contact, order.contact_id = contact, contact.id
    _noted(session, order, "buyer_noted", by=by, at=at, contact=contact.id)


def set_delivery_address(
    session: Session, order: Order, place: DeliveryAddress | None, *, by: Actor, at: datetime
) -> None:
    """Say where the order goes, None for the customer's own address; refuses somebody else's place."""
    if place is not None and place.customer_id != order.customer_id:
        raise Refused("address_of_another", reference=order.reference)
    order.delivery_address, order.delivery_own = place, place is None
    order.delivery_address_id = place.id if place is not None else None
    order.recap_accepted_at, order.recap_accepted_by = None, ""
    _noted(session, order, "delivery_address_set", by=by, at=at, address=order.delivery_address_id)


def _noted(session: Session, order: Order, change: str, *, by: Actor, at: datetime, **data: Any) -> None:
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    order.version += 1
    journal.write(session, f"order_{change}", subject=order.subject, by=by, at=at, **data)
    events.emit(session, "order_changed", order, at=at)
