"""Drafts: what a message asked for becomes an order that may still be changed, line by line.

Every change makes the version grow; a recap that was accepted must be accepted again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, journal, prices
from core.catalogue import Article
from core.clock import business_date
from core.errors import Refused
from core.identifiers import next_number
from core.journal import Actor
from core.messages import Message, MessageChannel
from core.money import Money
from core.orders.tables import Order, OrderLine, OrderState, PriceChoice
from core.parties import Customer


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line as intake or an agent gives it: `article` None when it is not known which."""

    text: str
    article: Article | None
    quantity: Decimal | None
    packaging: str = ""
    packaging_count: Decimal | None = None
    customer_price: Decimal | None = None
    customer_reference: str = ""
    confidence: Decimal = Decimal(1)
    alternatives: tuple[str, ...] = ()
    evidence: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a draft is made of: who asks, through which channel, what, and where the answer goes."""

    customer: Customer
    channel: MessageChannel
    lines: tuple[AskedLine, ...]
    message_id: int | None = None
    quote_id: int | None = None
    reply_chat_id: int | None = None
    reply_email: str = ""
    thread_message_id: str = ""
    thread_subject: str = ""
    sender_authenticated: bool = True
    customer_clue: str = ""
    customer_reference: str = ""
    customer_reference_date: date | None = None
    customer_total: Money | None = None
    accord: bool = False
    requested_delivery_date: date | None = None
    taken_by_id: int | None = None
    taken_from: str = ""
    taken_at: datetime | None = None


def draft(session: Session, asked: Asked, *, by: Actor, at: datetime) -> Order:
    """A new draft; a message that already has one gets that one back, unchanged.

    A quote of another customer is not taken up: its prices are not this one's.
    """
    from core.quotes import Quote

    if asked.message_id is not None:
        session.get(Message, asked.message_id, with_for_update=True)  # two jobs may read the same message
        known = session.scalar(select(Order).where(Order.message_id == asked.message_id))
        if known is not None:
            return known
    today = business_date(at)
    quote = session.get(Quote, asked.quote_id) if asked.quote_id is not None else None
    order = Order(
        reference=next_number(session, "CMD", on=today),
        customer=asked.customer,
        created_at=at,
        deposit_percent=asked.customer.deposit_percent,
        quote_id=quote.id if quote is not None and quote.customer_id == asked.customer.id else None,
        **{name: getattr(asked, name) for name in (
            "channel", "message_id", "reply_chat_id", "reply_email", "thread_message_id", "thread_subject",
            "sender_authenticated", "customer_clue", "customer_reference", "customer_reference_date", "customer_total",
            "accord", "requested_delivery_date", "taken_by_id", "taken_from", "taken_at",
        )},
    )  # fmt: skip
    session.add(order)
    session.flush()
    for line in asked.lines:
        add_line(session, order, line, on=today)
    journal.write(
        session, "order_drafted", subject=order.subject, by=by, at=at, reference=order.reference,
        channel=asked.channel, lines=len(asked.lines),
    )  # fmt: skip
    events.emit(session, "order_drafted", order, at=at)
    return order


def add_line(session: Session, order: Order, asked: AskedLine, *, on: date) -> OrderLine:
    """Append a line, priced for the order's customer on that day (the quote's price when the order refers to one)."""
    line = OrderLine(
        order_id=order.id,
        position=max((known.position for known in order.lines), default=0) + 1,
        text=asked.text,
        quantity=asked.quantity,
        packaging=asked.packaging,
        packaging_count=asked.packaging_count,
        customer_price=asked.customer_price,
        customer_reference=asked.customer_reference,
        confidence=asked.confidence,
        alternatives=json.dumps(list(asked.alternatives)),
        evidence=json.dumps(dict(asked.evidence)),
    )
    _set_article(session, order, line, asked.article, on=on)
    order.lines.append(line)
    session.flush()
    return line


def _set_article(session: Session, order: Order, line: OrderLine, article: Article | None, *, on: date) -> None:
    from core import quotes

    line.article = article
    line.article_id = article.id if article is not None else None
    line.price_choice = None
    if article is None:
        line.unit_price = None
        return
    quoted = quotes.quoted_price(session, order.quote_id, article)
    line.unit_price = quoted if quoted is not None else prices.price_for(session, order.customer, article, on=on)


def _draft_only(order: Order) -> None:
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)


def line_at(order: Order, position: int) -> OrderLine:
    """The kept line at that position; refuses an unknown one."""
    found = next((line for line in order.kept_lines if line.position == position), None)
    if found is None:
        raise Refused("line_unknown", reference=order.reference, position=position)
    return found


def _changed(session: Session, order: Order, *, by: Actor, at: datetime, change: str, **data: Any) -> None:
    """Every change of a draft: the version grows, an accepted recap must be accepted again, the cards follow."""
    order.version += 1
    order.recap_accepted_at, order.recap_accepted_by = None, ""
    journal.write(session, f"order_{change}", subject=order.subject, by=by, at=at, **data)
    events.emit(session, "order_changed", order, at=at)


def set_quantity(session: Session, order: Order, position: int, quantity: Decimal, *, by: Actor, at: datetime) -> None:
    """Change how many sales units a draft's line asks for; refuses zero and less."""
    _draft_only(order)
    if quantity <= 0:
        raise Refused("quantity_not_positive", position=position, quantity=quantity)
    line = line_at(order, position)
    before, line.quantity = line.quantity, quantity
    line.packaging, line.packaging_count = "", None
    _changed(session, order, by=by, at=at, change="quantity_changed", position=position, before=before, after=quantity)


