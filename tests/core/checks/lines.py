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
