"""Accounting: the customer is open, within his limit, and late with nothing."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, accounting
from core.facts import Facts
from core.money import total


def customer_is_open(facts: Facts) -> Iterator[Finding]:
    """The customer is active and not on hold."""
    if not facts.account.active:
        yield accounting("customer_closed", Severity.BLOCK)
    if facts.account.on_hold:
        yield accounting("customer_on_hold", Severity.BLOCK)


def exposure_is_within_limit(facts: Facts) -> Iterator[Finding]:
    """The exposure with this order stays within the limit; a missing limit is itself a finding."""
    exposure = facts.account.exposure.total
    if facts.account.credit_limit is None:
        yield accounting("limit_missing", Severity.NOTE, exposure=exposure)
    elif exposure > facts.account.credit_limit:
        yield accounting(
            "over_limit", Severity.BLOCK, exposure=exposure, limit=facts.account.credit_limit,
            excess=exposure - facts.account.credit_limit,
        )  # fmt: skip


def nothing_is_overdue(facts: Facts) -> Iterator[Finding]:
    """No undisputed invoice is past its due date."""
    overdue = facts.account.overdue
    if not overdue:
        return
    oldest = max(receivable.days_late(facts.today) for receivable in overdue)
    yield accounting(
        "overdue", Severity.BLOCK, count=len(overdue), amount=total(r.due for r in overdue), days=oldest,
        numbers=tuple(r.number for r in overdue),
    )  # fmt: skip
