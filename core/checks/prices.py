"""Commercial: the price on the purchase order is ours, or somebody has decided."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.orders import PriceChoice


def prices_agree(facts: Facts) -> Iterator[Finding]:
    """The customer's price is ours within the tolerance, or somebody has decided."""
    for line in facts.lines:
        if line.customer_price is None or line.unit_price is None or line.price_choice is not None:
            continue
        gap = abs(line.customer_price - line.unit_price)
        if gap > line.unit_price * facts.price_tolerance_percent / 100:
            yield commercial(
                "price_differs", Severity.BLOCK, line.position, sku=line.sku, ours=line.unit_price,
                theirs=line.customer_price, quantity=line.quantity,
            )  # fmt: skip


def accepted_price_is_noted(facts: Facts) -> Iterator[Finding]:
    """A price accepted from a purchase order stays visible."""
    for line in facts.lines:
        if line.price_choice is PriceChoice.THEIRS:
            yield commercial("price_accepted", Severity.NOTE, line.position, sku=line.sku, price=line.unit_price)
