"""What deposit the order asks for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from core import invoices, payments
from core.money import Money, total
from core.orders import Order

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class DepositFacts:
    """The deposit due, invoiced (less what was credited) and paid, VAT included."""

    percent: Decimal | None
    due: Money
    invoiced: Money
    paid: Money


def gather(session: Session, order: Order) -> DepositFacts:
    """The order's deposit."""
    issued = invoices.deposits_of(session, order)
    return DepositFacts(
        percent=order.deposit_percent,
        due=invoices.deposit_amount(order),
        invoiced=total(deposit.gross - payments.credited(session, deposit) for deposit in issued),
        paid=total(payments.allocated(session, deposit) for deposit in issued),
    )
