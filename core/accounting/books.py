"""What every kind of entry needs at hand while it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.accounting import entries, ledger
from core.accounting.accounts import Chart
from core.accounting.entries import Held, Holding, Postings
from core.invoices import Invoice
from core.money import Money
from core.parties import Customer


@dataclass(frozen=True, slots=True)
class Happened:
    """A line of the journal that entries follow from: what it is about, and its data."""

    seq: int
    action: str
    subject: str
    data: dict[str, Any]

    @property
    def id(self) -> int:
        """The row that it is about."""
        return int(self.subject.partition(":")[2])


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger as it stands, and the chart that its next entries follow."""

    session: Session
    chart: Chart

    def postings(self, customer: Customer) -> Postings:
        """An entry of that customer, still empty."""
        return Postings(self.chart, customer.code, customer.name)

    def vat_due(self, deposit: Invoice, settled: Money) -> Holding:
        """What VAT of a deposit falls due once that much more of it is paid; below zero once it is less."""
        unpaid = ledger.balance(self.session, deposit.subject) - settled
        return entries.fall_due(ledger.held(self.session, deposit.id), unpaid)


def gone(holding: Holding) -> dict[Any, Held]:
    """The same, taken away."""
    return {percent: Held().minus(held) for percent, held in holding.items()}
