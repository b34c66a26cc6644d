"""When the house answers: the hours of its shop, and until when it promises an answer to what it was asked.

A promise is a time on the clock, counted in the house's own opening hours; nobody reads « within two working hours ».
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from core.clock import PARIS, add_business_days, business_date

if TYPE_CHECKING:
    from core.settings import House

#: Promised times are told on the quarter of an hour.
QUARTER = timedelta(minutes=15)
#: Business days within which accounting answers, as customers are told.
ACCOUNTING_DAYS = 2


def answer_by(house: House, since: datetime, *, at: datetime | None = None) -> datetime:
    """Until when what was asked at `since` is answered: so many opening hours later, on the quarter of an hour.

    A promise that has passed at `at` is given anew from then.
    """
    promised = _later(house, since)
    return promised if at is None or promised > at else _later(house, at)


def accounting_by(at: datetime) -> date:
    """The day by which accounting answers what it was asked at that instant."""
    return add_business_days(business_date(at), ACCOUNTING_DAYS)


def _later(house: House, since: datetime) -> datetime:
    promised = house.hours.after(since, timedelta(hours=house.answer_hours))
    closing = datetime.combine(business_date(promised), house.closes, PARIS)
    return min(_on_the_quarter(promised), closing.astimezone(UTC))


def _on_the_quarter(moment: datetime) -> datetime:
    over = timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment + (QUARTER - over if over else timedelta())
