"""Roundings: why a customer's own total differs by a cent or so from ours, in a word that a person can be told.

We round VAT once for each rate, on the sum of its lines (EN 16931 BR-CO-17). Programs that round each line, or multiply
prices that are already rounded, come to other cents; here each of these ways is tried on our own lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from core.money import CENT, ZERO, Money, rounded, total
from core.vat import VatRate, totals


class Way(StrEnum):
    """How the customer's program probably counted; what is told of it stands in the texts."""

    VAT_BY_LINE = "rounding_vat_by_line"
    GROSS_PRICES = "rounding_gross_prices"
    AT_THE_END = "rounding_at_the_end"
    SHORT_PRICES = "rounding_short_prices"
    VAT_CUT = "rounding_vat_cut"
    UNKNOWN = "rounding_unknown"


@dataclass(frozen=True, slots=True)
class Counted:
    """One line: how many at what price, at which rate."""

    rate: VatRate
    quantity: Decimal
    price: Decimal

    @property
    def exact(self) -> Decimal:
        """Quantity times price, unrounded."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Sums:
    """Net, VAT and gross; None where a paper does not state one."""

    net: Money | None = None
    vat: Money | None = None
    gross: Money | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first total that differs (`net`, `vat` or `gross`), and how it probably came about.

    `small` says that no more than a cent a line is at stake: a rounding, even where no way that we know comes to it.
    """

    what: str
    theirs: Money
    ours: Money
    way: Way
    small: bool


def difference(lines: Sequence[Counted], stated: Sums) -> Difference | None:
    """How the stated totals differ from ours; None where none is stated or all agree."""
    own = totals((line.rate, Money.of(line.exact)) for line in lines)
    ours = {"net": own.net, "vat": own.vat, "gross": own.gross}
    off = {what: said for what in ours if (said := getattr(stated, what)) is not None and said != ours[what]}
    if not off:
        return None
    what, theirs = next(iter(off.items()))
    way = next((way for way, count in WAYS.items() if _agrees(stated, count(lines))), Way.UNKNOWN)
    return Difference(
        what, theirs, ours[what], way, small=all(abs((off[one] - ours[one]).cents) <= len(lines) for one in off)
    )


def _agrees(stated: Sums, counted: Sums) -> bool:
    said = {what: getattr(stated, what) for what in ("net", "vat", "gross")}
    return all(getattr(counted, what) == amount for what, amount in said.items() if amount is not None)


def _taxed(net: Money, vat: Money) -> Sums:
    return Sums(net, vat, net + vat)


def _vat_by_line(lines: Sequence[Counted]) -> Sums:
    nets = [Money.of(line.exact) for line in lines]
    vats = (Money.of(net.amount * line.rate.percent / 100) for net, line in zip(nets, lines, strict=True))
    return _taxed(total(nets), total(vats))


def _gross_prices(lines: Sequence[Counted]) -> Sums:
    gross = total(Money.of(line.quantity * rounded(line.price * (1 + line.rate.percent / 100))) for line in lines)
    net = total(Money.of(line.exact) for line in lines)
    return Sums(net, gross - net, gross)


def _at_the_end(lines: Sequence[Counted]) -> Sums:
    net = sum((line.exact for line in lines), Decimal(0))
    vat = sum((line.exact * line.rate.percent / 100 for line in lines), Decimal(0))
    return Sums(Money.of(net), Money.of(vat), Money.of(net + vat))


def _short_prices(lines: Sequence[Counted]) -> Sums:
    found = totals((line.rate, Money.of(line.quantity * rounded(line.price))) for line in lines)
    return Sums(found.net, found.vat, found.gross)


def _vat_cut(lines: Sequence[Counted]) -> Sums:
    own = totals((line.rate, Money.of(line.exact)) for line in lines)
    vats = ((row.base.amount * row.rate.percent / 100).quantize(CENT, rounding=ROUND_DOWN) for row in own.breakdown)
    return _taxed(own.net, sum(map(Money, vats), ZERO))


WAYS: dict[Way, Callable[[Sequence[Counted]], Sums]] = {
    Way.VAT_BY_LINE: _vat_by_line,
    Way.GROSS_PRICES: _gross_prices,
    Way.AT_THE_END: _at_the_end,
    Way.SHORT_PRICES: _short_prices,
    Way.VAT_CUT: _vat_cut,
}
assert set(WAYS) == set(Way) - {Way.UNKNOWN}  # noqa: S101 - the table is complete
