"""Commercial: the purchase order conforms: consent, identity, totals."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.parties import Requirement, Role


def customer_is_certain(facts: Facts) -> Iterator[Finding]:
    """Whose order it is was not merely concluded from a domain, a name or a number."""
    if facts.conformity.customer_clue:
        yield commercial("customer_to_confirm", Severity.BLOCK, clue=facts.conformity.customer_clue)


def recap_is_accepted(facts: Facts) -> Iterator[Finding]:
    """The customer said yes: he accepted the recap, or his purchase order carries his « bon pour accord »."""
    if (
        facts.conformity.recap_accepted
        or facts.conformity.accord
        or facts.conformity.recap_policy is Requirement.IGNORED
    ):
        return
    required = facts.conformity.recap_policy is Requirement.REQUIRED
    severity, override = (Severity.BLOCK, Role.MANAGER) if required else (Severity.NOTE, None)
    yield commercial("recap_not_accepted", severity, override=override)


def sender_is_authenticated(facts: Facts) -> Iterator[Finding]:
    """Whoever ordered is who he says he is."""
    if not facts.conformity.sender_authenticated:
        yield commercial("sender_not_authenticated", Severity.WATCH)


def totals_add_up(facts: Facts) -> Iterator[Finding]:
    """The total on the purchase order is the one we come to."""
    if facts.conformity.customer_total is not None and facts.conformity.customer_total != facts.conformity.order_net:
        yield commercial(
            "total_differs", Severity.NOTE, theirs=facts.conformity.customer_total, ours=facts.conformity.order_net
        )
