"""Which number of a piece of text is the quantity."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from intake.reading.numerals import number_said, number_values
from intake.reading.tokens import IDLE, Token
from intake.reading.words import plain, unit_forms, unit_named, variant_classes, words

#: Years that a wine, a model or a standard bears; such a number alone counts nothing.
_YEARS = range(1950, 2050)
#: Parts of a thing that are counted like packs.
_PARTS = {Decimal("0.5"): "demi", Decimal("0.25"): "quart"}
#: How sure a number is by what speaks for it: a bare one inside, a measure that leads, one that ends the piece.
_SURE_OF = {Decimal(2): Decimal("0.85"), Decimal("1.5"): Decimal("0.9"), Decimal(1): Decimal("0.9")}
#: What speaks for a bare number inside a piece.
_BARE = Decimal(2)


@cache
def _of() -> frozenset[str]:
    return frozenset(words("numbers")["words"]["of"])


@dataclass(frozen=True, slots=True)
class Count:
    """A quantity: its value and unit, and the places of the text that it takes.

    `leads`: the article must follow (« 3 cartons de »). `article`: only « un » or « une » says it.
    `times`: written as a factor (« x4 »). `same`: of what was counted before (« deux de rosé »).
    `bare`: a number at the end, the only one of its piece, that nothing marks.
    """

    value: Decimal
    unit: str
    start: int
    end: int
    weight: Decimal
    leads: bool = False
    article: bool = False
    times: bool = False
    same: bool = False
    bare: bool = False
    content: Decimal | None = None
    certainty: Decimal = Decimal(1)


def best_count(found: list[Token]) -> Count | None:
    """The most likely quantity of these tokens, the last one where a correction stands between two."""
    candidates = all_counts(found)
    if not candidates:
        return None
    # of two bare numbers inside a piece the last one counts (« crème crue 50 6 »)
    best = max(candidates, key=lambda count: (count.weight, count.start if count.weight == _BARE else -count.start))
    for later in candidates:
        if later.start > best.start and later.weight >= 2 and _behind_correction(found, later):
            return later
        between = [t.kind for t in found if best.end <= t.start < later.start and t.kind != "mark"]
        if later.weight >= 2 and between and set(between) == {"correction"}:
            best = later
    rivals = [c for c in candidates if c is not best and c.weight == best.weight and c.value != best.value]
    corrected = any(c.start < best.start for c in rivals) and best is not candidates[0]
    if rivals and not corrected:
        return replace(best, certainty=Decimal("0.7"))
    of = any(t.end <= best.start and t.text in _of() and t.end + 1 >= best.start for t in found)
    ends = all(t.kind in IDLE for t in found if t.start >= best.end)
    return replace(best, bare=best.weight == _BARE and not best.unit and ends and len(candidates) == 1 and not of)


def _behind_correction(found: list[Token], count: Count) -> bool:
    """« 5 bottes de tige, non 3 bottes »."""
    before = [t for t in found if t.end <= count.start and t.kind != "mark"]
    return bool(before) and before[-1].kind == "correction"


def all_counts(found: list[Token]) -> list[Count]:
    """Every number that may count, in their order."""
    return list(_candidates(found))


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
        product = _of_dimensions(found, position) if token.kind == "dims" else None
        if product is not None:
            yield product
        elif token.value and token.value > 0 and token.kind != "dims":
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
    unit, after = _unit(found, end) if token.kind in {"number", "word", "times"} else (unit_named(token.unit), end)
    if token.kind == "word" and not unit and value in _PARTS:
        if (not _first(found, start) and found[start - 1].kind != "request") or _behind_of(found, start):
            return  # « Brouilly en demi », « de demi-bouteilles » say how big
        value, unit = Decimal(1), _PARTS[value]  # « un quart de beaufort » counts quarters
    content, stop = _content(found, start, after) if unit else (None, after)
    weight = _weight(found, start, end, after, unit=unit, article=article)
    if weight == 0 or (value != value.to_integral() and not unit):
        return
    certainty = Decimal(1) if weight >= 3 or article else _SURE_OF.get(weight, Decimal("0.5"))
    yield Count(
        value, unit, token.start, found[stop - 1].end, weight, content=content, certainty=certainty, article=article,
        times=token.kind == "times",
        same=not unit and end < len(found) and found[end].text in _of() and not _grouped(found[end - 1]),
        leads=bool(unit) and after < len(found) and found[after].text in _of(),
    )  # fmt: skip


def _behind_of(found: list[Token], start: int) -> bool:
    return start > 0 and found[start - 1].text in _of()


def _grouped(token: Token) -> bool:
    """« une douzaine de »."""
    return any(number_values().get(part, ("",))[0] == "groups" for part in token.text.split("-"))


def _multiple(found: list[Token], start: int, end: int, value: Decimal) -> Count | None:
    """Packs of packs: 3 x 6 bottles."""
    times = found[end] if end < len(found) else None
    if found[start].kind != "number" or times is None or times.kind != "times" or not _first(found, start):
        return None
    return _product(found, start, end + 1, value, times)


def _product(found: list[Token], start: int, end: int, value: Decimal, times: Token) -> Count | None:
    """The product of two numbers in front of what they count; a size (« 15x21 ») is none."""
    name, further = _unit(found, end)
    named = further < len(found) and found[further].kind in {"word", "elision"}
    if times.value is None or not (name or (named and times.value <= 48)):
        return None
    place = found[start].start, found[further - 1].end
    return Count(value * times.value, name, *place, Decimal(7), leads=True, certainty=Decimal("0.8"))


def _of_dimensions(found: list[Token], start: int) -> Count | None:
    """« 3x6 bouteilles de » : small whole numbers in front of a unit count, they measure nothing."""
    token = found[start]
    factors = re.fullmatch(r"(\d{1,2})[x\u00d7*](\d{1,2})", token.text)
    if factors is None or not _first(found, start):
        return None
    name, further = _unit(found, start + 1)
    if not name:
        return None
    place = token.start, found[further - 1].end
    return Count(
        Decimal(factors[1]) * Decimal(factors[2]), name, *place, Decimal(7), leads=True, certainty=Decimal("0.8")
    )


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
    if token.kind == "measure" or (token.kind == "word" and _is_measure(unit)):
        return _weight_of_measure(found, start, after, first=first, last=last)
    if last and before is not None and before.text in {":", "="} and token.kind == "number":
        return Decimal(6)
    if unit or token.kind == "counted":
        return Decimal(0) if _behind_of(found, start) and _is_measure(unit) else Decimal(5)
    if token.kind == "word":
        lone = article or number_values().get(token.text, ("",))[0] == "scales"  # « grazie mille »
        return Decimal("2.5" if article else "3.5") if leading else Decimal(0) if lone else _BARE
    return _weight_of_number(found, start, end, leading=leading, last=last)


def _is_measure(unit: str) -> bool:
    return unit_forms().get(plain(unit), ("", ""))[1] == "measure"


def _weight_of_number(found: list[Token], start: int, end: int, *, leading: bool, last: bool) -> Decimal:
    """A bare number counts in front of what it counts, behind a mark, or before a request."""
    if leading:
        return Decimal(4)
    if _may_be_a_year(found[start]):
        return Decimal(0)
    behind_mark = last and start > 0 and found[start - 1].kind == "mark"
    asked_behind = last and end < len(found) and found[end].kind == "request"
    return Decimal(3) if asked_behind or behind_mark else _BARE


def _weight_of_measure(found: list[Token], start: int, after: int, *, first: bool, last: bool) -> Decimal:
    """« 10 kg de beurre » counts, « farine 25 kg » says how big; « 10 kg beurre » may do either."""
    of = after < len(found) and found[after].text in _of()
    behind_of = start > 0 and found[start - 1].text in _of()
    if of and not behind_of:
        return Decimal("3.5")
    return Decimal("1.5" if first and not last else "1" if last and not first and not behind_of else "0")


def _may_be_a_year(token: Token) -> bool:
    """The number may be a year."""
    return token.kind == "number" and token.value is not None and len(token.text) == 4 and int(token.value) in _YEARS


def _unit(found: list[Token], position: int) -> tuple[str, int]:
    """The packing or counting word at this place, and where it ends."""
    if position < len(found) and found[position].text in _of() and position + 1 < len(found):
        following = unit_forms().get(found[position + 1].text, ("", ""))
        if following[1] in {"pack", "count"} and position + 2 < len(found) and found[position + 2].text in _of():
            return following[0], position + 2  # « une douzaine de boîtes de »
        return "", position
    if position < len(found) and found[position].kind in {"word", "request"}:
        name, kind = unit_forms().get(found[position].text, ("", ""))
        if position + 1 < len(found) and f"{found[position].text}-{found[position + 1].text}" in variant_classes():
            return "", position  # « demi-écrémé »
        if kind in {"pack", "count"} and len(found[position].text) > 1:
            stop = position + 1
            if stop < len(found) and found[stop].text == "." and len(found[position].text) <= 5:
                stop += 1
            return name, stop
        if kind == "measure" and len(found[position].text) > 2:
            return name, position + 1
    return "", position


def _content(found: list[Token], start: int, position: int) -> tuple[Decimal | None, int]:
    """« de 6 » behind a packing word: what one of them holds."""
    if (
        position + 1 < len(found)
        and found[position].text in _of()
        and found[position + 1].kind in {"number", "counted"}
    ):
        value = found[position + 1].value
        if value is not None and value == value.to_integral():
            _, after = _unit(found, position + 2) if found[position + 1].kind == "number" else ("", position + 2)
            nothing_else = all(t.kind in IDLE for t in found[after:]) and _first(found, start)
            return value, position + 2 if nothing_else else after
    return None, position
