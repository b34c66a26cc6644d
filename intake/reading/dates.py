"""Dates that a message wants its goods for, and the date on a paper."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache

from intake.reading.words import plain, words

_NUMERIC = re.compile(r"\b(?P<day>\d{1,2})[/.](?P<month>\d{1,2})(?:[/.](?P<year>\d{4}|\d{2}))?\b")


@cache
def _weekdays() -> re.Pattern[str]:
    names = [plain(form) for forms in words("dates")["weekdays"] for form in forms if len(form) > 3]
    return re.compile(rf"\b(?P<name>{'|'.join(names)})(?:\s+(?P<day>\d{{1,2}}))?\b(?!\s*[a-z]*\d)")


@cache
def _months() -> re.Pattern[str]:
    names = [plain(form) for forms in words("dates")["months"] for form in forms]
    return re.compile(rf"\b(?P<day>\d{{1,2}})(?:er)?\s+(?P<name>{'|'.join(names)})\b(?:\s+(?P<year>\d{{4}}))?")


def wanted(text: str, *, today: date) -> date | None:
    """The day the goods are wanted for, read against `today`; history (« commande du … ») is not a wish."""
    flat = plain(text)
    history = re.compile(rf"(?:{'|'.join(words('dates')['history'])})\s*\S{{0,3}}\s*$")
    if re.search(rf"\b(?:{'|'.join(map(plain, words('dates')['tomorrow']))})\b", flat):
        return today + timedelta(days=1)
    for pattern in (_NUMERIC, _months(), _weekdays()):
        for found in pattern.finditer(flat):
            if history.search(flat[max(found.start() - 40, 0) : found.start()]):
                continue
            day = _day(found.groupdict(), today)
            if day is not None and day >= today:
                return day
    return None


def delivery_label(text: str, *, today: date) -> date | None:
    """The delivery date that a paper states behind its label."""
    return _labelled(text, words("documents")["labels"]["delivery"], today)


def issued(text: str, *, today: date) -> date | None:
    """The date of a paper."""
    return _labelled(text, words("documents")["labels"]["date"], today)


def _labelled(text: str, labels: list[str], today: date) -> date | None:
    flat = plain(text)
    for label in labels:
        for found in re.finditer(rf"\b(?:{label})\b[^\n\d]{{0,25}}", flat):
            for pattern in (_NUMERIC, _months()):
                written = pattern.match(flat, found.end())
                if written and (day := _day(written.groupdict(), today)):
                    return day
    return None


def _day(found: dict[str, str | None], today: date) -> date | None:
    table = words("dates")
    name, number = found.get("name"), found.get("day")
    month = int(found["month"] or 0) if found.get("month") else 0
    if name is not None and not month:
        months = [index for index, forms in enumerate(table["months"], 1) if name in map(plain, forms)]
        weekdays = [index for index, forms in enumerate(table["weekdays"]) if name in map(plain, forms)]
        if weekdays and not months:
            return _next_weekday(weekdays[0], int(number) if number else None, today)
        month = months[0]
    year = found.get("year")
    try:
        if year:
            return date(int(year) if len(year) == 4 else 2000 + int(year), month, int(number or 0))
        day = date(today.year, month, int(number or 0))
    except ValueError:
        return None
    return day if day >= today - timedelta(days=60) else day.replace(year=today.year + 1)


def _next_weekday(weekday: int, number: int | None, today: date) -> date:
    day = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    for _ in range(9 if number is not None else 0):
        if day.day == number:
            return day
        day += timedelta(days=7)
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
