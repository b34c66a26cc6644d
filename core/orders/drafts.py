"""Drafts: what a message asked for becomes an order that may still be changed, line by line.

Every change makes the version grow; a recap that was accepted must be accepted again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, journal, prices, sale_terms
from core.catalogue import Article, countable
from core.clauses import Clause
from core.clock import business_date
from core.errors import Refused
from core.identifiers import next_number
from core.journal import Actor, ActorKind
from core.messages import Message, MessageChannel
from core.money import Money
from core.orders import clauses, differences
from core.orders.pricing import FIXED, discount_order, price_lines
from core.orders.tables import DiscountBy, Order, OrderLine, OrderState, PriceChoice
from core.parties import Customer, DeliveryAddress, Role
from core.prices import PriceSource
from core.sale_terms import HowAccepted


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
    customer_vat: Money | None = None
    customer_gross: Money | None = None
    accord: bool = False
    requested_delivery_date: date | None = None
    taken_by_id: int | None = None
    source_hash: str = ""
    contact_id: int | None = None
    clauses: tuple[Clause, ...] = ()
    delivery_said: str = ""
    quote_said: str = ""
    taken_from: str = ""
    taken_at: datetime | None = None


def draft(session: Session, asked: Asked, *, by: Actor, at: datetime) -> Order:
    """A new draft; a message that already has one gets that one back, unchanged.

    A quote of another customer is not taken up: its prices are not this one's.
    """
    from core import deposits
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
        quote_id=quote.id if quote is not None and quote.customer_id == asked.customer.id else None,
        **{name: getattr(asked, name) for name in (
            "channel", "message_id", "reply_chat_id", "reply_email", "thread_message_id", "thread_subject",
            "sender_authenticated", "customer_clue", "customer_reference", "customer_reference_date", "customer_total",
            "accord", "requested_delivery_date", "taken_by_id", "source_hash", "customer_vat", "customer_gross",
            "accord", "requested_delivery_date", "taken_by_id", "contact_id", "delivery_said", "quote_said",
            "accord", "requested_delivery_date", "taken_by_id", "taken_from", "taken_at",
        )},
    )  # fmt: skip
    session.add(order)
    session.flush()
    for asked_line in asked.lines:
        order.lines.append(_line(order, asked_line))
    _reprice(session, order, list(order.lines), on=today)
    session.flush()
    deposits.ask(session, order, on=today)
    order.contents = order.fingerprint()
    clauses.keep(session, order, asked.clauses)
    _find_place(order)
    journal.write(
        session, "order_drafted", subject=order.subject, by=by, at=at, reference=order.reference,
        channel=asked.channel, lines=len(asked.lines),
    )  # fmt: skip
    events.emit(session, "order_drafted", order, at=at)
    return order


def _find_place(order: Order) -> None:
    """Take the place that the paper names when it is one of the customer's."""
    place = order.customer.place_in(order.delivery_said) if order.delivery_said else None
    if place is None and not re.search(r"\d{5}", order.delivery_said):
        order.delivery_said = ""  # words about a place that is none of his and no address either
    order.delivery_own = place is order.customer
    order.delivery_address = place if isinstance(place, DeliveryAddress) else None


def add_line(session: Session, order: Order, asked: AskedLine, *, on: date) -> OrderLine:
    """Append a line, priced for the order's customer on that day (the quote's price when the order refers to one)."""
    line = _line(order, asked)
    order.lines.append(line)
    _reprice(session, order, [line], on=on)
    session.flush()
    return line


def _line(order: Order, asked: AskedLine) -> OrderLine:
    if asked.customer_price is not None:
        prices.checked_price(asked.customer_price, field="customer_price")
    return OrderLine(
        order_id=order.id,
        position=max((known.position for known in order.lines), default=0) + 1,
        text=asked.text,
        article=asked.article,
        quantity=asked.quantity,
        packaging=asked.packaging,
        packaging_count=asked.packaging_count,
        customer_price=asked.customer_price,
        customer_reference=asked.customer_reference,
        confidence=asked.confidence,
        alternatives=json.dumps(list(asked.alternatives)),
        evidence=json.dumps(dict(asked.evidence)),
        discount_percent=Decimal(0),
        removed=False,
    )


def _set_article(session: Session, order: Order, line: OrderLine, article: Article | None, *, on: date) -> None:
    """Another article has its own price, and nothing that was decided about the former one's."""
    line.article = article
    line.article_id = article.id if article is not None else None
    line.price_choice, line.shortage = None, None
    line.discount_percent, line.discount_by = Decimal(0), None
    _reprice(session, order, [line], on=on)


