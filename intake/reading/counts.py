"""Which number of a piece of text is the quantity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from intake.reading.numerals import number_said
from intake.reading.tokens import IDLE, Token
from intake.reading.words import unit_forms, unit_named, words

_OF = frozenset({"de", "d'"})


@dataclass(frozen=True, slots=True)
class Count:
    """A quantity: its value and unit, and the places of the text that it takes.

    `leads`: the article must follow (« 3 cartons de »). `article`: only « un » or « une » says it.
    """

    value: Decimal
    unit: str
    start: int
    end: int
    weight: Decimal
    leads: bool = False
    article: bool = False
    content: Decimal | None = None
    certainty: Decimal = Decimal(1)


def best_count(found: list[Token]) -> Count | None:
    """The most likely quantity of these tokens, the last one where a correction stands between two."""
    candidates = list(_candidates(found))
    if not candidates:
        return None
    best = max(candidates, key=lambda count: (count.weight, -count.start))
    for later in candidates:
        between = [t.kind for t in found if best.end <= t.start < later.start and t.kind != "mark"]
        if later.weight >= 2 and between and set(between) == {"correction"}:
            best = later
    rivals = [c for c in candidates if c is not best and c.weight == best.weight and c.value != best.value]
    corrected = any(c.start < best.start for c in rivals) and best is not candidates[0]
    if rivals and not corrected:
        return Count(
            best.value,
            best.unit,
            best.start,
            best.end,
            best.weight,
            best.leads,
            best.article,
            best.content,
            Decimal("0.7"),
        )
    return best


def _candidates(found: list[Token]) -> Iterator[Count]:
    position = 0
    while position < len(found):
        token = found[position]
        said = said_at(found, position)
        if said is not None:
            value, taken, article = said
            yield from _counted(found, position, position + taken, value, article=article)
            position += taken
            continue
        if token.value and token.value > 0 and token.kind != "dims":
            yield from _counted(found, position, position + 1, token.value)
        position += 1


def said_at(found: list[Token], position: int) -> tuple[Decimal, int, bool] | None:
    """A number in words at this place: its value, how many tokens it takes, whether it is a mere article."""
    digits = found[position].kind == "number" and found[position].text.isdigit()
    if found[position].kind != "word" and not digits:
        return None
    said: list[str] = []
    owner: list[int] = []
    for index in range(position, min(position + 9, len(found))):
        if found[index].kind != "word" and not (digits and index == position):
            break
        for part in found[index].text.split("-"):
            said.append(part)
            owner.append(index)
    number = number_said(said)
    if number is None:
        return None
    value, taken = number
    if taken < len(said) and owner[taken] == owner[taken - 1]:
        return None
    article = taken == 1 and said[0] in words("numbers")["words"]["articles"]
    return value, owner[taken - 1] - position + 1, article


def _counted(found: list[Token], start: int, end: int, value: Decimal, *, article: bool = False) -> Iterator[Count]:
    token = found[start]
    multiple = _multiple(found, start, end, value)
    if multiple is not None:
        yield multiple
        return
    unit, after = _unit(found, end) if token.kind in {"number", "word"} else (unit_named(token.unit), end)
    content, stop = _content(found, after) if unit else (None, after)
    weight = _weight(found, start, end, after, unit=unit, article=article)
    if weight == 0 or (value != value.to_integral() and not unit):
        return
    certainty = Decimal(1) if weight >= 3 or article else Decimal("0.85") if weight >= 2 else Decimal("0.5")
    yield Count(
        value, unit, token.start, found[stop - 1].end, weight, content=content, certainty=certainty, article=article,
        leads=bool(unit) and after < len(found) and found[after].text in _OF,
    )  # fmt: skip


def _multiple(found: list[Token], start: int, end: int, value: Decimal) -> Count | None:
    """Packs of packs at the beginning: 3 x 6 bottles."""
    times = found[end] if end < len(found) else None
    if found[start].kind != "number" or times is None or times.kind != "times" or times.value is None:
        return None
    name, further = _unit(found, end + 1)
    if not name or not _first(found, start):
        return None
    whole = value * times.value
    place = found[start].start, found[further - 1].end
    return Count(whole, name, *place, Decimal(7), leads=True, certainty=Decimal("0.8"))


def _first(found: list[Token], start: int) -> bool:
    """Nothing but idle words stands before."""
    stop = words("words")["stop"]
    return all(t.kind in IDLE or t.text in stop for t in found[:start])


def _weight(found: list[Token], start: int, end: int, after: int, *, unit: str, article: bool) -> Decimal:
    """How much speaks for this number being the quantity; zero when it is none."""
    token, before = found[start], found[start - 1] if start else None
    last = all(t.kind in IDLE for t in found[after:])
    first = _first(found, start)
    leading = first or (before is not None and (before.kind == "request" or before.text in {":", "=", "("}))
    if token.kind == "times":
        return Decimal(6) if start > 0 else Decimal(5)
    if token.kind == "measure":
        of = after < len(found) and found[after].text in _OF
        return Decimal("3.5" if of and leading else "1.5" if first and not last else "1" if last and not first else "0")
    if unit or token.kind == "counted":
        return Decimal(5)
    if token.kind == "word":
        high, low = ("2.5", "0") if article else ("3.5", "2")
        return Decimal(high if leading else low)
    asked_behind = last and end < len(found) and found[end].kind == "request"
    if leading:
        return Decimal(4)
    return Decimal(3) if asked_behind or (last and before is not None and before.kind == "mark") else Decimal(2)


def _unit(found: list[Token], position: int) -> tuple[str, int]:
    """The packing or counting word at this place, and where it ends."""
    if position < len(found) and found[position].text in _OF and position + 1 < len(found):
        following = unit_forms().get(found[position + 1].text, ("", ""))
        if following[1] in {"pack", "count"} and position + 2 < len(found) and found[position + 2].text in _OF:
            return following[0], position + 2  # « une douzaine de boîtes de »
        return "", position
    if position < len(found) and found[position].kind in {"word", "request"}:
        name, kind = unit_forms().get(found[position].text, ("", ""))
        if kind in {"pack", "count"} and len(found[position].text) > 1:
            stop = position + 1
            if stop < len(found) and found[stop].text == "." and len(found[position].text) <= 5:
                stop += 1
            return name, stop
        if kind == "measure" and len(found[position].text) > 2:
            return name, position + 1
    return "", position


def _content(found: list[Token], position: int) -> tuple[Decimal | None, int]:
    """« de 6 » behind a packing word: what one of them holds."""
    if position + 1 < len(found) and found[position].text in _OF and found[position + 1].kind in {"number", "counted"}:
        value = found[position + 1].value
        if value is not None and value == value.to_integral():
            _, after = _unit(found, position + 2) if found[position + 1].kind == "number" else ("", position + 2)
            return value, after
    return None, position
