"""Goods receipts: what a supplier of ours will bring and when, and what came.

A receipt is a movement of stock with who noted it; what came is taken off what was expected, and whoever waits for the
goods is told in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import deliveries, journal, stock
from core.catalogue import Article, countable
from core.db import Base
from core.errors import Refused
from core.orders import Order
from core.stock import MovementKind, StockMovement

if TYPE_CHECKING:
    from core.journal import Actor


class ExpectedReceipt(Base):
    """Units of an article ordered from a supplier of ours; `reference` names that order or its delivery."""

    __tablename__ = "expected_receipt"
    __table_args__ = (UniqueConstraint("reference", "article_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str]
    article_id: Mapped[int] = mapped_column(ForeignKey("article.id"), index=True)
    quantity: Mapped[Decimal]
    received: Mapped[Decimal] = mapped_column(default=Decimal(0))
    expected_on: Mapped[date | None]
    noted_at: Mapped[datetime]

    @property
    def open(self) -> Decimal:
        """Units that have not come yet."""
        return max(self.quantity - self.received, Decimal(0))


@dataclass(frozen=True, slots=True)
class Received:
    """What a receipt led to: the stock now, and the registered orders of which more could leave."""

    article: Article
    quantity: Decimal
    on_hand: Decimal
    available: Decimal
    ready: tuple[Order, ...]


def receive(
    session: Session, article: Article, quantity: Decimal, *, by: Actor, at: datetime, reference: str = ""
) -> Received:
    """Take the units in, with who noted them; sales hear which backorders could leave now.

    What was taken in under a `reference` is refused a second time.
    """
    countable(quantity)
    level = stock.lock_level(session, article.id)
    source = f"receipt:{reference or by}"
    noted = select(StockMovement.id).where(StockMovement.article_id == article.id, StockMovement.source == source)
    if reference and session.scalar(noted.limit(1)) is not None:
        raise Refused("goods_already_received", sku=article.sku)
    stock.move(session, article.id, MovementKind.RECEIPT, quantity, source=source, at=at)
    _take_off(session, article.id, quantity, reference)
    session.flush()
    available = stock.available(session, article.id)
    journal.write(
        session, "goods_received", subject=level.subject, by=by, at=at, sku=article.sku, quantity=quantity,
        on_hand=level.on_hand, reference=reference,
    )  # fmt: skip
    ready = deliveries.announce_backorders(session, at=at, articles=[article.id]) if available else []
    return Received(article, quantity, level.on_hand, available, tuple(ready))


def set_received(session: Session, expected: ExpectedReceipt, received: Decimal, *, by: Actor, at: datetime) -> None:
    """Bring what came under that reference to `received`; less than before takes units back off the shelf."""
    change = received - expected.received
    source = f"receipt:{expected.reference}"
    level = stock.move(session, expected.article_id, MovementKind.RECEIPT, change, source=source, at=at)
    expected.received = received
    journal.write(
        session, "goods_received", subject=level.subject, by=by, at=at, quantity=change, on_hand=level.on_hand,
        reference=expected.reference,
    )  # fmt: skip


def _take_off(session: Session, article_id: int, quantity: Decimal, reference: str) -> None:
    """Less is expected now: of that reference when it is named, else of what was to come first."""
    query = select(ExpectedReceipt).where(ExpectedReceipt.article_id == article_id).with_for_update()
    held = session.scalars(query.order_by(ExpectedReceipt.expected_on, ExpectedReceipt.id)).all()
    named = [one for one in held if reference and one.reference == reference]
    awaited = [one for one in named or held if one.open] or named
    for one in awaited:
        part = quantity if one is awaited[-1] else min(one.open, quantity)  # more than was expected came with the last
        one.received += part
        quantity -= part


def expected(session: Session, article_ids: Iterable[int], *, today: date) -> dict[int, list[tuple[date, Decimal]]]:
    """What is still to come of each article, day by day; what is late or has no day cannot be counted on."""
    query = select(ExpectedReceipt).where(
        ExpectedReceipt.article_id.in_(set(article_ids)), ExpectedReceipt.expected_on >= today,
        ExpectedReceipt.quantity > ExpectedReceipt.received,
    )  # fmt: skip
    found: dict[int, list[tuple[date, Decimal]]] = {}
    for one in session.scalars(query.order_by(ExpectedReceipt.expected_on, ExpectedReceipt.id)):
        assert one.expected_on is not None  # noqa: S101 - the query asks for days from today on
        found.setdefault(one.article_id, []).append((one.expected_on, one.open))
    return found
