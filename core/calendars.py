"""Delivery days: on which days a customer can be delivered, and the first of them after an order came in.

A rule is per customer: weekdays, a cut-off (the time in France), business days of lead, strict or flexible. French
public holidays are never delivery days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

from babel.dates import get_day_names

from core.clock import PARIS, add_business_days, business_date, is_business_day, is_holiday, next_business_day
from core.errors import Refused

if TYPE_CHECKING:
    from core.parties import Customer

LONGEST_LEAD = 60
LONGEST_SILENCE = 30
_TIME = re.compile(r"([01]?\d|2[0-3])(?:\s*[:hH]\s*([0-5]\d)?)?")
_RANGE = re.compile(r"([1-7])\s*-\s*([1-7])")


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """When a customer is delivered; no `weekdays` (ISO numbers) means any business day."""

    weekdays: frozenset[int] = frozenset()
    cutoff: time | None = None
    lead_days: int = 0
    strict: bool = False

    @property
    def known(self) -> bool:
        """Something was agreed with this customer."""
        return bool(self.weekdays or self.cutoff or self.lead_days)

    def delivers_on(self, day: date) -> bool:
        """The customer can be delivered on that day: one of his weekdays, and no public holiday."""
        if not self.weekdays:
            return is_business_day(day)
        return day.isoweekday() in self.weekdays and not is_holiday(day)

    def next_day(self, day: date) -> date:
        """The first delivery day on or after `day`."""
        while not self.delivers_on(day):
            day += timedelta(days=1)
        return day

    def is_late(self, placed_at: datetime) -> bool:
        """The instant is after the cut-off of its day; the very minute is in time."""
        return self.cutoff is not None and placed_at.astimezone(PARIS).time() > self.cutoff

    def first_day(self, placed_at: datetime) -> date:
        """The first delivery day of an order placed at that instant, after cut-off and lead."""
        counted_from = business_date(placed_at)
        if self.cutoff is not None or self.lead_days:
            counted_from = next_business_day(counted_from + timedelta(days=self.is_late(placed_at)))
        return self.next_day(add_business_days(counted_from, self.lead_days))

    def deadline(self, day: date) -> datetime | None:
        """The last instant at which an order for that day is in time; None without a cut-off."""
        if self.cutoff is None:
            return None
        for earlier in range(2 * LONGEST_LEAD):
            moment = datetime.combine(day - timedelta(days=earlier), self.cutoff, PARIS)
            if self.first_day(moment) <= day:
                return moment
        return None


def rule_of(customer: Customer) -> DeliveryRule:
    """What was agreed with the customer."""
    return DeliveryRule(
        weekdays=frozenset(map(int, customer.delivery_weekdays)), cutoff=customer.delivery_cutoff,
        lead_days=customer.delivery_lead_days, strict=customer.delivery_strict,
    )  # fmt: skip


@cache
def _day_names() -> dict[str, int]:
    """Every written name of a weekday, French and English, short and long, to its ISO number."""
    return {
        name.lower().rstrip("."): number + 1
        for language in ("fr", "en")
        for width in ("wide", "abbreviated")
        for number, name in get_day_names(width, locale=language).items()
    }


def parse_weekdays(text: str) -> str:
    """Delivery days as they are kept (`135`), from `135`, `1-5`, or names in French or English; refuses other words."""
    wanted = text.strip().lower()
    found = _RANGE.fullmatch(wanted)
    if found and found[1] <= found[2]:
        return "".join(str(number) for number in range(int(found[1]), int(found[2]) + 1))
    numbers = set()
    for word in re.split(r"[\s;,|/]+", wanted):
        if word.isdecimal() and set(word) <= set("1234567"):
            numbers |= set(word)
        elif word.rstrip(".") in _day_names():
            numbers.add(str(_day_names()[word.rstrip(".")]))
        elif word:
            raise Refused("weekdays_unknown", text=text)
    return "".join(sorted(numbers))


def parse_cutoff(text: str) -> time | None:
    """A time of day from `11:00`, `11h` or `11h30`; None when it is empty, refused when it is none."""
    if not text.strip():
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise Refused("cutoff_unknown", text=text)
    return time(int(found[1]), int(found[2] or 0))


def parse_receipt_days(text: str) -> int:
    """Business days without an answer after which a delivery is presumed received, from 1 to 30; 3 when it is empty."""
    wanted = text.strip() or "3"
    if not wanted.isdecimal() or not 1 <= int(wanted) <= LONGEST_SILENCE:
        raise Refused("receipt_days_unknown", text=text, most=LONGEST_SILENCE)
    return int(wanted)


def parse_lead_days(text: str) -> int:
    """Business days of lead, from 0 to 60; 0 when it is empty."""
    wanted = text.strip() or "0"
    if not wanted.isdecimal() or int(wanted) > LONGEST_LEAD:
        raise Refused("lead_days_unknown", text=text, most=LONGEST_LEAD)
    return int(wanted)
