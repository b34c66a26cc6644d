"""The quote and its lines: each revision is a row of its own that never changes once it was sent."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.catalogue import Article
from core.db import PERCENT, PRICE, Base, choice
from core.money import Money, total
from core.parties import Customer
from core.prices import PriceSource


class QuoteState(StrEnum):
    """What was decided about a quote; that it expired follows from its date."""

    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REPLACED = "replaced"


NEXT: dict[QuoteState, frozenset[QuoteState]] = {
    QuoteState.DRAFT: frozenset({QuoteState.SENT, QuoteState.DECLINED, QuoteState.REPLACED}),
    QuoteState.SENT: frozenset({QuoteState.ACCEPTED, QuoteState.DECLINED, QuoteState.REPLACED}),
    QuoteState.ACCEPTED: frozenset(),
    QuoteState.DECLINED: frozenset(),
    QuoteState.REPLACED: frozenset(),
}
assert set(NEXT) == set(QuoteState)  # noqa: S101 - the table is complete


class Quote(Base):
    """An offer to one customer; its revisions share the `number`, `reference` names this one (`DV-2026-0001-1`)."""

    __tablename__ = "quote"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column(default=0)
    state: Mapped[QuoteState] = mapped_column(choice(QuoteState), default=QuoteState.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    reply_chat_id: Mapped[int | None] = mapped_column(BigInteger)
    reply_email: Mapped[str] = mapped_column(default="")
    thread_message_id: Mapped[str] = mapped_column(default="")
    thread_subject: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    sent_on: Mapped[date | None]
    valid_until: Mapped[date | None]
    discount_percent: Mapped[Decimal] = mapped_column(PERCENT, default=Decimal(0))
    decline_reason: Mapped[str] = mapped_column(Text, default="")
    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[QuoteLine]] = relationship(order_by="QuoteLine.position", cascade="all, delete-orphan")

    @property
    def subject(self) -> str:
        """The quote as the subject of journal lines and outbox rows."""
        return f"quote:{self.id}"

    @property
    def net(self) -> Money:
        """The sum of the lines that have a quantity and a price, without VAT, each to the cent."""
        return total(line.net for line in self.lines if line.quantity is not None and line.unit_price is not None)

    def expired(self, today: date) -> bool:
        """The last day on which the offer holds has passed."""
        return self.valid_until is not None and self.valid_until < today


class QuoteLine(Base):
    """One line of a quote; without an article it is shown to the agent and may not be sent.

    Its unit price is the list price less its own discount and the quote's; one that an agent gave has no list price.
    """

    __tablename__ = "quote_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    quote_id: Mapped[int] = mapped_column(ForeignKey("quote.id"), index=True)
    position: Mapped[int]
    text: Mapped[str] = mapped_column(Text, default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    quantity: Mapped[Decimal | None]
    packaging: Mapped[str] = mapped_column(default="")
    packaging_count: Mapped[Decimal | None]
    unit_price: Mapped[Decimal | None] = mapped_column(PRICE)
    list_price: Mapped[Decimal | None] = mapped_column(PRICE)
    discount_percent: Mapped[Decimal] = mapped_column(PERCENT, default=Decimal(0))
    price_source: Mapped[PriceSource | None] = mapped_column(choice(PriceSource))
    customer_reference: Mapped[str] = mapped_column(default="")
    article: Mapped[Article | None] = relationship()

    @property
    def gross_price(self) -> Decimal | None:
        """The price before discounts, where discounts were taken off it."""
        if self.list_price is None or self.unit_price is None or self.list_price <= self.unit_price:
            return None
        return self.list_price

    @property
    def complete(self) -> bool:
        """The line says which article, how many, and at what price."""
        return self.article is not None and self.quantity is not None and self.unit_price is not None

    @property
    def net(self) -> Money:
        """Quantity times price, to the cent; nothing while one of them is missing."""
        return Money.of((self.quantity or Decimal(0)) * (self.unit_price or Decimal(0)))


def packed(packaging: str, count: Decimal | None) -> str:
    """How the customer counts a line, such as "10 x carton"; empty when he counts sales units."""
    return f"{count.normalize():f} \u00d7 {packaging}" if packaging and count is not None else ""
