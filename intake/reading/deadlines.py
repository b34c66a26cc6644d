"""Days told by their distance: « sous 48 h », « jeudi en huit », « la semaine prochaine », « fin décembre »."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from intake.reading.words import plain, words

_FRIDAY = 4


def deadlines(flat: str, today: date) -> Iterator[tuple[int, int, date]]:
    """Every day told by its distance from `today`: where it begins and ends in the plain text, and the day.

    Days behind « sous » count working days up to three (« sous 48 h »), calendar days beyond, as deadlines do.
    """
    for found in _within().finditer(flat):
        day = _ahead(found, today)
        if day is not None:
            yield found.start(), found.end(), day
    for found in _weekday_ahead().finditer(flat):
        weekday = _weekday(found["day"])
        if found["week"]:
            day = _monday(today) + timedelta(days=7 + weekday)
        else:
            nearest = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
            day = nearest + timedelta(days=_further(found["further"]) if nearest - today < timedelta(days=7) else 0)
        yield found.start(), found.end(), day
    for found in _part_of_week().finditer(flat):
        last = found["part"] is not None and found["part"] in words("dates")["ends"]
        monday = _monday(today) + timedelta(days=7)
        yield found.start(), found.end(), monday + timedelta(days=_FRIDAY if last else 0)
    for found in _weekend().finditer(flat):
        yield found.start(), found.end(), _monday(today) + timedelta(days=_FRIDAY)
    for found in _part_of_month().finditer(flat):
        day = _in_month(found["part"], found["month"], today)
        if day >= today:
            yield found.start(), found.end(), day


def _ahead(found: re.Match[str], today: date) -> date | None:
    table = words("dates")
    number = int(found["number"]) if found["number"].isdigit() else table["counted"].get(found["number"], 0)
    if not number:
        return None
    if found["unit"] in table["hours"]:
        return _working(today, number // 24) if number >= 24 and number % 24 == 0 else None
    days = number * (7 if found["unit"] in table["weeks"] else 1)
    working = found["lead"] in table["deadline"] and days <= 3
    return _working(today, days) if working or found["working"] else today + timedelta(days=days)


def _working(day: date, count: int) -> date:
    """So many working days later; holidays are for the delivery calendar to know."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weekday(name: str) -> int:
    return next(i for i, forms in enumerate(words("dates")["weekdays"]) if name in map(plain, forms))


def _further(said: str | None) -> int:
    return int(words("dates")["further"].get(said, 0)) if said else 0


def _in_month(part: str, name: str, today: date) -> date:
    month = next(i for i, forms in enumerate(words("dates")["months"], 1) if name in map(plain, forms))
    year = today.year + (month < today.month)
    last = monthrange(year, month)[1]
    table = words("dates")
    day = date(year, month, last if part in table["ends"] else 15 if part in table["middles"] else 1)
    step = timedelta(days=-1 if part in table["ends"] else 1)
    while day.weekday() > _FRIDAY:
        day += step
    return day


def _one_of(forms: list[str]) -> str:
    return "|".join(sorted(map(plain, forms), key=len, reverse=True))


@cache
def _within() -> re.Pattern[str]:
    table = words("dates")
    units = [*table["days"], *table["hours"], *table["weeks"]]
    numbers = "|".join(map(plain, table["counted"]))
    return re.compile(
        rf"(?<!\w)(?P<lead>{_one_of(table['within'])})\s+(?P<number>\d{{1,3}}|{numbers})\s?(?P<unit>{_one_of(units)})(?!\w)"
        rf"(?P<working>\s+(?:{_one_of(table['working'])}))?"
    )


@cache
def _weekday_ahead() -> re.Pattern[str]:
    table = words("dates")
    days = _one_of([form for forms in table["weekdays"] for form in forms])
    further, weeks = _one_of(list(table["further"])), _one_of(table["next_week"])
    return re.compile(
        rf"(?<!\w)(?P<day>{days})\s+(?:(?P<further>{further})|(?:de |d'ici |of )?(?P<week>{weeks}))(?!\w)"
    )


@cache
def _part_of_week() -> re.Pattern[str]:
    table = words("dates")
    parts = _one_of([*table["starts"], *table["middles"], *table["ends"]])
    return re.compile(
        rf"(?<!\w)(?:(?P<part>{parts})\s+(?:de |of )?(?:la |the )?)?(?:{_one_of(table['next_week'])})(?!\w)"
    )


@cache
def _weekend() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_one_of(words('dates')['before_weekend'])})(?!\w)")


@cache
def _part_of_month() -> re.Pattern[str]:
    table = words("dates")
    parts = _one_of([*table["starts"], *table["middles"], *table["ends"]])
    months = _one_of([form for forms in table["months"] for form in forms if len(form) > 3])
    return re.compile(rf"(?<!\w)(?P<part>{parts})[\s-]+(?:de |of )?(?P<month>{months})(?!\w)")
