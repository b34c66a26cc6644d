"""Commercial: stock can be promised for each line, and what was promised is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.facts.lines import LineFacts
from core.orders import Shortage
from core.parties import Role


def stock_covers_every_line(facts: Facts) -> Iterator[Finding]:
    """Stock can be promised for each line; what is short follows as decided, else it is to be decided.

    A customer who refuses partial deliveries is not registered short: one remedy must be chosen.
    """
    asked: dict[str, Decimal] = {}
    for line, wanted in _asked(facts):
        asked[line.sku or ""] = total = asked.get(line.sku or "", Decimal(0)) + wanted
        missing = min(total - line.available, wanted)
        if missing <= 0 or line.shortage is Shortage.BACKORDER:
            continue
        day = _complete_on(facts, line, total - line.available)
        if _in_time(facts, day):
            severity = Severity.NOTE if line.shortage is Shortage.WAIT else Severity.WATCH
            yield commercial("stock_awaited", severity, line.position, sku=line.sku, missing=missing, day=day)
            continue
        cap = (wanted - missing) // line.multiple * line.multiple if line.multiple else wanted - missing
        severity = Severity.WATCH if facts.delivery.partial else Severity.BLOCK
        yield commercial(
            "stock_short", severity, line.position, override=None if facts.delivery.partial else Role.MANAGER,
            sku=line.sku, wanted=wanted, available=line.available, backorder=missing, unit=line.unit, cap=cap, day=day,
            partial=facts.delivery.partial, alternatives=tuple((a.sku, a.name) for a in line.alternatives),
        )  # fmt: skip


def _asked(facts: Facts) -> Iterator[tuple[LineFacts, Decimal]]:
    for line in facts.lines:
        wanted = line.quantity if line.needed is None else line.needed
        if line.sku is not None and wanted is not None:
            yield line, wanted


def _complete_on(facts: Facts, line: LineFacts, missing: Decimal) -> date | None:
    """The first delivery day by which what is to come covers what is missing; None when nothing is known to."""
    for day, quantity in line.expected:
        missing -= quantity
        if missing <= 0:
            return facts.delivery.rule.next_day(day)
    return None


def _in_time(facts: Facts, day: date | None) -> bool:
    return day is not None and facts.delivery.wanted is not None and day <= facts.delivery.wanted


def backorder_is_noted(facts: Facts) -> Iterator[Finding]:
    """What was decided to follow later stays visible."""
    for line, wanted in _asked(facts):
        missing = wanted - line.available
        if line.shortage is Shortage.BACKORDER and missing > 0:
            yield commercial("backorder_kept", Severity.NOTE, line.position, sku=line.sku, backorder=missing)


def what_was_promised_is_there(facts: Facts) -> Iterator[Finding]:
    """No count and no loss has left less on the shelf than was promised from it."""
    for line in facts.lines:
        if line.oversold > 0:
            yield commercial(
                "stock_oversold", Severity.WATCH, line.position, sku=line.sku, on_hand=line.on_hand,
                reserved=line.reserved, missing=line.oversold, unit=line.unit,
            )  # fmt: skip


def stock_was_counted(facts: Facts) -> Iterator[Finding]:
    """Somebody has counted each article once: without that nobody knows what can be promised."""
    for line in facts.lines:
        if not line.counted:
            yield commercial("stock_unknown", Severity.NOTE, line.position, sku=line.sku)
