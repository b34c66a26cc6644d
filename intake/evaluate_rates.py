"""Shares and medians with their 95 % intervals.

Shares: Clopper and Pearson (Biometrika 26, 1934), which never claims more than it may. Medians: the order statistics
that hold the median with at least 95 %, whatever the distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.bounds import at_most, bisect, lower_bound

__all__ = ["METHOD", "Median", "Share", "lower_bound", "median"]

METHOD = "95 % intervals: Clopper-Pearson for shares, order statistics for the median"
_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval of the true share; without any, the share is unknown."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.count / self.total if self.total else None

    @property
    def low(self) -> float:
        """The lower end: the share at which so many or more would be a 2.5 % chance."""
        return lower_bound(self.count, self.total, risk=_TAIL)

    @property
    def high(self) -> float:
        """The upper end: the share at which so few or fewer would be a 2.5 % chance."""
        if self.count == self.total:
            return 1.0
        return bisect(lambda share: at_most(self.count, self.total, share) < _TAIL)


@dataclass(frozen=True, slots=True)
class Median:
    """The middle of measured values, and the values between which the true median lies."""

    value: float
    low: float
    high: float


def median(values: Sequence[float]) -> Median | None:
    """The median with its interval; with fewer than six values the whole range is all that can be said."""
    if not values:
        return None
    ordered, count = sorted(values), len(values)
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    rank = 0
    while rank + 1 < count / 2 and at_most(rank, count, 0.5) <= _TAIL:
        rank += 1
    outer = max(rank - 1, 0)
    return Median(middle, ordered[outer], ordered[count - 1 - outer])
