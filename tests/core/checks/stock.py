"""The rows of the checks of stock."""

from __future__ import annotations

from decimal import Decimal

from core.checks import Severity
from tests.core.checks.clean import Row, line

TABLE: list[Row] = [
    ("stock_short", Severity.WATCH, line(available=Decimal(9)), line(available=Decimal(10))),
]
