"""Euro amounts: frozen, Decimal, two decimals, one rounding function.

Unit prices and quantities stay `Decimal` (at most 6 and 4 decimals, DGFiP annexe 7 rule G1.14); they become `Money`
only when multiplied out. One currency per database: the euro.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def rounded(value: Decimal, places: int = 2) -> Decimal:
    """`value` at `places` decimals, half away from zero: the commercial rounding of invoices (BR-CO-17)."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in euro with exactly two decimals; refuses floats and finer fractions."""

    amount: Decimal

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"Money takes a Decimal, not {type(self.amount).__name__}")
        cents = self.amount.quantize(CENT) if self.amount.is_finite() else None
        if cents is None or cents != self.amount:
            raise ValueError(f"Money has at most two decimals: {self.amount}")
        object.__setattr__(self, "amount", cents)

    @classmethod
    def of(cls, value: Decimal | int | str) -> Money:
        """The amount nearest to `value`, rounded half away from zero to the cent; refuses floats."""
        if isinstance(value, float):
            raise TypeError("Money takes a Decimal, an int or a text, not float")
        return cls(rounded(Decimal(value)))

    @classmethod
    def from_cents(cls, cents: int) -> Money:
        """The amount of `cents` hundredths of a euro."""
        return _exact(Decimal(cents).scaleb(-2))

    @property
    def cents(self) -> int:
        """The amount in hundredths of a euro."""
        return int(self.amount.scaleb(2))

    def __add__(self, other: Money) -> Money:
        return _exact(self.amount + other.amount)

    def __sub__(self, other: Money) -> Money:
        return _exact(self.amount - other.amount)

    def __neg__(self) -> Money:
        return _exact(-self.amount)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money.of(self.amount * factor)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.amount:.2f}"


def _exact(amount: Decimal) -> Money:
    """An amount that has two decimals by construction: it is not looked at again."""
    money = object.__new__(Money)
    object.__setattr__(money, "amount", amount)
    return money


ZERO = Money(Decimal(0))


def total(amounts: Iterable[Money]) -> Money:
    """The sum of `amounts`; zero for none."""
    return _exact(sum((money.amount for money in amounts), ZERO.amount))
