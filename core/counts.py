"""What people find on the shelf: a count sets it, a loss takes off it, each with who said so and why.

What was promised and is not there any more is told by `core.stock`; goods that a count found are announced to whoever
waits for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from core import deliveries, journal, stock
from core.catalogue import Article, countable
from core.errors import Refused
from core.stock import MovementKind, Shelf

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor

#: A reason says something; the movement keeps its first words.
MIN_REASON, LONGEST_REASON = 3, 80


@dataclass(frozen=True, slots=True)
class Found:
    """The shelf before and after, and what is promised from it."""

    article: Article
    before: Decimal
    shelf: Shelf


def count(session: Session, article: Article, on_hand: Decimal, *, by: Actor, at: datetime) -> Found:
    """Set the shelf to what was counted, zero included; refuses less, and parts that nobody counts."""
    if on_hand:
        countable(on_hand)
    level = stock.lock_level(session, article.id)
    before = level.on_hand
    stock.count(session, article.id, on_hand, source=f"count:{by}", at=at)
    journal.write(
        session, "stock_counted", subject=level.subject, by=by, at=at, sku=article.sku, before=before, after=on_hand
    )
    if on_hand > before:
        session.flush()
        deliveries.announce_backorders(session, at=at, articles=[article.id])
    return _found(session, article, before)


def lose(session: Session, article: Article, quantity: Decimal, *, reason: str, by: Actor, at: datetime) -> Found:
    """Take units off the shelf that are broken or gone, for a reason; refuses none, and more than is there."""
    said = " ".join(reason.split())
    if len(said) < MIN_REASON:
        raise Refused("reason_too_short", minimum=MIN_REASON)
    countable(quantity)
    level = stock.lock_level(session, article.id)
    before = level.on_hand
    source = f"loss:{said[:LONGEST_REASON]}"
    stock.move(session, article.id, MovementKind.LOSS, -quantity, source=source, at=at)
    journal.write(
        session, "stock_lost", subject=level.subject, by=by, at=at, sku=article.sku, before=before,
        after=before - quantity, reason=said,
    )  # fmt: skip
    return _found(session, article, before)


def _found(session: Session, article: Article, before: Decimal) -> Found:
    session.flush()
    return Found(article, before, stock.shelves(session, [article.id])[article.id])
