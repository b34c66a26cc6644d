"""Deliveries: what is prepared, what left, what the customer says he received.

Remaining = ordered - shipped - closed, per line, computed from deliveries and never stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import deposits, events, journal, orders, outbox, papers, stock
from core.clock import business_date
from core.db import Base, choice
from core.documents import Document, DocumentKind, DocumentLine, Party
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.journal import Actor
from core.orders import DepositStage, Order, OrderLine, OrderState, Shortage
from core.quotes import packed

if TYPE_CHECKING:
    from core.parties import Customer, DeliveryAddress
    from core.settings import House


class DeliveryState(StrEnum):
    """What was decided about a delivery."""

    PREPARING = "preparing"
    SHIPPED = "shipped"
    VERIFIED = "verified"
    REFUSED = "refused"
    CANCELLED = "cancelled"


NEXT: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PREPARING: frozenset({DeliveryState.SHIPPED, DeliveryState.CANCELLED}),
    DeliveryState.SHIPPED: frozenset({DeliveryState.VERIFIED, DeliveryState.REFUSED}),
    DeliveryState.VERIFIED: frozenset(),
    DeliveryState.REFUSED: frozenset(),
    DeliveryState.CANCELLED: frozenset(),
}
assert set(NEXT) == set(DeliveryState)  # noqa: S101 - the table is complete


class ReserveKind(StrEnum):
    """What is wrong with what was received; decides whether it is invoiced."""

    MISSING = "missing"
    DAMAGED = "damaged"
    WRONG_ARTICLE = "wrong_article"


class Delivery(Base):
    """One shipment of an order."""

    __tablename__ = "delivery"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState), default=DeliveryState.PREPARING)
    packages: Mapped[int | None]
    created_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str] = mapped_column(default="")
    order: Mapped[Order] = relationship()
    lines: Mapped[list[DeliveryLine]] = relationship(order_by="DeliveryLine.id", cascade="all, delete-orphan")

    @property
    def subject(self) -> str:
        """The delivery as the subject of journal lines, outbox rows and cards."""
        return f"delivery:{self.id}"

    @property
    def customer(self) -> Customer:
        """Who receives it."""
        return self.order.customer


class DeliveryLine(Base):
    """The units of one order line in one delivery."""

    __tablename__ = "delivery_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), index=True)
    quantity: Mapped[Decimal]
    order_line: Mapped[OrderLine] = relationship()
    reserves: Mapped[list[Reserve]] = relationship(order_by="Reserve.id")

    @property
    def invoiceable(self) -> Decimal:
        """What may be invoiced: missing and wrong articles are not, damaged ones are (and are disputed)."""
        refused = (ReserveKind.MISSING, ReserveKind.WRONG_ARTICLE)
        return self.quantity - sum((r.quantity for r in self.reserves if r.kind in refused), Decimal(0))


class Reserve(Base):
    """A precise remark of the customer on what he received."""

    __tablename__ = "reserve"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_line_id: Mapped[int] = mapped_column(ForeignKey("delivery_line.id"), index=True)
    kind: Mapped[ReserveKind] = mapped_column(choice(ReserveKind))
    quantity: Mapped[Decimal]
    text: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


def _hold(session: Session, delivery: Delivery) -> None:
    """Wait for whoever else acts on this delivery, and see what he made of it."""
    if delivery in session:
        session.refresh(delivery, attribute_names=["state"], with_for_update=True)


def move(session: Session, delivery: Delivery, target: DeliveryState, *, by: Actor, at: datetime) -> None:
    """Change the delivery's state, with a journal line; an illegal move raises."""
    _hold(session, delivery)
    if target not in NEXT[delivery.state]:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=target)
    delivery.state = target
    journal.write(
        session, f"delivery_{target}", subject=delivery.subject, by=by, at=at, reference=delivery.reference,
        lines={str(line.order_line.position): str(line.quantity) for line in delivery.lines},
    )  # fmt: skip


def of_order(session: Session, order: Order) -> list[Delivery]:
    """The order's deliveries, oldest first."""
    return list(session.scalars(select(Delivery).where(Delivery.order_id == order.id).order_by(Delivery.id)))


def _quantities(session: Session, order: Order, states: tuple[DeliveryState, ...]) -> dict[int, Decimal]:
    query = (
        select(DeliveryLine.order_line_id, DeliveryLine.quantity)
        .join(Delivery)
        .where(Delivery.order_id == order.id, Delivery.state.in_(states))
    )
    sums: dict[int, Decimal] = {}
    for line_id, quantity in session.execute(query):
        sums[line_id] = sums.get(line_id, Decimal(0)) + quantity
    return {line_id: quantity for line_id, quantity in sums.items() if quantity}


def shipped_quantities(session: Session, order: Order) -> dict[int, Decimal]:
    """Units that left, by order line."""
    return _quantities(session, order, (DeliveryState.SHIPPED, DeliveryState.VERIFIED))


