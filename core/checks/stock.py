"""Commercial: stock can be promised for each line, and what was promised is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.checks.findings import Finding, Severity, commercial
from core.facts import Facts
from core.facts.lines import LineFacts
from core.orders import Shortage
from core.parties import Role


def stock_covers_every_line(facts: Facts) -> Iterator[Finding]:
    """Stock can be promised for each line; what is short waits for goods that come in time, or is to be decided.

    A customer who refuses partial deliveries is not registered short: one remedy must be chosen.
    """
    partial = facts.delivery.partial
    for short in _short(facts):
        line, day = short.line, _complete_on(facts, short)
        if line.shortage is Shortage.BACKORDER:
            continue
        if day is not None and facts.delivery.wanted is not None and day <= facts.delivery.wanted:
            severity = Severity.NOTE if line.shortage is Shortage.WAIT else Severity.WATCH
            yield commercial("stock_awaited", severity, line.position, sku=line.sku, missing=short.missing, day=day)
            continue
        yield commercial(
            "stock_short", Severity.WATCH if partial else Severity.BLOCK, line.position,
            override=None if partial else Role.MANAGER, sku=line.sku, wanted=short.wanted, available=line.available,
            backorder=short.missing, now=short.now, cap=short.cap, day=day, partial=partial,
            alternatives=tuple(other.sku for other in line.alternatives),
        )  # fmt: skip


def backorder_is_noted(facts: Facts) -> Iterator[Finding]:
    """What was decided to follow later stays visible."""
    for short in _short(facts):
        if short.line.shortage is Shortage.BACKORDER:
            yield commercial(
                "backorder_kept", Severity.NOTE, short.line.position, sku=short.line.sku, now=short.now,
                backorder=short.missing,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Short:
    """A line that stock does not cover; `lacking` counts the earlier lines of the same article too."""

    line: LineFacts
    wanted: Decimal
    lacking: Decimal

    @property
    def missing(self) -> Decimal:
        return min(self.lacking, self.wanted)

    @property
    def now(self) -> Decimal:
        return self.wanted - self.missing

    @property
    def cap(self) -> Decimal:
        """What is there, in whole multiples of what the article is sold by."""
        return self.now - self.now % self.line.multiple if self.line.multiple else self.now


def _short(facts: Facts) -> Iterator[_Short]:
    asked: dict[str, Decimal] = {}
    for line in facts.lines:
        wanted = line.quantity if line.needed is None else line.needed
        if line.sku is None or wanted is None:
            continue
        asked[line.sku] = asked.get(line.sku, Decimal(0)) + wanted
        if asked[line.sku] > line.available and wanted > 0:
            yield _Short(line, wanted, asked[line.sku] - line.available)


def _complete_on(facts: Facts, short: _Short) -> date | None:
    """The first delivery day by which what is to come covers what is missing; None when nothing is known to."""
    lacking = short.lacking
    for day, quantity in short.line.expected:
        lacking -= quantity
        if lacking <= 0:
            return facts.delivery.rule.next_day(day)
    return None


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
