"""Dates that a message wants its goods for, and the date on a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from intake.reading.deadlines import deadlines
from intake.reading.words import plain, unit_forms, words

#: How far before a date the words stand that say what it is for.
_NEAR = 60
_SHORT = 40


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Ways to write a date, the surest first; day and month alone count only behind what leads to a date."""
    table = words("dates")
    days = "|".join(sorted((plain(form) for forms in table["weekdays"] for form in forms), key=len, reverse=True))
    months = "|".join(sorted((plain(form) for forms in table["months"] for form in forms), key=len, reverse=True))
    weeks = "|".join(re.escape(plain(form)) for form in table["week"])
    leads = "|".join(table["leads"])
    after = "|".join(table["after_day"])
    day_month = r"(?P<day>\d{1,2})[/.](?P<month>\d{1,2})"
    year = r"[/.](?P<year>\d{4}|\d{2})"
    counted = "|".join(sorted((re.escape(form) for form in unit_forms() if len(form) > 2), key=len, reverse=True))
    number = rf"(?:[ ]+(?P<day>\d{{1,2}})(?![\w/.]|\s*x|\s+(?:{counted})(?!\w)))?"  # « jeudi 10 cartons »: no date
    until = "|".join(table["leads_to_day"])
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"(?<!\w)(?P<name>{days})\.?\s+(?:le\s+)?{day_month}(?:{year})?(?![\w/])",
            rf"(?<!\w)(?:{leads})\s+(?:(?:{days}),?\s+)?(?P<name>{months})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\w/.])",
            rf"(?<!\w)(?:(?:{days})\.?\s+)?(?P<day>\d{{1,2}})(?:er)?\s+(?P<name>{months})(?!\w)\.?(?:\s+(?P<year>\d{{4}}))?",
            r"(?<!\w)(?P<year>20\d{2})-(?P<month>\d{2})-(?P<day>\d{2})(?!\w)",
            rf"(?<![\w/.,]){day_month}{year}(?![\w/])",
            rf"(?:(?<!\w)(?:{leads})|[:(,]|^)\s*(?:le\s+)?(?<![\w/.,]){day_month}(?![\w/])",
            rf"(?<!\w)(?P<name>{days})(?!\w)\.?{number}",
            rf"(?<!\w)(?:{weeks})\s*(?:n°\s?)?(?P<week>\d{{1,2}})(?!\w)",
            rf"(?<!\w)(?:{leads}|en)\s+s\.?\s?(?P<week>\d{{1,2}})(?!\w)",
            rf"(?<!\w)(?:{until})\s+(?P<day>\d{{1,2}})(?:er|st|nd|rd|th)?(?=\s*(?:$|[.,;!?)\n]|{after}))",
        )
    )


def wanted(text: str, *, today: date) -> date | None:
    """The day the goods are wanted for, read against `today`; history (« commande du … ») is not a wish."""
    flat = plain(text)
    short = len(flat.strip()) <= _SHORT
    wishes = re.compile(rf"(?<!\w)(?:{'|'.join(words('dates')['wanted'])})(?!\w)")
    history = re.compile(rf"(?<!\w)(?:{'|'.join(words('dates')['history'])})(?!\w)[^,;\n]{{0,30}}$")
    told = re.compile(rf"(?<!\w)(?:{'|'.join(words('dates')['delivered'])})(?!\w)")
    loose: list[date] = []
    wished: list[date] = []
    for position, day, named in sorted(_mentions(flat, today)):
        before = flat[max(0, position - _NEAR) : position].rsplit("\n", 1)[-1]
        around = before + flat[position : position + 12]
        if history.search(before) or day < today:
            continue
        if told.search(before[-_SHORT:]):
            return day
        if short or wishes.search(around):
            wished.append(day)
            continue
        if named and not re.search(r"\?", flat[position : position + 80].split("\n", 1)[0]):
            loose.append(day)
    if wished:
        return wished[0]
    return loose[0] if len(loose) == 1 else None


def delivery_label(text: str, *, today: date) -> date | None:
    """The delivery date that a paper states behind its label."""
    return _labelled(text, words("documents")["labels"]["delivery"], today)


def issued(text: str, *, today: date) -> date | None:
    """The date of a paper."""
    return _labelled(text, words("documents")["labels"]["date"], today)


