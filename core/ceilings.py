"""Longest terms of payment by the kind of goods: perishables, fresh meat, alcohol (C. com. L441-11), as dated data.

They hold whatever was agreed, from the day of delivery. An invoice that has such goods is due as a whole by the
earliest of their days: it has one due date.
"""

from __future__ import annotations

import calendar
import dataclasses
import importlib.resources
import tomllib
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from core.clock import business_date
from core.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.deliveries import Delivery
    from core.documents import Document


@dataclasses.dataclass(frozen=True, slots=True)
class Ceiling:
    """Days after the delivery, or after the end of its ten days or its month; `words` say so by language."""

    key: str
    days: int
    counted: str
    periodic: str
    words: dict[str, str]
    since: date = date.min
    until: date = date.max

    def latest(self, delivered: date, *, periodic: bool) -> date:
        """The last day on which goods delivered then may be paid; `periodic` for an invoice of several deliveries."""
        return _counted_from(delivered, self.periodic if periodic else self.counted) + timedelta(days=self.days)


def _counted_from(day: date, counted: str) -> date:
    month_end = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    if counted == "decade":
        return day.replace(day=10 if day.day <= 10 else 20) if day.day <= 20 else month_end
    return month_end if counted == "month" else day


@cache
def _all() -> tuple[Ceiling, ...]:
    text = (importlib.resources.files("templates") / "documents" / "terms.toml").read_text("utf-8")
    return tuple(
        Ceiling(
            row["key"], row["days"], row["counted"], row["periodic"],
            {name: row[name] for name in ("fr", "en")}, row.get("since", date.min), row.get("until", date.max),
        )
        for row in tomllib.loads(text)["limits"]
    )  # fmt: skip


def known() -> frozenset[str]:
    """The kinds of goods that have a longest term of their own."""
    return frozenset(one.key for one in _all())


def of(key: str, *, on: date) -> Ceiling:
    """The ceiling of a kind of goods delivered that day; refuses a kind that the data does not know then."""
    found = next((one for one in _all() if one.key == key and one.since <= on <= one.until), None)
    if found is None:
        raise Refused("mention_unknown", table="limits", on=on, key=key)
    return found


def within(document: Document, deliveries: Sequence[Delivery]) -> Document:
    """The invoice of these deliveries, due no later than its goods allow, and then saying so; never before its date."""
    assert document.due_date is not None  # noqa: S101 - every invoice document is built with one
    found = []
    for delivery in deliveries:
        delivered = business_date(delivery.shipped_at) if delivery.shipped_at is not None else document.issue_date
        keys = {line.article.payment_limit for line in delivery.lines if line.article and line.invoiceable > 0} - {""}
        for key in keys:
            ceiling = of(key, on=delivered)
            found.append((ceiling.latest(delivered, periodic=len(deliveries) > 1), key, ceiling))
    if not found:
        return document
    latest, _, ceiling = min(found, key=lambda one: one[:2])
    if latest >= document.due_date:
        return document
    words = ceiling.words.get(document.language, ceiling.words["fr"])
    return dataclasses.replace(document, due_date=max(latest, document.issue_date), payment_terms=words)
