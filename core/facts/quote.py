"""What is known of the quote that the order takes up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.quotes import Quote

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from core.orders import Order


@dataclass(frozen=True, slots=True)
class QuoteFacts:
    """The quote's reference, and whether it still holds."""

    reference: str
    expired: bool


def gather(session: Session, order: Order, *, today: date) -> QuoteFacts | None:
    """The order's quote; None when it takes none up."""
    quote = session.get(Quote, order.quote_id) if order.quote_id is not None else None
    if quote is None:
        return None
    return QuoteFacts(quote.reference, expired=quote.valid_until is not None and quote.valid_until < today)
