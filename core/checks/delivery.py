"""Commercial: the order is wanted for a day on which this customer can be delivered, and it is worth the way."""

from __future__ import annotations

from collections.abc import Iterator

from core.checks.findings import Finding, Severity, commercial
from core.clock import is_holiday
from core.facts import Facts
from core.parties import Role


def delivery_day_is_possible(facts: Facts) -> Iterator[Finding]:
    """The day wanted is a delivery day of this customer, ordered for in time; strict blocks, flexible is watched."""
    told = facts.delivery
    code = _wrong(facts) if told.open else ""
    if not code:
        return
    severity = Severity.BLOCK if told.rule.strict else Severity.WATCH
    if code == "delivery_date_missing" and not told.rule.known and not told.rule.strict:
        severity = Severity.NOTE  # nothing was agreed with him: the agent proposes what he likes
    yield commercial(
        code, severity, override=Role.MANAGER if severity is Severity.BLOCK else None, wanted=told.wanted,
        day=told.proposed, cutoff=f"{told.rule.cutoff:%H:%M}" if told.rule.cutoff else "", lead=told.rule.lead_days,
    )  # fmt: skip


def _wrong(facts: Facts) -> str:
    wanted, rule = facts.delivery.wanted, facts.delivery.rule
    early = wanted is not None and wanted < facts.delivery.first_day
    tried = {
        "delivery_date_missing": wanted is None,
        "delivery_date_past": wanted is not None and wanted < facts.today,
        "delivery_on_holiday": wanted is not None and is_holiday(wanted),
        "delivery_day_closed": wanted is not None and not rule.delivers_on(wanted),
        "delivery_after_cutoff": early and facts.delivery.late,
        "delivery_too_soon": early,
    }
    return next((code for code, holds in tried.items() if holds), "")


def order_is_worth_the_way(facts: Facts) -> Iterator[Finding]:
    """The order reaches the least amount that was agreed, without VAT."""
    least, net = facts.delivery.minimum_order, facts.delivery.order_net
    if facts.delivery.open and least is not None and facts.lines and net < least:
        yield commercial(
            "below_minimum_order", Severity.BLOCK, override=Role.MANAGER, net=net, minimum=least, missing=least - net
        )
