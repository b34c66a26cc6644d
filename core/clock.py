"""Instants and business days: aware UTC instants, `date` in Europe/Paris, French public holidays.

Nothing in `core` or `intake` reads the time: whoever starts the work passes a `Clock`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

PARIS = ZoneInfo("Europe/Paris")

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def business_date(at: datetime) -> date:
    """The civil day in France at that instant; refuses a naive one."""
    if at.tzinfo is None:
        raise ValueError("an instant must be aware")
    return at.astimezone(PARIS).date()


@cache
def _french_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def is_holiday(day: date) -> bool:
    """A public holiday in France."""
    return day in _french_holidays(day.year)


def is_business_day(day: date) -> bool:
    """Monday to Friday and no French public holiday."""
    return day.weekday() < 5 and not is_holiday(day)


def next_business_day(day: date) -> date:
    """The first business day on or after `day`."""
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def add_business_days(day: date, count: int) -> date:
    """The business day `count` business days after `day`."""
    for _ in range(count):
        day = next_business_day(day + timedelta(days=1))
    return day


@dataclass(frozen=True, slots=True)
class Hours:
    """When the house is open, by the clocks of France: on its weekdays (1 is Monday), never on a public holiday."""

    opens: time
    closes: time
    weekdays: frozenset[int] = frozenset(range(1, 6))
    closed_days: frozenset[date] = frozenset()

    def open_on(self, day: date) -> bool:
        """The house works that day."""
        return day.isoweekday() in self.weekdays and not is_holiday(day) and day not in self.closed_days

    def open_at(self, at: datetime) -> bool:
        """Somebody is there at that instant."""
        local = at.astimezone(PARIS)
        return self.open_on(local.date()) and self.opens <= local.time() < self.closes

    def after(self, since: datetime, wait: timedelta) -> datetime:
        """The instant at which the house has been open for `wait` since then."""
        day = business_date(since)
        while True:
            begin, end = (datetime.combine(day, hour, PARIS).astimezone(UTC) for hour in (self.opens, self.closes))
            begin = max(begin, since)
            if self.open_on(day) and begin < end:
                if begin + wait <= end:
                    return begin + wait
                wait -= end - begin
            day += timedelta(days=1)
