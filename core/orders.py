"""Orders: the draft that a message became, its lines, and what may be decided about it.

Only what is decided is stored. Prepared, delivered and invoiced quantities follow from documents. The customer accepts
the recap; registering the order is the supplier's act.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, outbox, prices, stock
from core.catalogue import Article
from core.clock import business_date
from core.db import PERCENT, PRICE, Base, choice
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.journal import Actor
from core.messages import MessageChannel
from core.money import Money
from core.parties import Customer
from core.vat import Totals, totals

if TYPE_CHECKING:
    from core.papers import Paper


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
    """An order from its draft on; `version` counts every change that a card shows."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    state: Mapped[OrderState] = mapped_column(choice(OrderState), default=OrderState.DRAFT, index=True)
    version: Mapped[int] = mapped_column(default=1)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    channel: Mapped[MessageChannel] = mapped_column(choice(MessageChannel))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    quote_id: Mapped[int | None] = mapped_column(ForeignKey("quote.id"))
    reply_chat_id: Mapped[int | None] = mapped_column(BigInteger)
    reply_email: Mapped[str] = mapped_column(default="")
    thread_message_id: Mapped[str] = mapped_column(default="")
    thread_subject: Mapped[str] = mapped_column(Text, default="")
    sender_authenticated: Mapped[bool] = mapped_column(default=True)
    customer_reference: Mapped[str] = mapped_column(default="", index=True)
    customer_reference_date: Mapped[date | None]
    customer_total: Mapped[Money | None]
    accord: Mapped[bool] = mapped_column(default=False)
    requested_delivery_date: Mapped[date | None]
    deposit_percent: Mapped[Decimal | None] = mapped_column(PERCENT)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
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
    customer_reference: str = ""
    customer_reference_date: date | None = None
    customer_total: Money | None = None
    accord: bool = False
    requested_delivery_date: date | None = None
    taken_by_id: int | None = None


def draft(session: Session, asked: Asked, *, by: Actor, at: datetime) -> Order:
    """A new draft; a message that already has one gets that one back, unchanged."""
    if asked.message_id is not None:
        known = session.scalar(select(Order).where(Order.message_id == asked.message_id))
        if known is not None:
            return known
    today = business_date(at)
    order = Order(
        reference=next_number(session, "CMD", on=today),
        customer=asked.customer,
        created_at=at,
        deposit_percent=asked.customer.deposit_percent,
        **{name: getattr(asked, name) for name in (
            "channel", "message_id", "quote_id", "reply_chat_id", "reply_email", "thread_message_id", "thread_subject",
            "sender_authenticated", "customer_reference", "customer_reference_date", "customer_total", "accord",
            "requested_delivery_date", "taken_by_id",
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
    if article is None:
        line.unit_price = None
        return
    quoted = quotes.quoted_price(session, order.quote_id, article)
    line.unit_price = quoted if quoted is not None else prices.price_for(session, order.customer, article, on=on)


def move(session: Session, order: Order, target: OrderState, *, by: Actor, at: datetime, **data: Any) -> None:
    """Change the order's state, with a journal line; an illegal move raises."""
    if target not in NEXT[order.state]:
        raise IllegalTransition(thing="order", state=order.state, target=target)
    before, order.state = order.state, target
    order.version += 1
    journal.write(session, f"order_{target}", subject=order.subject, by=by, at=at, before=before, **data)


def lock(session: Session, order_id: int, *, version: int | None = None) -> Order:
    """The order, held until the end of the transaction; refuses a version that is no longer the current one."""
    order = session.scalar(
        select(Order).where(Order.id == order_id).with_for_update().execution_options(populate_existing=True)
    )
    if order is None:
        raise Refused("order_unknown", order=order_id)
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    return order


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


def confirm(
    session: Session, order: Order, *, by: Actor, at: datetime, undo: timedelta, paper: Paper | None = None
) -> None:
    """Register the order: reserve stock, freeze, tell; what the customer gets waits out the undo time.

    The checks are the caller's (`registration.confirm`, in the same transaction); this verb does not look again.
    """
    move(session, order, OrderState.CONFIRMED, by=by, at=at, gross=order.totals.gross, net=order.totals.net)
    order.confirmed_at, order.confirmed_by_id = at, by.id
    granted = stock.reserve(
        session,
        [(line.id, line.article_id, line.quantity) for line in order.kept_lines if line.article_id and line.quantity],
    )
    short = {line.position: line.quantity - granted[line.id] for line in order.kept_lines
             if line.quantity and line.id in granted and granted[line.id] < line.quantity}  # fmt: skip
    if short:
        journal.write(
            session, "backorder_accepted", subject=order.subject, by=by, at=at,
            lines={str(position): str(quantity) for position, quantity in short.items()},
        )  # fmt: skip
    events.emit(session, "order_confirmed", order, at=at, not_before=at + undo, paper=paper)


def undo_confirmation(session: Session, order: Order, *, by: Actor, at: datetime, undo: timedelta) -> None:
    """Back to draft within the undo time, while nothing has left: rows moot, reservations released."""
    if order.confirmed_at is None or at > order.confirmed_at + undo:
        raise Refused("undo_too_late", reference=order.reference)
    move(session, order, OrderState.DRAFT, by=by, at=at)
    for line in order.lines:
        stock.release(session, line.id)
    outbox.cancel_waiting(session, order.subject, at=at, reason="confirmation undone", audience="customer")
    order.confirmed_at, order.confirmed_by_id = None, None
    events.emit(session, "order_changed", order, at=at)


def cancel(session: Session, order: Order, *, reason: str, by: Actor, at: datetime) -> None:
    """Give the order up, with its reason; a confirmed order of which something left cannot be cancelled."""
    from core import deliveries

    if order.state is OrderState.CONFIRMED and deliveries.shipped_quantities(session, order):
        raise Refused("order_already_shipped", reference=order.reference)
    move(session, order, OrderState.CANCELLED, by=by, at=at, reason=reason)
    order.cancel_reason = reason
    for line in order.lines:
        stock.release(session, line.id)
    events.emit(session, "order_cancelled", order, at=at)


def by_reference(session: Session, reference: str) -> Order | None:
    """The order with that reference."""
    return session.scalar(select(Order).where(Order.reference == reference.strip().upper()))


def open_drafts(session: Session) -> list[Order]:
    """Drafts that wait for somebody, oldest first."""
    return list(session.scalars(select(Order).where(Order.state == OrderState.DRAFT).order_by(Order.id)))


def last_confirmed(session: Session, customer: Customer) -> Order | None:
    """The customer's latest registered order: what « comme d'habitude » refers to."""
    query = select(Order).where(Order.customer_id == customer.id, Order.confirmed_at.is_not(None))
    return session.scalar(query.order_by(Order.confirmed_at.desc()).limit(1))
