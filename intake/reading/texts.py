"""Lines of an order in prose, lists and chat bubbles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from intake.reading.values import AskedLine, Evidence
from intake.reading.words import number_words, phrase, plain, unit_forms, words

_NUMBER = re.compile(
    r"(?<![\w.,/])(?P<times>x ?)?(?P<number>\d{1,5}(?:[.,]\d{1,3})?)(?![\w.,]*\d)(?P<glued>[a-z\u00b2\u00b5]*)"
)
_SPLIT = re.compile(
    r"\n|;|\s[-*\u2022]\s|,\s(?=\D{0,30}\d)|,(?=\s*\d+\s*[a-z])|\s(?:et|puis|plus)\s(?=(?:[a-z]+\s){0,1}\d|(?:une?|deux|trois|quatre|cinq|six|dix)\s)"
)
_LETTERS = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class _Count:
    """A number that counts: its value, the unit behind it, and where both stand in the piece."""

    value: Decimal
    unit: str
    start: int
    end: int
    weight: int


def lines(text: str) -> tuple[AskedLine, ...]:
    """The lines that the text asks for, in its order; greetings, signatures and refusals are not lines."""
    flat = plain(text)
    end = _end_of_order(flat)
    found = []
    for start, stop in _pieces(flat[:end]):
        line = _line(text, flat, start, stop)
        if line is not None:
            found.append(line)
    return tuple(found)


def _end_of_order(flat: str) -> int:
    """Where the closing formula or the signature begins; a thank-you on the order's own line ends nothing."""
    closing = re.compile(
        rf"(?m)^\s*(?:{phrase('zones', 'closings').pattern}|{phrase('zones', 'signature').pattern})\b.{{0,40}}$"
    )
    counted = [match.start() for match in _NUMBER.finditer(flat)]
    for found in closing.finditer(flat):
        if counted and found.start() > counted[0]:
            return found.start()
    return len(flat)


def _pieces(flat: str) -> Iterator[tuple[int, int]]:
    start = 0
    for cut in _SPLIT.finditer(flat):
        yield start, cut.start()
        start = cut.end()
    yield start, len(flat)


def _line(text: str, flat: str, start: int, stop: int) -> AskedLine | None:
    piece = flat[start:stop]
    if phrase("lines", "negation").search(piece):
        return None
    counts = sorted(_counts(piece), key=lambda count: -count.weight)
    if not counts:
        return None
    count = counts[0]
    after = _designation(piece[count.end :])
    before = _designation(piece[: count.start])
    designation = after if _LETTERS.search(after) else before
    if not _LETTERS.search(designation):
        return None
    begin = start + (count.start if designation == after else 0)
    return AskedLine(
        text=text[begin:stop].strip(" ,.;:-\n"),
        designation=designation,
        quantity=count.value,
        unit=count.unit,
        evidence=Evidence("body", begin, stop),
    )


def _designation(words_: str) -> str:
    fillers = phrase("zones", "fillers").pattern
    cleaned = re.sub(rf"(?:^|\s)(?:{fillers})(?=\s|$|[,.!])", " ", words_)
    cleaned = re.sub(r"^\s*(?:de |d'|des |du )+", "", cleaned.strip(" ,.;:-!()"))
    return cleaned.strip(" ,.;:-!()")


def _counts(piece: str) -> Iterator[_Count]:
    """The numbers that can be the quantity; those in front of a unit that counts weigh most, then the first word."""
    for found in _NUMBER.finditer(piece):
        behind = re.match(r"\s*(?P<unit>[a-z\u00b2\u00b5]+)\.?", piece[found.end("number") :])
        word = found["glued"] or (behind["unit"] if behind else "")
        name, kind = unit_forms().get(word, ("", ""))
        if found["glued"] and not name:
            continue
        if kind == "measure" and not re.match(r"\s*(?:de|d')\s", piece[found.end("number") + len(word) + 1 :]):
            continue
        value = Decimal(found["number"].replace(",", "."))
        if value == 0:
            continue
        leads = not _LETTERS.search(piece[: found.start()])
        weight = 3 if kind in {"count", "pack"} else 2 if found["times"] or leads else 1
        end = found.end("number") + (len(behind[0]) if behind and name else len(found["glued"]) if name else 0)
        yield _Count(value, name, found.start(), end, weight)
    numbers = number_words()
    for found in re.finditer(r"[a-z]+", piece):
        counted = numbers.get(found[0])
        behind = re.match(r"\s*(?:de |d')?(?P<unit>[a-z]+)", piece[found.end() :])
        name, kind = unit_forms().get(behind["unit"], ("", "")) if behind else ("", "")
        groups = {plain(word) for word in words("numbers")["groups"]}
        if counted is not None and (
            kind in {"count", "pack"} or found[0] in groups or not piece[: found.start()].strip()
        ):
            end = found.end() + (len(behind[0]) if behind and kind in {"count", "pack"} else 0)
            yield _Count(counted, name if kind in {"count", "pack"} else "", found.start(), end, 2)
