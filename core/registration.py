"""Registering an order: both services look at it, then one transaction confirms, freezes and tells.

The only door to CONFIRMED: it examines the order again under the lock, whatever the card showed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import checks, deliveries, events, facts, orders, papers, quotes, stock
from core.checks import Finding
from core.clock import business_date
from core.deliveries import DeliveryState
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import Refused
from core.journal import SYSTEM, Actor
from core.orders import Order, OrderState
from core.parties import Customer
from core.quotes import QuoteState, packed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def examine(session: Session, order: Order, *, house: House, at: datetime) -> tuple[Finding, ...]:
    """What both services find in the order now."""
    return checks.examine(facts.gather(session, order, house=house, at=at))


def confirm(
    session: Session, order_id: int, *, house: House, by: Actor, at: datetime, version: int | None = None
) -> Order:
    """Register the order, or refuse it with the findings that block it; a second press is told who was first."""
    order = orders.lock(session, order_id)
    if order.state is OrderState.CONFIRMED:
        raise Refused("already_confirmed", reference=order.reference, by=order.confirmed_by_id, at=order.confirmed_at)
    # two orders of one customer are not examined at the same time: together they might pass the limit
    session.execute(select(Customer.id).where(Customer.id == order.customer_id).with_for_update())
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    found = examine(session, order, house=house, at=at)
    blockers = tuple(finding.code for finding in found if finding.blocks)
    if blockers:
        raise Refused("order_blocked", reference=order.reference, findings=blockers)
    undo = timedelta(seconds=house.undo_seconds)
    quote = session.get(quotes.Quote, order.quote_id) if order.quote_id is not None else None
    if quote is not None and quote.state is QuoteState.SENT:
        gaps = sum(finding.code.startswith("quote_") for finding in found)
        quotes.accept(session, quote, by=by, at=at, how="registered", order=order.reference, differences=gaps)
    paper = papers.freeze(
        session, _confirmation(order, house, at=at), customer_id=order.customer_id, order_id=order.id, at=at
    )
    orders.confirm(session, order, by=by, at=at, undo=undo, paper=paper)
    if house.invoicing == "erp":
        events.emit(session, "order_handed_over", order, at=at, not_before=at + undo, paper=paper)
    if any(session.get(stock.Reservation, line.id) for line in order.kept_lines):
        deliveries.prepare(session, order, house=house, by=SYSTEM, at=at, not_before=at + undo)
    return order


def undo(session: Session, order_id: int, *, house: House, by: Actor, at: datetime) -> Order:
    """Take a confirmation back within the undo time: nothing has left, nothing leaves."""
    order = orders.lock(session, order_id)
    if order.state is not OrderState.CONFIRMED:
        raise Refused("order_not_confirmed", reference=order.reference)
    preparing = [d for d in deliveries.of_order(session, order) if d.state is not DeliveryState.CANCELLED]
    if any(delivery.state is not DeliveryState.PREPARING for delivery in preparing):
        raise Refused("undo_too_late", reference=order.reference)
    orders.undo_confirmation(session, order, by=by, at=at, undo=timedelta(seconds=house.undo_seconds))
    for delivery in preparing:
        deliveries.cancel(session, delivery, by=by, at=at)
    return order


def note_verdicts(session: Session, customer: Customer, *, house: House, at: datetime) -> None:
    """Keep on each of the customer's drafts whether it is blocked now, before money comes in."""
    for order in _drafts(session, customer):
        note_verdict(session, order, house=house, at=at)


def _drafts(session: Session, customer: Customer) -> list[Order]:
    query = select(Order).where(Order.customer_id == customer.id, Order.state == OrderState.DRAFT)
    return list(session.scalars(query.order_by(Order.id)))


def look_again(session: Session, customer: Customer, *, house: House, at: datetime) -> None:
    """After money came in: drafts that were blocked and no longer are, are shown to sales as free."""
    for order in _drafts(session, customer):
        was_blocked = order.blocked
        if note_verdict(session, order, house=house, at=at) or not was_blocked:
            continue
        events.emit(session, "order_released", order, at=at)


def note_verdict(session: Session, order: Order, *, house: House, at: datetime) -> bool:
    """Keep on the order whether it is blocked now, and return it: what `look_again` compares with."""
    order.blocked = any(finding.blocks for finding in examine(session, order, house=house, at=at))
    return order.blocked


def _confirmation(order: Order, house: House, *, at: datetime) -> Document:
    today = business_date(at)
    return Document(
        kind=DocumentKind.ORDER_CONFIRMATION, number=order.reference, issue_date=today, seller=house.as_party(),
        accent=house.accent, buyer=order.customer.as_party(), deliver_to=deliveries.delivery_place(order),
        language=order.customer.language,
        requested_delivery_date=order.requested_delivery_date, payment_terms=order.customer.payment_terms,
        terms_version=house.terms_version, deposit_percent=order.deposit_percent, order_reference=order.reference,
        buyer_order_number=order.customer_reference, buyer_order_date=order.customer_reference_date,
        lines=tuple(
            DocumentLine(
                position=line.position, sku=line.article.sku, name=line.article.name, quantity=line.quantity,
                unit=line.article.unit, packaging=packed(line.packaging, line.packaging_count),
                unit_price=line.unit_price, net=line.net, vat=line.article.vat_rate,
                buyer_reference=line.customer_reference, gtin=line.article.gtin,
            )
            for line in order.kept_lines
            if line.article is not None and line.quantity is not None and line.unit_price is not None
        ),
    )  # fmt: skip
