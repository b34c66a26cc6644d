"""Deliveries and their lines as they stand, the moves that are possible, and the quantities that follow from them.

Remaining = ordered - shipped - closed, per line, computed from deliveries and never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship, selectinload

from core import journal, orders
from core.catalogue import Article
from core.db import PRICE, Base, choice
from core.errors import IllegalTransition
from core.journal import Actor
from core.orders import Order, OrderLine

if TYPE_CHECKING:
    from core.deliveries.returns import GoodsReturnLine  # noqa: TC004 - it imports this module; SQLAlchemy asks by name
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


class ReserveDecision(StrEnum):
    """What an agent answered to a reserve: its price is given back, other goods follow, or it is not accepted."""

    CREDIT = "credit"
    REPLACE = "replace"
    REFUSE = "refuse"


#: The states of what left and was not brought back.
GONE = (DeliveryState.SHIPPED, DeliveryState.VERIFIED)
#: What never reached the customer as ordered: not invoiced unless an agent does not accept the remark.
NOT_RECEIVED = frozenset({ReserveKind.MISSING, ReserveKind.WRONG_ARTICLE})
#: The answers after which what a remark is about is not to be paid.
GRANTED = frozenset({ReserveDecision.CREDIT, ReserveDecision.REPLACE})


class FileKind(StrEnum):
    """What a file kept with a delivery shows."""

    PHOTO = "photo"
    SIGNED_NOTE = "signed_note"
    WITHDRAWN = "withdrawn"


class Delivery(Base):
    """One shipment of an order.

    `signed_*` is the proof of a receipt: the name typed, where it was said (`chat:7001:55`, a Message-ID, a file), the
    words. `stated_at` is when the customer finished his remarks, which he may change until `correctable_until`.
    `presumed_at` notes that nobody answered: a fact of this tool, from which no legal effect is claimed. `in_books_on`
    is the day of the ERP's list of open items that stands for it, where the ERP invoices. `retry_at` is when remarks
    that could not be settled are tried again.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_customer_id_state", "customer_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))  # the order's, which no longer changes
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState), default=DeliveryState.PREPARING)
    packages: Mapped[int | None]
    created_at: Mapped[datetime]
    shipped_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str] = mapped_column(default="")
    carrier: Mapped[str] = mapped_column(default="")
    tracking: Mapped[str] = mapped_column(default="")
    signed_name: Mapped[str] = mapped_column(default="")
    signed_via: Mapped[str] = mapped_column(default="")
    signed_text: Mapped[str] = mapped_column(Text, default="")
    stated_at: Mapped[datetime | None]
    correctable_until: Mapped[datetime | None]
    asked_again_at: Mapped[datetime | None]
    presumed_at: Mapped[datetime | None]
    in_books_on: Mapped[date | None]
    retry_at: Mapped[datetime | None]
    refusal: Mapped[str] = mapped_column(Text, default="")
    order: Mapped[Order] = relationship()
    lines: Mapped[list[DeliveryLine]] = relationship(order_by="DeliveryLine.id", cascade="all, delete-orphan")
    files: Mapped[list[DeliveryFile]] = relationship(order_by="DeliveryFile.id")

    @property
    def reserves(self) -> list[Reserve]:
        """What the customer remarked, line by line."""
        return [reserve for line in self.lines for reserve in line.reserves]

    @property
    def subject(self) -> str:
        """The delivery as the subject of journal lines, outbox rows and cards."""
        return f"delivery:{self.id}"

    @property
    def customer(self) -> Customer:
        """Who receives it."""
        return self.order.customer


class DeliveryLine(Base):
    """The units of one order line in one delivery.

    `article_id` is there where another article is delivered in its place, at `unit_price` where that is lower than the
    ordered one or was set by an agent; `proposed_id` is one that waits for a yes. `close_rest`: what does not leave
    with this delivery is given up. `given_back` is what credit notes gave back of it on an invoice that was cancelled
    within the house: it is not invoiced again.
    """

    __tablename__ = "delivery_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), index=True)
    quantity: Mapped[Decimal]
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    unit_price: Mapped[Decimal | None] = mapped_column(PRICE)
    proposed_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    close_rest: Mapped[bool] = mapped_column(default=False)
    given_back: Mapped[Decimal] = mapped_column(default=Decimal(0))
    order_line: Mapped[OrderLine] = relationship()
    substitute: Mapped[Article | None] = relationship(foreign_keys=[article_id])
    proposed: Mapped[Article | None] = relationship(foreign_keys=[proposed_id])
    reserves: Mapped[list[Reserve]] = relationship(order_by="Reserve.id", back_populates="line")
    batches: Mapped[list[Batch]] = relationship(order_by="Batch.id", cascade="all, delete-orphan")
    returns: Mapped[list[GoodsReturnLine]] = relationship(order_by="GoodsReturnLine.id", back_populates="delivery_line")

    @property
    def article(self) -> Article | None:
        """What is really delivered."""
        return self.substitute or self.order_line.article

    @property
    def price(self) -> Decimal | None:
        """The unit price at which it is invoiced, without VAT."""
        return self.order_line.unit_price if self.unit_price is None else self.unit_price

    @property
    def invoiceable(self) -> Decimal:
        """What may be invoiced: damaged goods are (and are disputed); what is missing, wrong or back is not.

        An agent's answer goes before: what he replaces or gives back is not invoiced, what he does not accept is.
        """
        unpaid = (r.quantity for r in self.reserves if r.waived)
        back = (r.received for r in self.returns if not r.credited)
        left = self.quantity - (self.given_back or Decimal(0)) - sum(unpaid, Decimal(0)) - sum(back, Decimal(0))
        return max(left, Decimal(0))

    @property
    def unremarked(self) -> Decimal:
        """Units that are neither remarked on nor back or on their way back; a remark that was not accepted is none."""
        remarked = (r.quantity for r in self.reserves if r.decision is not ReserveDecision.REFUSE)
        back = (r.expected for r in self.returns)
        return self.quantity - sum(remarked, Decimal(0)) - sum(back, Decimal(0))

    @property
    def batch_note(self) -> str:
        """Its batches as they are printed: « LOT A123 (6), B77 (3) »; empty where none was noted."""
        told = (f"{one.number} ({one.quantity.normalize():f})" for one in self.batches)
        return f"LOT {', '.join(told)}" if self.batches else ""


