"""What accounting knows of the customer: is he open, what does he owe, how much may he owe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from core import disputes, exposure, reminders
from core.clock import business_date
from core.exposure import Exposure
from core.money import ZERO, Money
from core.orders import Order
from core.payments import Receivable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from core.settings import House

__all__ = ["AccountFacts", "CreditRules", "Exposure", "gather", "rules_of"]


@dataclass(frozen=True, slots=True)
class CreditRules:
    """How patient the house is: what is overdue blocks beyond these days and this amount, a reminder at this level."""

    overdue_days: int = 0
    overdue_amount: Money = ZERO
    reminder_watch: int = 2
    reminder_block: int = 4


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The customer's account; a limit of None means that none was set.

    `overdue` holds the undisputed rest of each document, `reminder_level` the highest step that one of them reached.
    """

    active: bool
    on_hold: bool
    credit_limit: Money | None
    exposure: Exposure
    overdue: tuple[Receivable, ...]
    insured_limit: Money | None = None
    insolvent_since: date | None = None
    reminder_level: int = 0
    rules: CreditRules = CreditRules()


def gather(session: Session, order: Order, *, gross: Money, house: House, at: datetime) -> AccountFacts:
    """The account of the order's customer with this order in it, which comes to `gross`."""
    customer = order.customer
    overdue = disputes.claimable(session, customer, due_before=business_date(at))
    reached = reminders.levels(session, customer) if overdue else {}
    return AccountFacts(
        active=customer.active,
        on_hold=customer.on_hold,
        credit_limit=customer.credit_limit,
        exposure=exposure.of(session, customer, order, gross=gross, counted=exposure.stages(house)),
        overdue=tuple(overdue),
        insured_limit=customer.insured_limit,
        insolvent_since=customer.insolvent_since,
        reminder_level=max((reached.get(receivable.number, 0) for receivable in overdue), default=0),
        rules=rules_of(house),
    )


def rules_of(house: House) -> CreditRules:
    """The house's patience."""
    return CreditRules(
        overdue_days=house.overdue_days_tolerated, overdue_amount=Money.of(house.overdue_amount_tolerated),
        reminder_watch=house.reminder_watch_level, reminder_block=house.reminder_block_level,
    )  # fmt: skip
