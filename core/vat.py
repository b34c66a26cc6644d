"""VAT: categories, the closed list of rates, what a customer is charged, and the one place where VAT is computed.

VAT is per category and rate on the *summed* base, never the sum of line VATs (EN 16931 BR-CO-17).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


class Regime(StrEnum):
    """How a customer is charged: French VAT, or why not."""

    DOMESTIC = "domestic"
    INTRA_COMMUNITY = "intra_community"
    EXPORT = "export"
    REVERSE_CHARGE = "reverse_charge"
    EXEMPT = "exempt"
    OUTSIDE_SCOPE = "outside_scope"


#: The category of what a customer who is charged no French VAT buys.
UNTAXED: dict[Regime, VatCategory] = {
    Regime.INTRA_COMMUNITY: VatCategory.INTRA_COMMUNITY,
    Regime.EXPORT: VatCategory.EXPORT,
    Regime.REVERSE_CHARGE: VatCategory.REVERSE_CHARGE,
    Regime.EXEMPT: VatCategory.EXEMPT,
    Regime.OUTSIDE_SCOPE: VatCategory.OUTSIDE_SCOPE,
}
assert set(UNTAXED) == set(Regime) - {Regime.DOMESTIC}  # noqa: S101 - the table is complete


class Nature(StrEnum):
    """What a line is, for the category of the operation that an invoice must state (BT-23, decree 2022-1299)."""

    GOODS = "goods"
    SERVICE = "service"


#: A seller below the thresholds charges no VAT at all (CGI 293 B, now CIBS L223-1 ff.).
FRANCHISE = "VATEX-FR-FRANCHISE"


@dataclass(frozen=True, slots=True, order=True)
class VatRate:
    """A category with its rate in percent; only category S may carry a rate above zero.

    `code` is the VATEX reason (BT-121) where the category has none of its own. It is no part of what the rate is: an
    invoice has one row of VAT per category and rate (BR-E-01), whatever the reasons.
    """

    percent: Decimal
    category: VatCategory = VatCategory.STANDARD
    code: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.percent not in RATES:
            raise Refused("vat_rate_not_in_list", field="vat_rate", rate=self.percent)
        if (self.category is VatCategory.STANDARD) != (self.percent > 0):
            raise Refused("vat_rate_against_category", rate=self.percent, category=self.category.value)


def decide(
    domestic: VatRate, *, regime: Regime = Regime.DOMESTIC, reason: str = "", nature: Nature = Nature.GOODS,
    franchise: bool = False,
) -> VatRate:  # fmt: skip
    """What a customer of that regime is charged for an article whose rate in France is `domestic`.

    `reason` is the VATEX code of an exempt customer; `franchise` says that the seller charges no VAT at all: he has no
    intra-Community supplies either (CGI 262 ter I, 1°). An article that is exempt by its nature stays so for everybody.
    A service to a firm of another member state is taxed there: reverse charge (directive 2006/112/CE art. 44, 196). A
    service in an export is taken for a part of it, such as its carriage (CGI 262 I); one that stands alone is for a
    customer outside the scope: nothing else may stand beside it on an invoice (BR-O-11 to -14).
    """
    category = UNTAXED.get(regime, VatCategory.EXEMPT)
    if category is not VatCategory.OUTSIDE_SCOPE:
        if franchise:
            return VatRate(Decimal(0), VatCategory.EXEMPT, FRANCHISE)
        if regime is Regime.DOMESTIC or domestic.category is VatCategory.EXEMPT:
            return domestic
    if category is VatCategory.INTRA_COMMUNITY and nature is Nature.SERVICE:
        category = VatCategory.REVERSE_CHARGE
    return VatRate(Decimal(0), category, reason if category is VatCategory.EXEMPT else "")


def business_process(natures: Iterable[Nature], *, deducts: bool = False) -> str:
    """BT-23: goods, services or both, of an ordinary invoice (1) or of one that deducts deposits (4)."""
    known = set(natures)
    letter = "M" if len(known) > 1 else "S" if known == {Nature.SERVICE} else "B"
    return f"{letter}{4 if deducts else 1}"


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
