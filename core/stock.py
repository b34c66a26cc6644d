"""Stock: what is on the shelf, what is promised, and every movement that explains it.

`on_hand` is changed only together with a movement row, under a lock on the level row; what is promised to confirmed
orders is a reservation per order line, so two orders never promise the same unit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, choice
from core.errors import Refused


class MovementKind(StrEnum):
    """Why stock changed."""

    COUNT = "count"
    RECEIPT = "receipt"
    SHIPMENT = "shipment"
    RETURN = "return"


class StockLevel(Base):
    """The units of an article on the shelf."""

    __tablename__ = "stock_level"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    on_hand: Mapped[Decimal]
    counted_at: Mapped[datetime | None]


class StockMovement(Base):
    """One change of an article's stock, with what caused it."""

    __tablename__ = "stock_movement"

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    kind: Mapped[MovementKind] = mapped_column(choice(MovementKind))
    quantity: Mapped[Decimal]
    at: Mapped[datetime]
    source: Mapped[str]


class Reservation(Base):
    """Units promised to one line of a confirmed order and not yet shipped."""

    __tablename__ = "reservation"

    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    quantity: Mapped[Decimal]


def lock_level(session: Session, article_id: int) -> StockLevel:
    """The article's level row, held until the end of the transaction; made at zero when there was none."""
    session.flush()
    held = select(StockLevel).where(StockLevel.article_id == article_id).with_for_update()
    level = session.scalar(held.execution_options(populate_existing=True))
    if level is None:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.execute(insert(StockLevel).values(article_id=article_id, on_hand=Decimal(0)).on_conflict_do_nothing())
        level = session.scalars(held.execution_options(populate_existing=True)).one()
    return level


def reserved(session: Session, article_id: int) -> Decimal:
    """Units of the article promised to confirmed orders."""
    query = select(Reservation.quantity).where(Reservation.article_id == article_id)
    return sum(session.scalars(query), Decimal(0))


def available(session: Session, article_id: int) -> Decimal:
    """Units on the shelf that nobody was promised; never below zero."""
    on_hand = session.scalar(select(StockLevel.on_hand).where(StockLevel.article_id == article_id)) or Decimal(0)
    return max(on_hand - reserved(session, article_id), Decimal(0))


def available_of(session: Session, article_ids: Collection[int]) -> dict[int, Decimal]:
    """Units on the shelf that nobody was promised, of each of these articles that has a shelf."""
    if not article_ids:
        return {}
    promised: dict[int, Decimal] = {}
    held = select(Reservation.article_id, Reservation.quantity).where(Reservation.article_id.in_(article_ids))
    for article_id, quantity in session.execute(held):
        promised[article_id] = promised.get(article_id, Decimal(0)) + quantity
    levels = select(StockLevel.article_id, StockLevel.on_hand).where(StockLevel.article_id.in_(article_ids))
    return {
        article_id: max(on_hand - promised.get(article_id, Decimal(0)), Decimal(0))
        for article_id, on_hand in session.execute(levels)
    }


def move(
    session: Session, article_id: int, kind: MovementKind, quantity: Decimal, *, source: str, at: datetime
) -> StockLevel:
    """Add `quantity` (negative when it leaves) to the shelf; refuses to go below zero."""
    level = lock_level(session, article_id)
    if level.on_hand + quantity < 0:
        raise Refused("stock_below_zero", on_hand=level.on_hand, quantity=-quantity)
    level.on_hand += quantity
    session.add(StockMovement(article_id=article_id, kind=kind, quantity=quantity, at=at, source=source))
    return level


def count(session: Session, article_id: int, on_hand: Decimal, *, source: str, at: datetime) -> None:
    """Set the shelf to what was counted at that instant; the difference becomes a movement."""
    level = lock_level(session, article_id)
    difference = on_hand - level.on_hand
    level.counted_at = at
    if difference:
        level.on_hand = on_hand
        session.add(
            StockMovement(article_id=article_id, kind=MovementKind.COUNT, quantity=difference, at=at, source=source)
        )


def reserve(session: Session, wanted: Iterable[tuple[int, int, Decimal]]) -> dict[int, Decimal]:
    """Promise what is available to (order line, article, quantity) wishes; returns what each line got.

    Articles are locked in the order of their ids, so two confirmations cannot wait for each other.
    """
    granted: dict[int, Decimal] = {}
    for order_line_id, article_id, quantity in sorted(wanted, key=lambda wish: (wish[1], wish[0])):
        lock_level(session, article_id)
        given = min(quantity, available(session, article_id))
        granted[order_line_id] = given
        if given > 0:
            held = session.get(Reservation, order_line_id)
            if held is None:
                session.add(Reservation(order_line_id=order_line_id, article_id=article_id, quantity=given))
            else:
                held.quantity += given
            session.flush()
    return granted


def release(session: Session, order_line_id: int, quantity: Decimal | None = None) -> None:
    """Give back what a line was promised: all of it, or at most `quantity`."""
    held = session.get(Reservation, order_line_id)
    if held is None:
        return
    lock_level(session, held.article_id)
    if quantity is None or quantity >= held.quantity:
        session.delete(held)
    else:
        held.quantity -= quantity
    session.flush()