def set_customer(
    session: Session, order: Order, customer: Customer, *, authenticated: bool, by: Actor, at: datetime
) -> None:
    """Say whose draft it is: another customer has his own prices, and a quote of somebody else is let go."""
    _draft_only(order)
    before, order.customer, order.customer_id = order.customer, customer, customer.id
    order.customer_clue, order.sender_authenticated = "", authenticated
    if before.id != customer.id:
        order.deposit_percent, order.quote_id = customer.deposit_percent, None
        for line in order.kept_lines:
            _set_article(session, order, line, line.article, on=business_date(at))
    _changed(session, order, by=by, at=at, change="customer_set", before=before.code, after=customer.code)


def set_article(session: Session, order: Order, position: int, article: Article, *, by: Actor, at: datetime) -> None:
    """Say which article a draft's line means."""
    _draft_only(order)
    line = line_at(order, position)
    _set_article(session, order, line, article, on=business_date(at))
    line.confidence, line.alternatives = Decimal(1), "[]"
    _changed(session, order, by=by, at=at, change="article_set", position=position, sku=article.sku)


def settle_price(
    session: Session, order: Order, position: int, settled: PriceChoice, *, by: Actor, at: datetime
) -> None:
    """Decide between our price and the one on the purchase order."""
    _draft_only(order)
    line = line_at(order, position)
    if line.customer_price is None or line.article is None:
        raise Refused("no_price_to_settle", position=position)
    before = line.unit_price
    _set_article(session, order, line, line.article, on=business_date(at))
    if settled is PriceChoice.THEIRS:
        line.unit_price = line.customer_price
    line.price_choice = settled
    _changed(
        session, order, by=by, at=at, change="price_settled", position=position, settled=settled,
        before=before, after=line.unit_price,
    )  # fmt: skip


def remove_line(session: Session, order: Order, position: int, *, by: Actor, at: datetime) -> None:
    """Take a line out of a draft; its words are kept."""
    _draft_only(order)
    line_at(order, position).removed = True
    _changed(session, order, by=by, at=at, change="line_removed", position=position)


def append_lines(session: Session, order: Order, lines: tuple[AskedLine, ...], *, by: Actor, at: datetime) -> None:
    """Add lines to a draft: a later bubble of the same order, or an agent's « ajoute … »."""
    _draft_only(order)
    for asked in lines:
        add_line(session, order, asked, on=business_date(at))
    _changed(session, order, by=by, at=at, change="lines_added", lines=len(lines))


def set_delivery_date(session: Session, order: Order, day: date, *, by: Actor, at: datetime) -> None:
    """Change the day a draft is wanted for."""
    _draft_only(order)
    before, order.requested_delivery_date = order.requested_delivery_date, day
    _changed(session, order, by=by, at=at, change="delivery_date_changed", before=before, after=day)


def accept_recap(session: Session, order: Order, *, by: Actor, at: datetime, version: int | None = None) -> None:
    """The customer's own yes to the recap, of the version he saw; accepting twice changes nothing."""
    if order.recap_accepted_at is not None:
        return
    _draft_only(order)
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    order.recap_accepted_at, order.recap_accepted_by = at, str(by)
    journal.write(session, "recap_accepted", subject=order.subject, by=by, at=at, version=order.version)
    events.emit(session, "recap_accepted", order, at=at)
