"""Names cut into marks: what counts for comparing them, in one spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from itertools import pairwise

from intake.matching.articles import root
from intake.reading.numerals import number_said
from intake.reading.words import measures, plain, unit_forms, words


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its measure, comparable within its dimension."""

    dimension: str
    size: Decimal


@dataclass(frozen=True, slots=True)
class Words:
    """A name for comparing, as marks in their order; `beside` are the numbers that stand within its marks.

    A mark is a word by its root (`vis`), a word that is excluded (`-sucr`), a measure in its smallest unit
    (`=mass:250`), dimensions (`x4x40`), a number (`#12`), how many a pack holds (`c#100`); a number within a measure or
    dimensions is `~12`, a word that the name shortens is `dom.`.
    """

    marks: tuple[str, ...]
    beside: tuple[str, ...]
    measured: tuple[Measured, ...]


@cache
def _token() -> re.Pattern[str]:
    forms = "|".join(sorted(map(re.escape, measures()), key=len, reverse=True))
    number = r"\d{1,9}(?:[.,]\d{1,4})?"
    held = "|".join(form for form in forms.split("|") if measures().get(form, ("",))[0] in {"mass", "volume"})
    length = r"(?:\s?(?:mm2|mm|cm|m|\u00b5)(?!\w))?"
    return re.compile(
        rf"(?P<pack>(?<!\w)\d{{1,4}}\s?[x*\u00d7]\s?{number}\s?(?P<each>{held})(?![\w'²]))"
        rf"|(?P<dims>(?<!\w){number}{length}(?:\s?[x*\u00d7/]\s?{number}{length}){{1,3}}(?!\w|[.,]\d))"
        rf"|(?P<measure>(?<!\w){number}\s?(?P<unit>{forms})(?![\w'²]))"
        rf"|(?P<number>(?<!\w)x?{number}(?!\w))"
        r"|(?P<elision>(?:[cdjlmnst]|qu)')"
        r"|(?P<word>[a-z0-9]+(?:\.[a-z0-9]+)*)"
    )


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
    flat = _SIDES.sub(r"\1 x ", text.translate(_LETTERS).replace("%", " "))
    flat = _numbers_in_digits(_GLUED.sub(_unglued, flat))
    if "." in flat:
        flat = _DOTTED.sub(r"\1", flat)
    packs, lone, of = _packs(), _lone_measures(), words("numbers")["words"]["of"]
    marks: list[str] = []
    beside: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()
    if "-" in flat:
        beside = tuple(root(found[0].replace("-", "")) for found in _HYPHENED.finditer(flat))
    negated = packed = False
    for match in _token().finditer(flat):
        kind, written, behind = match.lastgroup, match[0], packed
        packed = kind == "word" and (written in packs or (packed and written in of))
        if kind == "word" and written not in lone:
            found = _word_marks(written)
            if found is None:
                negated = True
            elif found:
                marks.extend([f"-{mark}" for mark in found[:1]] + list(found[1:]) if negated else found)
                negated = False
                beside += _beside_word(written, flat[match.end() : match.end() + 1])
        elif kind != "elision":
            token = _numeral(match, behind_pack=behind)
            marks += token.marks
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


#: A number glued to a word: « 144pages », « 4mm2 », « 14.4v »; not « 4x40 ».
_GLUED = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)?)([a-z]+)(?<!\dx(?=\d))")
#: Sides that are given with their units, glued: « 38mmx50m ».
_SIDES = re.compile(r"(?<=\d)(mm|cm|m)x(?=\d)")


def _unglued(found: re.Match[str]) -> str:
    """The number and its word apart, unless they are an abbreviation (« 1er »)."""
    return _abbreviations().get(found[0]) or f"{found[1]} {found[2]}"


@lru_cache(maxsize=65536)
def _beside_word(word: str, behind: str) -> tuple[str, ...]:
    """The number of a short code (« T10 » may be said « taille 10 »), and a word that a point shortens (« Dom. »)."""
    if behind == "." and word.isalpha() and len(word) > 1:
        return (f"{word}.",)
    found = _CODED.fullmatch(word)
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


def _numeral(match: re.Match[str], *, behind_pack: bool) -> _Numeric:
    """A token in numbers. « boîte de 100 » holds a hundred, it is no size; « en litre » is one."""
    kind, written = match.lastgroup or "", match[0]
    if kind == "word":
        return _numeric(f"1 {written}", "measure", written)
    if kind == "number" and behind_pack:
        return _Numeric((f"c{_numeric(written, kind, '').marks[0]}",))
    return _numeric(written, kind, match["unit"] or match["each"] or "")


@cache
def _packs() -> frozenset[str]:
    """Words and abbreviations for what holds several."""
    return frozenset(form for form, (_, kind) in unit_forms().items() if kind == "pack" and len(form) > 1)


@cache
def _lone_measures() -> frozenset[str]:
    """« en litre », « au kilo » : one of them. Short forms are something else when no number stands before them."""
    return frozenset(form for form in measures() if len(form) >= 4)


