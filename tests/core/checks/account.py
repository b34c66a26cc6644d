"""The rows of the checks of the account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.checks import Severity
from core.money import Money
from core.payments import Receivable
from tests.core.checks.clean import NOTHING, TODAY, Row

LATE = Receivable("FA-1", TODAY, TODAY - timedelta(days=9), Money.of(50), Money.of(40))
OVER = replace(NOTHING, unpaid=Money.of("0.01"), this_order=Money.of(1200))

TABLE: list[Row] = [
    ("customer_closed", Severity.BLOCK, {"account.active": False}, {}),
    ("customer_on_hold", Severity.BLOCK, {"account.on_hold": True}, {}),
    ("limit_missing", Severity.NOTE, {"account.credit_limit": None}, {}),
    (
        "over_limit",
        Severity.BLOCK,
        {"account.exposure": OVER},
        {"account.exposure": replace(OVER, credits=Money.of("0.01"))},
    ),
    ("overdue", Severity.BLOCK, {"account.overdue": (LATE,)}, {}),
]