def remaining_quantities(session: Session, order: Order) -> dict[int, Decimal]:
    """Units still to ship, by order line: ordered - shipped - closed; lines with nothing left are absent."""
    shipped = shipped_quantities(session, order)
    left = {
        line.id: line.quantity - line.closed_quantity - shipped.get(line.id, Decimal(0))
        for line in order.kept_lines
        if line.quantity is not None
    }
    return {line_id: quantity for line_id, quantity in left.items() if quantity > 0}


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
        session, _document(session, delivery, DocumentKind.PREPARATION_SLIP, house, at=at),
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
    """Note how many units of a line the warehouse really prepared: zero or more, never more than promised."""
    _hold(session, delivery)
    if delivery.state is not DeliveryState.PREPARING:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.PREPARING)
    line = next((known for known in delivery.lines if known.order_line.position == position), None)
    if line is None:
        raise Refused("line_unknown", reference=delivery.reference, position=position)
    if quantity < 0 or quantity > _promised(session, line.order_line):
        raise Refused("quantity_not_promised", position=position, quantity=quantity)
    before, line.quantity = line.quantity, quantity
    journal.write(
        session, "delivery_quantity_changed", subject=delivery.subject, by=by, at=at, position=position,
        before=before, after=quantity,
    )  # fmt: skip
    events.emit(session, "delivery_changed", delivery, at=at)


def ship(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime, packages: int | None = None
) -> papers.Paper:
    """What was prepared leaves: stock moves, the delivery note is frozen, the customer is told, in one transaction.

    Accounting's check is made again: refuses when it blocks the customer today (`registration.ensure_may_ship`).
    """
    from core import registration

    _hold(session, delivery)
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
        session, _document(session, delivery, DocumentKind.DELIVERY_NOTE, house, at=at),
        customer_id=delivery.order.customer_id, order_id=delivery.order_id, at=at,
    )  # fmt: skip
    events.emit(session, "delivery_shipped", delivery, at=at, paper=note)
    return note


def cancel(session: Session, delivery: Delivery, *, by: Actor, at: datetime) -> None:
    """Give up a delivery that has not left; what the warehouse has not been told yet is not told."""
    move(session, delivery, DeliveryState.CANCELLED, by=by, at=at)
    outbox.cancel_waiting(session, delivery.subject, at=at, reason="delivery cancelled")
    if outbox.was_told(session, delivery.subject):
        events.emit(session, "delivery_cancelled", delivery, at=at)


def verify(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime,
    reserves: Mapping[int, tuple[ReserveKind, Decimal, str]] | None = None,
) -> None:  # fmt: skip
    """The customer's word on what he received: all, or reserves by order line position; then it is invoiced.

    Saying it twice changes nothing.
    """
    from core import automation, invoicing

    _hold(session, delivery)
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


def _document(session: Session, delivery: Delivery, kind: DocumentKind, house: House, *, at: datetime) -> Document:
    order = delivery.order
    left = remaining_quantities(session, order)
    shipped = shipped_quantities(session, order)
    lines = []
    by_line = {line.order_line_id: line.quantity for line in delivery.lines}
    for line in order.kept_lines:
        article, quantity = line.article, by_line.get(line.id, Decimal(0))
        if article is None or line.quantity is None:
            continue
        before = shipped.get(line.id, Decimal(0)) - (quantity if delivery.state is DeliveryState.SHIPPED else 0)
        remaining = left.get(line.id, Decimal(0)) - (0 if delivery.state is DeliveryState.SHIPPED else quantity)
        if quantity == 0 and (kind is DocumentKind.PREPARATION_SLIP or remaining <= 0):
            continue
        lines.append(
            DocumentLine(
                position=line.position,
                sku=article.sku,
                name=article.name,
                quantity=quantity,
                unit=article.unit,
                packaging=packed(line.packaging, line.packaging_count) if quantity == line.quantity else "",
                ordered=line.quantity,
                delivered=before,
                remaining=remaining,
                location=article.location,
                buyer_reference=line.customer_reference,
                gtin=article.gtin,
            )
        )
    return Document(
        kind=kind, number=delivery.reference, issue_date=business_date(at), seller=house.as_party(),
        accent=house.accent, logo=house.emblem,
        buyer=order.customer.as_party(), deliver_to=delivery_place(order), lines=tuple(lines),
        language=order.customer.language, requested_delivery_date=order.requested_delivery_date,
        delivery_date=business_date(at) if kind is DocumentKind.DELIVERY_NOTE else None,
        order_reference=order.reference, buyer_order_number=order.customer_reference,
        buyer_order_date=order.customer_reference_date, packages=delivery.packages,
    )  # fmt: skip


def delivery_place(order: Order) -> Party | None:
    """Where the order goes, when that is not the customer's own address."""
    if order.delivery_own:
        return None
    if order.delivery_address is not None:
        return _as_party(order.customer, order.delivery_address)
    return place_of(order.customer)


def place_of(customer: Customer) -> Party | None:
    """Where the customer has goods delivered when an order says nothing, if that is not its own address."""
    return _as_party(customer, customer.addresses[0]) if customer.addresses else None


def _as_party(customer: Customer, place: DeliveryAddress) -> Party:
    return Party(
        name=place.name or customer.name, street=place.street, postcode=place.postcode, city=place.city,
        country=place.country,
    )  # fmt: skip


def by_reference(session: Session, reference: str) -> Delivery | None:
    """The delivery with that reference."""
    return session.scalar(select(Delivery).where(Delivery.reference == reference.strip().upper()))
