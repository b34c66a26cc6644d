"""What both services know of each line: the article, the prices, what stock can still promise."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from core import stock
from core.orders import Order, OrderLine, PriceChoice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line of the order under check; `available` is what stock can still promise."""

    position: int
    sku: str | None
    text: str
    quantity: Decimal | None
    unit_price: Decimal | None
    customer_price: Decimal | None
    price_choice: PriceChoice | None
    confidence: Decimal
    available: Decimal


def gather(session: Session, order: Order) -> tuple[LineFacts, ...]:
    """The kept lines of the order."""
    wanted = {line.article_id for line in order.kept_lines if line.article_id is not None}
    there = stock.available_of(session, wanted)
    return tuple(_line(line, there.get(line.article_id or 0, Decimal(0))) for line in order.kept_lines)


def _line(line: OrderLine, available: Decimal) -> LineFacts:
    return LineFacts(
        position=line.position, sku=line.article.sku if line.article else None, text=line.text,
        quantity=line.quantity, unit_price=line.unit_price, customer_price=line.customer_price,
        price_choice=line.price_choice, confidence=line.confidence, available=available,
    )  # fmt: skip
