"""The rows of the checks of prices."""

from __future__ import annotations

from decimal import Decimal

from core.checks import Severity
from core.orders import PriceChoice
from tests.core.checks.clean import Row, line

TABLE: list[Row] = [
    ("price_differs", Severity.BLOCK, line(customer_price=Decimal("98.99")), line(customer_price=Decimal(99))),
    (
        "price_differs",
        Severity.BLOCK,
        line(customer_price=Decimal("101.01")),
        line(customer_price=Decimal(90), price_choice=PriceChoice.OURS),
    ),
    (
        "price_accepted",
        Severity.NOTE,
        line(customer_price=Decimal(90), price_choice=PriceChoice.THEIRS),
        line(customer_price=Decimal(90), price_choice=PriceChoice.OURS),
    ),
]
