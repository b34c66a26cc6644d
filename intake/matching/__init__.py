"""Which article a line means, in which quantity, and how sure we are.

References, GTINs and the customer's own names come first. Then words, weighted by rarity, where the attributes that
tell variants apart (numbers, colours, sizes, qualities) weigh more than the words all variants share. When two
articles remain, none is claimed: the confidence is low and both are given, best first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise

from intake.matching.alignments import Vocabulary, score
from intake.matching.articles import CatalogueRow, Words, cut, unit_name
from intake.matching.quantities import DOUBTFUL, base_quantity
from intake.reading.values import AskedLine
from intake.reading.words import plain, unit_family

__all__ = ["DOUBTFUL", "CatalogueRow", "Index", "Matched"]

_EXACT = Decimal("0.99")
#: Below this share of what was asked, no article is claimed.
_FLOOR = 0.55
#: Two articles nearer than this are one question.
_TIE = 0.015
_CANDIDATES = 60
#: How sure a score is, and how sure its distance to the next article: measured on noisy names of three catalogues.
_BY_SCORE = ((0.55, 0.5), (0.7, 0.72), (0.8, 0.86), (0.9, 0.98), (0.95, 1.0))
_BY_MARGIN = ((0.0, 0.5), (0.015, 0.7), (0.04, 0.88), (0.08, 0.97), (0.12, 1.0))


@dataclass(frozen=True, slots=True)
class Matched:
    """The article (or none), the quantity in its sales unit, and the other articles it may be, best first."""

    row: CatalogueRow | None
    base_quantity: Decimal | None
    packaging: str
    confidence: Decimal
    alternatives: tuple[tuple[str, Decimal], ...] = ()


@dataclass(slots=True)
class Index:
    """The catalogue, ready to be asked; `own_names` are one customer's names of articles."""

    rows: list[CatalogueRow]
    own_names: dict[str, str] = field(default_factory=dict)
    _codes: dict[str, CatalogueRow] = field(init=False)
    _names: list[list[Words]] = field(init=False)
    _words: Vocabulary = field(init=False)
    _places: dict[str, list[int]] = field(init=False)
    _phrases: dict[frozenset[object], list[int]] = field(init=False)

    def __post_init__(self) -> None:
        by_sku = {row.sku: row for row in self.rows}
        self._codes = {_code(row.sku): row for row in self.rows}
        for row in self.rows:
            for code in (row.gtin, row.supplier_reference):
                if code:
                    self._codes.setdefault(_code(code), row)
        self._codes |= {_code(text): by_sku[sku] for text, sku in self.own_names.items() if sku in by_sku}
        self._names, self._words = [], Vocabulary()
        self._places, self._phrases = defaultdict(list), defaultdict(list)
        for position, row in enumerate(self.rows):
            said = [cut(name) for name in (row.name, *row.aliases) if name.strip()]
            self._names.append([_joined(said[0], other) if other is not said[0] else other for other in said])
            roots = {word for one in said for word in one.roots}
            self._words.learn(roots)
            for word in roots:
                self._places[word].append(position)
            for one in said:
                self._phrases[_key(one)].append(position)

    def match(self, line: AskedLine) -> Matched:
        """The article a line means; none when nothing is near enough, or two are as near."""
        named = self._named(line)
        if named is not None:
            return self._measured(line, named, _EXACT, self._agreement(line, named))
        ranked = self._ranked(line)
        others = tuple((self.rows[place].sku, _odds(value * 0.5)) for place, value in ranked[1:5])
        if not ranked or ranked[0][1] < _FLOOR:
            first = tuple((self.rows[place].sku, _odds(value * 0.5)) for place, value in ranked[:4])
            return Matched(None, line.quantity, "", Decimal("0.3"), first)
        (best, value), second = ranked[0], ranked[1][1] if len(ranked) > 1 else 0.0
        margin = value - second
        if margin < _TIE:
            near = tuple((self.rows[place].sku, _odds(0.4)) for place, other in ranked[:6] if other > value - _TIE)
            return Matched(None, line.quantity, "", Decimal("0.4"), near)
        confidence = _odds(0.97 * _between(_BY_SCORE, value) * _between(_BY_MARGIN, margin))
        return self._measured(line, self.rows[best], confidence, Decimal(1), others)

    def _named(self, line: AskedLine) -> CatalogueRow | None:
        """The article whose code stands in the line, or whose name for this customer the line is."""
        for code in (line.reference, *line.codes, line.designation):
            row = self._codes.get(_code(code)) if code else None
            if row is not None:
                return row
        found = {
            row.sku: row for word in re.findall(r"[\w./-]{4,}", line.designation)
            if any(letter.isdigit() or letter == "-" for letter in word)
            and (row := self._codes.get(_code(word))) is not None
        }  # fmt: skip
        return next(iter(found.values())) if len(found) == 1 else None

    def _agreement(self, line: AskedLine, row: CatalogueRow) -> Decimal:
        """How far the words beside a code allow that it is ours: a code may be the customer's own by chance."""
        said = cut(line.designation)
        if not said.roots or _code(line.designation) in self._codes:
            return Decimal(1)
        known = (
            Decimal(1) if _code(line.reference or line.designation) in map(_code, self.own_names) else Decimal("0.7")
        )
        best = max(score(said, name, self._words) for name in self._names[self.rows.index(row)])
        return Decimal(1) if best >= 0.3 else known

    def _ranked(self, line: AskedLine) -> list[tuple[int, float]]:
        said = cut(line.designation)
        packed = cut(f"{line.unit} {line.designation}") if line.unit else said
        exact = self._phrases.get(_key(said), ()) if said.roots else ()
        found: list[tuple[int, float]] = []
        for place in self._candidates(packed):
            value = max(score(said, name, self._words) for name in self._names[place])
            if packed is not said:
                value = max(value, *(score(packed, name, self._words) - 0.02 for name in self._names[place]))
            if value > 0.2:
                bonus = 0.03 if place in exact else 0.0
                found.append((place, value + bonus + _unit_hint(line.unit, self.rows[place])))
        return sorted(found, key=lambda one: (-one[1], self.rows[one[0]].sku))

    def _candidates(self, said: Words) -> list[int]:
        """The articles that share the weightiest words, at most a few dozen."""
        gathered: dict[int, float] = defaultdict(float)
        for word in said.roots:
            for known, likeness in self._words.like(word):
                places = self._places[known]
                weight = self._words.weight(known) * likeness
                for place in places:
                    gathered[place] += weight
        return sorted(gathered, key=lambda place: (-gathered[place], place))[: max(_CANDIDATES, len(said.roots) * 40)]

    def _measured(
        self, line: AskedLine, row: CatalogueRow, confidence: Decimal, agreement: Decimal,
        others: tuple[tuple[str, Decimal], ...] = (),
    ) -> Matched:  # fmt: skip
        counted = base_quantity(line, row)
        sure = (confidence * agreement * counted.confidence * min(line.certainty, Decimal(1))).quantize(Decimal("0.01"))
        return Matched(
            row, counted.value, counted.packaging, sure if counted.value is not None else min(sure, DOUBTFUL), others
        )


