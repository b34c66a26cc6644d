"""Quotes in preparation: made of what was asked, changed line by line until they are sent.

Every change makes the version grow; what was sent is changed by nobody: it gets a revision.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core import events, journal, prices
from core.clock import business_date
from core.errors import Refused
from core.identifiers import next_number
from core.money import Money, total
from core.prices import PriceSource
from core.quotes.tables import Quote, QuoteLine, QuoteState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.catalogue import Article
    from core.journal import Actor
    from core.orders import Asked, AskedLine


def draft(session: Session, asked: Asked, *, by: Actor, at: datetime) -> Quote:
    """A quote made from what was asked; a message that already has one gets that one back."""
    if asked.message_id is not None:
        known = session.scalar(select(Quote).where(Quote.message_id == asked.message_id))
        if known is not None:
            return known
    reference = next_number(session, "DV", on=business_date(at))
    quote = Quote(
        reference=reference, number=reference, customer=asked.customer, created_at=at, message_id=asked.message_id,
        reply_chat_id=asked.reply_chat_id, reply_email=asked.reply_email, thread_message_id=asked.thread_message_id,
        thread_subject=asked.thread_subject,
    )  # fmt: skip
    _append(session, quote, asked.lines, on=business_date(at))
    session.add(quote)
    session.flush()
    journal.write(session, "quote_drafted", subject=quote.subject, by=by, at=at, reference=quote.reference)
    events.emit(session, "quote_drafted", quote, at=at)
    return quote


def _append(session: Session, quote: Quote, lines: tuple[AskedLine, ...], *, on: date) -> None:
    last = max((line.position for line in quote.lines), default=0)
    for position, line in enumerate(lines, start=last + 1):
        if line.quantity is not None and line.quantity <= 0:
            raise Refused("quantity_not_positive", position=position, quantity=line.quantity)
        added = QuoteLine(
            position=position, text=line.text, article=line.article, quantity=line.quantity,
            packaging=line.packaging, packaging_count=line.packaging_count,
            customer_reference=line.customer_reference,
        )  # fmt: skip
        _price(session, quote, added, on=on)
        quote.lines.append(added)
    _discount(session, quote, on=on)


def _price(session: Session, quote: Quote, line: QuoteLine, *, on: date) -> None:
    """That day's price of the customer for the line's quantity; the quote's own discount comes off in `_discount`."""
    line.unit_price, line.list_price, line.price_source, line.discount_percent = None, None, None, Decimal(0)
    if line.article is not None:
        found = prices.pricing_for(session, quote.customer, line.article, on=on, quantity=line.quantity)
        line.unit_price, line.list_price = found.unit_price, found.list_price
        line.price_source, line.discount_percent = found.source, found.discount_percent


def _discount(session: Session, quote: Quote, *, on: date) -> None:
    """Take off what the rules give on the whole quote; a contract's price and one that an agent gave are net."""
    listed = [line for line in quote.lines if line.price_source in prices.LISTED and line.list_price is not None]
    net = total(
        Money.of((line.quantity or Decimal(0)) * prices.discounted(line.list_price, line.discount_percent))
        for line in listed
        if line.list_price is not None
    )
    with session.no_autoflush:  # a new quote is not complete yet
        quote.discount_percent = prices.order_discount(session, quote.customer, net, on=on) if listed else Decimal(0)
    for line in listed:
        if line.list_price is not None:
            line.unit_price = prices.discounted(line.list_price, line.discount_percent, quote.discount_percent)


def lock(session: Session, quote_id: int, *, version: int | None = None) -> Quote:
    """The quote, held until the end of the transaction; refuses a version that is no longer the current one."""
    query = select(Quote).where(Quote.id == quote_id).with_for_update(of=Quote)
    quote = session.scalar(query.execution_options(populate_existing=True))
    if quote is None:
        raise Refused("quote_unknown", quote=quote_id)
    if version is not None and quote.version != version:
        raise Refused("quote_version_changed", quote=quote.reference, shown=version, current=quote.version)
    return quote


