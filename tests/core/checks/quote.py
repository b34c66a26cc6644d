"""The rows of the checks of the quote."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.checks import Severity
from core.quotes import QuotedLine
from tests.core.checks.clean import LINE, Change, Row

OFFERED = QuotedLine(position=1, sku="DRA-140", name="Drap", quantity=Decimal(10), unit_price=Decimal(100))
OTHER = replace(OFFERED, position=2, sku="PEI-M")
SAME: Change = {"quote.lines": (OFFERED,)}


def _asked(**change: object) -> Change:
    return {**SAME, "lines": (replace(LINE, **change),)}  # type: ignore[arg-type]


TABLE: list[Row] = [
    ("quote_expired", Severity.WATCH, {"quote.expired": True}, {"quote": None}),
    ("quote_replaced", Severity.WATCH, {"quote.replaced": True}, {"quote.replaced": False}),
    ("quote_article_added", Severity.WATCH, _asked(sku="PEI-M"), SAME),
    ("quote_article_missing", Severity.WATCH, {"quote.lines": (OFFERED, OTHER)}, SAME),
    ("quote_quantity_more", Severity.WATCH, _asked(quantity=Decimal(11)), SAME),
    ("quote_quantity_less", Severity.WATCH, _asked(quantity=Decimal(9)), _asked(quantity=Decimal(10))),
    ("quote_price_differs", Severity.WATCH, _asked(customer_price=Decimal(99)), _asked(customer_price=Decimal(100))),
    ("quote_price_differs", Severity.WATCH, _asked(unit_price=Decimal("99.99")), SAME),
]