class Batch(Base):
    """The units of one batch (lot) in a delivered line."""

    __tablename__ = "delivery_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_line_id: Mapped[int] = mapped_column(ForeignKey("delivery_line.id"), index=True)
    number: Mapped[str] = mapped_column(index=True)
    quantity: Mapped[Decimal]


class Reserve(Base):
    """A precise remark of the customer on what he received, and what an agent answered; `answer` is the reason."""

    __tablename__ = "reserve"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_line_id: Mapped[int] = mapped_column(ForeignKey("delivery_line.id"), index=True)
    kind: Mapped[ReserveKind] = mapped_column(choice(ReserveKind))
    quantity: Mapped[Decimal]
    text: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    decision: Mapped[ReserveDecision | None] = mapped_column(choice(ReserveDecision))
    answer: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    line: Mapped[DeliveryLine] = relationship(back_populates="reserves")
    files: Mapped[list[DeliveryFile]] = relationship(order_by="DeliveryFile.id")

    @property
    def waived(self) -> bool:
        """What it is about is not to be invoiced."""
        return self.decision in GRANTED or (self.decision is None and self.kind in NOT_RECEIVED)


class DeliveryFile(Base):
    """A photo of a reserve, or of the signed note; `added_by` is who brought it."""

    __tablename__ = "delivery_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    reserve_id: Mapped[int | None] = mapped_column(ForeignKey("reserve.id"), index=True)
    kind: Mapped[FileKind] = mapped_column(choice(FileKind))
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"), index=True)
    added_at: Mapped[datetime]
    added_by: Mapped[str]


def hold(session: Session, delivery: Delivery) -> None:
    """Wait for whoever else acts on this delivery or its order, and see what he made of it."""
    if delivery in session:
        orders.lock(session, delivery.order_id)
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


def line_of(delivery: Delivery, position: int) -> DeliveryLine | None:
    """The delivery's line of that position in the order."""
    return next((known for known in delivery.lines if known.order_line.position == position), None)


def of_order(session: Session, order: Order) -> list[Delivery]:
    """The order's deliveries, oldest first."""
    return list(session.scalars(select(Delivery).where(Delivery.order_id == order.id).order_by(Delivery.id)))


def by_reference(session: Session, reference: str) -> Delivery | None:
    """The delivery with that reference."""
    return session.scalar(select(Delivery).where(Delivery.reference == reference.strip().upper()))


def read_whole(session: Session, deliveries: Sequence[Delivery]) -> None:
    """Read deliveries, their orders and lines, and what was said about each line, at once and not line by line.

    They are read as they are now, whatever the session knew of them before.
    """
    ours = [delivery.id for delivery in deliveries]
    orders = joinedload(Delivery.order).options(
        joinedload(Order.customer), joinedload(Order.clauses), joinedload(Order.delivery_address)
    )
    lines = selectinload(Delivery.lines).options(
        joinedload(DeliveryLine.order_line), joinedload(DeliveryLine.reserves), joinedload(DeliveryLine.returns),
        joinedload(DeliveryLine.batches),
    )  # fmt: skip
    query = select(Delivery).where(Delivery.id.in_(ours)).options(orders, lines)
    session.scalars(query.execution_options(populate_existing=True)).unique().all()


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
    """Units that left, by order line; what is to be replaced counts as still to leave."""
    shipped = _quantities(session, order, GONE)
    again = (
        select(DeliveryLine.order_line_id, Reserve.quantity)
        .join(Reserve, Reserve.delivery_line_id == DeliveryLine.id).join(Delivery)
        .where(
            Delivery.order_id == order.id, Delivery.state.in_(GONE), Reserve.decision == ReserveDecision.REPLACE,
        )
    )  # fmt: skip
    for line_id, quantity in session.execute(again):
        shipped[line_id] = shipped.get(line_id, Decimal(0)) - quantity
    return {line_id: quantity for line_id, quantity in shipped.items() if quantity}


def remaining_quantities(session: Session, order: Order) -> dict[int, Decimal]:
    """Units still to ship, by order line: ordered - shipped - closed; lines with nothing left are absent."""
    shipped = shipped_quantities(session, order)
    left = {
        line.id: line.quantity - line.closed_quantity - shipped.get(line.id, Decimal(0))
        for line in order.kept_lines
        if line.quantity is not None
    }
    return {line_id: quantity for line_id, quantity in left.items() if quantity > 0}
