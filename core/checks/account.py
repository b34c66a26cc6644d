"""Accounting: the customer is open and solvent, within his limits, and late with nothing."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, accounting
from core.facts import Facts
from core.money import total

SHOWN = 5


def customer_is_open(facts: Facts) -> Iterator[Finding]:
    """The customer is active and not on hold."""
    if not facts.account.active:
        yield accounting("customer_closed", Severity.BLOCK)
    if facts.account.on_hold:
        yield accounting("customer_on_hold", Severity.BLOCK)


def customer_is_solvent(facts: Facts) -> Iterator[Finding]:
    """No insolvency proceedings are open: what is owed from before them may not be paid (L622-7 C. com.)."""
    since = facts.account.insolvent_since
    if since is not None and since <= facts.today:
        yield accounting("customer_insolvent", Severity.BLOCK, since=since)


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


def exposure_is_insured(facts: Facts) -> Iterator[Finding]:
    """The credit insurer covers the exposure, where his limit is known."""
    exposure, limit = facts.account.exposure.total, facts.account.insured_limit
    if limit is not None and exposure > limit:
        yield accounting(
            "over_insured_limit", Severity.WATCH, exposure=exposure, limit=limit, uncovered=exposure - limit
        )


def nothing_is_overdue(facts: Facts) -> Iterator[Finding]:
    """Nothing undisputed is past its due date, or no more than the house tolerates."""
    overdue, rules = facts.account.overdue, facts.account.rules
    if not overdue:
        return
    late = total(r.due for r in overdue if r.days_late(facts.today) > rules.overdue_days)
    numbers = tuple(r.number for r in overdue)
    yield accounting(
        "overdue", Severity.BLOCK if late > rules.overdue_amount else Severity.WATCH, count=len(overdue),
        amount=total(r.due for r in overdue), days=max(r.days_late(facts.today) for r in overdue),
        numbers=numbers if len(numbers) <= SHOWN else (*numbers[:SHOWN], "…"),
    )  # fmt: skip


def reminders_are_heeded(facts: Facts) -> Iterator[Finding]:
    """No document that is overdue has reached the reminder at which the house watches, or stops."""
    level, rules = facts.account.reminder_level, facts.account.rules
    if level >= rules.reminder_block:
        yield accounting("reminder_reached", Severity.BLOCK, level=level)
    elif level >= rules.reminder_watch:
        yield accounting("reminder_reached", Severity.WATCH, level=level)
