"""Articles as matching sees them: rows of a catalogue, and their names cut into the words and attributes that count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from intake.reading.numerals import number_said
from intake.reading.words import measures, plain, unit_forms, variant_classes, words


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
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its measure, comparable within its dimension; `written` is the bare number."""

    dimension: str
    size: Decimal
    written: Decimal


@dataclass(frozen=True, slots=True)
class Words:
    """A name for comparing: words by their root, what stands behind « sans », measures, dimensions, bare numbers."""

    roots: tuple[str, ...]
    without: frozenset[str]
    measured: tuple[Measured, ...]
    sizes: tuple[tuple[Decimal, ...], ...]
    numbers: tuple[Decimal, ...]


@cache
def _token() -> re.Pattern[str]:
    forms = "|".join(sorted(map(re.escape, measures()), key=len, reverse=True))
    number = r"\d{1,9}(?:[.,]\d{1,4})?"
    length = r"(?:\s?(?:mm|cm|m|\u00b5)(?!\w))?"
    return re.compile(
        rf"(?P<dims>(?<!\w){number}{length}(?:\s?[x*\u00d7/]\s?{number}{length}){{1,3}}(?!\w))"
        rf"|(?P<measure>(?<!\w){number}\s?(?P<unit>{forms})(?![\w'²]))"
        rf"|(?P<number>(?<!\w){number}(?!\w))"
        r"|(?P<elision>(?:[cdjlmnst]|qu)')"
        r"|(?P<word>[a-z0-9]+(?:\.[a-z0-9]+)*)"
    )


@lru_cache(maxsize=65536)
def root(word: str) -> str:
    """A word without its French ending, so that plurals and feminines meet."""
    table = words("words")
    if len(word) <= 3 or any(letter.isdigit() for letter in word):
        return word
    for ending, instead in table["endings"]:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            return str(word[: len(word) - len(ending)] + instead)
    return word


@cache
def _stop() -> frozenset[str]:
    words_ = frozenset(words("words")["stop"]) - frozenset(words("words")["with"])
    return frozenset(word for word in words_ if len(word) > 1 or word in {"a", "x", "y"})  # S, M, L are sizes


@lru_cache(maxsize=16384)
def cut(text: str) -> Words:
    """A name cut into what counts for comparing it."""
    flat = _numbers_in_digits(plain(text.replace("œ", "oe").replace("Œ", "oe")).replace("m²", " ").replace("%", " "))
    roots: list[str] = []
    without: set[str] = set()
    measured: list[Measured] = []
    sizes: list[tuple[Decimal, ...]] = []
    numbers: list[Decimal] = []
    negated = False
    for match in _token().finditer(flat):
        kind, written = match.lastgroup if match.lastgroup != "unit" else "measure", match[0]
        if kind == "dims":
            sizes.append(tuple(_decimal(part) for part in re.findall(r"\d+(?:[.,]\d+)?", written)))
        elif kind == "measure":
            value = _decimal(re.findall(r"\d+(?:[.,]\d+)?", written)[0])
            dimension, factor = measures()[match["unit"]]
            measured.append(Measured(dimension, value * factor, value))
        elif kind == "number":
            numbers.append(_decimal(written))
        elif written in words("words")["without"]:
            negated = True
        elif kind == "word":
            for word in _spelled_out(written):
                if word not in _stop():
                    (without.add if negated else roots.append)(root(word))
                    negated = False
    return Words(tuple(dict.fromkeys(roots)), frozenset(without), tuple(measured), tuple(sizes), tuple(numbers))


def _spelled_out(written: str) -> list[str]:
    """A written word, its abbreviations spelled out."""
    return [word for part in written.split(".") for word in _abbreviations().get(part, part).split()]


@cache
def _abbreviations() -> dict[str, str]:
    import csv
    import importlib.resources

    text = (importlib.resources.files("intake") / "vocabulary" / "abbreviations.csv").read_text("utf-8")
    return {row["abbreviation"]: row["expansion"] for row in csv.DictReader(text.splitlines())}


def _numbers_in_digits(flat: str) -> str:
    """« cent litres » as « 100 litres »: number words in front of a measure."""

    def digits(found: re.Match[str]) -> str:
        said = number_said(found["said"].split())
        return f"{said[0].normalize():f} {found['unit']}" if said else found[0]

    return _said_measures().sub(digits, flat)


@cache
def _said_measures() -> re.Pattern[str]:
    forms = "|".join(sorted((re.escape(f) for f in measures() if len(f) > 3), key=len, reverse=True))
    table = words("numbers")
    said = "|".join(plain(word) for part in ("units", "tens", "scales") for word in table[part])
    return re.compile(rf"(?<!\w)(?P<said>(?:{said})(?: (?:{said}))*) (?P<unit>{forms})(?!\w)")


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace(",", "."))


@cache
def variant_roots() -> dict[str, str]:
    """Roots of the words for a quality, to its class: two colours exclude one another."""
    return {root(word): name for word, name in variant_classes().items()}


@cache
def marked_roots() -> frozenset[str]:
    """Roots of the words that are said only when meant: an article without them is the plain one."""
    return frozenset(root(plain(word)) for word in words("words")["marked"])


@cache
def _contents() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in words("words")["contents"]["patterns"])


@lru_cache(maxsize=16384)
def content_of(name: str) -> Decimal | None:
    """How many things one sales unit holds, where the name says it (« boîte de 100 », « x50 »)."""
    flat = plain(name)
    found = [Decimal(match[1]) for pattern in _contents() if (match := pattern.search(flat)) is not None]
    return next((value for value in found if value > 1), None)


@lru_cache(maxsize=4096)
def unit_name(written: str) -> str:
    """The name of a unit, or the word itself."""
    return unit_forms().get(plain(written), (plain(written), ""))[0]
