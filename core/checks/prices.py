"""Commercial: the price on the purchase order is ours, or somebody who may has decided; discounts stay in bounds."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.orders import PriceChoice
from core.parties import Role


def _written(value: Decimal) -> str:
    """The number as one text, however many zeros it ends with."""
    return f"{value.normalize():f}"


def every_line_has_a_price(facts: Facts) -> Iterator[Finding]:
    """Each line costs something: no price and a price of zero are data that is missing, unless a manager gives."""
    for line in facts.lines:
        if line.sku is None or line.unit_price:
            continue
        free = None if line.unit_price is None else Role.MANAGER
        yield commercial(
            "price_missing", Severity.BLOCK, line.position, override=free, bound=line.sku, sku=line.sku,
            theirs=line.customer_price, quantity=line.quantity,
        )  # fmt: skip


def prices_agree(facts: Facts) -> Iterator[Finding]:
    """The customer's price is ours within the tolerance, or somebody has decided; below it only a manager may."""
    for line in facts.lines:
        if line.customer_price is None or not line.unit_price or line.price_choice is not None:
            continue
        gap = line.customer_price - line.unit_price
        if abs(gap) > line.unit_price * facts.price_tolerance_percent / 100:
            yield commercial(
                "price_differs", Severity.BLOCK, line.position, override=Role.MANAGER if gap < 0 else None,
                bound=f"{_written(line.customer_price)}<{_written(line.unit_price)}" if gap < 0 else "", sku=line.sku,
                ours=line.unit_price, theirs=line.customer_price, quantity=line.quantity,
                percent=abs(gap) * 100 / line.unit_price,
            )  # fmt: skip


def accepted_price_is_noted(facts: Facts) -> Iterator[Finding]:
    """A price accepted from a purchase order stays visible."""
    for line in facts.lines:
        if line.price_choice is PriceChoice.THEIRS:
            yield commercial("price_accepted", Severity.NOTE, line.position, sku=line.sku, price=line.unit_price)


def discounts_are_allowed(facts: Facts) -> Iterator[Finding]:
    """What an agent gives off by himself stays within the house's limit; above it a manager decides."""
    given = max((line.given_discount for line in facts.lines), default=0)
    if given > facts.agent_discount_percent:
        yield commercial(
            "discount_above_limit", Severity.BLOCK, override=Role.MANAGER,
            bound=",".join(sorted({_written(line.given_discount) for line in facts.lines if line.given_discount})),
            percent=given, limit=facts.agent_discount_percent,
        )  # fmt: skip