#: A side that is given with its unit.
_LENGTH = re.compile(r"(\d+(?:[.,]\d+)?)\s?(mm|cm|m)(?!\w)")


@dataclass(frozen=True, slots=True)
class _Numeric:
    marks: tuple[str, ...]
    beside: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()


@lru_cache(maxsize=65536)
def _numeric(written: str, kind: str, unit: str) -> _Numeric:
    """The marks of a number, of a measure, of a pack of measures or of dimensions."""
    values = [_decimal(part) for part in re.findall(r"\d+(?:[.,]\d+)?", written.replace("mm2", ""))]
    said = [f"{value.normalize():f}" for value in values]
    if kind == "number":
        return _Numeric((f"#{said[0]}",))
    if kind == "dims":
        parts = [f"x{'x'.join(pair)}" for pair in pairwise(said)] if len(said) > 2 else []
        lengths = [mark for part, unit in _LENGTH.findall(written) for mark in _numeric(part, "measure", unit).marks]
        return _Numeric((f"x{'x'.join(said)}",), (*parts, *lengths, *(f"~{one}" for one in said)))
    dimension, factor = measures()[unit]
    size = values[-1] * factor
    mark, within = f"={dimension}:{size.normalize():f}", f"~{said[-1]}"
    if kind == "pack":  # « 6x1,5 l » holds six times that much
        return _Numeric((f"#{said[0]}", mark), (within,), (Measured(dimension, values[0] * size),))
    return _Numeric((mark,), (within,), (Measured(dimension, size),))


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
            found.append(f"#{word.lstrip('0') or '0'}")
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
    """« cent litres » as « 100 litres », « deux cent cinquante » as « 250 », « quatre par quarante » as « 4x40 »."""

    def digits(found: re.Match[str]) -> str:
        said = number_said(found["said"].split())
        return f"{said[0].normalize():f} {found['unit']}" if said else found[0]

    def size(found: re.Match[str]) -> str:
        sides = [number_said(side.replace("-", " ").split()) for side in (found[1], found[2])]
        return "x".join(f"{side[0].normalize():f}" for side in sides if side) if all(sides) else found[0]

    def whole(found: re.Match[str]) -> str:
        said = number_said(found[0].replace("-", " ").split())
        return f"{said[0].normalize():f}" if said and said[0] >= _SAID else found[0]

    if any(f" {word} " in flat for word in words("numbers")["words"]["by"]):
        flat = _said_sizes().sub(size, flat)
    flat = _said_measures().sub(digits, flat)
    return _said_numbers().sub(whole, flat) if any(word in flat for word in _large()) else flat


@cache
def _large() -> tuple[str, ...]:
    """Words that every number above twenty holds."""
    return tuple(plain(word) for part in ("tens", "scales") for word in words("numbers")[part])


#: Smaller numbers in words may be part of a name (« quatre fromages »).
_SAID = 20


@cache
def _said_measures() -> re.Pattern[str]:
    forms = "|".join(sorted((re.escape(f) for f in measures() if len(f) > 3), key=len, reverse=True))
    said = _one_of("units", "tens", "scales")
    return re.compile(rf"(?<!\w)(?P<said>(?:{said})(?: (?:{said}))*) (?P<unit>{forms})(?!\w)")


@cache
def _said_sizes() -> re.Pattern[str]:
    one = _one_of("units", "tens", least=3)
    by = "|".join(words("numbers")["words"]["by"])
    return re.compile(rf"(?<![\w-])((?:{one})(?:[ -](?:{one}))*) (?:{by}) ((?:{one})(?:[ -](?:{one}))*)(?![\w-])")


@cache
def _said_numbers() -> re.Pattern[str]:
    first, more = _one_of("units", "tens", "scales", least=4), _one_of("units", "tens", "scales")
    return re.compile(rf"(?<![\w-])(?:{first})(?:[ -](?:{more}))+(?![\w-])")


def _one_of(*parts: str, least: int = 1) -> str:
    return "|".join(plain(word) for part in parts for word in words("numbers")[part] if len(word) >= least)


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace(",", "."))


@cache
def said_otherwise() -> dict[str, tuple[str, ...]]:
    """Marks that are written as a fraction or as a word: « 1/2 », « demi »."""
    found: dict[str, tuple[str, ...]] = {}
    for short, long in _abbreviations().items():
        if "/" in short and " " not in long:
            mark = "x" + short.replace("/", "x")
            found |= {mark: (root(long),), root(long): (mark,)}
    return found


@cache
def degree_words() -> frozenset[str]:
    """Roots of words that say little, but tell some catalogues' articles apart."""
    return frozenset(root(plain(word)) for word in words("words")["degrees"])


@cache
def marked_roots() -> frozenset[str]:
    """Roots of the words that are said only when meant: an article without them is the plain one."""
    return frozenset(root(plain(word)) for word in words("words")["marked"])
