"""The order and its lines as they stand: only what is decided is stored."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.catalogue import Article
from core.db import PERCENT, PRICE, Base, choice
from core.errors import Refused
from core.messages import MessageChannel
from core.money import Money
from core.parties import Customer
from core.vat import Totals, totals


class OrderState(StrEnum):
    """What was decided about an order."""

    DRAFT = "draft"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


NEXT: dict[OrderState, frozenset[OrderState]] = {
    OrderState.DRAFT: frozenset({OrderState.CONFIRMED, OrderState.CANCELLED}),
    OrderState.CONFIRMED: frozenset({OrderState.CLOSED, OrderState.CANCELLED, OrderState.DRAFT}),
    OrderState.CLOSED: frozenset(),
    OrderState.CANCELLED: frozenset(),
}
assert set(NEXT) == set(OrderState)  # noqa: S101 - the table is complete


class PriceChoice(StrEnum):
    """How a price on the customer's purchase order that differs from ours was settled."""

    OURS = "ours"
    THEIRS = "theirs"


class Order(Base):
    """An order from its draft on; `version` counts every change that a card shows.

    `customer_clue` is what alone proposed the customer (a domain, a name…), until a colleague confirms him.
    """

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    state: Mapped[OrderState] = mapped_column(choice(OrderState), default=OrderState.DRAFT, index=True)
    version: Mapped[int] = mapped_column(default=1)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    channel: Mapped[MessageChannel] = mapped_column(choice(MessageChannel))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    quote_id: Mapped[int | None] = mapped_column(ForeignKey("quote.id"), index=True)
    reply_chat_id: Mapped[int | None] = mapped_column(BigInteger)
    reply_email: Mapped[str] = mapped_column(default="")
    thread_message_id: Mapped[str] = mapped_column(default="")
    thread_subject: Mapped[str] = mapped_column(Text, default="")
    sender_authenticated: Mapped[bool] = mapped_column(default=True)
    customer_clue: Mapped[str] = mapped_column(default="")
    customer_reference: Mapped[str] = mapped_column(default="", index=True)
    customer_reference_date: Mapped[date | None]
    customer_total: Mapped[Money | None]
    accord: Mapped[bool] = mapped_column(default=False)
    requested_delivery_date: Mapped[date | None]
    deposit_percent: Mapped[Decimal | None] = mapped_column(PERCENT)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_from: Mapped[str] = mapped_column(default="")
    taken_at: Mapped[datetime | None]
    recap_accepted_at: Mapped[datetime | None]
    recap_accepted_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    cancel_reason: Mapped[str] = mapped_column(default="")
    blocked: Mapped[bool] = mapped_column(default=False)
    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(order_by="OrderLine.position", cascade="all, delete-orphan")

    @property
    def subject(self) -> str:
        """The order as the subject of journal lines, outbox rows and cards."""
        return f"order:{self.id}"

    @property
    def kept_lines(self) -> list[OrderLine]:
        """The lines that were not taken out."""
        return [line for line in self.lines if not line.removed]

    @property
    def totals(self) -> Totals:
        """Net, VAT and gross of the lines that have an article, a quantity and a price."""
        return totals((line.article.vat_rate, line.net) for line in self.kept_lines if line.article and line.complete)


class OrderLine(Base):
    """One line: the customer's own words, what we made of them, and how sure we are.

    `quantity` counts the article's sales unit; `packaging` and `packaging_count` are how the customer counts it.
    `customer_price` is the price on the purchase order, kept beside ours and never used without a decision.
    """

    __tablename__ = "order_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text, default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    quantity: Mapped[Decimal | None]
    packaging: Mapped[str] = mapped_column(default="")
    packaging_count: Mapped[Decimal | None]
    unit_price: Mapped[Decimal | None] = mapped_column(PRICE)
    customer_price: Mapped[Decimal | None] = mapped_column(PRICE)
    price_choice: Mapped[PriceChoice | None] = mapped_column(choice(PriceChoice))
    customer_reference: Mapped[str] = mapped_column(default="")
    confidence: Mapped[Decimal] = mapped_column(PERCENT, default=Decimal(1))
    alternatives: Mapped[str] = mapped_column(Text, default="[]")
    evidence: Mapped[str] = mapped_column(Text, default="{}")
    removed: Mapped[bool] = mapped_column(default=False)
    closed_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    article: Mapped[Article | None] = relationship()

    @property
    def complete(self) -> bool:
        """The line says which article, how many, and at what price."""
        return self.article is not None and self.quantity is not None and self.unit_price is not None

    @property
    def net(self) -> Money:
        """Quantity times price, to the cent; refuses an incomplete line."""
        if self.quantity is None or self.unit_price is None:
            raise Refused("line_incomplete", position=self.position)
        return Money.of(self.quantity * self.unit_price)

    @property
    def other_skus(self) -> list[str]:
        """The other articles it may be, best first."""
        return [str(sku) for sku in json.loads(self.alternatives)]
