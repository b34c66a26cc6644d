"""The rows of the checks of stock."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from core.checks import Severity
from core.orders import Shortage
from tests.core.checks.clean import Row, line

NINE: dict[str, Any] = {"available": Decimal(9)}
#: The order is wanted for Thursday the 12th: goods of that day come in time, those of Friday do not.
THURSDAY, FRIDAY = ((date(2026, 3, 12), Decimal(1)),), ((date(2026, 3, 13), Decimal(1)),)
WHOLE = {"delivery.partial": False}

TABLE: list[Row] = [
    ("stock_short", Severity.WATCH, line(**NINE), line(available=Decimal(10))),
    ("stock_short", Severity.WATCH, line(**NINE, expected=FRIDAY), line(**NINE, expected=THURSDAY)),
    ("stock_short", Severity.WATCH, line(**NINE, shortage=Shortage.WAIT), line(**NINE, shortage=Shortage.BACKORDER)),
    ("stock_short", Severity.BLOCK, {**line(**NINE), **WHOLE}, {**line(**NINE, expected=THURSDAY), **WHOLE}),
    ("stock_short", Severity.BLOCK, {**line(**NINE), **WHOLE}, {**line(available=Decimal(10)), **WHOLE}),
    ("stock_short", Severity.WATCH, line(**NINE, needed=Decimal("9.5")), line(**NINE, needed=Decimal(9))),
    ("stock_awaited", Severity.WATCH, line(**NINE, expected=THURSDAY), line(**NINE, expected=FRIDAY)),
    (
        "stock_awaited",
        Severity.NOTE,
        line(**NINE, expected=THURSDAY, shortage=Shortage.WAIT),
        line(**NINE, expected=((date(2026, 3, 12), Decimal("0.9999")),), shortage=Shortage.WAIT),
    ),
    ("backorder_kept", Severity.NOTE, line(**NINE, shortage=Shortage.BACKORDER), line(shortage=Shortage.BACKORDER)),
    ("stock_oversold", Severity.WATCH, line(oversold=Decimal("0.0001")), line(oversold=Decimal(0))),
    ("stock_unknown", Severity.NOTE, line(counted=False), line(counted=True)),
]
