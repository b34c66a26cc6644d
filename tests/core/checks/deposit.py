"""The rows of the checks of the deposit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.checks import Severity
from core.money import ZERO, Money
from tests.core.checks.clean import Row

DUE: dict[str, Any] = {"deposit.percent": Decimal(30), "deposit.due": Money.of(360)}
PAID = {**DUE, "deposit.paid": Money.of(360)}
SHORT = {**DUE, "deposit.invoiced": Money.of(360), "deposit.paid": Money.of("359.99")}

TABLE: list[Row] = [
    ("deposit_due", Severity.BLOCK, {"deposit.due": Money.of("0.01")}, {"deposit.percent": Decimal(30)}),
    (
        "deposit_before_preparation",
        Severity.WATCH,
        {"deposit.before_preparation": Money.of("0.01")},
        {"deposit.before_shipping": Money.of("0.01")},
    ),
    (
        "deposit_before_shipping",
        Severity.WATCH,
        {"deposit.before_shipping": Money.of("0.01")},
        {"deposit.before_preparation": Money.of("0.01")},
    ),
    (
        "deposit_below_rules",
        Severity.BLOCK,
        {"deposit.by_rules": Money.of(360), "deposit.agreed": Money.of("359.99")},
        {"deposit.by_rules": Money.of(360), "deposit.agreed": Money.of(360)},
    ),
    ("deposit_below_rules", Severity.BLOCK, {**PAID, "deposit.by_rules": Money.of(1), "deposit.agreed": ZERO}, PAID),
    ("deposit_due", Severity.BLOCK, DUE, PAID),
    ("deposit_unpaid", Severity.BLOCK, SHORT, {**SHORT, "deposit.paid": Money.of(360)}),
    ("deposit_paid", Severity.NOTE, PAID, DUE),
]
