"""Quotes: lines at prices that hold until a day; an order that refers to one is priced by it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, papers, prices, sale_terms
from core.catalogue import Article
from core.clock import business_date
from core.db import PRICE, Base, choice
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.journal import Actor
from core.money import Money
from core.parties import Customer

if TYPE_CHECKING:
    from core.orders import Asked
    from core.settings import House


class QuoteState(StrEnum):
    """What was decided about a quote; that it expired follows from its date."""

    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"


NEXT: dict[QuoteState, frozenset[QuoteState]] = {
    QuoteState.DRAFT: frozenset({QuoteState.SENT, QuoteState.DECLINED}),
    QuoteState.SENT: frozenset({QuoteState.ACCEPTED, QuoteState.DECLINED}),
    QuoteState.ACCEPTED: frozenset(),
    QuoteState.DECLINED: frozenset(),
}
assert set(NEXT) == set(QuoteState)  # noqa: S101 - the table is complete


class Quote(Base):
    """An offer to one customer."""

    __tablename__ = "quote"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
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
    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[QuoteLine]] = relationship(order_by="QuoteLine.position", cascade="all, delete-orphan")

    @property
    def subject(self) -> str:
        """The quote as the subject of journal lines and outbox rows."""
        return f"quote:{self.id}"


class QuoteLine(Base):
    """One line of a quote; without an article it is shown to the agent and may not be sent."""

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
    customer_reference: Mapped[str] = mapped_column(default="")
    article: Mapped[Article | None] = relationship()


def draft(session: Session, asked: Asked, *, by: Actor, at: datetime) -> Quote:
    """A quote made from what was asked; a message that already has one gets that one back."""
    if asked.message_id is not None:
        known = session.scalar(select(Quote).where(Quote.message_id == asked.message_id))
        if known is not None:
            return known
    today = business_date(at)
    quote = Quote(
        reference=next_number(session, "DV", on=today), customer=asked.customer, created_at=at,
        message_id=asked.message_id, reply_chat_id=asked.reply_chat_id, reply_email=asked.reply_email,
        thread_message_id=asked.thread_message_id, thread_subject=asked.thread_subject,
    )  # fmt: skip
    for position, line in enumerate(asked.lines, start=1):
        price = (
            prices.pricing_for(session, asked.customer, line.article, on=today, quantity=line.quantity)
            if line.article is not None
            else None
        )
        quote.lines.append(
            QuoteLine(
                position=position,
                text=line.text,
                article=line.article,
                quantity=line.quantity,
                packaging=line.packaging,
                packaging_count=line.packaging_count,
                unit_price=price.unit_price if price is not None else None,
                list_price=price.list_price if price is not None and price.discount_percent else None,
                customer_reference=line.customer_reference,
            )
        )
    session.add(quote)
    session.flush()
    journal.write(session, "quote_drafted", subject=quote.subject, by=by, at=at, reference=quote.reference)
    events.emit(session, "quote_drafted", quote, at=at)
    return quote


def move(session: Session, quote: Quote, target: QuoteState, *, by: Actor, at: datetime) -> None:
    """Change the quote's state, with a journal line; an illegal move raises."""
    if target not in NEXT[quote.state]:
        raise IllegalTransition(thing="quote", state=quote.state, target=target)
    quote.state = target
    quote.version += 1
    journal.write(session, f"quote_{target}", subject=quote.subject, by=by, at=at)


def send(session: Session, quote: Quote, *, house: House, by: Actor, at: datetime) -> None:
    """Freeze the quote as a paper and send it by the customer's channel; every line needs an article."""
    today = business_date(at)
    for line in quote.lines:
        if line.article is None or line.quantity is None or line.unit_price is None:
            raise Refused("line_incomplete", position=line.position)
    move(session, quote, QuoteState.SENT, by=by, at=at)
    quote.sent_on, quote.valid_until = today, today + timedelta(days=house.quote_days)
    paper = papers.freeze(
        session, _document(session, quote, house), customer_id=quote.customer_id, order_id=None, at=at
    )
    events.emit(session, "quote_sent", quote, at=at, paper=paper)


def _document(session: Session, quote: Quote, house: House) -> Document:
    assert quote.sent_on is not None  # noqa: S101 - set by `send` just before
    return Document(
        kind=DocumentKind.QUOTE,
        number=quote.reference,
        issue_date=quote.sent_on,
        seller=house.as_party(), accent=house.accent,
        buyer=quote.customer.as_party(),
        language=quote.customer.language,
        valid_until=quote.valid_until,
        payment_terms=quote.customer.payment_terms,
        terms_version=sale_terms.version_on(session, house, on=quote.sent_on),
        deposit_percent=quote.customer.deposit_percent,
        lines=tuple(
            DocumentLine(
                position=line.position, sku=line.article.sku, name=line.article.name, quantity=line.quantity,
                unit=line.article.unit, packaging=packed(line.packaging, line.packaging_count),
                unit_price=line.unit_price, net=Money.of(line.quantity * line.unit_price),
                vat=line.article.vat_rate, gtin=line.article.gtin, buyer_reference=line.customer_reference,
                list_price=line.list_price,
            )
            for line in quote.lines
            if line.article is not None and line.quantity is not None and line.unit_price is not None
        ),
    )  # fmt: skip


def packed(packaging: str, count: Decimal | None) -> str:
    """How the customer counts a line, such as "10 x carton"; empty when he counts sales units."""
    return f"{count.normalize():f} \u00d7 {packaging}" if packaging and count is not None else ""


def quoted_price(session: Session, quote_id: int | None, article: Article) -> Decimal | None:
    """The article's price in that quote, or None when the quote does not have it."""
    query = select(QuoteLine.unit_price).where(QuoteLine.quote_id == quote_id, QuoteLine.article_id == article.id)
    return None if quote_id is None else session.scalar(query.limit(1))


def accept(session: Session, quote: Quote, *, by: Actor, at: datetime) -> None:
    """Note that an order took the quote up; accepting twice changes nothing."""
    if quote.state is not QuoteState.ACCEPTED:
        move(session, quote, QuoteState.ACCEPTED, by=by, at=at)


def by_reference(session: Session, reference: str) -> Quote | None:
    """The quote with that reference."""
    return session.scalar(select(Quote).where(Quote.reference == reference.strip().upper()))
