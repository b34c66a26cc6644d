"""Articles as matching sees them: rows of a catalogue, and their names cut into the words and attributes that count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise

from intake.reading.numerals import number_said
from intake.reading.words import measures, plain, unit_forms, words


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
    """A number with its measure, comparable within its dimension."""

    dimension: str
    size: Decimal


@dataclass(frozen=True, slots=True)
class Words:
    """A name for comparing, as marks in their order; `beside` are the numbers that stand within its marks.

    A mark is a word by its root (`vis`), a word that is excluded (`-sucr`), a measure in its smallest unit
    (`=mass:250`), dimensions (`x4x40`), a number (`#12`); a number within a measure or dimensions is `~12`.
    """

    marks: tuple[str, ...]
    beside: tuple[str, ...]
    measured: tuple[Measured, ...]


@cache
def _token() -> re.Pattern[str]:
    forms = "|".join(sorted(map(re.escape, measures()), key=len, reverse=True))
    heavy = "|".join(
        sorted((re.escape(f) for f, (name, _) in measures().items() if name != "length"), key=len, reverse=True)
    )
    number = r"\d{1,9}(?:[.,]\d{1,4})?"
    length = r"(?:\s?(?:mm|cm|m|\u00b5)(?!\w))?"
    return re.compile(
        rf"(?P<pack>(?<!\w)\d{{1,3}}\s?[x*\u00d7]\s?{number}\s?(?P<each>{heavy})(?!\w))"
        rf"|(?P<dims>(?<!\w){number}{length}(?:\s?[x*\u00d7/]\s?{number}{length}){{1,3}}(?!\w))"
        rf"|(?P<measure>(?<!\w){number}\s?(?P<unit>{forms})(?![\w'²]))"
        rf"|(?P<number>(?<!\w)x?{number}(?!\w))"
        r"|(?P<elision>(?:[cdjlmnst]|qu)')"
        r"|(?P<word>[a-z0-9]+(?:\.[a-z0-9]+)*)"
    )


@lru_cache(maxsize=65536)
def root(word: str) -> str:
    """A word without its French ending, so that plurals and feminines meet."""
    table = words("words")
    if len(word) <= 3 or any(letter.isdigit() for letter in word):
        return word[:-1] if len(word) == 3 and word.endswith("s") and word.isalpha() else word
    for ending, instead in table["endings"]:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= 3:
            return str(word[: len(word) - len(ending)] + instead)
    return word


@cache
def _stop() -> frozenset[str]:
    words_ = frozenset(words("words")["stop"]) - frozenset(words("words")["with"] + words("words")["degrees"])
    return frozenset(word for word in words_ if len(word) > 1 or word in {"a", "x", "y"})  # S, M, L are sizes


class _Letters(dict[int, str]):
    """Letters without case and accents, learned as they come."""

    def __missing__(self, letter: int) -> str:
        self[letter] = {"\u0153": "oe", "\u0152": "oe"}.get(chr(letter)) or plain(chr(letter))
        return self[letter]


_LETTERS = _Letters()


@lru_cache(maxsize=16384)
def cut(text: str) -> Words:
    """A name cut into what counts for comparing it."""
    return cut_anew(text)


def cut_anew(text: str) -> Words:
    """The same, not remembered: for the names of a whole catalogue."""
    flat = _GLUED.sub(r"\1 ", text.translate(_LETTERS).replace("%", " "))
    flat = _DOTTED.sub(r"\1", flat)
    if "1/2" in flat:
        flat = _HALF.sub("demi ", flat)
    flat = _numbers_in_digits(flat)
    marks: list[str] = []
    beside: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()
    if "-" in flat:
        beside = tuple(root(found[0].replace("-", "")) for found in _HYPHENED.finditer(flat))
    packs, lone = _packs(), _lone_measures()
    negated = packed = False
    for match in _token().finditer(flat):
        kind, written, behind = match.lastgroup, match[0], packed
        packed = kind == "word" and (written in packs or (packed and written == "de"))
        if kind == "word" and written not in lone:
            beside += _number_in(written)
            if flat[match.end() : match.end() + 1] == "." and written.isalpha() and len(written) > 1:
                beside += (f"{written}.",)  # « Dom. Reverdot »: a shortened word
            found = _word_marks(written)
            if found is None:
                negated = True
            elif found:
                marks.extend([f"-{mark}" for mark in found[:1]] + list(found[1:]) if negated else found)
                negated = False
        elif kind != "elision":
            token = _numeral(match, behind_pack=behind)
            marks.append(token.mark)
            beside += token.beside
            measured += token.measured
    if negated:
        marks.append("-")
    told = dict.fromkeys(marks)
    within = _within(beside) if len(beside) > 1 else beside
    return Words(tuple(told) if len(told) == len(marks) else _repeated(marks), within, measured)


#: Behind a number or a letter that a name says for the second time.
AGAIN = "'"


def _repeated(marks: list[str]) -> tuple[str, ...]:
    """The marks, each once; a number that comes again is another one: « 4 plis, 4 rouleaux »."""
    found: dict[str, None] = {}
    for mark in marks:
        again = f"{mark}{AGAIN}" if mark in found and (mark[0] == "#" or len(mark) == 1) else mark
        found[again] = None
    return tuple(found)


def _numeral(match: re.Match[str], *, behind_pack: bool) -> _Numeric:
    """A token in numbers. « boîte de 100 » holds a hundred, it is no size; « en litre » is one."""
    kind, written = match.lastgroup or "", match[0]
    if kind == "word":
        return _numeric(f"1 {written}", "measure", written)
    if kind == "number" and behind_pack:
        return _Numeric(f"c{_numeric(written, kind, '').mark}")
    return _numeric(written, kind, match["each"] or match["unit"] or "")


@cache
def _packs() -> frozenset[str]:
    """Words and abbreviations for what holds several."""
    return frozenset(form for form, (_, kind) in unit_forms().items() if kind == "pack" and len(form) > 1)


@cache
def _lone_measures() -> frozenset[str]:
    """« en litre », « au kilo » : one of them. Short forms are something else when no number stands before them."""
    return frozenset(form for form in measures() if len(form) >= 4)


@lru_cache(maxsize=65536)
def _number_in(written: str) -> tuple[str, ...]:
    """The number of a short code (« T9 », « M12 »): people say it alone."""
    found = _CODED.fullmatch(written)
    return (f"~{int(found[1])}",) if found else ()


def _within(beside: tuple[str, ...]) -> tuple[str, ...]:
    """Each number once; one that stands in two codes (« H600 L600 ») a second time as another."""
    found: dict[str, None] = {}
    for mark in beside:
        found[f"{mark}{AGAIN}" if mark in found and mark[0] == "~" else mark] = None
    return tuple(found)


#: Letters and a number that are one code.
_CODED = re.compile(r"[a-z]{1,3}(\d{1,4})")
#: « D.16 » is « D16 ».
_DOTTED = re.compile(r"(?<![\w.])([a-z]{1,2})\.(?=\d)")
#: « h07v-u » is written « h07vu » as well.
_HYPHENED = re.compile(r"(?<![\w-])(?=[a-z0-9-]*\d)[a-z][a-z0-9]*(?:-[a-z0-9]+)+(?![\w-])")
#: « 1/2 écrémé ».
_HALF = re.compile(r"(?<![\w/])1/2(?![\w/])\s?(?=[a-z])")
#: A number glued to a word: « 144pages », « 4mm2 », « 14.4v »; not « 4x40 ».
_GLUED = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)?)(?=[a-z])(?!x\s?\d)")


#: A side that is given with its unit.
_LENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s?(mm|cm|m)(?!\w)")


@dataclass(frozen=True, slots=True)
class _Numeric:
    mark: str
    beside: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()


@lru_cache(maxsize=65536)
def _numeric(written: str, kind: str, unit: str) -> _Numeric:
    """The mark of a number, of a measure or of dimensions."""
    values = [_decimal(part) for part in re.findall(r"\d+(?:[.,]\d+)?", written)]
    said = [f"{value.normalize():f}" for value in values]
    if kind == "number":
        return _Numeric(f"#{said[0]}")
    if kind == "dims":
        parts = [f"x{'x'.join(pair)}" for pair in pairwise(said)] if len(said) > 2 else []
        lengths = [_numeric(part, "measure", unit).mark for part, unit in _LENGTH.findall(written)]
        return _Numeric(f"x{'x'.join(said)}", (*parts, *lengths, *(f"~{one}" for one in said)))
    dimension, factor = measures()[unit]
    if kind == "pack":  # « 12x125 g »: twelve of 125 g
        each = f"={dimension}:{(values[1] * factor).normalize():f}"
        return _Numeric(f"x{'x'.join(said)}", (each, *(f"~{one}" for one in said)))
    size = values[0] * factor
    return _Numeric(f"={dimension}:{size.normalize():f}", (f"~{said[0]}",), (Measured(dimension, size),))


@lru_cache(maxsize=65536)
def _word_marks(written: str) -> tuple[str, ...] | None:
    """The marks of a written word; None when it excludes the next one."""
    if written in words("words")["without"]:
        return None
    found: list[str] = []
    for word in _spelled_out(written):
        if word in words("words")["without"]:
            return None
        if word.isdigit():
            found.append(f"#{int(word)}")
        elif _SIZED.fullmatch(word):
            before, _, after = word.rpartition("x")
            found += (before, f"#{int(after)}")
        elif word not in _stop():
            found.append(root(word))
    return tuple(found)


#: A thread and a length: « m8x40 ».
_SIZED = re.compile(r"[a-z]{1,3}\d{1,3}x\d{1,4}")


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
    """« cent litres » as « 100 litres », « deux cent cinquante » as « 250 »."""

    def digits(found: re.Match[str]) -> str:
        said = number_said(found["said"].split())
        return f"{said[0].normalize():f} {found['unit']}" if said else found[0]

    def size(found: re.Match[str]) -> str:
        sides = [number_said(side.replace("-", " ").split()) for side in (found[1], found[2])]
        return "x".join(f"{side[0].normalize():f}" for side in sides if side) if all(sides) else found[0]

    flat = _said_sizes().sub(size, flat)

    def whole(found: re.Match[str]) -> str:
        said = number_said(found[0].replace("-", " ").split())
        return f"{said[0].normalize():f}" if said and said[0] >= _SAID else found[0]

    return _said_numbers().sub(whole, _said_measures().sub(digits, flat))


@cache
def _said_sizes() -> re.Pattern[str]:
    """« quatre par quarante »."""
    table = words("numbers")
    one = "|".join(plain(word) for part in ("units", "tens") for word in table[part] if len(word) > 2)
    return re.compile(rf"(?<![\w-])((?:{one})(?:[ -](?:{one}))*) (?:par|sur) ((?:{one})(?:[ -](?:{one}))*)(?![\w-])")


#: Smaller numbers in words may be part of a name (« quatre fromages »).
_SAID = 20


@cache
def _said_numbers() -> re.Pattern[str]:
    table = words("numbers")
    first = "|".join(plain(word) for part in ("units", "tens", "scales") for word in table[part] if len(word) > 3)
    more = "|".join(plain(word) for part in ("units", "tens", "scales") for word in table[part])
    return re.compile(rf"(?<![\w-])(?:{first})(?:[ -](?:{more}))+(?![\w-])")


@cache
def _said_measures() -> re.Pattern[str]:
    forms = "|".join(sorted((re.escape(f) for f in measures() if len(f) > 3), key=len, reverse=True))
    table = words("numbers")
    said = "|".join(plain(word) for part in ("units", "tens", "scales") for word in table[part])
    return re.compile(rf"(?<!\w)(?P<said>(?:{said})(?: (?:{said}))*) (?P<unit>{forms})(?!\w)")


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace(",", "."))


@cache
def degree_words() -> frozenset[str]:
    """Roots of words that say little, but tell some catalogues' articles apart."""
    return frozenset(root(plain(word)) for word in words("words")["degrees"])


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


@lru_cache(maxsize=16384)
def holds(name: str, unit: str) -> Decimal | None:
    """How many things one sales unit holds: as names say it, or behind the unit's own word (« manchon 50 »)."""
    found = content_of(name)
    if found is not None or not unit:
        return found
    size = r"(?![\d,.x/°]|\s?(?:cm|mm|m|kg|g|l|cl|ml)\b)"
    named = re.search(rf"(?<!\w){re.escape(plain(unit))}s? (?:de )?(\d{{1,5}}){size}", plain(name))
    return Decimal(named[1]) if named and int(named[1]) > 1 else None


@lru_cache(maxsize=4096)
def unit_name(written: str) -> str:
    """The name of a unit, or the word itself."""
    return unit_forms().get(plain(written), (plain(written), ""))[0]
