"""What changed in an order: its lines and its day as they were, beside what they are.

The difference is kept as data and never as a sentence: every reader gets it in his own words and language.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.journal import Actor
    from core.orders.tables import Order, OrderLine


class DifferenceKind(StrEnum):
    """What happened to a line, or to the day."""

    ADDED = "added"
    REMOVED = "removed"
    QUANTITY = "quantity"
    ARTICLE = "article"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class LineState:
    """A line at one moment; `quantity` counts sales units and leaves out what was closed short."""

    position: int
    sku: str
    name: str
    unit: str
    quantity: Decimal | None
    packaging: str = ""
    packaging_count: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An order's lines and its day at one moment."""

    day: date | None
    lines: tuple[LineState, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: of the line that both states show, of the one that came or went, or of the day."""

    kind: DifferenceKind
    before: LineState | None = None
    after: LineState | None = None
    day_before: date | None = None
    day_after: date | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of a draft: who made it, when, and what differs."""

    by: str
    at: datetime
    differences: tuple[Difference, ...]


def state_of(line: OrderLine) -> LineState:
    """The line as it stands."""
    article = line.article
    whole = not line.closed_quantity
    return LineState(
        position=line.position, sku=article.sku if article else "", name=article.name if article else line.text,
        unit=article.unit if article else "", quantity=line.committed,
        packaging=line.packaging if whole else "", packaging_count=line.packaging_count if whole else None,
    )  # fmt: skip


def snapshot(order: Order) -> Snapshot:
    """The order as it stands: lines of which nothing is wanted any more are left out."""
    kept = (line for line in order.kept_lines if not line.given_up)
    return Snapshot(order.requested_delivery_date, tuple(state_of(line) for line in kept))


def compare(before: Snapshot, after: Snapshot) -> tuple[Difference, ...]:
    """What differs: lines by their position, then the day."""
    was, now = ({line.position: line for line in shot.lines} for shot in (before, after))
    found = []
    for position in sorted(was.keys() | now.keys()):
        old, new = was.get(position), now.get(position)
        if old is None or new is None:
            found.append(Difference(DifferenceKind.ADDED if old is None else DifferenceKind.REMOVED, old, new))
        elif old.sku != new.sku:
            found.append(Difference(DifferenceKind.ARTICLE, old, new))
        elif old.quantity != new.quantity:
            found.append(Difference(DifferenceKind.QUANTITY, old, new))
    if before.day != after.day:
        found.append(Difference(DifferenceKind.DAY, day_before=before.day, day_after=after.day))
    return tuple(found)


def begin(order: Order, *, by: Actor, at: datetime) -> None:
    """Keep what a draft was before somebody changes it; several changes of one person at one instant are one."""
    kept: dict[str, Any] = json.loads(order.changed_from) if order.changed_from else {}
    if (kept.get("by"), kept.get("at")) != (str(by), at.isoformat()):
        order.changed_from = json.dumps({"by": str(by), "at": at.isoformat(), "was": plain(snapshot(order))})


def last_change(order: Order) -> Change | None:
    """What the last change of a draft altered; None when nothing was changed since it was drafted."""
    if not order.changed_from:
        return None
    kept = json.loads(order.changed_from)
    found = compare(parse(kept["was"]), snapshot(order))
    return Change(kept["by"], datetime.fromisoformat(kept["at"]), found) if found else None


def plain(shot: Snapshot) -> dict[str, Any]:
    """The snapshot as JSON may hold it: decimals and days as text."""
    lines = [{k: str(v) if isinstance(v, Decimal) else v for k, v in asdict(line).items()} for line in shot.lines]
    return {"day": shot.day.isoformat() if shot.day else None, "lines": lines}


def parse(kept: dict[str, Any]) -> Snapshot:
    """The snapshot that `plain` wrote."""

    def number(text: str | None) -> Decimal | None:
        return Decimal(text) if text is not None else None

    lines = tuple(
        LineState(**line | {name: number(line[name]) for name in ("quantity", "packaging_count")})
        for line in kept["lines"]
    )
    return Snapshot(date.fromisoformat(kept["day"]) if kept["day"] else None, lines)
