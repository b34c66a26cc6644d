"""The rows of the checks of lines."""

from __future__ import annotations

from decimal import Decimal

from core.checks import Severity
from tests.core.checks.clean import Row, line

TABLE: list[Row] = [
    ("no_lines", Severity.BLOCK, {"lines": ()}, {}),
    ("article_unknown", Severity.BLOCK, line(sku=None), {}),
    ("quantity_unknown", Severity.BLOCK, line(quantity=None), {}),
    ("quantity_unknown", Severity.BLOCK, line(quantity=Decimal(0)), {}),
    ("article_doubtful", Severity.BLOCK, line(confidence=Decimal("0.89")), line(confidence=Decimal("0.9"))),
]

TABLE += [
    ("below_minimum_quantity", Severity.BLOCK, line(minimum=Decimal("10.0001")), line(minimum=Decimal(10))),
    ("not_a_multiple", Severity.BLOCK, line(multiple=Decimal(3)), line(multiple=Decimal("2.5"))),
    (
        "not_a_multiple",
        Severity.BLOCK,
        line(minimum=Decimal(10), multiple=Decimal(4)),
        {**line(multiple=Decimal(4)), "delivery.open": False},
    ),
]
