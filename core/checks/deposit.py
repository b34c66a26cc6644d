"""Commercial: the deposit that is due is there."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.money import ZERO
from core.parties import Role


def deposit_is_paid(facts: Facts) -> Iterator[Finding]:
    """The deposit that the customer owes before registration is there."""
    if not facts.deposit.percent or facts.deposit.due == ZERO:
        return
    if facts.deposit.paid >= facts.deposit.due:
        yield commercial("deposit_paid", Severity.NOTE, amount=facts.deposit.paid)
        return
    code = "deposit_unpaid" if facts.deposit.invoiced else "deposit_due"
    yield commercial(
        code, Severity.BLOCK, override=Role.ACCOUNTING, percent=facts.deposit.percent, amount=facts.deposit.due,
        paid=facts.deposit.paid,
    )  # fmt: skip
