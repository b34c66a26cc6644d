"""How sure a match is: from what the article lacks of the line, and from its lead over the next one.

The chance of being right is a logistic curve of both, fitted on noisy lines about catalogues of several trades by
`python -m tests.bench.calibration fit`, which prints these numbers. The risk that remains is counted two and a half
times, since a firm's own catalogue was not among them: a confidence of 0.9 stands for a fitted chance of 0.96.
"""

from __future__ import annotations

import math
from decimal import Decimal

#: The curve: at rest, by what is missing, by the lead; beyond these values more of either changes nothing.
_AT_REST, _BY_MISSING, _BY_LEAD = -0.236, -2.602, 2.837
MOST_MISSING, MOST_LEAD = 4.0, 2.0
_CAUTION = 2.5


def confidence(missing: float, lead: float) -> Decimal:
    """The confidence that the best article is the one that was meant."""
    steps = _AT_REST + _BY_MISSING * min(missing, MOST_MISSING) + _BY_LEAD * min(lead, MOST_LEAD)
    risk = 1 / (1 + math.exp(steps))
    return odds(max(1 - _CAUTION * risk, (1 - risk) / 2))


def odds(value: float) -> Decimal:
    """A confidence as it is given: two digits, never certain."""
    return Decimal(str(round(max(0.05, min(value, 0.97)), 2)))
