"""Shipping: stock moves, the note is frozen and the customer is told, all in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core import deposits, events, papers, stock
from core.deliveries.papers import document
from core.deliveries.tables import Delivery, DeliveryState, hold, move
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.journal import Actor
from core.orders import DepositStage

if TYPE_CHECKING:
    from core.settings import House


def ship(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime, packages: int | None = None
) -> papers.Paper:
    """What was prepared leaves: stock moves, the delivery note is frozen, the customer is told, in one transaction.

    Accounting's check is made again: refuses when it blocks the customer today (`registration.ensure_may_ship`).
    """
    from core import registration

    hold(session, delivery)
    if delivery.state is not DeliveryState.PREPARING:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.SHIPPED)
    deposits.ensure_paid(session, delivery.order, DepositStage.SHIPPING, at=at)
    for line in list(delivery.lines):
        if line.quantity == 0:
            delivery.lines.remove(line)
    if not delivery.lines:
        raise Refused("nothing_to_ship", reference=delivery.reference)
    registration.ensure_may_ship(session, delivery.order, house=house, at=at)
    stock.hold(session, (line.order_line.article_id for line in delivery.lines))
    move(session, delivery, DeliveryState.SHIPPED, by=by, at=at)
    delivery.shipped_at, delivery.packages = at, packages
    for line in sorted(delivery.lines, key=lambda known: known.order_line.article_id or 0):
        article_id = line.order_line.article_id
        assert article_id is not None  # noqa: S101 - only lines with an article are confirmed
        stock.release(session, line.order_line_id, line.quantity)
        stock.move(session, article_id, stock.MovementKind.SHIPMENT, -line.quantity, source=delivery.subject, at=at)
    session.flush()
    note = papers.freeze(
        session, document(session, delivery, DocumentKind.DELIVERY_NOTE, house, at=at),
        customer_id=delivery.order.customer_id, order_id=delivery.order_id, at=at,
    )  # fmt: skip
    events.emit(session, "delivery_shipped", delivery, at=at, paper=note)
    return note
