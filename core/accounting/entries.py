"""Balanced entries as pure computations: nothing here reads the database, the clock or what may still change.

A sale debits the customer and credits sales and VAT; a credit note is its mirror. A deposit invoice waits on 4191, and
its VAT on 4458 until the money is there, since VAT on deposits is due at receipt (since 01/01/2023). The invoice that
deducts it takes both back, so that its own VAT account gets only what the deposit has not declared already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from core.accounting.accounts import Chart, Journal
from core.money import ZERO, Money, total
from core.vat import Totals, VatRate


@dataclass(frozen=True, slots=True)
class Line:
    """One movement of an account: a debit or a credit, never both; `settles` is the paper of a customer's line."""

    account: str
    account_label: str
    debit: Money
    credit: Money
    customer: str = ""
    customer_label: str = ""
    settles: str = ""
    letter: str = ""
    letter_date: date | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a deposit at one rate: its base on 4191, its VAT declared already, its VAT that waits."""

    net: Money = ZERO
    declared: Money = ZERO
    pending: Money = ZERO

    @property
    def vat(self) -> Money:
        """The VAT of both."""
        return self.declared + self.pending

    @property
    def gross(self) -> Money:
        """Base and VAT."""
        return self.net + self.vat

    def plus(self, other: Held) -> Held:
        """Both together."""
        return Held(self.net + other.net, self.declared + other.declared, self.pending + other.pending)

    def minus(self, other: Held) -> Held:
        """What is left without the other."""
        return Held(self.net - other.net, self.declared - other.declared, self.pending - other.pending)


#: What is held of one deposit, by rate in percent.
Holding = Mapping[Decimal, Held]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal; `number` is empty until it is booked. `holdings` says what it does to deposits."""

    journal: Journal
    booked_on: date
    piece: str
    piece_date: date
    label: str
    validated_on: date
    lines: tuple[Line, ...]
    due_date: date | None = None
    means: str = ""
    number: str = ""
    position: int = 0
    holdings: Mapping[int, Holding] = field(default_factory=dict)

    @property
    def debit(self) -> Money:
        """The sum of its debits, which is that of its credits."""
        return total(line.debit for line in self.lines)


@dataclass(frozen=True, slots=True)
class Sold:
    """One line of an invoice or credit note as accounts see it."""

    account: str
    rate: VatRate
    net: Money


class Postings:
    """Signed amounts by account, in the order in which they came: above zero a debit, below zero a credit."""

    def __init__(self, chart: Chart, customer: str, customer_label: str) -> None:
        self.chart, self.customer, self.customer_label = chart, customer, customer_label
        self.amounts: dict[tuple[str, str], Money] = {}

    def add(self, account: str, amount: Money, *, settles: str = "") -> None:
        """Debit the account, or credit it where the amount is below zero."""
        key = (account, settles)
        self.amounts[key] = self.amounts.get(key, ZERO) + amount

    def owed(self, amount: Money, *, settles: str) -> None:
        """Debit what the customer owes on a paper, or credit it where the amount is below zero."""
        self.add(self.chart.customers, amount, settles=settles)

    def lines(self) -> tuple[Line, ...]:
        """The movements; those of nothing are left out. Refuses to be out of balance."""
        if total(self.amounts.values()):
            raise ValueError(f"out of balance: {self.amounts}")
        found = []
        for (account, settles), amount in self.amounts.items():
            line = Line(account, self.chart.label_of(account), max(amount, ZERO), max(-amount, ZERO), settles=settles)
            if settles:
                line = replace(line, customer=self.customer, customer_label=self.customer_label)
            if amount:
                found.append(line)
        return tuple(found)


def post_sale(
    postings: Postings, sold: Iterable[Sold], sums: Totals, *, settles: str, deducted: Iterable[Holding] = (),
    back: bool = False,
) -> None:  # fmt: skip
    """An invoice: 411 for what is to be paid, 4191 for what deposits brought, sales, and the VAT not declared yet.

    With `back` it is a credit note: all of it the other way round, what was deducted being below zero.
    """
    chart, sign = postings.chart, -1 if back else 1
    taken = [(percent, held) for holding in deducted for percent, held in holding.items()]
    owed = sums.gross * sign - total(held.gross for _, held in taken)
    if not back:
        postings.owed(owed, settles=settles)
    for _, held in taken:
        postings.add(chart.deposits_received, held.net)
        postings.add(chart.vat_pending, held.pending)
    _post_sold(postings, sold, sums, sign=-sign)
    for percent, held in taken:
        postings.add(chart.vat_of(percent), held.declared)
    if back:
        postings.owed(owed, settles=settles)


def _post_sold(postings: Postings, sold: Iterable[Sold], sums: Totals, *, sign: int) -> None:
    bases: dict[VatRate, Money] = {}
    for line in sold:
        postings.add(line.account, line.net * sign)
        bases[line.rate] = bases.get(line.rate, ZERO) + line.net
    for row in sums.breakdown:  # a discount on the whole paper is in the base of its rate and in no line
        postings.add(postings.chart.allowances, (row.base - bases.get(row.rate, ZERO)) * sign)
    for row in sums.breakdown:
        postings.add(postings.chart.vat_of(row.rate.percent), row.vat * sign)


def post_deposit(postings: Postings, sums: Totals, *, settles: str) -> dict[Decimal, Held]:
    """A deposit invoice: never a sale; its base waits on 4191, its VAT on 4458 until it is paid."""
    postings.owed(sums.gross, settles=settles)
    held = {row.rate.percent: Held(row.base, ZERO, row.vat) for row in sums.breakdown}
    for part in held.values():
        postings.add(postings.chart.deposits_received, -part.net)
    for part in held.values():
        postings.add(postings.chart.vat_pending, -part.pending)
    return held


def post_deposit_credit(postings: Postings, sums: Totals, holding: Holding, *, settles: str) -> dict[Decimal, Held]:
    """A credit note of a deposit, as its paper says: VAT that waits goes first, then what was declared."""
    taken: dict[Decimal, Held] = {}
    for row in sums.breakdown:
        pending = min(holding.get(row.rate.percent, Held()).pending, row.vat)
        taken[row.rate.percent] = Held(row.base, row.vat - pending, pending)
    chart = postings.chart
    for percent, held in taken.items():
        postings.add(chart.deposits_received, held.net)
        postings.add(chart.vat_pending, held.pending)
        postings.add(chart.vat_of(percent), held.declared)
    postings.owed(-sums.gross, settles=settles)
    return taken


def fall_due(holding: Holding, unpaid: Money) -> dict[Decimal, Held]:
    """What moves between VAT that waits and VAT that is declared, when `unpaid` of a deposit is still to be paid.

    The VAT that waits is that of the part of what is held which has not been paid.
    """
    left = total(held.gross for held in holding.values())
    moved = {}
    for percent, held in holding.items():
        waits = ZERO if unpaid <= ZERO else held.vat
        if ZERO < unpaid < left:
            waits = Money.of(held.vat.amount * unpaid.amount / left.amount)
        part = held.pending - waits
        moved[percent] = Held(ZERO, part, -part)
    return moved


def post_due_vat(postings: Postings, moved: Holding) -> None:
    """VAT of a deposit whose money is there: from 4458 to 44571."""
    for percent, held in moved.items():
        postings.add(postings.chart.vat_pending, held.declared)
        postings.add(postings.chart.vat_of(percent), -held.declared)
