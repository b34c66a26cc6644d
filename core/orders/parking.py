"""Drafts that are put aside: nothing is sent, nobody is asked again before the hour that was chosen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core import events, journal
from core.errors import Refused
from core.orders.tables import Order, OrderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor


def park(session: Session, order: Order, *, until: datetime, by: Actor, at: datetime) -> None:
    """Put a draft aside until that instant, when sales is told of it again; refuses one that is past."""
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    if until <= at:
        raise Refused("date_in_past", date=until)
    order.parked_until = until
    journal.write(session, "order_parked", subject=order.subject, by=by, at=at, until=until)
    events.emit(session, "order_rechecked", order, at=at)
    events.emit(session, "parking_over", order, at=at, not_before=until, until=until.astimezone(UTC).isoformat())


def unpark(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """Take the draft up again before its hour."""
    if order.parked_until is None:
        return
    order.parked_until = None
    journal.write(session, "order_unparked", subject=order.subject, by=by, at=at)
    events.emit(session, "order_rechecked", order, at=at)
