"""Which article a line means, in which quantity, and how sure we are.

References, GTINs and the customer's own names come first. Then words, weighted by rarity, where what tells the
candidates apart weighs more than the words they share. When two articles remain, the one that this customer has
bought is taken, with less confidence; else none is claimed, and both are given, best first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from intake.matching.alignments import Fit, Judge
from intake.matching.articles import CatalogueRow, unit_name, unit_roots
from intake.matching.confidences import MOST_LEAD, confidence, odds
from intake.matching.marks import cut
from intake.matching.postings import Names, gather
from intake.matching.quantities import DOUBTFUL, LIKELY, base_quantity
from intake.matching.terms import terms
from intake.matching.vocabularies import Vocabulary
from intake.reading.values import AskedLine
from intake.reading.words import measures, plain, unit_family, unit_forms

__all__ = ["DOUBTFUL", "NOBODY", "Buyer", "CatalogueRow", "Index", "Matched"]

_EXACT = Decimal("0.99")
#: An article that lacks more than this share of what was asked is not claimed.
_LACKING = 0.45
#: Two articles nearer than this are one question.
_TIE = 0.1
#: Among articles so near, which nothing that was said tells apart, the one he has bought is taken, this surely at most.
_NEAR, _BOUGHT = 0.35, Decimal("0.85")
#: No article is described at more length; the rest of a longer line is not weighed.
_LONGEST = 600
#: What the customer's unit says for an article that is sold that way, or nearly; and one whose name says the unit.
_SOLD_SO, _SOLD_NEARLY, _NAMED_SO = 0.3, 0.15, 0.3


@dataclass(frozen=True, slots=True)
class Matched:
    """The article (or none), the quantity in its sales unit, and the other articles it may be, best first."""

    row: CatalogueRow | None
    base_quantity: Decimal | None
    packaging: str
    confidence: Decimal
    alternatives: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Buyer:
    """What one customer brings: his own names of articles, and the articles of his past orders, by reference."""

    own_names: Mapping[str, str] = field(default_factory=dict)
    bought: frozenset[str] = frozenset()
    _said: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_said", {_code(text): sku for text, sku in self.own_names.items()})

    def named(self, text: str) -> str | None:
        """The reference of the article that this text is his name of."""
        return self._said.get(_code(text))


NOBODY = Buyer()


@dataclass(slots=True)
class Index:
    """The catalogue, ready to be asked: built once, the same for every customer."""

    rows: list[CatalogueRow]
    _codes: dict[str, int] = field(init=False)
    _names: Names = field(init=False)
    _words: Vocabulary = field(init=False)
    _marks: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._codes = {_code(row.sku): place for place, row in enumerate(self.rows)}
        for place, row in enumerate(self.rows):
            for code in (row.gtin, row.supplier_reference):
                if code:
                    self._codes.setdefault(_code(code), place)
        self._names, self._words = gather(self.rows)
        self._marks = list(self._words.numbers)

    def match(self, line: AskedLine, buyer: Buyer = NOBODY) -> Matched:
        """The article a line means; none when nothing is near enough, or two are as near.

        Where words stand above the line (« Sirops : »), or the unit may be the thing itself (« 2 tubes PVC »), the
        reading that is surer counts.
        """
        best = self._match(line, buyer)
        for other in _other_readings(line):
            if best.confidence >= _EXACT:
                break
            found = self._match(other, buyer)
            if found.row is None or found.confidence <= best.confidence:
                continue
            if other.unit == line.unit or _is_the_thing(line.unit, found.row):
                best = found
        return best

    def _match(self, line: AskedLine, buyer: Buyer) -> Matched:
        named = self._named(line, buyer)
        if named is not None:
            return self._measured(line, self.rows[named], _EXACT, self._agreement(line, named, buyer))
        ranked, asked = self._ranked(line, buyer)
        if not ranked or ranked[0][1].missing > _LACKING * asked:
            return Matched(None, line.quantity, "", Decimal("0.3"), self._others(ranked[:4]))
        best, fit = ranked[0]
        lead = ranked[1][1].cost - fit.cost if len(ranked) > 1 else MOST_LEAD
        usual = [one for one in ranked if one[1].cost - fit.cost < _NEAR and self._sku(one) in buyer.bought]
        if len(usual) == 1 and lead < _NEAR and not fit.contradicted:
            others = self._others([one for one in ranked[:6] if one != usual[0]])
            sure = min(_BOUGHT, confidence(usual[0][1].missing, MOST_LEAD))
            return self._measured(line, self.rows[usual[0][0]], sure, Decimal(1), others)
        if lead >= _TIE:
            others_ = [other.cost - other.unusual for _, other in ranked[1:12]]
            proved = max(0.0, min(others_) - (fit.cost - fit.unusual)) if others_ else MOST_LEAD
            sure = confidence(fit.missing, proved)  # what is only usual ranks, it makes nobody surer
            return self._measured(line, self.rows[best], sure, Decimal(1), self._others(ranked[1:5]))
        tied = [one for one in ranked[:6] if one[1].cost - fit.cost < _TIE]
        tied.sort(key=lambda one: self._sku(one) not in buyer.bought)
        return Matched(None, line.quantity, "", Decimal("0.4"), self._others(tied))

    def _sku(self, ranked: tuple[int, Fit]) -> str:
        return self.rows[ranked[0]].sku

    def _others(self, ranked: list[tuple[int, Fit]]) -> tuple[tuple[str, Decimal], ...]:
        """Articles that a line may mean, as alternatives."""
        return tuple((self._sku(one), odds(0.48 - 0.02 * one[1].missing)) for one in ranked)

    def _named(self, line: AskedLine, buyer: Buyer) -> int | None:
        """The article whose code stands in the line, or whose name for this customer the line is."""
        for code in (line.reference, *line.codes, line.designation):
            if code:
                own = buyer.named(code)
                place = self._codes.get(_code(own)) if own else None
                place = self._codes.get(_code(code)) if place is None else place
                if place is not None:
                    return place
        found = {
            place for word in re.findall(r"[\w./-]{4,}", line.designation)
            if any(letter.isdigit() or letter == "-" for letter in word)
            and (place := self._codes.get(_code(buyer.named(word) or word))) is not None
        }  # fmt: skip
        return next(iter(found)) if len(found) == 1 else None

    def _agreement(self, line: AskedLine, place: int, buyer: Buyer) -> Decimal:
        """How far the words beside a code allow that it is ours: a code may be the customer's own by chance."""
        said = cut(line.designation[:_LONGEST])
        if not said.marks or _code(line.designation) in self._codes or buyer.named(line.designation):
            return Decimal(1)
        asked = terms(said, self._words)
        names = self._names.of(place)
        fits = Judge(asked, self._words, self._marks).fits(
            [self._names.marks_of(name) for name in names], [self._names.is_alias(name) for name in names]
        )
        if not fits or min(fit.missing for fit in fits) <= 0.7 * sum(term.weight for term in asked):
            return Decimal(1)
        return Decimal(1) if buyer.named(line.reference or line.designation) else Decimal("0.7")

    def _ranked(self, line: AskedLine, buyer: Buyer) -> tuple[list[tuple[int, Fit]], float]:
        """The likely articles with how they fit, best first, and how much was asked."""
        asked = terms(cut(line.designation[:_LONGEST]), self._words)
        unit = {number for word in unit_roots(line.unit) if (number := self._words.numbers.get(word)) is not None}
        names = self._names.likely(asked, favoured=self._usual(buyer))
        said = [self._names.marks_of(name) for name in names]
        fits = Judge(asked, self._words, self._marks).fits(said, [self._names.is_alias(name) for name in names])
        best: dict[int, Fit] = {}
        for name, marks, fit in zip(names, said, fits, strict=True):
            place = int(self._names.owners[name])
            hint = _unit_hint(line, self.rows[place])
            if named := unit.intersection(marks[0]):
                hint = max(hint, _NAMED_SO) if hint else _NAMED_SO * self._words.weight_of(min(named))
            found = replace(fit, cost=fit.cost - hint) if hint else fit
            if place not in best or found.cost < best[place].cost:
                best[place] = found
        ranked = sorted(best.items(), key=lambda one: (round(one[1].cost, 6), self.rows[one[0]].sku))
        return ranked, sum(term.weight for term in asked)

    def _usual(self, buyer: Buyer) -> list[int]:
        """The names of the articles that this customer has bought."""
        places = sorted(place for sku in buyer.bought if (place := self._codes.get(_code(sku))) is not None)
        return [name for place in places for name in self._names.of(place)]

    def _says(self, row: CatalogueRow, others: tuple[tuple[str, Decimal], ...], quantity: Decimal | None) -> bool:
        """The article or one that it may be as well says the number that would count it."""
        near = [self.rows[place] for sku, _ in others if (place := self._codes.get(_code(sku))) is not None]
        return quantity is None or any(
            _number_said(name, quantity) for one in (row, *near) for name in (one.name, *one.aliases)
        )

    def _measured(
        self, line: AskedLine, row: CatalogueRow, confidence: Decimal, agreement: Decimal,
        others: tuple[tuple[str, Decimal], ...] = (),
    ) -> Matched:  # fmt: skip
        counted = base_quantity(line, row)
        certain = line.bare and line.certainty >= LIKELY and not self._says(row, others, line.quantity)
        certainty = Decimal(1) if certain else min(line.certainty, Decimal(1))
        sure = (confidence * agreement * counted.confidence * certainty).quantize(Decimal("0.01"))
        return Matched(
            row, counted.value, counted.packaging, sure if counted.value is not None else min(sure, DOUBTFUL), others
        )