def _joined(name: Words, alias: Words) -> Words:
    """An alias with what the article's own name adds: « sacs 50 litres » may be said with its colour."""
    return replace(
        alias,
        roots=tuple(dict.fromkeys([*alias.roots, *name.roots])),
        without=alias.without | name.without,
        measured=(*alias.measured, *name.measured), sizes=(*alias.sizes, *name.sizes),
        numbers=(*alias.numbers, *name.numbers),
    )  # fmt: skip


def _key(said: Words) -> frozenset[object]:
    return frozenset([*said.roots, *said.measured, *said.sizes, *said.numbers])


def _unit_hint(unit: str, row: CatalogueRow) -> float:
    """The customer's unit points at articles sold that way."""
    if not unit:
        return 0.0
    names = [unit_name(row.unit), *(unit_name(name) for name, _ in row.packagings)]
    if unit in names:
        return 0.04
    return 0.02 if any(unit_family(name) == unit_family(unit) for name in names) else 0.0


def _between(points: tuple[tuple[float, float], ...], value: float) -> float:
    """The value of a line through these points."""
    for (left, low), (right, high) in pairwise(points):
        if value < right:
            return low + (high - low) * max(0.0, value - left) / (right - left)
    return points[-1][1]


def _odds(value: float) -> Decimal:
    return Decimal(str(round(max(0.05, min(value, 0.97)), 2)))


def _code(text: str) -> str:
    return re.sub(r"[\s.]", "", plain(text)).upper()
