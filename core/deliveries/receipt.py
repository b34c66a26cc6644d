"""Receipt: what the customer says he received, and the order that closes once all of it is settled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core import events, orders
from core.deliveries.tables import (
    Delivery,
    DeliveryState,
    Reserve,
    ReserveKind,
    hold,
    move,
    of_order,
    remaining_quantities,
)
from core.errors import Refused
from core.journal import Actor
from core.orders import Order, OrderState

if TYPE_CHECKING:
    from core.settings import House


def verify(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime,
    reserves: Mapping[int, tuple[ReserveKind, Decimal, str]] | None = None,
) -> None:  # fmt: skip
    """The customer's word on what he received: all, or reserves by order line position; then it is invoiced.

    Saying it twice changes nothing.
    """
    from core import automation, invoicing

    hold(session, delivery)
    if delivery.state is DeliveryState.VERIFIED:
        return
    for position, (kind, quantity, text) in (reserves or {}).items():
        line = next((known for known in delivery.lines if known.order_line.position == position), None)
        if line is None or not 0 < quantity <= line.quantity:
            raise Refused("reserve_not_possible", reference=delivery.reference, position=position)
        line.reserves.append(Reserve(kind=kind, quantity=quantity, text=text, at=at))
    move(session, delivery, DeliveryState.VERIFIED, by=by, at=at)
    delivery.verified_at, delivery.verified_by = at, str(by)
    session.flush()
    if any(kind is ReserveKind.WRONG_ARTICLE for kind, _, _ in (reserves or {}).values()):
        automation.corrected(session, delivery.order, reason="wrong_article", by=by, at=at)
    events.emit(session, "reserve_stated" if reserves else "delivery_verified", delivery, at=at)
    invoicing.invoice_received(session, delivery, house=house, by=by, at=at)
    close_when_done(session, delivery.order, by=by, at=at)


def close_when_done(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """Close an order once nothing remains to ship and every delivery was verified."""
    open_states = {DeliveryState.PREPARING, DeliveryState.SHIPPED}
    under_way = any(known.state in open_states for known in of_order(session, order))
    if order.state is OrderState.CONFIRMED and not under_way and not remaining_quantities(session, order):
        orders.move(session, order, OrderState.CLOSED, by=by, at=at)
