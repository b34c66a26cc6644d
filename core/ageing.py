"""The ageing balance: what all customers owe today, document by document, by how long it has been due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, CompoundSelect, select, true, type_coerce

from core import payments
from core.invoices import Invoice
from core.money import Money, total
from core.parties import Customer
from core.payments import OpenItem

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Band(StrEnum):
    """How long an amount has been due, in days."""

    NOT_DUE = "not_due"
    TO_30 = "to_30"
    TO_60 = "to_60"
    TO_90 = "to_90"
    BEYOND = "beyond"


#: The last day late of each band; what is later is beyond.
LAST_DAYS = ((Band.NOT_DUE, 0), (Band.TO_30, 30), (Band.TO_60, 60), (Band.TO_90, 90))


@dataclass(frozen=True, slots=True)
class Owed:
    """What a customer owes on one document."""

    customer_id: int
    code: str
    name: str
    number: str
    issue_date: date
    due_date: date
    gross: Money
    due: Money

    def days_late(self, today: date) -> int:
        """Days since the due date; negative before it."""
        return (today - self.due_date).days

    def band(self, today: date) -> Band:
        """How long it has been due."""
        late = self.days_late(today)
        return next((band for band, last in LAST_DAYS if late <= last), Band.BEYOND)


def documents(session: Session) -> list[Owed]:
    """Everything that is owed to us, by customer and due date: `core.payments.receivables` of all customers at once."""
    session.flush()
    found = [
        Owed(customer_id, code, name, number, issued, to_pay_on, Money.from_cents(gross), Money.from_cents(due))
        for customer_id, code, name, number, issued, to_pay_on, gross, due in session.execute(_owed())
    ]
    return sorted(found, key=lambda owed: (owed.name, owed.code, owed.due_date, owed.number))


@cache
def _owed() -> CompoundSelect[Any]:
    balance, item = payments.balances(true()), payments.items(true())
    payable = type_coerce(Invoice.gross, BigInteger) - type_coerce(Invoice.prepaid, BigInteger)
    who = (Customer.id, Customer.code, Customer.name)
    ours = (
        select(*who, Invoice.number, Invoice.issue_date, Invoice.due_date, payable.label("gross"), balance.c.cents)
        .join(Invoice, Invoice.customer_id == Customer.id)
        .join(balance, balance.c.id == Invoice.id)
        .where(balance.c.cents > 0)
    )
    gross = type_coerce(OpenItem.gross, BigInteger)
    theirs = (
        select(*who, OpenItem.number, OpenItem.issue_date, OpenItem.due_date, gross, item.c.cents)
        .join(OpenItem, OpenItem.customer_id == Customer.id)
        .join(item, item.c.id == OpenItem.id)
        .where(item.c.cents > 0)
    )
    return ours.union_all(theirs)


def summed(owed: Iterable[Owed], *, today: date) -> dict[Band, Money]:
    """What is owed in each band; every band is there."""
    by_band: dict[Band, list[Money]] = {band: [] for band in Band}
    for one in owed:
        by_band[one.band(today)].append(one.due)
    return {band: total(amounts) for band, amounts in by_band.items()}