def _reprice(session: Session, order: Order, lines: list[OrderLine], *, on: date) -> None:
    price_lines(session, order, lines, on=on)
    discount_order(session, order, on=on)


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
    from core import deposits

    order.version += 1
    order.contents = order.fingerprint()
    order.recap_accepted_at, order.recap_accepted_by = None, ""
    deposits.ask(session, order, on=business_date(at))
    journal.write(session, f"order_{change}", subject=order.subject, by=by, at=at, **data)
    events.emit(session, "order_changed", order, at=at)


def set_quantity(session: Session, order: Order, position: int, quantity: Decimal, *, by: Actor, at: datetime) -> None:
    """Change how many sales units a draft's line asks for; refuses zero, less, and parts that nobody counts."""
    _draft_only(order)
    line = line_at(order, position)
    differences.begin(order, by=by, at=at)
    before, line.quantity = line.quantity, countable(quantity)
    line.shortage = None
    line.packaging, line.packaging_count = "", None
    if line.price_choice is None and line.price_source not in FIXED:
        price_lines(session, order, [line], on=business_date(at))
    discount_order(session, order, on=business_date(at))
    _changed(session, order, by=by, at=at, change="quantity_changed", position=position, before=before, after=quantity)


def set_customer(
    session: Session, order: Order, customer: Customer, *, authenticated: bool, by: Actor, at: datetime
) -> None:
    """Say whose draft it is: another customer has his own prices, and a quote of somebody else is let go.

    What was let through for the customer before is not for this one.
    """
    from core import invoices, overrides

    _draft_only(order)
    if order.customer_id != customer.id and invoices.uncredited_deposits(session, order):
        raise Refused("deposit_of_other_customer", reference=order.reference)
    before, order.customer, order.customer_id = order.customer, customer, customer.id
    order.customer_clue, order.sender_authenticated = "", authenticated
    if before.id != customer.id:
        overrides.withdraw(session, order, at=at)
        order.deposit_terms, order.quote_id = [], None
        order.discount_percent, order.discount_by = Decimal(0), None
        order.contact_id = None
        _find_place(order)
        for line in order.kept_lines:
            _set_article(session, order, line, line.article, on=business_date(at))
    _changed(session, order, by=by, at=at, change="customer_set", before=before.code, after=customer.code)


def set_article(session: Session, order: Order, position: int, article: Article, *, by: Actor, at: datetime) -> None:
    """Say which article a draft's line means."""
    _draft_only(order)
    line = line_at(order, position)
    differences.begin(order, by=by, at=at)
    _set_article(session, order, line, article, on=business_date(at))
    line.confidence, line.alternatives = Decimal(1), "[]"
    _changed(session, order, by=by, at=at, change="article_set", position=position, sku=article.sku)


def settle_price(
    session: Session, order: Order, position: int, settled: PriceChoice, *, by: Actor, at: datetime,
    tolerance_percent: Decimal = Decimal(0),
) -> None:  # fmt: skip
    """Decide between our price and the one on the purchase order; below ours by more than the tolerance, a manager."""
    _draft_only(order)
    line = line_at(order, position)
    if line.customer_price is None or line.article is None:
        raise Refused("no_price_to_settle", position=position)
    if line.price_choice is settled:
        return
    before, today = line.unit_price, business_date(at)
    if line.price_choice is PriceChoice.THEIRS or line.list_price is None:
        line.price_choice = None
        _reprice(session, order, [line], on=today)
    ours = line.unit_price or Decimal(0)
    if settled is PriceChoice.THEIRS:
        lowest = ours * (100 - tolerance_percent) / 100
        if line.customer_price < lowest and Role.MANAGER.value not in by.roles:
            raise Refused("price_below_tolerance", position=position, ours=ours, theirs=line.customer_price)
        line.unit_price, line.list_price = line.customer_price, None
        line.discount_percent, line.discount_by = Decimal(0), None
    line.price_choice = settled
    discount_order(session, order, on=today)
    _changed(
        session, order, by=by, at=at, change="price_settled", position=position, settled=settled,
        before=before, after=line.unit_price,
    )  # fmt: skip


def set_price(session: Session, order: Order, position: int, price: Decimal, *, by: Actor, at: datetime) -> None:
    """Give a price to a draft's line that has none; refuses a line that has one, and a price that cannot be one."""
    _draft_only(order)
    line = line_at(order, position)
    if line.article is None or line.unit_price:
        raise Refused("price_known", position=position)
    if not prices.checked_price(price, field="price"):
        raise Refused("price_negative", field="price", price=price)
    line.list_price, line.price_source, line.price_choice = price, PriceSource.GIVEN, None
    discount_order(session, order, on=business_date(at))
    _changed(session, order, by=by, at=at, change="price_given", position=position, price=price)


