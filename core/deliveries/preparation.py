"""Preparing: what is left of an order and promised from stock, line by line, until it leaves or is given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deposits, events, journal, orders, outbox, papers, stock
from core.clock import business_date
from core.deliveries.papers import document
from core.deliveries.tables import (
    Batch,
    Delivery,
    DeliveryLine,
    DeliveryState,
    hold,
    line_of,
    move,
    of_order,
    remaining_quantities,
)
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.journal import Actor
from core.orders import DepositStage, Order, OrderLine, OrderState, Shortage

if TYPE_CHECKING:
    from core.settings import House


@dataclass(frozen=True, slots=True)
class Parcels:
    """How a delivery leaves: the number of packages, who carries them, under which tracking number."""

    packages: int | None = None
    carrier: str = ""
    tracking: str = ""


def prepare(
    session: Session, order: Order, *, house: House, by: Actor, at: datetime, not_before: datetime | None = None
) -> Delivery:
    """Open a delivery of what is left and promised from stock, with its preparation slip."""
    session.flush()
    orders.lock(session, order.id)
    stock.hold(session, (line.article_id for line in order.kept_lines))
    if order.state is not OrderState.CONFIRMED:
        raise Refused("order_not_confirmed", reference=order.reference)
    if any(known.state is DeliveryState.PREPARING for known in of_order(session, order)):
        raise Refused("delivery_already_preparing", reference=order.reference)
    deposits.ensure_paid(session, order, DepositStage.PREPARATION, at=at)
    delivery = Delivery(reference=next_number(session, "BL", on=business_date(at)), order=order, created_at=at)
    remaining = remaining_quantities(session, order)
    stock.reserve(
        session,
        [
            (line.id, line.article_id, remaining[line.id] - _promised(session, line))
            for line in order.kept_lines
            if line.article_id and remaining.get(line.id, Decimal(0)) > _promised(session, line)
        ],
    )
    if waits_for_the_rest(session, order):
        raise Refused("partial_not_wanted", reference=order.reference, customer=order.customer.name)
    for line in order.kept_lines:
        quantity = min(remaining.get(line.id, Decimal(0)), _promised(session, line))
        if quantity > 0:
            delivery.lines.append(DeliveryLine(order_line=line, quantity=quantity))
    if not delivery.lines:
        raise Refused("nothing_to_prepare", reference=order.reference)
    session.add(delivery)
    session.flush()
    journal.write(session, "delivery_preparing", subject=delivery.subject, by=by, at=at, reference=delivery.reference)
    slip = papers.freeze(
        session, document(session, delivery, DocumentKind.PREPARATION_SLIP, house, at=at),
        customer_id=order.customer_id, order_id=order.id, at=at,
    )  # fmt: skip
    events.emit(session, "delivery_preparing", delivery, at=at, not_before=not_before, paper=slip)
    return delivery


def _promised(session: Session, line: OrderLine) -> Decimal:
    held = session.get(stock.Reservation, line.id)
    return held.quantity if held is not None else Decimal(0)


def waits_for_the_rest(session: Session, order: Order) -> bool:
    """A line is not wholly promised yet, and it was to leave as a whole: nothing of the order is prepared."""
    return bool(_unpromised(session, order))


def _unpromised(session: Session, order: Order) -> dict[int, Decimal]:
    """Units that are still missing, by article, of the lines that leave as a whole or not at all."""
    left = remaining_quantities(session, order)
    missing: dict[int, Decimal] = {}
    for line in order.kept_lines:
        whole = line.shortage is Shortage.WAIT or not (order.customer.partial_deliveries or line.shortage)
        short = left.get(line.id, Decimal(0)) - _promised(session, line)
        if whole and line.article_id is not None and short > 0:
            missing[line.article_id] = missing.get(line.article_id, Decimal(0)) + short
    return missing


def announce_backorders(session: Session, *, at: datetime, articles: Collection[int] | None = None) -> list[Order]:
    """Tell sales of the registered orders of which more could leave now: goods have arrived for their backorder.

    With `articles` only the orders that wait for one of these are looked at.
    """
    ready = []
    waiting = select(Order).where(Order.state == OrderState.CONFIRMED).order_by(Order.id)
    if articles is not None:
        lines = select(OrderLine.order_id).join(stock.Backorder, stock.Backorder.order_line_id == OrderLine.id)
        waiting = waiting.where(Order.id.in_(lines.where(stock.Backorder.article_id.in_(articles))))
    for order in session.scalars(waiting):
        whole = _unpromised(session, order)
        if any(stock.available(session, article_id) < missing for article_id, missing in whole.items()):
            continue
        under_way = any(known.state is DeliveryState.PREPARING for known in of_order(session, order))
        left = remaining_quantities(session, order)
        if (
            not under_way
            and any(
                line.id in left and line.article_id is not None and stock.available(session, line.article_id) > 0
                for line in order.kept_lines
            )
            and not deposits.held_back(session, order, DepositStage.PREPARATION, at=at)
        ):
            events.emit(session, "backorder_ready", order, at=at)
            ready.append(order)
    return ready


def set_prepared(
    session: Session, delivery: Delivery, position: int, quantity: Decimal, *, by: Actor, at: datetime
) -> None:
    """Note how many units of a line the warehouse really prepared: zero or more, never more than is to be delivered.

    More than was promised is promised now, where the shelf has it. What is beyond the order is a change of the order,
    which sales decides on.
    """
    line = preparing_line(session, delivery, position)
    ordered = line.order_line
    left = remaining_quantities(session, delivery.order).get(ordered.id, Decimal(0))
    if quantity > left:
        raise Refused(
            "quantity_above_ordered", reference=delivery.order.reference, position=position, quantity=quantity,
            ordered=left,
        )  # fmt: skip
    held = _promised(session, ordered)
    article = line.article
    if quantity > held and article is not None and line.substitute is None:
        stock.reserve(session, [(ordered.id, article.id, left - held)])
    if quantity < 0 or quantity > _promised(session, ordered):
        raise Refused("quantity_not_promised", position=position, quantity=quantity)
    before, line.quantity = line.quantity, quantity
    if before != quantity:
        line.batches.clear()
    session.flush()
    journal.write(
        session, "delivery_quantity_changed", subject=delivery.subject, by=by, at=at, position=position,
        before=before, after=quantity,
    )  # fmt: skip
    events.emit(session, "delivery_changed", delivery, at=at)


def preparing_line(session: Session, delivery: Delivery, position: int) -> DeliveryLine:
    """The line of a delivery that has not left, its order and its shelf held; refuses any other."""
    session.flush()
    orders.lock(session, delivery.order_id)
    hold(session, delivery)
    if delivery.state is not DeliveryState.PREPARING:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.PREPARING)
    line = line_of(delivery, position)
    if line is None:
        raise Refused("line_unknown", reference=delivery.reference, position=position)
    stock.hold(session, [line.order_line.article_id, line.article_id])
    return line


def close_rest(
    session: Session, delivery: Delivery, position: int, *, close: bool, by: Actor, at: datetime
) -> DeliveryLine:
    """Say what becomes of what does not leave with this delivery: given up when it leaves, or a backorder."""
    line = preparing_line(session, delivery, position)
    line.close_rest = close
    journal.write(session, "rest_settled", subject=delivery.subject, by=by, at=at, position=position, closed=close)
    events.emit(session, "delivery_changed", delivery, at=at)
    return line


def set_batches(
    session: Session, delivery: Delivery, position: int, batches: Sequence[tuple[str, Decimal | None]], *, by: Actor,
    at: datetime,
) -> None:  # fmt: skip
    """Note from which batches a line was taken, in place of what was noted before; no quantity means the rest of it.

    Refuses a batch without a number, a quantity that is not above zero, and batches that do not add up to the line.
    """
    line = preparing_line(session, delivery, position)
    left, found = line.quantity, []
    for number, quantity in batches:
        taken = left if quantity is None else quantity
        if not number.strip() or taken <= 0 or taken > left:
            raise Refused("batches_differ", position=position, quantity=line.quantity)
        left -= taken
        found.append(Batch(number=number.strip().upper(), quantity=taken))
    if left:
        raise Refused("batches_differ", position=position, quantity=line.quantity)
    line.batches = found
    session.flush()
    journal.write(
        session, "batches_noted", subject=delivery.subject, by=by, at=at, position=position,
        batches={one.number: str(one.quantity) for one in found},
    )  # fmt: skip
    events.emit(session, "delivery_changed", delivery, at=at)


def set_parcels(
    session: Session, delivery: Delivery, parcels: Parcels, *, by: Actor, at: datetime
) -> None:  # fmt: skip
    """Note packages, carrier and tracking number before it leaves; what is not named stays as it was noted."""
    hold(session, delivery)
    if delivery.state is not DeliveryState.PREPARING:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.PREPARING)
    if parcels.packages is not None and parcels.packages < 1:
        raise Refused("quantity_not_positive", quantity=parcels.packages)
    delivery.packages = parcels.packages if parcels.packages is not None else delivery.packages
    delivery.carrier = parcels.carrier or delivery.carrier
    delivery.tracking = parcels.tracking or delivery.tracking
    journal.write(
        session, "parcels_noted", subject=delivery.subject, by=by, at=at, packages=delivery.packages,
        carrier=delivery.carrier, tracking=delivery.tracking,
    )  # fmt: skip
    events.emit(session, "delivery_changed", delivery, at=at)


def cancel(session: Session, delivery: Delivery, *, by: Actor, at: datetime) -> None:
    """Give up a delivery that has not left; what the warehouse has not been told yet is not told."""
    session.flush()
    orders.lock(session, delivery.order_id)
    stock.hold(session, (one for line in delivery.lines for one in (line.order_line.article_id, line.article_id)))
    move(session, delivery, DeliveryState.CANCELLED, by=by, at=at)
    left = remaining_quantities(session, delivery.order)
    for line in delivery.lines:
        if line.article_id is not None:
            give_back_substitute(session, line, left.get(line.order_line_id, Decimal(0)))
    outbox.cancel_waiting(session, delivery.subject, at=at, reason="delivery cancelled")
    if outbox.was_told(session, delivery.subject):
        events.emit(session, "delivery_cancelled", delivery, at=at)


def give_back_substitute(session: Session, line: DeliveryLine, left: Decimal) -> None:
    """What was promised of another article goes back to the shelf; what is left of the line waits for its own again."""
    stock.release(session, line.order_line_id)
    ordered = line.order_line
    if ordered.article_id is not None:
        stock.trim(session, ordered.id, ordered.article_id, left)
