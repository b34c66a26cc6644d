"""What is decided about an order: confirmed, taken back, given up.

The customer accepts the recap; registering the order is the supplier's act.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core import events, journal, outbox, sale_terms, stock
from core.clock import business_date
from core.errors import IllegalTransition, Refused
from core.journal import Actor, ActorKind
from core.orders.tables import NEXT, Order, OrderState
from core.parties import Customer

if TYPE_CHECKING:
    from core.orders.revisions import OrderRevision
    from core.papers import Paper

#: So many figures may be the end of a reference of ours.
REFERENCE_FIGURES = 6


def move(session: Session, order: Order, target: OrderState, *, by: Actor, at: datetime, **data: Any) -> None:
    """Change the order's state, with a journal line; an illegal move raises."""
    if target not in NEXT[order.state]:
        raise IllegalTransition(thing="order", state=order.state, target=target)
    before, order.state = order.state, target
    order.version += 1
    journal.write(session, f"order_{target}", subject=order.subject, by=by, at=at, before=before, **data)


def lock(session: Session, order_id: int, *, version: int | None = None) -> Order:
    """The order, held until the end of the transaction; refuses a version that is no longer the current one."""
    order = session.scalar(
        select(Order)
        .where(Order.id == order_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if order is None:
        raise Refused("order_unknown", order=order_id)
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    return order


def _hold_stock(session: Session, order: Order) -> None:
    """Levels are locked before the journal, in one order, by whoever decides about stock."""
    stock.hold(session, (line.article_id for line in order.lines))


def confirm(
    session: Session, order: Order, *, by: Actor, at: datetime, undo: timedelta, paper: Paper | None = None
) -> None:
    """Register the order: reserve stock, freeze, tell; what the customer gets waits out the undo time.

    The checks are the caller's (`registration.confirm`, in the same transaction); this verb does not look again.
    """
    _hold_stock(session, order)
    move(session, order, OrderState.CONFIRMED, by=by, at=at, gross=order.totals.gross, net=order.totals.net)
    order.confirmed_at, order.confirmed_by_id = at, by.id
    granted = stock.reserve(
        session,
        [(line.id, line.article_id, line.quantity) for line in order.kept_lines if line.article_id and line.quantity],
    )
    short = {line.position: line.quantity - granted[line.id] for line in order.kept_lines
             if line.quantity and line.id in granted and granted[line.id] < line.quantity}  # fmt: skip
    if short:
        journal.write(
            session, "backorder_accepted", subject=order.subject, by=by, at=at,
            lines={str(position): str(quantity) for position, quantity in short.items()},
        )  # fmt: skip
    enclosed = sale_terms.to_enclose(session, order.customer, on=business_date(at))
    if enclosed is not None:
        journal.write(session, "sale_terms_enclosed", subject=order.subject, by=by, at=at, version=enclosed.version)
    events.emit(
        session, "order_confirmed", order, at=at, not_before=at + undo, paper=paper,
        enclosure=enclosed.pdf_sha256 if enclosed is not None else None,
    )  # fmt: skip


def undo_confirmation(session: Session, order: Order, *, by: Actor, at: datetime, undo: timedelta) -> None:
    """Back to draft within the undo time, while nothing has left: rows moot, reservations released."""
    if order.confirmed_at is None or at >= order.confirmed_at + undo or order.revision:
        raise Refused("undo_too_late", reference=order.reference)
    from core.orders import revisions

    _hold_stock(session, order)
    move(session, order, OrderState.DRAFT, by=by, at=at)
    revisions.set_aside(session, order, by=by, at=at)
    for line in order.lines:
        stock.release(session, line.id)
    outbox.cancel_waiting(session, order.subject, at=at, reason="confirmation undone", since=order.confirmed_at)
    order.confirmed_at, order.confirmed_by_id = None, None
    events.emit(session, "order_changed", order, at=at)


def cancel(
    session: Session, order: Order, *, reason: str, by: Actor, at: datetime, event: str = "order_cancelled",
    but: OrderRevision | None = None, **params: Any,
) -> None:  # fmt: skip
    """Give the order up, with its reason; a confirmed order of which something left cannot be cancelled.

    `event` says it to the customer in its own words, with `params`; `but` is the revision that asked for it.
    """
    from core import automation, deliveries, deposits
    from core.orders import revisions

    if order.state is OrderState.CONFIRMED and deliveries.shipped_quantities(session, order):
        raise Refused("order_already_shipped", reference=order.reference)
    _hold_stock(session, order)
    move(session, order, OrderState.CANCELLED, by=by, at=at, private=reason)
    order.cancel_reason = reason
    revisions.set_aside(session, order, by=by, at=at, but=but)
    for delivery in deliveries.of_order(session, order):
        if delivery.state is deliveries.DeliveryState.PREPARING:
            deliveries.cancel(session, delivery, by=by, at=at)
    for line in order.lines:
        stock.release(session, line.id)
    outbox.cancel_waiting(session, order.subject, at=at, reason="order cancelled")
    events.emit(session, event, order, at=at, **params)
    deposits.tell_of_cancelled(session, order, at=at)
    if by.kind is ActorKind.STAFF:
        automation.corrected(session, order, reason="cancelled", by=by, at=at)


def by_reference(session: Session, reference: str) -> Order | None:
    """The order with that reference."""
    return session.scalar(select(Order).where(Order.reference == reference.strip().upper()))


def find(session: Session, said: str, *, limit: int = 4) -> list[Order]:
    """The orders that this names, the latest first: by reference, by its last figures, by the customer's own number."""
    words = said.strip().upper()
    if not words:
        return []
    named = [Order.reference == words, func.upper(Order.customer_reference) == words]
    if words.isdecimal() and len(words) <= REFERENCE_FIGURES:
        named.append(Order.reference.endswith(f"-{int(words):04d}", autoescape=True))
    return list(session.scalars(select(Order).where(or_(*named)).order_by(Order.id.desc()).limit(limit)))


def open_drafts(session: Session, *, at: datetime | None = None) -> list[Order]:
    """Drafts that wait for somebody, oldest first; at an instant, those that are put aside until later do not."""
    query = select(Order).where(Order.state == OrderState.DRAFT).order_by(Order.id)
    if at is not None:
        query = query.where(Order.parked_until.is_(None) | (Order.parked_until <= at))
    return list(session.scalars(query))


def registered_of(session: Session, customer: Customer, *, limit: int) -> list[Order]:
    """The customer's registered orders, the latest first: what « comme d'habitude » refers to."""
    query = select(Order).where(
        Order.customer_id == customer.id, Order.state.in_([OrderState.CONFIRMED, OrderState.CLOSED])
    )
    return list(session.scalars(query.order_by(Order.confirmed_at.desc(), Order.id.desc()).limit(limit)))
