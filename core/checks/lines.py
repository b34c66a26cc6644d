"""Commercial: each line says which article, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts

#: Below this confidence a person must look at a line before the order is registered.
SURE = Decimal("0.9")


def order_has_lines(facts: Facts) -> Iterator[Finding]:
    """There is something to deliver."""
    if not facts.lines:
        yield commercial("no_lines", Severity.BLOCK)


def every_line_has_an_article(facts: Facts) -> Iterator[Finding]:
    """Each line says which article, and how many."""
    for line in facts.lines:
        if line.sku is None:
            yield commercial("article_unknown", Severity.BLOCK, line.position, text=line.text)
        elif line.quantity is None or line.quantity <= 0:
            yield commercial("quantity_unknown", Severity.BLOCK, line.position, text=line.text)
        elif line.confidence < SURE:
            yield commercial("article_doubtful", Severity.BLOCK, line.position, text=line.text, sku=line.sku)
