"""How sure a match is: from what the article lacks of the line, and from its lead over the next one."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

#: Below: placeholders before fitting.
_BY_MISSING = ((0.0, 1.0), (0.6, 0.98), (1.2, 0.9), (3.0, 0.7), (6.0, 0.5))
_BY_LEAD = ((0.0, 0.5), (0.1, 0.7), (0.5, 0.9), (1.5, 1.0))


def confidence(missing: float, lead: float) -> Decimal:
    """The confidence that the best article is the one that was meant."""
    return odds(0.97 * between(_BY_MISSING, missing) * between(_BY_LEAD, lead))


def between(points: tuple[tuple[float, float], ...], value: float) -> float:
    """The value of a line through these points."""
    for (left, low), (right, high) in pairwise(points):
        if value < right:
            return low + (high - low) * max(0.0, value - left) / (right - left)
    return points[-1][1]


def odds(value: float) -> Decimal:
    """A confidence as it is given: two digits, never certain."""
    return Decimal(str(round(max(0.05, min(value, 0.97)), 2)))
