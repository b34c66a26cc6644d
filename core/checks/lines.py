"""Commercial: each line says which article, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.catalogue import sellable
from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.parties import Role

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


def quantities_are_sold(facts: Facts) -> Iterator[Finding]:
    """Each quantity reaches the article's minimum and is a whole multiple of what it is sold by."""
    for line in facts.lines:
        if not facts.delivery.open or line.sku is None or line.quantity is None or line.quantity <= 0:
            continue
        rounded = sellable(line.quantity, minimum=line.minimum, multiple=line.multiple)
        if rounded == line.quantity:
            continue
        low = line.minimum is not None and line.quantity < line.minimum
        code = "below_minimum_quantity" if low else "not_a_multiple"
        yield commercial(
            code, Severity.BLOCK, line.position, override=Role.MANAGER, sku=line.sku, quantity=line.quantity,
            unit=line.unit, minimum=line.minimum, multiple=line.multiple, rounded=rounded,
        )  # fmt: skip
