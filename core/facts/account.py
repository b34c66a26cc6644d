"""What accounting knows of the customer: is he open, what does he owe, how much may he owe."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import deliveries, disputes, invoices, payments
from core.clock import business_date
from core.deliveries import DeliveryState
from core.money import ZERO, Money, total
from core.orders import Order, OrderState
from core.payments import Receivable
from core.vat import totals

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


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
class AccountFacts:
    """The customer's account; a limit of None means that none was set."""

    active: bool
    on_hold: bool
    credit_limit: Money | None
    exposure: Exposure
    overdue: tuple[Receivable, ...]


def gather(session: Session, order: Order, *, at: datetime) -> AccountFacts:
    """The account of the order's customer with this order in it."""
    customer, today = order.customer, business_date(at)
    receivables = payments.receivables(session, customer)
    delivered, to_deliver = _under_way(session, order)
    deposits = total(
        deposit.gross - payments.credited(session, deposit) for deposit in invoices.deposits_of(session, order)
    )
    return AccountFacts(
        active=customer.active,
        on_hold=customer.on_hold,
        credit_limit=customer.credit_limit,
        exposure=Exposure(
            unpaid=total(receivable.due for receivable in receivables),
            delivered_not_invoiced=delivered,
            confirmed_not_delivered=to_deliver,
            this_order=total(_stages(session, order))
            if order.state is OrderState.CONFIRMED
            else max(order.totals.gross - deposits, ZERO),
            credits=payments.usable_credit(session, customer),
        ),
        overdue=tuple(
            receivable
            for receivable in receivables
            if receivable.due_date < today and receivable.due > disputes.contested(session, receivable.invoice_id)
        ),
    )


def _gross_of(order: Order, quantities: dict[int, Decimal]) -> Money:
    return totals(
        (line.article.vat_rate, Money.of(quantities[line.id] * line.unit_price))
        for line in order.kept_lines
        if line.id in quantities and line.article is not None and line.unit_price is not None
    ).gross


def _under_way(session: Session, order: Order) -> tuple[Money, Money]:
    """What the customer's other confirmed orders come to: shipped but not invoiced, and not shipped yet."""
    query = select(Order).where(
        Order.customer_id == order.customer_id, Order.state == OrderState.CONFIRMED, Order.id != order.id
    )
    delivered, to_deliver = ZERO, ZERO
    for other in session.scalars(query.order_by(Order.id)):
        left, remaining = _stages(session, other)
        delivered, to_deliver = delivered + left, to_deliver + remaining
    return delivered, to_deliver


def _stages(session: Session, order: Order) -> tuple[Money, Money]:
    """What a confirmed order comes to: shipped but not invoiced, and not shipped yet.

    A deposit is deducted as far as no invoice has deducted it: from what was shipped first, then from the rest.
    """
    shipped: dict[int, Decimal] = {}
    for delivery in deliveries.of_order(session, order):
        for line in delivery.lines if delivery.state is DeliveryState.SHIPPED else ():
            shipped[line.order_line_id] = shipped.get(line.order_line_id, Decimal(0)) + line.quantity
    deposit = total(
        known.gross - payments.credited(session, known) - invoices.deducted(session, known)
        for known in invoices.deposits_of(session, order)
    )
    left = _gross_of(order, shipped)
    taken = min(deposit, left)
    remaining = _gross_of(order, deliveries.remaining_quantities(session, order))
    return left - taken, max(remaining - (deposit - taken), ZERO)
