"""What both services know of each line: the article, the prices, what stock can still promise."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from core import stock
from core.orders import Order, OrderLine, PriceChoice, pricing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line of the order under check; `available` is what stock can still promise.

    `given_discount` is the percentage that agents took off it on their own authority, of the line and of the order.
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
    given_discount: Decimal = Decimal(0)


def gather(session: Session, order: Order) -> tuple[LineFacts, ...]:
    """The kept lines of the order."""
    return tuple(_line(session, order, line) for line in order.kept_lines)


def _line(session: Session, order: Order, line: OrderLine) -> LineFacts:
    return LineFacts(
        position=line.position, sku=line.article.sku if line.article else None, text=line.text,
        quantity=line.quantity, unit_price=line.unit_price, customer_price=line.customer_price,
        price_choice=line.price_choice, confidence=line.confidence,
        available=stock.available(session, line.article_id) if line.article_id else Decimal(0),
        given_discount=pricing.given_by_agents(order, line),
    )  # fmt: skip
