"""The order and its lines as they stand: only what is decided is stored."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.catalogue import Article
from core.clauses import ClauseChoice, ClauseKind
from core.db import PERCENT, PRICE, Base, choice
from core.errors import Refused
from core.messages import MessageChannel
from core.money import Money
from core.parties import Contact, Customer, DeliveryAddress
from core.prices.tables import PriceSource
from core.roundings import Counted, Difference, Sums, difference
from core.vat import Totals, totals

if TYPE_CHECKING:
    from core.orders.clauses import OrderClause  # noqa: TC004 - it imports this module; SQLAlchemy asks by name


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


class Shortage(StrEnum):
    """What was decided about a line that stock does not cover: what is there leaves first, or all leaves together."""

    BACKORDER = "backorder"
    WAIT = "wait"


class DiscountBy(StrEnum):
    """Who gave a discount: a rule of the house, or a colleague by hand, with or without a manager's authority."""

    RULE = "rule"
    AGENT = "agent"
    MANAGER = "manager"


class DepositStage(StrEnum):
    """What a deposit must be there for; what it blocks first stands first."""

    REGISTRATION = "registration"
    PREPARATION = "preparation"
    SHIPPING = "shipping"


class DepositTerm(Base):
    """One part of the deposit that an order asks for, frozen when it was drafted or last changed (see `core.deposits`).

    A share or an amount VAT included, of the lines of an article, of a category, or of all other lines. `agreed` is
    what a colleague said for this order: it stands in place of what the rules ask.
    """

    __tablename__ = "deposit_term"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    rule_code: Mapped[str] = mapped_column(default="")
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    category: Mapped[str] = mapped_column(default="")
    percent: Mapped[Decimal | None] = mapped_column(PERCENT)
    amount: Mapped[Money | None]
    blocks: Mapped[DepositStage] = mapped_column(choice(DepositStage), default=DepositStage.REGISTRATION)
    agreed: Mapped[bool] = mapped_column(default=False)

    @property
    def whole(self) -> bool:
        """It is about every line that no other term is about."""
        return self.article_id is None and not self.category


def plain_words(text: str) -> str:
    """The words in lower case, one space apart."""
    return " ".join(text.casefold().split())


class Order(Base):
    """An order from its draft on; `version` counts every change that a card shows.

    `customer_total` (without VAT), `customer_vat` and `customer_gross` are what his own purchase order comes to.
    `customer_clue` is what alone proposed the customer (a domain, a name…), until a colleague confirms him. `contact`
    is who ordered, where known; `delivery_own` says that it goes to the customer's own address, `delivery_said` is
    the place as his paper words it, `quote_said` the quote that it names.
    `parked_until` is the instant until which a colleague put the draft aside.
    `delivery_date_set_at` is when the wanted day was changed last: the cut-off is judged at that instant.
    `revision` counts the changes since it was registered; `changed_from` is what the draft was before its last change.
    `contents` and `source_hash` say what it asks for and which files asked it, for `core.duplicates`.
    """

    __tablename__ = "order"
    __table_args__ = (
        Index(None, "customer_id", "state"),
        Index(None, "customer_id", "contents"),
        Index(None, "customer_id", "source_hash"),
        Index(None, "customer_id", "customer_reference"),
    )

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
    customer_vat: Mapped[Money | None]
    customer_gross: Mapped[Money | None]
    accord: Mapped[bool] = mapped_column(default=False)
    requested_delivery_date: Mapped[date | None]
    delivery_date_set_at: Mapped[datetime | None]
    parked_until: Mapped[datetime | None]
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
    discount_percent: Mapped[Decimal] = mapped_column(PERCENT, default=Decimal(0))
    discount_by: Mapped[DiscountBy | None] = mapped_column(choice(DiscountBy))
    auto_considered: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)
    changed_from: Mapped[str] = mapped_column(Text, default="")
    contents: Mapped[str] = mapped_column(default="")
    source_hash: Mapped[str] = mapped_column(default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    delivery_address_id: Mapped[int | None] = mapped_column(ForeignKey("delivery_address.id"))
    delivery_own: Mapped[bool] = mapped_column(default=False)
    delivery_said: Mapped[str] = mapped_column(Text, default="")
    quote_said: Mapped[str] = mapped_column(default="")
    clauses: Mapped[list[OrderClause]] = relationship(order_by="OrderClause.id", cascade="all, delete-orphan")
    contact: Mapped[Contact | None] = relationship()
    delivery_address: Mapped[DeliveryAddress | None] = relationship()
    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(order_by="OrderLine.position", cascade="all, delete-orphan")
    deposit_terms: Mapped[list[DepositTerm]] = relationship(order_by="DepositTerm.id", cascade="all, delete-orphan")

    @property
    def deposit_percent(self) -> Decimal | None:
        """The share of the whole order that its deposit is; None without one, and for any other kind of deposit."""
        agreed = [term for term in self.deposit_terms if term.agreed] or self.deposit_terms
        return (agreed[0].percent or None) if len(agreed) == 1 and agreed[0].whole else None

    @deposit_percent.setter
    def deposit_percent(self, percent: Decimal | None) -> None:
        """Ask for this share of the whole order before registration, whatever the rules say."""
        kept = [term for term in self.deposit_terms if not term.agreed]
        stage = DepositStage.REGISTRATION
        asked = DepositTerm(rule_code="", category="", percent=percent, blocks=stage, agreed=True)
        self.deposit_terms = kept if percent is None else [*kept, asked]

    @property
    def subject(self) -> str:
        """The order as the subject of journal lines, outbox rows and cards."""
        return f"order:{self.id}"

    @property
    def payment_terms(self) -> str:
        """The terms of payment of this order: the customer's, unless his own clause was accepted."""
        accepted = (c for c in self.clauses if c.kind is ClauseKind.PAYMENT and c.settled is ClauseChoice.THEIRS)
        return next((clause.value for clause in accepted), self.customer.payment_terms)

    @property
    def kept_lines(self) -> list[OrderLine]:
        """The lines that were not taken out."""
        return [line for line in self.lines if not line.removed]

    def rounding(self) -> Difference | None:
        """How the totals of his purchase order differ from ours; None when they agree, or a line is still open."""
        stated = Sums(self.customer_total, self.customer_vat, self.customer_gross)
        lines = [line for line in self.kept_lines if not line.given_up]
        if stated == Sums() or not all(line.complete for line in lines):
            return None
        counted = [
            Counted(self.customer.vat_on(line.article), line.committed, line.unit_price)
            for line in lines
            if line.article is not None and line.committed is not None and line.unit_price is not None
        ]
        return difference(counted, stated)

    def fingerprint(self) -> str:
        """What the order asks for, whatever the order of its lines; empty for no line."""
        said = sorted(
            f"{line.article_id or plain_words(line.text)}:{line.quantity.normalize() if line.quantity else ''}"
            for line in self.kept_lines
        )
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32] if said else ""

    @property
    def totals(self) -> Totals:
        """Net, VAT and gross of the lines that have an article, a quantity and a price."""
        priced = [(line.article, line.net) for line in self.kept_lines if line.article and line.complete]
        return totals((self.customer.vat_on(article), net) for article, net in priced)


