"""The accounting and the commercial check: a tuple of pure functions, each a sentence that holds or a finding.

Adding a check is one function in the module of its subject, one sentence in `templates/messages/*/findings.toml` and
one row in the table of its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from core.checks.account import customer_is_open, exposure_is_within_limit, nothing_is_overdue
from core.checks.conformity import customer_is_certain, recap_is_accepted, sender_is_authenticated, totals_add_up
from core.checks.deposit import deposit_is_paid
from core.checks.duplicates import purchase_order_is_new
from core.checks.findings import Finding, Service, Severity
from core.checks.lines import SURE, every_line_has_an_article, order_has_lines
from core.checks.prices import accepted_price_is_noted, prices_agree
from core.checks.quote import order_is_what_was_quoted, quote_still_holds
from core.checks.stock import stock_covers_every_line
from core.facts import Facts

__all__ = ["CHECKS", "SURE", "Check", "Finding", "Service", "Severity", "examine", "verdict"]

Check = Callable[[Facts], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    customer_is_certain,
    customer_is_open,
    exposure_is_within_limit,
    nothing_is_overdue,
    order_has_lines,
    every_line_has_an_article,
    prices_agree,
    accepted_price_is_noted,
    stock_covers_every_line,
    deposit_is_paid,
    recap_is_accepted,
    sender_is_authenticated,
    totals_add_up,
    purchase_order_is_new,
    quote_still_holds,
    order_is_what_was_quoted,
)
_WEIGHT = {Severity.BLOCK: 0, Severity.WATCH: 1, Severity.NOTE: 2}


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Everything both services find, blockers first; a finding that was let through stays, marked."""
    found = [finding for check in CHECKS for finding in check(facts)]
    marked = [replace(f, overridden=f.code in facts.overridden) if f.override is not None else f for f in found]
    return tuple(sorted(marked, key=lambda finding: _WEIGHT[finding.severity]))


def verdict(findings: tuple[Finding, ...], service: Service) -> Severity:
    """What a service says of the order: block, watch, or (note) go."""
    own = [finding for finding in findings if finding.service is service]
    if any(finding.blocks for finding in own):
        return Severity.BLOCK
    return Severity.WATCH if any(finding.severity is not Severity.NOTE for finding in own) else Severity.NOTE
