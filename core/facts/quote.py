"""What is known of the quote that the order takes up: its lines as they were sent, and whether it still holds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import quotes
from core.catalogue import Article
from core.clock import business_date
from core.quotes import Quote, QuotedLine, QuoteLine, QuoteState

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from core.orders import Order


@dataclass(frozen=True, slots=True)
class QuoteFacts:
    """The quote's reference and lines, whether it still holds, and whether a newer revision replaced it."""

    reference: str
    expired: bool
    lines: tuple[QuotedLine, ...] = ()
    replaced: bool = False


def gather(session: Session, order: Order, *, today: date) -> QuoteFacts | None:
    """The order's quote; None when it takes none up. What was ordered while the quote held is in time for ever."""
    quote = session.get(Quote, order.quote_id) if order.quote_id is not None else None
    if quote is None:
        return None
    return QuoteFacts(
        quote.reference,
        expired=quote.state is not QuoteState.ACCEPTED and quote.expired(min(today, business_date(order.created_at))),
        lines=lines_of(session, quote),
        replaced=quotes.newest_revision(session, quote.number) > quote.revision,
    )


def lines_of(session: Session, quote: Quote) -> tuple[QuotedLine, ...]:
    """The quote's complete lines, by one query."""
    query = (
        select(QuoteLine.position, Article.sku, Article.name, QuoteLine.quantity, QuoteLine.unit_price)
        .join(Article, QuoteLine.article_id == Article.id)
        .where(QuoteLine.quote_id == quote.id, QuoteLine.quantity.is_not(None))
        .order_by(QuoteLine.position)
    )
    return tuple(
        QuotedLine(position, sku, name, quantity or Decimal(0), price or Decimal(0))
        for position, sku, name, quantity, price in session.execute(query)
    )
