"""The rows of the checks of prices."""

from __future__ import annotations

from decimal import Decimal

from core.checks import Severity
from core.orders import PriceChoice
from tests.core.checks.clean import Row, line

TABLE: list[Row] = [
    ("price_missing", Severity.BLOCK, line(unit_price=Decimal(0)), line(unit_price=Decimal("0.000001"))),
    ("price_missing", Severity.BLOCK, line(unit_price=None), line(sku=None, unit_price=None)),
    (
        "discount_above_limit",
        Severity.BLOCK,
        line(given_discount=Decimal("5.0001")),
        line(given_discount=Decimal(5)),
    ),
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
