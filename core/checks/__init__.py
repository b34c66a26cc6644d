"""The accounting and the commercial check: a tuple of pure functions, each a sentence that holds or a finding.

Adding a check is one function in the module of its subject, one sentence in `templates/messages/*/findings.toml` and
one row in the table of its test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from core.checks.account import (
    customer_is_open,
    customer_is_solvent,
    exposure_is_insured,
    exposure_is_within_limit,
    nothing_is_overdue,
    reminders_are_heeded,
)
from core.checks.conformity import (
    billing_address_is_complete,
    buyer_has_authority,
    buyer_is_identified,
    customer_is_certain,
    invoice_has_an_address,
    invoice_is_possible,
    order_has_a_date,
    order_has_a_number,
    place_is_known,
    quote_is_known,
    recap_is_accepted,
    sender_is_authenticated,
    totals_add_up,
    untaxed_buyer_has_his_number,
    vat_adds_up,
    vat_is_charged_where_it_is_due,
)
from core.checks.delivery import delivery_day_is_possible, order_is_worth_the_way
from core.checks.deposit import deposit_follows_the_rules, deposit_is_paid, later_deposit_is_paid
from core.checks.duplicates import purchase_order_is_new
from core.checks.findings import Finding, Outcome, Service, Severity
from core.checks.lines import SURE, every_line_has_an_article, order_has_lines, quantities_are_sold
from core.checks.prices import accepted_price_is_noted, discounts_are_allowed, every_line_has_a_price, prices_agree
from core.checks.quote import order_is_what_was_quoted, quote_still_holds
from core.checks.sale_terms import purchase_terms_do_not_conflict, terms_are_accepted, terms_are_known
from core.checks.stock import (
    backorder_is_noted,
    stock_covers_every_line,
    stock_was_counted,
    what_was_promised_is_there,
)
from core.facts import Facts

__all__ = ["CHECKS", "SURE", "Check", "Finding", "Outcome", "Service", "Severity", "examine", "verdict"]

Check = Callable[[Facts], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    customer_is_certain,
    customer_is_open,
    exposure_is_within_limit,
    nothing_is_overdue,
    customer_is_solvent,
    exposure_is_insured,
    reminders_are_heeded,
    order_has_lines,
    every_line_has_an_article,
    every_line_has_a_price,
    prices_agree,
    discounts_are_allowed,
    accepted_price_is_noted,
    stock_covers_every_line,
    backorder_is_noted,
    what_was_promised_is_there,
    stock_was_counted,
    quantities_are_sold,
    delivery_day_is_possible,
    order_is_worth_the_way,
    deposit_is_paid,
    later_deposit_is_paid,
    deposit_follows_the_rules,
    recap_is_accepted,
    sender_is_authenticated,
    totals_add_up,
    vat_adds_up,
    order_has_a_number,
    order_has_a_date,
    buyer_has_authority,
    place_is_known,
    billing_address_is_complete,
    quote_is_known,
    buyer_is_identified,
    invoice_has_an_address,
    untaxed_buyer_has_his_number,
    vat_is_charged_where_it_is_due,
    invoice_is_possible,
    terms_are_known,
    terms_are_accepted,
    purchase_terms_do_not_conflict,
    purchase_order_is_new,
    quote_still_holds,
    order_is_what_was_quoted,
)
_WEIGHT = {Severity.BLOCK: 0, Severity.WATCH: 1, Severity.NOTE: 2}


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Everything both services find, blockers first; a finding that was let through stays, marked."""
    found = [finding for check in CHECKS for finding in check(facts)]
    through = facts.overridden
    marked = [replace(f, overridden=bool({f.key, f.code} & through)) if f.override is not None else f for f in found]
    return tuple(sorted(marked, key=lambda finding: _WEIGHT[finding.severity]))


def verdict(findings: tuple[Finding, ...], service: Service) -> Outcome:
    """What a service says of the order."""
    own = [finding for finding in findings if finding.service is service]
    if any(finding.blocks for finding in own):
        return Outcome.BLOCK
    return Outcome.WATCH if any(finding.severity is not Severity.NOTE for finding in own) else Outcome.DELIVER
