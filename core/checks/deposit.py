"""Commercial: the deposit that is due is there, and it is the one that the rules ask."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.money import ZERO
from core.parties import Role


def deposit_is_paid(facts: Facts) -> Iterator[Finding]:
    """The deposit that the customer owes before registration is there."""
    if facts.deposit.due == ZERO:
        return
    if facts.deposit.paid >= facts.deposit.due:
        yield commercial("deposit_paid", Severity.NOTE, amount=facts.deposit.paid)
        return
    code = "deposit_unpaid" if facts.deposit.invoiced else "deposit_due"
    yield commercial(
        code, Severity.BLOCK, override=Role.ACCOUNTING, percent=facts.deposit.percent, amount=facts.deposit.due,
        paid=facts.deposit.paid,
    )  # fmt: skip


def later_deposit_is_paid(facts: Facts) -> Iterator[Finding]:
    """Nothing is missing of a deposit that holds the goods back once the order is registered."""
    if facts.deposit.before_preparation:
        yield commercial("deposit_before_preparation", Severity.WATCH, amount=facts.deposit.before_preparation)
    if facts.deposit.before_shipping:
        yield commercial("deposit_before_shipping", Severity.WATCH, amount=facts.deposit.before_shipping)


def deposit_follows_the_rules(facts: Facts) -> Iterator[Finding]:
    """What was agreed for this order is not less than what the rules ask."""
    agreed, rules = facts.deposit.agreed, facts.deposit.by_rules
    if agreed is not None and agreed < rules:
        yield commercial("deposit_below_rules", Severity.BLOCK, override=Role.ACCOUNTING, agreed=agreed, rules=rules)
