"""Shipping: stock moves, the note is frozen and the customer is told, all in one transaction."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deposits, events, orders, papers, stock
from core.deliveries.papers import document
from core.deliveries.preparation import give_back_substitute
from core.deliveries.tables import Batch, Delivery, DeliveryLine, DeliveryState, hold, move, remaining_quantities
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.journal import Actor
from core.orders import DepositStage

if TYPE_CHECKING:
    from core.settings import House


def ship(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime, packages: int | None = None,
    carrier: str = "", tracking: str = "",
) -> papers.Paper:  # fmt: skip
    """What was prepared leaves: stock moves, the delivery note is frozen, the customer is told, in one transaction.

    Accounting's check is made again: refuses when it blocks the customer today (`registration.ensure_may_ship`).
    Also refuses while nobody has answered about another article. What was to be given up of its lines is closed.
    """
    from core import registration, revising

    session.flush()
    orders.lock(session, delivery.order_id)
    hold(session, delivery)
    if delivery.state is not DeliveryState.PREPARING:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.SHIPPED)
    deposits.ensure_paid(session, delivery.order, DepositStage.SHIPPING, at=at)
    given_up = {line.order_line_id: line.order_line.position for line in delivery.lines if line.close_rest}
    _drop_what_is_not_there(session, delivery)
    registration.ensure_may_ship(session, delivery.order, house=house, at=at)
    stock.hold(session, (one for line in delivery.lines for one in (line.order_line.article_id, line.article_id)))
    move(session, delivery, DeliveryState.SHIPPED, by=by, at=at)
    delivery.shipped_at, delivery.packages = at, packages if packages is not None else delivery.packages
    delivery.carrier, delivery.tracking = carrier or delivery.carrier, tracking or delivery.tracking
    for line in sorted(delivery.lines, key=lambda known: known.article.id if known.article is not None else 0):
        article = line.article
        assert article is not None  # noqa: S101 - only lines with an article are confirmed
        stock.release(session, line.order_line_id, line.quantity)
        stock.move(session, article.id, stock.MovementKind.SHIPMENT, -line.quantity, source=delivery.subject, at=at)
        if line.article_id is not None:
            _back_to_its_own(session, delivery, line)
    session.flush()
    left = remaining_quantities(session, delivery.order)
    for line_id, position in given_up.items():
        if line_id in left:
            revising.close_line(session, delivery.order_id, position, house=house, by=by, at=at)
    note = papers.freeze(
        session, document(session, delivery, DocumentKind.DELIVERY_NOTE, house, at=at),
        customer_id=delivery.order.customer_id, order_id=delivery.order_id, at=at,
    )  # fmt: skip
    events.emit(session, "delivery_shipped", delivery, at=at, paper=note)
    return note


def _drop_what_is_not_there(session: Session, delivery: Delivery) -> None:
    """Leave out the lines of which nothing was prepared; refuses when nothing is left, or somebody still has to say."""
    for line in list(delivery.lines):
        if line.proposed_id is not None:
            raise Refused("substitute_waits", reference=delivery.reference, position=line.order_line.position)
        if line.quantity == 0:
            if line.article_id is not None:
                _back_to_its_own(session, delivery, line)
            delivery.lines.remove(line)
    if not delivery.lines:
        raise Refused("nothing_to_ship", reference=delivery.reference)


def _back_to_its_own(session: Session, delivery: Delivery, line: DeliveryLine) -> None:
    """Nothing more of the other article is promised: what is left of the line waits for its own."""
    session.flush()
    give_back_substitute(
        session, line, remaining_quantities(session, delivery.order).get(line.order_line_id, Decimal(0))
    )


def of_batch(session: Session, number: str) -> list[tuple[Delivery, DeliveryLine, Batch]]:
    """Who received units of a batch: the deliveries that left with it, oldest first."""
    query = (
        select(Delivery, DeliveryLine, Batch)
        .join(DeliveryLine, DeliveryLine.delivery_id == Delivery.id)
        .join(Batch, Batch.delivery_line_id == DeliveryLine.id)
        .where(Batch.number == number.strip().upper(), Delivery.shipped_at.is_not(None))
        .order_by(Delivery.id, Batch.id)
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in session.execute(query)]
