"""Commercial: stock can be promised for each line."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts


def stock_covers_every_line(facts: Facts) -> Iterator[Finding]:
    """Stock can be promised for each line; what is short becomes a backorder."""
    wanted: dict[str, Decimal] = {}
    for line in facts.lines:
        if line.sku is None or line.quantity is None:
            continue
        wanted[line.sku] = wanted.get(line.sku, Decimal(0)) + line.quantity
        if wanted[line.sku] > line.available:
            yield commercial(
                "stock_short", Severity.WATCH, line.position, sku=line.sku, wanted=line.quantity,
                available=line.available, backorder=min(wanted[line.sku] - line.available, line.quantity),
            )  # fmt: skip
