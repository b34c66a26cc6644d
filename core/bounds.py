"""How far a counted share can be trusted: the exact interval of Clopper and Pearson (Biometrika 26, 1934).

It never claims more than it may, whatever the count. Floats: these are measures, never amounts.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def lower_bound(count: int, total: int, *, risk: float = 0.05) -> float:
    """The lower end of the one-sided exact interval of a share, which lies below it with this risk."""
    return bisect(lambda share: 1 - at_most(count - 1, total, share) > risk) if count else 0.0


def bisect(beyond: Callable[[float], bool]) -> float:
    """Where, between 0 and 1, the condition begins to hold."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return (low + high) / 2


def at_most(count: int, total: int, share: float) -> float:
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