def _other_readings(line: AskedLine) -> Iterator[AskedLine]:
    """The line under its heading, and with its unit for the thing that is counted."""
    if line.heading:
        yield replace(line, designation=f"{line.heading} {line.designation}")
    if line.unit and not line.in_table and unit_forms().get(plain(line.unit), ("", ""))[1] == "pack":
        yield replace(line, designation=f"{line.unit} {line.designation}", unit="")


def _is_the_thing(unit: str, row: CatalogueRow) -> bool:
    """The article's name begins with this word, and it is not sold by it."""
    sold = {unit_name(row.unit), *(unit_name(name) for name, _ in row.packagings)}
    first = re.match(r"[^\W\d_]+", plain(row.name))
    return unit not in sold and first is not None and unit_name(first[0]) == unit


def _number_said(name: str, quantity: Decimal) -> bool:
    """A name says this number."""
    digits = f"{quantity.normalize():f}".replace(".", "[.,]")
    return re.search(rf"(?<![\d.,]){digits}(?![\d.,]*\d)", name) is not None


def _unit_hint(line: AskedLine, row: CatalogueRow) -> float:
    """The customer's unit points at articles sold that way; « 5 kg » at the sack of 5 kg."""
    unit = line.unit
    if not unit:
        return 0.0
    if plain(unit) in measures() and line.quantity is not None:
        dimension, factor = measures()[plain(unit)]
        whole = any(one.dimension == dimension and one.size == line.quantity * factor for one in cut(row.name).measured)
        return _SOLD_SO if whole else 0.0
    names = [unit_name(row.unit), *(unit_name(name) for name, _ in row.packagings)]
    if unit in names:
        return _SOLD_SO
    return _SOLD_NEARLY if any(unit_family(name) == unit_family(unit) for name in names) else 0.0


def _code(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text.upper()
    flat = text if text.isascii() else plain(text)
    return _NO_CODE.sub("", flat).upper()


#: What may stand or be left out between the parts of a code.
_NO_CODE = re.compile(r"[\s._/-]+")
