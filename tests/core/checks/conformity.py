"""The rows of the checks of conformity."""

from __future__ import annotations

from core.checks import Severity
from core.money import Money
from core.parties import Requirement
from tests.core.checks.clean import Row

TABLE: list[Row] = [
    ("customer_to_confirm", Severity.BLOCK, {"conformity.customer_clue": "name"}, {}),
    (
        "recap_not_accepted",
        Severity.BLOCK,
        {"conformity.recap_accepted": False},
        {"conformity.recap_accepted": False, "conformity.accord": True},
    ),
    (
        "recap_not_accepted",
        Severity.NOTE,
        {"conformity.recap_accepted": False, "conformity.recap_policy": Requirement.NOTED},
        {"conformity.recap_accepted": False, "conformity.recap_policy": Requirement.IGNORED},
    ),
    ("sender_not_authenticated", Severity.WATCH, {"conformity.sender_authenticated": False}, {}),
    (
        "total_differs",
        Severity.NOTE,
        {"conformity.customer_total": Money.of("1000.01")},
        {"conformity.customer_total": None},
    ),
]
