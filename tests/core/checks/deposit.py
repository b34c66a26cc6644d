"""The rows of the checks of the deposit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.checks import Severity
from core.money import Money
from tests.core.checks.clean import Row

DUE: dict[str, Any] = {"deposit.percent": Decimal(30), "deposit.due": Money.of(360)}
PAID = {**DUE, "deposit.paid": Money.of(360)}
SHORT = {**DUE, "deposit.invoiced": Money.of(360), "deposit.paid": Money.of("359.99")}

TABLE: list[Row] = [
    ("deposit_due", Severity.BLOCK, DUE, PAID),
    ("deposit_unpaid", Severity.BLOCK, SHORT, {**SHORT, "deposit.paid": Money.of(360)}),
    ("deposit_paid", Severity.NOTE, PAID, DUE),
]
