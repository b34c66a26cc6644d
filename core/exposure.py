"""Exposure: what a customer owes us or will owe us, VAT included, stage by stage, each with its documents.

Unpaid invoices and open items + delivered and not invoiced + registered and not delivered + the draft under check
- receipts that settle nothing yet - credit notes beyond what their invoice owed. An order counts less its deposit
invoices that no invoice has deducted: from what was delivered first, then from the rest. A contested amount stays in.

Both databases keep amounts as whole numbers, so the sums are made there, one statement a stage, exact to the cent: a
line is quantity x price to the cent, VAT is per rate on the sum of an order (EN 16931 BR-CO-17), as `core.vat` has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    true,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import aliased

from core import payments
from core.catalogue import Article
from core.deliveries import (
    Delivery,
    DeliveryLine,
    DeliveryState,
    GoodsReturnLine,
    Reserve,
    ReserveDecision,
    ReserveKind,
)
from core.documents import DocumentKind
from core.invoices import DepositDeduction, Invoice, invoiced
from core.money import ZERO, Money
from core.orders import Order, OrderLine, OrderState
from core.parties import Customer
from core.payments import CUSTOMER
from core.settings import VAT_FRANCHISE, Flag
from core.vat import Regime

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

Whole = ColumnElement[int]


class Stage(StrEnum):
    """Where an amount stands; `House.exposure_stages` names those that count."""

    UNPAID = "unpaid"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    THIS_ORDER = "this_order"
    RECEIPTS = "receipts"
    CREDIT_NOTES = "credit_notes"


#: The stages that lower the exposure.
TAKEN_OFF = frozenset({Stage.RECEIPTS, Stage.CREDIT_NOTES})


#: What one statement sums, in its order.
_SUMMED = (Stage.UNPAID, Stage.CREDIT_NOTES, Stage.DELIVERED, Stage.CONFIRMED, Stage.RECEIPTS)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the customer owes or will owe, VAT included; a stage that does not count is zero."""

    unpaid: Money
    delivered_not_invoiced: Money
    confirmed_not_delivered: Money
    this_order: Money
    credits: Money

    @property
    def total(self) -> Money:
        """The exposure if this order is registered."""
        stages = self.unpaid + self.delivered_not_invoiced + self.confirmed_not_delivered + self.this_order
        return stages - self.credits


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a stage: its number and what it adds, or takes off."""

    stage: Stage
    number: str
    amount: Money


def stages(house: House) -> frozenset[Stage]:
    """The stages that count for this house."""
    return frozenset(map(Stage, house.exposure_stages))


def of(
    session: Session, customer: Customer, order: Order | None, *, counted: frozenset[Stage], gross: Money | None = None
) -> Exposure:
    """The customer's exposure with that order in it: a draft is added, a registered order is already in its stage.

    `gross` is what the order comes to, where the caller knows it.
    """
    session.flush()
    row = session.execute(_amounts(), {"customer": customer.id}).one()
    amounts = dict(zip(_SUMMED, map(Money.from_cents, row), strict=True))
    amounts[Stage.THIS_ORDER] = still_to_come(session, order, gross) if order is not None else ZERO
    kept = {stage: amount if stage in counted else ZERO for stage, amount in amounts.items()}
    return Exposure(
        kept[Stage.UNPAID], kept[Stage.DELIVERED], kept[Stage.CONFIRMED], kept[Stage.THIS_ORDER],
        kept[Stage.RECEIPTS] + kept[Stage.CREDIT_NOTES],
    )  # fmt: skip


def documents(session: Session, customer: Customer, order: Order | None, *, counted: frozenset[Stage]) -> list[Entry]:
    """The documents that make the exposure, stage by stage: their amounts add up to it, to the cent."""
    session.flush()
    found = [Entry(Stage.UNPAID, owed.number, owed.due) for owed in payments.receivables(session, customer)]
    under_way = _orders()
    query = select(Order.reference, under_way.c.delivered, under_way.c.confirmed)
    query = query.join(under_way, under_way.c.order_id == Order.id).order_by(Order.id)
    rows = session.execute(query, {"customer": customer.id}).all()
    found += [Entry(Stage.DELIVERED, row.reference, Money.from_cents(row.delivered)) for row in rows if row.delivered]
    found += [Entry(Stage.CONFIRMED, row.reference, Money.from_cents(row.confirmed)) for row in rows if row.confirmed]
    if order is not None and (amount := still_to_come(session, order)):
        found.append(Entry(Stage.THIS_ORDER, order.reference, amount))
    found += [Entry(Stage.RECEIPTS, number, amount) for number, amount in payments.receipts(session, customer)]
    found += [Entry(Stage.CREDIT_NOTES, number, amount) for number, amount in payments.surpluses(session, customer)]
    return [entry for entry in found if entry.stage in counted]


def still_to_come(session: Session, order: Order, gross: Money | None = None) -> Money:
    """What a draft adds: its total less its deposit invoices; a registered order is counted in its own stage."""
    if order.state is not OrderState.DRAFT:
        return ZERO
    deposit = session.execute(_deposits_of_order(), {"order": order.id}).scalar_one()
    return max((order.totals.gross if gross is None else gross) - Money.from_cents(deposit), ZERO)


@cache
def _amounts() -> Select[*tuple[int, ...]]:
    """One row: the amounts of the stages in `_SUMMED`, in cents."""
    under_way, owed, left = _orders(), payments.owed().subquery(), payments.unallocated().subquery()
    moving = select(_sum(under_way.c.delivered), _sum(under_way.c.confirmed)).subquery()
    rows = owed.join(moving, true()).join(left, true())
    return select(*owed.c, *moving.c, *left.c).select_from(rows)


@cache
def _deposits_of_order() -> Select[int]:
    left = _deposits("order_id", bindparam("order", type_=Integer))
    return select(_sum(left.c.cents))


def summed(entries: Iterable[Entry], stage: Stage) -> Money:
    """What the entries of a stage come to."""
    return sum((entry.amount for entry in entries if entry.stage is stage), ZERO)


def whole(column: Any) -> Whole:
    """The number as it is stored: cents, or the scaled integer of a quantity, a price or a rate."""
    return type_coerce(column, BigInteger)


def _sum(column: Any) -> Whole:
    # PostgreSQL adds whole numbers up to a numeric, whose division would not be a whole one
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _or_zero(column: Any) -> Whole:
    """The whole number, or zero where an outer join found no row."""
    return func.coalesce(column, 0, type_=BigInteger)


def line_cents(quantity: Whole, price: Whole) -> Whole:
    """Quantity (10^-4) x price (10^-6) to the cent, half up; the whole euros apart, so that nothing overflows."""
    euros = quantity * (price // 1_000_000)
    parts = (euros % 100) * 1_000_000 + quantity * (price % 1_000_000)
    return euros // 100 + (parts + 50_000_000) // 100_000_000


def _with_vat(net: Whole, percent: Whole) -> Whole:
    """Net cents and the VAT on them at a rate in 10^-4 percent, half up."""
    rest = (net % 1_000_000) * percent
    return net + (net // 1_000_000) * percent + (rest + 500_000) // 1_000_000


def _deposits(column: str, wanted: ColumnElement[Any]) -> Subquery:
    """Of each order, what its deposit invoices came to, less what was credited of them and what invoices deducted.

    A credit note belongs to the order and the customer of the invoice that it credits.
    """
    deposit = select(Invoice.id, Invoice.order_id, whole(Invoice.gross).label("cents")).where(
        getattr(Invoice, column) == wanted, Invoice.kind == DocumentKind.DEPOSIT_INVOICE
    )
    issued, known = deposit.subquery(), deposit.subquery()
    note, again = aliased(Invoice), deposit.subquery()
    moves = union_all(
        select(issued.c.order_id, issued.c.cents),
        select(known.c.order_id, -whole(note.gross))
        .join(note, note.refers_to_id == known.c.id)
        .where(getattr(note, column) == wanted, note.kind == DocumentKind.CREDIT_NOTE),
        select(again.c.order_id, -whole(DepositDeduction.amount)).join(
            DepositDeduction, DepositDeduction.deposit_id == again.c.id
        ),
    ).subquery()
    return select(moves.c.order_id, _sum(moves.c.cents).label("cents")).group_by(moves.c.order_id).subquery()


def _to_deliver() -> Subquery:
    """Of each line of a registered order, what is neither shipped nor closed, and what is shipped again."""
    again = _of_delivered(Reserve, whole(Reserve.quantity), Reserve.decision == ReserveDecision.REPLACE)
    came_back = _or_zero(again.c.quantity)
    shipped = (
        select(DeliveryLine.order_line_id, _sum(whole(DeliveryLine.quantity) - came_back).label("quantity"))
        .join(Delivery, Delivery.id == DeliveryLine.delivery_id)
        .join(Order, Order.id == Delivery.order_id)
        .outerjoin(again, again.c.delivery_line_id == DeliveryLine.id)
        .where(
            Delivery.customer_id == CUSTOMER, Order.customer_id == CUSTOMER, Order.state == OrderState.CONFIRMED,
            Delivery.state.in_([DeliveryState.SHIPPED, DeliveryState.VERIFIED]),
        )
        .group_by(DeliveryLine.order_line_id)
        .subquery()
    )  # fmt: skip
    gone = _or_zero(shipped.c.quantity)
    return (
        select(
            Order.id.label("order_id"), OrderLine.article_id, whole(OrderLine.unit_price).label("price"),
            (whole(OrderLine.quantity) - whole(OrderLine.closed_quantity) - gone).label("quantity"),
        )
        .join(OrderLine, OrderLine.order_id == Order.id)
        .outerjoin(shipped, shipped.c.order_line_id == OrderLine.id)
        .where(Order.customer_id == CUSTOMER, Order.state == OrderState.CONFIRMED, OrderLine.removed.is_(False))
        .subquery()
    )  # fmt: skip


def _to_invoice() -> Subquery:
    """Of each order line, what left and no invoice names: under way, or received with its invoice held.

    What the customer said is missing or wrong is not invoiced, unless an agent did not accept it; nor is what an agent
    gives back or replaces, nor what came back before it was invoiced.
    """
    granted = Reserve.decision.in_([ReserveDecision.CREDIT, ReserveDecision.REPLACE])
    claimed = Reserve.decision.is_(None) & Reserve.kind.in_([ReserveKind.MISSING, ReserveKind.WRONG_ARTICLE])
    refused = _of_delivered(Reserve, whole(Reserve.quantity), granted | claimed)
    came = whole(GoodsReturnLine.good) + whole(GoodsReturnLine.scrapped) + whole(GoodsReturnLine.quarantined)
    back = _of_delivered(GoodsReturnLine, came, GoodsReturnLine.credited.is_(False))
    not_owed = _or_zero(refused.c.quantity) + _or_zero(back.c.quantity)
    article = func.coalesce(DeliveryLine.article_id, OrderLine.article_id)
    price = func.coalesce(whole(DeliveryLine.unit_price), whole(OrderLine.unit_price), type_=BigInteger)
    left = Delivery.state.in_([DeliveryState.SHIPPED, DeliveryState.VERIFIED]) & ~invoiced()
    left &= Delivery.in_books_on.is_(None)
    return (
        select(
            OrderLine.order_id, article.label("article_id"), price.label("price"),
            _sum(whole(DeliveryLine.quantity) - whole(DeliveryLine.given_back) - not_owed).label("quantity"),
        )
        .select_from(Delivery)
        .join(DeliveryLine, DeliveryLine.delivery_id == Delivery.id)
        .join(OrderLine, OrderLine.id == DeliveryLine.order_line_id)
        .outerjoin(refused, refused.c.delivery_line_id == DeliveryLine.id)
        .outerjoin(back, back.c.delivery_line_id == DeliveryLine.id)
        .where(Delivery.customer_id == CUSTOMER, left)
        .group_by(OrderLine.order_id, OrderLine.id, article, price)
        .subquery()
    )  # fmt: skip


def _of_delivered(table: type[Reserve | GoodsReturnLine], quantity: Whole, which: ColumnElement[bool]) -> Subquery:
    """Of each delivered line of the customer, what these rows about it come to."""
    return (
        select(table.delivery_line_id, _sum(quantity).label("quantity"))
        .join(DeliveryLine, DeliveryLine.id == table.delivery_line_id)
        .join(Delivery, Delivery.id == DeliveryLine.delivery_id)
        .where(Delivery.customer_id == CUSTOMER, which)
        .group_by(table.delivery_line_id)
        .subquery()
    )


def _percent() -> Whole:
    """The article's rate, or zero: `core.vat.decide` charges VAT to a domestic customer of a house that charges it."""
    domestic = select(Customer.id).where(Customer.id == CUSTOMER, Customer.vat_regime == Regime.DOMESTIC).exists()
    franchise = select(Flag.name).where(Flag.name == VAT_FRANCHISE, Flag.value == "yes").exists()
    return case((domestic & ~franchise, whole(Article.vat_percent)), else_=literal(0, BigInteger))