def _mentions(flat: str, today: date) -> Iterator[tuple[int, date, bool]]:
    """Every date in the text: its place, the day, whether it is a day's name and no number."""
    table = words("dates")
    flat = _no_wishes().sub(lambda found: " " * len(found[0]), flat)
    for key, ahead in (("after_tomorrow", 2), ("tomorrow", 1), ("today", 0)):
        for found in re.finditer(rf"(?<![\w-])(?:{'|'.join(map(plain, table[key]))})(?!\w)", flat):
            if key != "tomorrow" or not flat[: found.start()].rstrip(" -").endswith("apres"):
                yield found.start(), today + timedelta(days=ahead), key != "today"
    for match in re.finditer(rf"(?<!\w)(?:{'|'.join(map(plain, table['end_of_week']))})(?!\w)", flat):
        yield match.start(), today + timedelta(days=(4 - today.weekday()) % 7), False
    taken: list[tuple[int, int]] = []
    for begin, end, day in deadlines(flat, today):
        taken.append((begin, end))
        yield begin, day, False
    for pattern in _patterns():
        for match in pattern.finditer(flat):
            groups = match.groupdict()
            parts = {
                name: groups.get(name) or groups.get(f"{name}2") for name in ("day", "month", "year", "name", "week")
            }
            start = match.start("day2") if groups.get("day2") else match.start()
            if any(begin < match.end() and start < end for begin, end in taken):
                continue
            stated = _day(parts, today)
            if stated is not None:
                taken.append((start, match.end()))
                yield start, stated, parts["day"] is None and parts["week"] is None


@cache
def _no_wishes() -> re.Pattern[str]:
    """« du lundi au jeudi » says when somebody is there, « jeudi dernier » what was."""
    days = "|".join(plain(form) for forms in words("dates")["weekdays"] for form in forms)
    return re.compile(
        rf"(?<!\w)(?:du|from) (?:{days}) (?:au|to) (?:{days})(?!\w)|(?<!\w)(?:les?|tous les) (?:{days})s(?!\w)"
        rf"|(?<!\w)(?:{days}) (?:{'|'.join(words('dates')['last'])})(?!\w)"
    )


def _labelled(text: str, labels: list[str], today: date) -> date | None:
    flat = plain(text)
    others = (
        "|".join(words("documents")["labels"]["delivery"])
        if labels is words("documents")["labels"]["date"]
        else r"(?!)"
    )
    for label in sorted(labels, key=len, reverse=True):
        for found in re.finditer(rf"(?<!\w)(?:{label})(?!\w)(?P<gap>[^\n\d]{{0,25}})", flat):
            if re.search(
                rf"(?<!\w)(?:{others}|echeance|validite|naissance)(?!\w)",
                found["gap"] + flat[max(0, found.start() - 14) : found.start()],
            ):
                continue
            rest = flat[found.end() : found.end() + 30].split("\n", 1)[0]
            begin = max(0, found.end() - len(found["gap"]))
            dates = sorted((place, day) for place, day, _ in _mentions(flat[begin : found.end()] + rest, today))
            if dates and dates[0][0] <= len(found["gap"]) + 1:
                return dates[0][1]
    return None


def _day(found: dict[str, str | None], today: date) -> date | None:
    table = words("dates")
    name, number, year = found["name"], found["day"], found["year"]
    if found["week"]:
        return _week(int(found["week"]), today)
    month = int(found["month"] or 0)
    if name is not None and not month:
        months = [index for index, forms in enumerate(table["months"], 1) if name in map(plain, forms)]
        weekdays = [index for index, forms in enumerate(table["weekdays"]) if name in map(plain, forms)]
        if weekdays and not (months and number):
            return _next_weekday(weekdays[0], int(number) if number else None, today)
        month = months[0]
    if name is None and not month:
        return _next_day(int(number or 0), today)
    try:
        if year:
            return date(int(year) if len(year) == 4 else 2000 + int(year), month, int(number or 0))
        day = date(today.year, month, int(number or 0))
    except ValueError:
        return None
    return day if day >= today - timedelta(days=60) else day.replace(year=today.year + 1)


def _next_day(number: int, today: date) -> date | None:
    """The next day of that number, in this month or one of the next."""
    for ahead in range(62):
        day = today + timedelta(days=ahead)
        if day.day == number:
            return day
    return None


def _week(number: int, today: date) -> date | None:
    """The Monday of a calendar week (ISO 8601), of the next year when it has long passed."""
    for year in (today.year, today.year + 1):
        try:
            day = date.fromisocalendar(year, number, 1)
        except ValueError:
            return None
        if day >= today - timedelta(days=30):
            return max(day, today)
    return None


def _next_weekday(weekday: int, number: int | None, today: date) -> date:
    nearest = today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    if number is None:
        return nearest
    fitting = (nearest + timedelta(days=7 * weeks) for weeks in range(-1, 9))
    return next((day for day in fitting if day.day == number), nearest)
