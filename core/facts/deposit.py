"""What deposit the order asks for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from core import deposits, invoices, payments
from core.money import ZERO, Money, total
from core.orders import DepositStage, Order

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class DepositFacts:
    """The deposit due before registration, invoiced (less what was credited) and paid, VAT included.

    `before_preparation` and `before_shipping` are what is missing for those stages alone; `by_rules` is what the rules
    ask in all, `agreed` what a colleague agreed on in its place, if any did. `percent` is known only of a deposit that
    is one share of the whole order.
    """

    percent: Decimal | None
    due: Money
    invoiced: Money
    paid: Money
    before_preparation: Money = ZERO
    before_shipping: Money = ZERO
    by_rules: Money = ZERO
    agreed: Money | None = None

    def of_registered(self) -> DepositFacts:
        """The deposit of an order that is registered already: what is missing holds its preparation back instead."""
        left = max(self.due - self.paid, ZERO)
        return replace(self, due=ZERO, before_preparation=left + self.before_preparation)


def gather(session: Session, order: Order) -> DepositFacts:
    """The order's deposit; an order that asks for none costs no query of its invoices."""
    if not order.deposit_terms:
        return DepositFacts(percent=None, due=ZERO, invoiced=ZERO, paid=ZERO)
    issued = invoices.deposits_of(session, order)
    amounts, agreed = deposits.stages(order), any(term.agreed for term in order.deposit_terms)
    whole = amounts[DepositStage.SHIPPING]
    paid = total(payments.allocated(session, deposit) for deposit in issued)
    return DepositFacts(
        percent=order.deposit_percent,
        due=amounts[DepositStage.REGISTRATION],
        invoiced=total(deposit.gross - payments.credited(session, deposit) for deposit in issued),
        paid=paid,
        before_preparation=deposits.missing(amounts, DepositStage.PREPARATION, paid=paid),
        before_shipping=deposits.missing(amounts, DepositStage.SHIPPING, paid=paid),
        by_rules=deposits.asked_by_rules(order) if agreed else whole,
        agreed=whole if agreed else None,
    )