def _orders() -> Subquery:
    """Of each order under way: what was delivered and not invoiced, and what is still to deliver, less its deposits."""
    parts = []
    for lines, stage in ((_to_invoice(), 0), (_to_deliver(), 1)):
        cents = line_cents(lines.c.quantity, lines.c.price)
        nothing = literal(0, BigInteger)
        rows = select(
            lines.c.order_id, _percent().label("percent"),
            (nothing if stage else cents).label("delivered"), (cents if stage else nothing).label("confirmed"),
        )  # fmt: skip
        known = (lines.c.quantity > 0) & lines.c.price.is_not(None)
        parts.append(rows.join(Article, Article.id == lines.c.article_id).where(known))
    nets = union_all(*parts).subquery()
    rates = (
        select(
            nets.c.order_id,
            _with_vat(_sum(nets.c.delivered), nets.c.percent).label("delivered"),
            _with_vat(_sum(nets.c.confirmed), nets.c.percent).label("confirmed"),
        )
        .group_by(nets.c.order_id, nets.c.percent)
        .subquery()
    )
    gross = (
        select(rates.c.order_id, _sum(rates.c.delivered).label("delivered"), _sum(rates.c.confirmed).label("confirmed"))
        .group_by(rates.c.order_id)
        .subquery()
    )
    left = _deposits("customer_id", CUSTOMER)
    deposit = _or_zero(left.c.cents)
    after = gross.c.delivered - deposit
    rest = gross.c.confirmed + case((after < 0, after), else_=0)
    return (
        select(
            gross.c.order_id,
            case((after > 0, after), else_=0).label("delivered"),
            case((rest > 0, rest), else_=0).label("confirmed"),
        )
        .outerjoin(left, left.c.order_id == gross.c.order_id)
        .subquery()
    )
