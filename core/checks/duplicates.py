"""Commercial: the order is not one that we already have."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts


def purchase_order_is_new(facts: Facts) -> Iterator[Finding]:
    """No other order carries the same purchase order number."""
    if facts.duplicates.same_reference:
        yield commercial("possible_duplicate", Severity.WATCH, orders=facts.duplicates.same_reference)