def agree_price(
    session: Session, order: Order, position: int, price: Decimal, *, by: Actor, at: datetime, limit: Decimal
) -> None:
    """Give a draft's line the price that was agreed for it; more than `limit` % below ours is a manager's to give.

    It ends the question whose price counts, and no other quantity changes it.
    """
    _draft_only(order)
    line, today = line_at(order, position), business_date(at)
    if line.article is None or not prices.checked_price(price, field="price"):
        raise Refused("price_negative", field="price", price=price)
    before = line.unit_price
    if line.price_source is PriceSource.GIVEN or line.price_choice is PriceChoice.THEIRS:
        line.price_choice, line.price_source = None, None
        _reprice(session, order, [line], on=today)
    lowest = (line.unit_price or Decimal(0)) * (100 - limit) / 100
    if price < lowest and Role.MANAGER.value not in by.roles:
        raise Refused("price_below_limit", position=position, price=price, ours=line.unit_price, limit=limit)
    line.list_price, line.price_source, line.price_choice = price, PriceSource.GIVEN, PriceChoice.OURS
    line.discount_percent, line.discount_by = Decimal(0), None
    discount_order(session, order, on=today)
    _changed(session, order, by=by, at=at, change="price_agreed", position=position, before=before, after=price)


def set_discount(
    session: Session, order: Order, percent: Decimal, *, by: Actor, at: datetime, position: int | None = None
) -> None:
    """Take a percentage off the whole draft, or off one line, in the place of what the rules give; 0: the rules again.

    Refuses a line whose price was settled for the customer's own. Who gave it is kept: above the house's limit a
    manager must let an agent's discount through.
    """
    _draft_only(order)
    percent = prices.checked_discount(percent)
    giver = DiscountBy.MANAGER if Role.MANAGER.value in by.roles else DiscountBy.AGENT
    line = line_at(order, position) if position is not None else None
    if line is not None and line.list_price is None:
        raise Refused("price_settled", position=position)
    given: Order | OrderLine = line if line is not None else order
    before = given.discount_percent
    given.discount_percent, given.discount_by = percent, giver if percent else None
    if line is not None and not percent and line.price_source not in FIXED:
        price_lines(session, order, [line], on=business_date(at))
    discount_order(session, order, on=business_date(at))
    _changed(
        session, order, by=by, at=at, change="discounted", position=position, before=before, after=percent, given=giver
    )


def remove_line(session: Session, order: Order, position: int, *, by: Actor, at: datetime) -> None:
    """Take a line out of a draft; its words are kept."""
    _draft_only(order)
    line = line_at(order, position)
    differences.begin(order, by=by, at=at)
    line.removed = True
    discount_order(session, order, on=business_date(at))
    _changed(session, order, by=by, at=at, change="line_removed", position=position)


def append_lines(session: Session, order: Order, lines: tuple[AskedLine, ...], *, by: Actor, at: datetime) -> None:
    """Add lines to a draft: a later bubble of the same order, or an agent's « ajoute … »."""
    _draft_only(order)
    differences.begin(order, by=by, at=at)
    for asked in lines:
        add_line(session, order, asked, on=business_date(at))
    _changed(session, order, by=by, at=at, change="lines_added", lines=len(lines))


def set_delivery_date(session: Session, order: Order, day: date, *, by: Actor, at: datetime) -> None:
    """Change the day a draft is wanted for."""
    _draft_only(order)
    differences.begin(order, by=by, at=at)
    before, order.requested_delivery_date = order.requested_delivery_date, day
    order.delivery_date_set_at = at
    _changed(session, order, by=by, at=at, change="delivery_date_changed", before=before, after=day)


def accept_recap(session: Session, order: Order, *, by: Actor, at: datetime, version: int | None = None) -> None:
    """The customer's own yes to the recap, of the version he saw; accepting twice changes nothing."""
    if order.recap_accepted_at is not None:
        return
    _draft_only(order)
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    order.recap_accepted_at, order.recap_accepted_by = at, str(by)
    # what he accepts names the version that was in force when the order was drafted, whatever came into force since
    named = sale_terms.in_force(session, on=business_date(order.created_at))
    if named is not None and by.kind is ActorKind.CUSTOMER:
        sale_terms.accept(
            session, order.customer, named, how=HowAccepted.CHAT, message_id=order.message_id, by=by, at=at,
            proof=f"{order.reference} v{order.version}",
        )  # fmt: skip
    journal.write(session, "recap_accepted", subject=order.subject, by=by, at=at, version=order.version)
    events.emit(session, "recap_accepted", order, at=at)
