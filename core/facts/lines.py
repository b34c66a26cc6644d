"""What both services know of each line: the article, the prices, what stock can still promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import receipts, stock
from core.catalogue import Article, Substitute
from core.orders import Order, OrderLine, OrderState, PriceChoice, Shortage, pricing
from core.stock import Backorder, Shelf

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Alternative:
    """An article that may be delivered instead, with what stock can still promise of it."""

    sku: str
    name: str
    unit: str
    available: Decimal


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line of the order under check; `available` is what stock can still promise.

    `needed` is what a registered order still waits for, None before: then it is the quantity. `oversold` is what was
    promised of the article and is not there. Looked up only for an article that is short: `expected`, what is still to
    come of it day by day once those who wait already are served, and `alternatives`. `given_discount` is the
    percentage that agents took off the line on their own authority, of the line and of the order.
    """

    position: int
    sku: str | None
    text: str
    quantity: Decimal | None
    unit_price: Decimal | None
    customer_price: Decimal | None
    price_choice: PriceChoice | None
    confidence: Decimal
    available: Decimal
    unit: str = ""
    counted: bool = True
    on_hand: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    oversold: Decimal = Decimal(0)
    needed: Decimal | None = None
    expected: tuple[tuple[date, Decimal], ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    shortage: Shortage | None = None
    minimum: Decimal | None = None
    multiple: Decimal | None = None
    given_discount: Decimal = Decimal(0)


def gather(session: Session, order: Order, *, today: date) -> tuple[LineFacts, ...]:
    """The kept lines of the order, by a few queries in all, whatever the number of lines."""
    lines = order.kept_lines
    ids = {line.article_id for line in lines if line.article_id is not None}
    shelves = stock.shelves(session, ids)
    waits = {} if order.state is OrderState.DRAFT else _waiting(session, lines)
    short = {
        line.article_id for line in lines
        if line.article_id is not None and shelves[line.article_id].available < _asked(lines, line.article_id, waits)
    }  # fmt: skip
    coming = receipts.expected(session, short, today=today) if short else {}
    others = _alternatives(session, short) if short else {}
    return tuple(
        _line(
            line, shelves.get(line.article_id or 0, Shelf()), needed=waits.get(line.id),
            expected=_unclaimed(line, lines, shelves, coming, waits),
            alternatives=others.get(line.article_id or 0, ()), given=pricing.given_by_agents(order, line),
        )
        for line in lines
    )  # fmt: skip


def _waiting(session: Session, lines: list[OrderLine]) -> dict[int, Decimal]:
    """What each line of a registered order still waits for: the rest of it was promised or has left."""
    query = select(Backorder.order_line_id, Backorder.quantity)
    rows = session.execute(query.where(Backorder.order_line_id.in_([line.id for line in lines])))
    held = {row[0]: row[1] for row in rows}
    return {line.id: held.get(line.id, Decimal(0)) for line in lines}


def _asked(lines: list[OrderLine], article_id: int, waits: dict[int, Decimal]) -> Decimal:
    return sum(
        (waits.get(line.id, line.quantity or Decimal(0)) for line in lines if line.article_id == article_id),
        Decimal(0),
    )  # fmt: skip


def _unclaimed(
    line: OrderLine, lines: list[OrderLine], shelves: dict[int, Shelf],
    coming: dict[int, list[tuple[date, Decimal]]], waits: dict[int, Decimal],
) -> tuple[tuple[date, Decimal], ...]:  # fmt: skip
    """What is to come once other orders that wait already, and what was promised and is not there, are served."""
    if line.article_id not in coming:
        return ()
    shelf = shelves[line.article_id]
    claimed = shelf.waiting + shelf.oversold - (_asked(lines, line.article_id, waits) if waits else Decimal(0))
    free = []
    for day, quantity in coming[line.article_id]:
        served = min(quantity, max(claimed, Decimal(0)))
        claimed -= served
        if quantity > served:
            free.append((day, quantity - served))
    return tuple(free)


def _alternatives(session: Session, article_ids: set[int]) -> dict[int, tuple[Alternative, ...]]:
    """What may be delivered instead, of each article, the nearest first; only what stock can promise at all."""
    query = select(Substitute.article_id, Article).join(Article, Article.id == Substitute.other_id)
    query = query.where(Substitute.article_id.in_(article_ids), Article.active)
    rows = session.execute(query.order_by(Substitute.article_id, Substitute.rank)).all()
    shelves = stock.shelves(session, (other.id for _, other in rows)) if rows else {}
    found: dict[int, tuple[Alternative, ...]] = {}
    for article_id, other in rows:
        if (available := shelves[other.id].available) > 0:
            known = Alternative(other.sku, other.name, other.unit, available)
            found[article_id] = (*found.get(article_id, ()), known)
    return found


def _line(
    line: OrderLine, shelf: Shelf, *, needed: Decimal | None, expected: tuple[tuple[date, Decimal], ...],
    alternatives: tuple[Alternative, ...], given: Decimal,
) -> LineFacts:  # fmt: skip
    article = line.article
    return LineFacts(
        position=line.position, sku=article.sku if article else None, text=line.text,
        quantity=line.quantity, unit_price=line.unit_price, customer_price=line.customer_price,
        price_choice=line.price_choice, confidence=line.confidence, available=shelf.available,
        unit=article.unit if article else "", counted=shelf.counted or article is None, on_hand=shelf.on_hand,
        reserved=shelf.reserved, oversold=shelf.oversold, needed=needed, expected=expected, alternatives=alternatives,
        shortage=line.shortage, minimum=article.minimum_quantity if article else None,
        multiple=article.multiple if article else None, given_discount=given,
    )  # fmt: skip
