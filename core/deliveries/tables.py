"""Deliveries and their lines as they stand, the moves that are possible, and the quantities that follow from them.

Remaining = ordered - shipped - closed, per line, computed from deliveries and never stored.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal
from core.db import Base, choice
from core.errors import IllegalTransition
from core.journal import Actor
from core.orders import Order, OrderLine

if TYPE_CHECKING:
    from core.parties import Customer


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


def hold(session: Session, delivery: Delivery) -> None:
    """Wait for whoever else acts on this delivery, and see what he made of it."""
    if delivery in session:
        session.refresh(delivery, attribute_names=["state"], with_for_update=True)


def move(session: Session, delivery: Delivery, target: DeliveryState, *, by: Actor, at: datetime) -> None:
    """Change the delivery's state, with a journal line; an illegal move raises."""
    hold(session, delivery)
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


def by_reference(session: Session, reference: str) -> Delivery | None:
    """The delivery with that reference."""
    return session.scalar(select(Delivery).where(Delivery.reference == reference.strip().upper()))


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