def draft_only(quote: Quote) -> None:
    """Refuses a quote that has left: it is read-only, and changed by a revision."""
    if quote.state is not QuoteState.DRAFT:
        raise Refused("quote_not_draft", quote=quote.reference)


def line_at(quote: Quote, position: int) -> QuoteLine:
    """The line at that position; refuses an unknown one."""
    found = next((line for line in quote.lines if line.position == position), None)
    if found is None:
        raise Refused("line_unknown", reference=quote.reference, position=position)
    return found


def _changed(session: Session, quote: Quote, *, by: Actor, at: datetime, change: str, **data: Any) -> None:
    quote.version += 1
    journal.write(session, f"quote_{change}", subject=quote.subject, by=by, at=at, **data)
    events.emit(session, "quote_changed", quote, at=at)


def append_lines(session: Session, quote: Quote, lines: tuple[AskedLine, ...], *, by: Actor, at: datetime) -> None:
    """Add lines at today's prices of the customer."""
    draft_only(quote)
    _append(session, quote, lines, on=business_date(at))
    _changed(session, quote, by=by, at=at, change="lines_added", lines=len(lines))


def set_quantity(session: Session, quote: Quote, position: int, quantity: Decimal, *, by: Actor, at: datetime) -> None:
    """Change how many sales units a line offers; refuses zero and less."""
    draft_only(quote)
    if quantity <= 0:
        raise Refused("quantity_not_positive", position=position, quantity=quantity)
    line = line_at(quote, position)
    by_rule = line.price_source is not PriceSource.GIVEN
    before, line.quantity = line.quantity, quantity
    line.packaging, line.packaging_count = "", None
    if by_rule:
        _price(session, quote, line, on=business_date(at))
    _discount(session, quote, on=business_date(at))
    _changed(session, quote, by=by, at=at, change="quantity_changed", position=position, before=before, after=quantity)


def set_article(session: Session, quote: Quote, position: int, article: Article, *, by: Actor, at: datetime) -> None:
    """Say which article a line means; it gets today's price of the customer."""
    draft_only(quote)
    line = line_at(quote, position)
    line.article = article
    _price(session, quote, line, on=business_date(at))
    _discount(session, quote, on=business_date(at))
    _changed(session, quote, by=by, at=at, change="article_set", position=position, sku=article.sku)


def set_price(session: Session, quote: Quote, position: int, price: Decimal, *, by: Actor, at: datetime) -> None:
    """Give a line the agent's own price without VAT; refuses a negative one and more than six decimals."""
    draft_only(quote)
    line = line_at(quote, position)
    prices.checked_price(price, field=f"L{position}")
    if line.article is None:
        raise Refused("line_without_article", position=position)
    before, line.unit_price, line.list_price = line.unit_price, price, None
    line.price_source, line.discount_percent = PriceSource.GIVEN, Decimal(0)
    _discount(session, quote, on=business_date(at))
    _changed(session, quote, by=by, at=at, change="price_set", position=position, before=before, after=price)


def remove_line(session: Session, quote: Quote, position: int, *, by: Actor, at: datetime) -> None:
    """Take a line out; its words stay in the journal, the other lines keep their numbers."""
    draft_only(quote)
    line = line_at(quote, position)
    quote.lines.remove(line)
    _discount(session, quote, on=business_date(at))
    _changed(session, quote, by=by, at=at, change="line_removed", position=position, text=line.text)


def set_validity(session: Session, quote: Quote, day: date, *, by: Actor, at: datetime) -> None:
    """Say up to which day the offer holds; refuses a day that has passed."""
    draft_only(quote)
    if day < business_date(at):
        raise Refused("date_in_past", date=day)
    before, quote.valid_until = quote.valid_until, day
    _changed(session, quote, by=by, at=at, change="validity_set", before=before, after=day)
