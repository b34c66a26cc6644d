"""Which article a line means, in which quantity, and how sure we are.

References, GTINs and the customer's own names come first. Then words, weighted by rarity, where the attributes that
tell variants apart (numbers, colours, sizes, qualities) weigh more than the words all variants share. When two
articles remain, the confidence is low and both are given, best first.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from intake.reading.values import AskedLine
from intake.reading.words import plain, unit_family, unit_forms, words

__all__ = ["CatalogueRow", "Index", "Matched"]

SURE, LIKELY, DOUBTFUL = Decimal("0.95"), Decimal("0.70"), Decimal("0.50")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?(?:x\d+(?:[.,]\d+)?)*[a-z]*|[a-z]+\d+[a-z]*|[a-z]+")
_MARGIN = 0.04


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """An article as matching sees it: names, identifiers, and how many sales units a pack holds."""

    sku: str
    name: str
    unit: str
    packagings: tuple[tuple[str, Decimal], ...] = ()
    gtin: str = ""
    supplier_reference: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Matched:
    """The article (or none), the quantity in its sales unit, and the other articles it may be, best first."""

    row: CatalogueRow | None
    base_quantity: Decimal | None
    packaging: str
    confidence: Decimal
    alternatives: tuple[tuple[str, Decimal], ...] = ()


@cache
def _stem(word: str) -> str:
    table = words("words")
    if word in table["kept"] or len(word) <= 3 or any(letter.isdigit() for letter in word):
        return word
    for ending, instead in table["endings"]:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            return str(word[: len(word) - len(ending)] + instead)
    return word


@cache
def _deciding_words() -> frozenset[str]:
    table = words("words")
    return frozenset(_stem(plain(word)) for part in ("colours", "sizes", "qualities") for word in table[part])


def _decides(token: str) -> bool:
    """The token tells variants apart: it holds a number, or is a colour, a size, a quality."""
    return any(letter.isdigit() for letter in token) or token in _deciding_words() or token.startswith("bio")


def tokens(text: str) -> list[str]:
    """The words that matter: a number and its measure are one token (« 500 g » is 500g), endings are cut."""
    measures = "|".join(
        sorted((f for f, (_, kind) in unit_forms().items() if kind == "measure" and f.isascii()), key=len, reverse=True)
    )
    joined = re.sub(rf"(\d) ({measures})\b", r"\1\2", plain(text).replace("%", " "))
    joined = re.sub(r"\b(\d+(?:[.,]\d+)?(?:x\d+(?:[.,]\d+)?)+)(?:cm|mm|m)\b", r"\1", joined)
    stop = set(words("words")["stop"])
    sizes = set(words("words")["sizes"])
    return [
        _stem(token)
        for token in _TOKEN.findall(joined)
        if token not in stop and (len(token) > 1 or token.isdigit() or token in sizes)
    ]


@dataclass(slots=True)
class Index:
    """The catalogue, ready to be asked; `own_names` are one customer's names of articles."""

    rows: list[CatalogueRow]
    own_names: dict[str, str] = field(default_factory=dict)
    _codes: dict[str, CatalogueRow] = field(init=False)
    _names: list[tuple[CatalogueRow, frozenset[str]]] = field(init=False)
    _seen: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        by_sku = {row.sku: row for row in self.rows}
        self._codes = {_code(row.sku): row for row in self.rows}
        for row in self.rows:
            for code in (row.gtin, row.supplier_reference):
                if code:
                    self._codes.setdefault(_code(code), row)
        own = {_code(text): by_sku[sku] for text, sku in self.own_names.items() if sku in by_sku}
        self._codes |= own
        self._names = [
            (row, frozenset(tokens(name))) for row in self.rows for name in (row.name, *row.aliases) if name.strip()
        ]
        self._seen = Counter(token for _, name in self._names for token in name)

    def match(self, line: AskedLine) -> Matched:
        """The article a line means; none when nothing is near enough."""
        known = self._codes.get(_code(line.reference)) if line.reference else None
        known = known or self._codes.get(_code(line.designation))
        if known is not None:
            return self._measured(line, known, SURE, ())
        ranked = self._ranked(line.designation)
        if not ranked or ranked[0][1] < 0.5:
            return Matched(None, line.quantity, "", DOUBTFUL, tuple((row.sku, DOUBTFUL) for row, _ in ranked[:4]))
        (best, score), rest = ranked[0], ranked[1:5]
        margin = score - rest[0][1] if rest else 1.0
        confidence = SURE if score >= 0.8 and margin >= _MARGIN else LIKELY if margin >= _MARGIN else DOUBTFUL
        others = tuple((row.sku, min(DOUBTFUL, confidence)) for row, value in rest if value > score - 0.35)
        return self._measured(line, best, confidence, others)

    def _ranked(self, designation: str) -> list[tuple[CatalogueRow, float]]:
        asked = list(dict.fromkeys(tokens(designation)))
        best: dict[str, tuple[CatalogueRow, float]] = {}
        for row, name in self._names:
            score = self._score(asked, name)
            if score > 0.3 and (row.sku not in best or score > best[row.sku][1]):
                best[row.sku] = (row, score)
        return sorted(best.values(), key=lambda found: (-found[1], found[0].sku))

    def _weight(self, token: str) -> float:
        rarity = math.log(1 + len(self._names) / (1 + self._seen[token]))
        return rarity * (1.6 if _decides(token) else 1.0)

    def _score(self, asked: Iterable[str], name: frozenset[str]) -> float:
        """How much of what was asked the name says, less what it says against it."""
        wanted = got = 0.0
        used: set[str] = set()
        for token in asked:
            weight = self._weight(token)
            wanted += weight
            near, likeness = _nearest(token, name)
            if near:
                got += weight * likeness
                used.add(near)
        if not used:
            return 0.0
        left = [token for token in name - used if _decides(token)]
        against = sum(0.06 if any(letter.isdigit() for letter in token) else 0.12 for token in left)
        breadth = sum(self._weight(token) for token in used) / sum(self._weight(token) for token in name)
        return got / wanted + 0.1 * breadth - min(against, 0.3)

    def _measured(
        self, line: AskedLine, row: CatalogueRow, confidence: Decimal, others: tuple[tuple[str, Decimal], ...]
    ) -> Matched:
        """The quantity in sales units; a pack that the article does not have makes the line doubtful."""
        if line.quantity is None:
            return Matched(row, None, "", DOUBTFUL, others)
        unit = line.unit
        if not unit or unit == _unit(row.unit) or unit_forms().get(plain(unit), ("", ""))[1] == "count":
            return Matched(row, line.quantity, "", confidence, others)
        for name, size in row.packagings:
            if _unit(name) == unit or unit_family(_unit(name)) == unit_family(unit):
                return Matched(row, line.quantity * size, name, confidence, others)
        return Matched(row, line.quantity, "", min(confidence, LIKELY), others)


def _nearest(token: str, name: frozenset[str]) -> tuple[str, float]:
    """The word of the name that the token means, and how surely; numbers must be equal."""
    if token in name:
        return token, 1.0
    if any(letter.isdigit() for letter in token) or len(token) < 4:
        return "", 0.0
    for word in name:
        if len(word) > len(token) >= 4 and word.startswith(token):
            return word, 0.9
    near = difflib.get_close_matches(token, [word for word in name if len(word) >= 4], 1, 0.78)
    return (near[0], 0.88) if near else ("", 0.0)


def _code(text: str) -> str:
    return re.sub(r"[\s.]", "", text).upper()


@cache
def _unit(name: str) -> str:
    return unit_forms().get(plain(name), (name, ""))[0]
