"""VAT: categories, the closed list of rates, and the one place where VAT is computed.

VAT is per category and rate on the *summed* base, never the sum of line VATs (EN 16931 BR-CO-17).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.errors import Refused
from core.money import ZERO, Money, total

#: Rates that French platforms accept, in percent (DGFiP annexe 7 v1.9, rule G1.24).
RATES: frozenset[Decimal] = frozenset(
    map(Decimal, ["0", "10", "13", "20", "8.5", "19.6", "2.1", "5.5", "7", "20.6", "1.05", "0.9", "1.75", "9.2", "9.6"])
)


class VatCategory(StrEnum):
    """EN 16931 BT-118 / BT-151 codes accepted in France (annexe 7 G2.31); L and M are refused."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE_SCOPE = "O"


@dataclass(frozen=True, slots=True, order=True)
class VatRate:
    """A category with its rate in percent; only category S may carry a rate above zero."""

    percent: Decimal
    category: VatCategory = VatCategory.STANDARD

    def __post_init__(self) -> None:
        if self.percent not in RATES:
            raise Refused("vat_rate_not_in_list", rate=self.percent)
        if (self.category is VatCategory.STANDARD) != (self.percent > 0):
            raise Refused("vat_rate_against_category", rate=self.percent, category=self.category.value)


@dataclass(frozen=True, slots=True)
class VatLine:
    """One row of the VAT breakdown (BG-23): the base, and the VAT on that sum.

    `off` is what a credit note in parts is away from that, in cents, so that all of them give back what was invoiced.
    """

    rate: VatRate
    base: Money
    off: Money = ZERO

    @property
    def vat(self) -> Money:
        """BT-117 = BT-116 x BT-119 / 100, rounded to the cent."""
        return Money.of(self.base.amount * self.rate.percent / 100) + self.off


@dataclass(frozen=True, slots=True)
class Totals:
    """Net, VAT and gross of a set of lines, with the breakdown they follow from."""

    breakdown: tuple[VatLine, ...]

    @property
    def net(self) -> Money:
        """BT-109, the total without VAT."""
        return total(line.base for line in self.breakdown)

    @property
    def vat(self) -> Money:
        """BT-110, the VAT total."""
        return total(line.vat for line in self.breakdown)

    @property
    def gross(self) -> Money:
        """BT-112, the total with VAT."""
        return self.net + self.vat


def totals(lines: Iterable[tuple[VatRate, Money]], off: Mapping[VatRate, Money] | None = None) -> Totals:
    """The totals of (rate, net amount) lines, rates in falling order; `off` moves the VAT of a rate by some cents."""
    bases: dict[VatRate, Money] = {}
    for rate, net in lines:
        bases[rate] = bases[rate] + net if rate in bases else net
    in_order = sorted(bases, key=lambda r: (-r.percent, r.category))
    return Totals(tuple(VatLine(rate, bases[rate], (off or {}).get(rate, ZERO)) for rate in in_order))