class OrderLine(Base):
    """One line: the customer's own words, what we made of them, and how sure we are.

    `quantity` counts the article's sales unit; `packaging` and `packaging_count` are how the customer counts it.
    `customer_price` is the price on the purchase order, kept beside ours and never used without a decision.
    `list_price` is ours before discounts (BT-148); `discount_percent` is the line's own, beside the order's.
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
    shortage: Mapped[Shortage | None] = mapped_column(choice(Shortage))
    customer_reference: Mapped[str] = mapped_column(default="")
    confidence: Mapped[Decimal] = mapped_column(PERCENT, default=Decimal(1))
    alternatives: Mapped[str] = mapped_column(Text, default="[]")
    evidence: Mapped[str] = mapped_column(Text, default="{}")
    removed: Mapped[bool] = mapped_column(default=False)
    closed_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    list_price: Mapped[Decimal | None] = mapped_column(PRICE)
    discount_percent: Mapped[Decimal] = mapped_column(PERCENT, default=Decimal(0))
    discount_by: Mapped[DiscountBy | None] = mapped_column(choice(DiscountBy))
    price_source: Mapped[PriceSource | None] = mapped_column(choice(PriceSource))
    article: Mapped[Article | None] = relationship(lazy="joined")  # a line without its article is of no use

    @property
    def complete(self) -> bool:
        """The line says which article, how many, and at what price."""
        return self.article is not None and self.quantity is not None and self.unit_price is not None

    @property
    def committed(self) -> Decimal | None:
        """The sales units that were or will be delivered: what was closed short is left out."""
        return None if self.quantity is None else self.quantity - self.closed_quantity

    @property
    def given_up(self) -> bool:
        """All of the line was closed short: nothing of it was delivered, nothing will be."""
        return bool(self.closed_quantity) and not self.committed

    @property
    def net(self) -> Money:
        """What is committed times the price, to the cent; refuses an incomplete line."""
        if self.committed is None or self.unit_price is None:
            raise Refused("line_incomplete", position=self.position)
        return Money.of(self.committed * self.unit_price)

    @property
    def gross_price(self) -> Decimal | None:
        """The price before discounts, where discounts were taken off it."""
        if self.list_price is None or self.unit_price is None or self.list_price <= self.unit_price:
            return None
        return self.list_price

    @property
    def other_skus(self) -> list[str]:
        """The other articles it may be, best first."""
        return [str(sku) for sku in json.loads(self.alternatives)]
