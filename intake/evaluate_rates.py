"""Shares and medians with their 95 % intervals.

Shares: Clopper and Pearson (Biometrika 26, 1934), which never claims more than it may. Medians: the order statistics
that hold the median with at least 95 %, whatever the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        return _bisect(lambda share: _at_most(self.count, self.total, share) < _TAIL)


def lower_bound(count: int, total: int, *, risk: float = 0.05) -> float:
    """The lower end of the one-sided exact interval of a share, which lies below it with this risk."""
    return _bisect(lambda share: 1 - _at_most(count - 1, total, share) > risk) if count else 0.0


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
    while rank + 1 < count / 2 and _at_most(rank, count, 0.5) <= _TAIL:
        rank += 1
    outer = max(rank - 1, 0)
    return Median(middle, ordered[outer], ordered[count - 1 - outer])


def _bisect(beyond: Callable[[float], bool]) -> float:
    """Where, between 0 and 1, the condition begins to hold."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (low + high) / 2


def _at_most(count: int, total: int, share: float) -> float:
    """The chance of `count` or fewer in `total` draws."""
    if share <= 0 or count >= total:
        return 1.0
    if share >= 1 or count < 0:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    fixed = math.lgamma(total + 1)
    chances = (
        math.exp(fixed - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log_share + (total - k) * log_rest)
        for k in range(count + 1)
    )
    return min(math.fsum(chances), 1.0)
