"""What a check may look at: plain values, gathered by a few queries and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import deliveries, disputes, invoices, overrides, payments, quotes, stock
from core.clock import business_date
from core.deliveries import DeliveryState
from core.money import ZERO, Money, total
from core.orders import Order, OrderLine, OrderState, PriceChoice
from core.parties import Requirement
from core.payments import Receivable
from core.vat import totals

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line of the order under check; `available` is what stock can still promise."""

    position: int
    sku: str | None
    text: str
    quantity: Decimal | None
    unit_price: Decimal | None
    customer_price: Decimal | None
    price_choice: PriceChoice | None
    confidence: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the customer owes or will owe, VAT included, stage by stage (the formula is shown with its lines)."""

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
class Facts:
    """Everything both services look at before an order is registered."""

    today: date
    order_gross: Money
    lines: tuple[LineFacts, ...]
    customer_active: bool
    customer_on_hold: bool
    credit_limit: Money | None
    exposure: Exposure
    overdue: tuple[Receivable, ...]
    recap_policy: Requirement
    recap_accepted: bool
    accord: bool
    sender_authenticated: bool
    customer_clue: str
    deposit_percent: Decimal | None
    deposit_due: Money
    deposit_invoiced: Money
    deposit_paid: Money
    customer_total: Money | None
    order_net: Money
    same_reference: tuple[str, ...]
    quote_reference: str
    quote_expired: bool
    price_tolerance_percent: Decimal
    overridden: frozenset[str]


def gather(session: Session, order: Order, *, house: House, at: datetime) -> Facts:
    """The facts about a draft at that instant."""
    customer, today = order.customer, business_date(at)
    receivables = payments.receivables(session, customer)
    delivered, to_deliver = _under_way(session, order)
    deposits = invoices.deposits_of(session, order)
    deposit_gross = total(deposit.gross - payments.credited(session, deposit) for deposit in deposits)
    quote = session.get(quotes.Quote, order.quote_id) if order.quote_id is not None else None
    gross = order.totals.gross
    return Facts(
        today=today,
        order_gross=gross,
        order_net=order.totals.net,
        lines=tuple(_line(session, line) for line in order.kept_lines),
        customer_active=customer.active,
        customer_on_hold=customer.on_hold,
        credit_limit=customer.credit_limit,
        exposure=Exposure(
            unpaid=total(receivable.due for receivable in receivables),
            delivered_not_invoiced=delivered,
            confirmed_not_delivered=to_deliver,
            this_order=max(gross - deposit_gross, ZERO),
            credits=payments.usable_credit(session, customer),
        ),
        overdue=tuple(
            receivable
            for receivable in receivables
            if receivable.due_date < today and receivable.due > disputes.contested(session, receivable.invoice_id)
        ),
        recap_policy=customer.recap_policy,
        recap_accepted=order.recap_accepted_at is not None,
        accord=order.accord,
        sender_authenticated=order.sender_authenticated,
        customer_clue=order.customer_clue,
        deposit_percent=order.deposit_percent,
        deposit_due=invoices.deposit_amount(order),
        deposit_invoiced=deposit_gross,
        deposit_paid=total(payments.allocated(session, deposit) for deposit in deposits),
        customer_total=order.customer_total,
        same_reference=_same_reference(session, order),
        quote_reference=quote.reference if quote is not None else "",
        quote_expired=quote is not None and quote.valid_until is not None and quote.valid_until < today,
        price_tolerance_percent=house.price_tolerance_percent,
        overridden=overrides.standing(session, order, at=at),
    )


def _line(session: Session, line: OrderLine) -> LineFacts:
    return LineFacts(
        position=line.position, sku=line.article.sku if line.article else None, text=line.text,
        quantity=line.quantity, unit_price=line.unit_price, customer_price=line.customer_price,
        price_choice=line.price_choice, confidence=line.confidence,
        available=stock.available(session, line.article_id) if line.article_id else Decimal(0),
    )  # fmt: skip


def _gross_of(order: Order, quantities: dict[int, Decimal]) -> Money:
    return totals(
        (line.article.vat_rate, Money.of(quantities[line.id] * line.unit_price))
        for line in order.kept_lines
        if line.id in quantities and line.article is not None and line.unit_price is not None
    ).gross


def _under_way(session: Session, order: Order) -> tuple[Money, Money]:
    """What the customer's other confirmed orders come to: shipped but not invoiced, and not shipped yet.

    A deposit is deducted as far as no invoice has deducted it: from what was shipped first, then from the rest.
    """
    query = select(Order).where(
        Order.customer_id == order.customer_id, Order.state == OrderState.CONFIRMED, Order.id != order.id
    )
    delivered, to_deliver = ZERO, ZERO
    for other in session.scalars(query.order_by(Order.id)):
        shipped: dict[int, Decimal] = {}
        for delivery in deliveries.of_order(session, other):
            for line in delivery.lines if delivery.state is DeliveryState.SHIPPED else ():
                shipped[line.order_line_id] = shipped.get(line.order_line_id, Decimal(0)) + line.quantity
        deposit = total(
            known.gross - payments.credited(session, known) - invoices.deducted(session, known)
            for known in invoices.deposits_of(session, other)
        )
        left = _gross_of(other, shipped)
        taken = min(deposit, left)
        delivered += left - taken
        remaining = _gross_of(other, deliveries.remaining_quantities(session, other))
        to_deliver += max(remaining - (deposit - taken), ZERO)
    return delivered, to_deliver


def _same_reference(session: Session, order: Order) -> tuple[str, ...]:
    if not order.customer_reference:
        return ()
    query = select(Order.reference).where(
        Order.customer_id == order.customer_id, Order.customer_reference == order.customer_reference,
        Order.id != order.id, Order.state != OrderState.CANCELLED,
    )  # fmt: skip
    return tuple(session.scalars(query.order_by(Order.id)))
