"""Stock: what is on the shelf, what is promised, and every movement that explains it.

`on_hand` is changed only together with a movement row, under a lock on the level row; what is promised to confirmed
orders is a reservation per order line, so two orders never promise the same unit. What a confirmed line was promised
without being there is its backorder. Whoever locks levels does so by article id and before the journal: `hold`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, journal
from core.db import Base, choice
from core.errors import Refused
from core.journal import SYSTEM


class MovementKind(StrEnum):
    """Why stock changed."""

    COUNT = "count"
    RECEIPT = "receipt"
    SHIPMENT = "shipment"
    RETURN = "return"
    LOSS = "loss"
    QUARANTINE = "quarantine"


class StockLevel(Base):
    """The units of an article on the shelf; `counted_at` None says that nobody has counted them."""

    __tablename__ = "stock_level"

    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), primary_key=True)
    on_hand: Mapped[Decimal]
    counted_at: Mapped[datetime | None]

    @property
    def subject(self) -> str:
        """The shelf as the subject of journal lines and outbox rows."""
        return f"stock_level:{self.article_id}"


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


class Backorder(Base):
    """Units of one line of a confirmed order that were not there to be promised and wait for goods."""

    __tablename__ = "backorder"

    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    quantity: Mapped[Decimal]


@dataclass(frozen=True, slots=True)
class Shelf:
    """An article's stock at one look: on the shelf, promised from it, promised without being there."""

    on_hand: Decimal = Decimal(0)
    counted: bool = False
    reserved: Decimal = Decimal(0)
    waiting: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        """Units on the shelf that nobody was promised; never below zero."""
        return max(self.on_hand - self.reserved, Decimal(0))

    @property
    def oversold(self) -> Decimal:
        """Units promised that a count or a loss has shown not to be there."""
        return max(self.reserved - self.on_hand, Decimal(0))


def shelves(session: Session, article_ids: Iterable[int]) -> dict[int, Shelf]:
    """The stock of each of the articles, in three queries whatever their number."""
    wanted = set(article_ids)
    levels = select(StockLevel.article_id, StockLevel.on_hand, StockLevel.counted_at)
    found = {row[0]: row for row in session.execute(levels.where(StockLevel.article_id.in_(wanted)))}
    promised, waiting = _sums(session, Reservation, wanted), _sums(session, Backorder, wanted)
    return {
        one: Shelf(
            on_hand=found[one].on_hand if one in found else Decimal(0),
            counted=one in found and found[one].counted_at is not None,
            reserved=promised.get(one, Decimal(0)),
            waiting=waiting.get(one, Decimal(0)),
        )
        for one in wanted
    }


def _sums(session: Session, table: type[Reservation | Backorder], wanted: set[int]) -> dict[int, Decimal]:
    query = select(table.article_id, func.sum(table.quantity)).where(table.article_id.in_(wanted))
    return {row[0]: row[1] for row in session.execute(query.group_by(table.article_id))}


def hold(session: Session, article_ids: Iterable[int | None]) -> None:
    """Hold the levels of the articles until the end of the transaction, in one order, so that two never cross.

    A transaction that decides about stock calls this before it writes to the journal.
    """
    for article_id in sorted({one for one in article_ids if one is not None}):
        lock_level(session, article_id)


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
    return shelves(session, [article_id])[article_id].reserved


def available(session: Session, article_id: int) -> Decimal:
    """Units on the shelf that nobody was promised; never below zero."""
    return shelves(session, [article_id])[article_id].available


def move(
    session: Session, article_id: int, kind: MovementKind, quantity: Decimal, *, source: str, at: datetime
) -> StockLevel:
    """Add `quantity` (negative when it leaves) to the shelf; refuses to go below zero.

    What is lost may have been promised: then sales and the warehouse are told.
    """
    level = lock_level(session, article_id)
    if level.on_hand + quantity < 0:
        raise Refused("stock_below_zero", on_hand=level.on_hand, quantity=-quantity)
    level.on_hand += quantity
    session.add(StockMovement(article_id=article_id, kind=kind, quantity=quantity, at=at, source=source))
    if quantity < 0 and kind is not MovementKind.SHIPMENT:
        _tell_if_oversold(session, level, at=at)
    return level


def _tell_if_oversold(session: Session, level: StockLevel, *, at: datetime) -> None:
    """Nothing promised disappears in silence: who must act hears of what is promised and not there."""
    session.flush()
    shelf = shelves(session, [level.article_id])[level.article_id]
    if not shelf.oversold:
        return
    journal.write(
        session, "stock_oversold", subject=level.subject, by=SYSTEM, at=at, on_hand=shelf.on_hand,
        reserved=shelf.reserved, missing=shelf.oversold,
    )  # fmt: skip
    events.emit(session, "stock_oversold", level, at=at)


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
    if difference < 0:
        _tell_if_oversold(session, level, at=at)


def reserve(session: Session, wanted: Iterable[tuple[int, int, Decimal]]) -> dict[int, Decimal]:
    """Promise what is available to (order line, article, quantity) wishes; returns what each line got.

    What a line did not get is its backorder. Articles are locked in the order of their ids, so two confirmations
    cannot wait for each other.
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
        wait_for(session, order_line_id, article_id, quantity - given)
        session.flush()
    return granted


def wait_for(session: Session, order_line_id: int, article_id: int, quantity: Decimal) -> None:
    """What a line still waits for without being promised it, in place of what it waited for before; none for zero."""
    waits = session.get(Backorder, order_line_id)
    if waits is not None and quantity <= 0:
        session.delete(waits)
    elif waits is not None:
        waits.quantity = quantity
    elif quantity > 0:
        session.add(Backorder(order_line_id=order_line_id, article_id=article_id, quantity=quantity))


def trim(session: Session, order_line_id: int, article_id: int, left: Decimal) -> None:
    """Promise a line no more than what is left of it; what it was not promised of that is its backorder."""
    held = session.get(Reservation, order_line_id)
    if left <= 0 or held is None or held.quantity > left:
        release(session, order_line_id, held.quantity - left if held is not None and left > 0 else None)
    held = session.get(Reservation, order_line_id)
    if left > 0:
        wait_for(session, order_line_id, article_id, left - (held.quantity if held is not None else Decimal(0)))
        session.flush()


def swap(session: Session, order_line_id: int, article_id: int, other_id: int, quantity: Decimal) -> None:
    """Promise `quantity` of another article to a line, in place of what it was promised; refuses when it is not there.

    What the line was promised of its own article goes back to the shelf.
    """
    hold(session, (article_id, other_id))
    release(session, order_line_id)
    free = available(session, other_id)
    if free < quantity:
        raise Refused("substitute_short", available=free, quantity=quantity)
    session.add(Reservation(order_line_id=order_line_id, article_id=other_id, quantity=quantity))
    session.flush()


def release(session: Session, order_line_id: int, quantity: Decimal | None = None) -> None:
    """Give back what a line was promised: all of it and its backorder too, or at most `quantity` from the shelf."""
    waits = session.get(Backorder, order_line_id)
    if quantity is None and waits is not None:
        session.delete(waits)
        session.flush()
    held = session.get(Reservation, order_line_id)
    if held is None:
        return
    lock_level(session, held.article_id)
    if quantity is None or quantity >= held.quantity:
        session.delete(held)
    else:
        held.quantity -= quantity
    session.flush()
