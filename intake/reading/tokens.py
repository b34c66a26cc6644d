"""The words and numbers of a text with their places, after what is no order was blotted out: dates, prices, telephones.

A number is typed by what surrounds it: a dimension (19x33, 24/6), a measure (5 L), a code (A4), a factor (x2), or a
plain number that may count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from intake.reading.words import phrase, plain, unit_forms, words

#: Stands in a blotted text for every letter of a request (« il nous faudrait »).
REQUEST = "\x01"
#: Stands for every letter of a correction (« non », « plutôt »).
CORRECTION = "\x02"
#: Stands between a number and a letter that is no unit.
APART = "\x03"
#: Kinds of tokens that name nothing.
IDLE = frozenset({"mark", "request", "correction", "elision", "line"})
_NUMBER = r"\d{1,9}(?:[.,]\d{1,4})?"
_LENGTH = r"(?:mm|cm|m|\u00b5)?"


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark of the plain text; `value` and `unit` where it is a number."""

    text: str
    start: int
    end: int
    kind: str
    value: Decimal | None = None
    unit: str = ""


def _forms(*kinds: str) -> str:
    forms = [re.escape(form) for form, (_, kind) in unit_forms().items() if kind in kinds]
    return "|".join(sorted(forms, key=len, reverse=True))


@cache
def _rules() -> re.Pattern[str]:
    labels = "|".join(words("documents")["labels"]["article"])
    by = "|".join(words("numbers")["words"]["by"])
    return re.compile(
        rf"(?P<request>{REQUEST}+)|(?P<correction>{CORRECTION}+)"
        rf"|(?P<dims>(?<![\w.,]){_NUMBER}{_LENGTH}(?:[x*\u00d7]{_NUMBER}{_LENGTH})+(?!\w)"
        rf"|(?<![\w.,]){_NUMBER}{_LENGTH}(?:\s[x\u00d7]\s{_NUMBER}{_LENGTH}){{0,2}}\s[x\u00d7]\s{_NUMBER}(?:mm|cm|m)(?!\w)"
        rf"|(?<![\w.,])\d{{2,4}} (?:{by}) \d{{2,4}}(?!\w)"
        r"|(?<![\w.,])(?:[3-9]\d|\d{3,4})\s?[x\u00d7]\s?(?:[3-9]\d|\d{3,4})(?!\w))"
        rf"|(?P<times>(?<!\w)[x*\u00d7]\s?{_NUMBER}(?![\w/]))"
        rf"|(?P<labelled>(?<!\w)(?:{labels})[ .:]*(?:n° ?)?(?=\w*\d)[\w/-]{{2,}})"
        r"|(?P<code>(?<!\w)\d+[a-z]\w*(?:(?:[-/._]|(?<=\d),(?=\d))\w+)*"
        r"|(?<!\w)[a-z]+(?:[-._/]?\d\w*)(?:[-/._]\w+)*|(?<!\w)[a-z]+(?:-[a-z]+)*-[a-z]*\d\w*(?:-\w+)*|(?<!\w)\d{7,})"
        r"|(?P<slash>(?<!\w)\d{1,5}/\d{1,5}(?!\w))"
        r"|(?P<thousands>(?<![\w.,])\d{1,3}(?: \d{3})+(?![\w,.]*\d))"
        rf"|(?P<number>{_NUMBER})"
        r"|(?P<elision>[a-z]{1,2}')"
        r"|(?P<word>[^\W\d_]+(?:-[^\W\d_]+)*)"
        r"|(?P<mark>[^\w\s])|(?P<line>\n)"
    )


@cache
def _measure() -> re.Pattern[str]:
    return re.compile(rf"\s?(?P<unit>{_forms('measure')})(?![\w'²])")


@cache
def _pack() -> re.Pattern[str]:
    return re.compile(rf"(?P<unit>{_forms('pack', 'count')})(?!\w)")


_WHOLE = re.compile(r"(?<![\w-])(?P<code>[a-z0-9][\w./-]*)")
_TIMES_CODE = re.compile(r"(?<!\w)[x*\u00d7] (?P<code>[a-z0-9][\w./-]*)")
_TIMES = re.compile(r"\s?[x\u00d7](?=\s)(?!\s*\d)")


@cache
def _blots() -> re.Pattern[str]:
    """What holds digits and is no order: telephones, addresses, dates, times, prices, percentages, references."""
    table, papers = words("dates"), words("documents")["labels"]
    months = "|".join(plain(form) for forms in table["months"] for form in forms)
    days = "|".join(plain(form) for forms in table["weekdays"] for form in forms)
    weeks = "|".join(re.escape(plain(form)) for form in table["week"])
    soon = "|".join(plain(form) for name in ("after_tomorrow", "tomorrow", "today") for form in table[name])
    long_days = "|".join(plain(form) for forms in table["weekdays"] for form in forms if len(form) > 4)
    leads = "|".join(sorted(table["until"], key=len, reverse=True))
    labels = "|".join(sorted([*papers["order"], *papers["quote"], *papers["other_paper"]], key=len, reverse=True))
    before = "|".join(papers["no"])
    places = "|".join(words("phrases")["zones"]["places"])
    spans, ages, lasting = ("|".join(table[name]) for name in ("spans", "ages", "lasting"))
    identifiers = "|".join(words("phrases")["zones"]["identifiers"])
    to_day, after_day = "|".join(table["leads_to_day"]), "|".join(table["after_day"])
    code = r"(?=[\w/-]{0,24}\d)(?:[a-z]+[-/.]?\d[\w/-]*|[a-z]+-[\w/-]*\d[\w/-]*|\d+[-/][\w/-]+|\d{5,})"
    return re.compile(
        rf"(?<!\w)(?:{places})\s?(?:n°\s?)?\d{{1,4}}(?!\w)"
        r"|(?m:^[ ]*(?:f-)?\d{5} [a-z][a-z' -]{2,40}$)"
        r"|[^\s@]{1,64}@\S+|https?://\S+|www\.\S+"
        r"|(?<!\d)(?:\+33\s?|0)[1-9](?:[\s.-]?\d{2}){4}(?!\d)(?:[ ,]{1,3}(?:poste|ext\.?|extension) ?\d{1,5})?"
        rf"|(?<!\w)(?:(?:{days})\.?\s+)?\d{{1,2}}(?:er)?\s+(?:{months})(?!\w)\.?(?:\s+\d{{4}})?"
        rf"|(?<!\w)(?:{days})\.?\s+(?:le\s+)?\d{{1,2}}(?:[/.]\d{{1,2}}(?:[/.]\d{{2,4}})?)?(?![\w/])(?!\s*(?:x|[a-z]+s\b))"
        r"|(?<![\w/])\d{1,2}[/.]\d{1,2}[/.]\d{2,4}(?![\w/])|(?<![\w:])\d{1,2}:\d{2}(?::\d{2})?(?![\w:])"
        r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w)|(?<!\S)[-+]\d{4}(?!\w)"
        r"|(?<!\w)(?:le|du|au|avant|pour|les|jusqu'au|d'ici)(?:\s+le)?\s+\d{1,2}/\d{1,2}(?![\w/])"
        rf"|(?<!\w)(?:{weeks})\s*(?:n°\s?)?\d{{1,2}}(?!\w)"
        rf"|(?<!\w)(?:{to_day})\s+\d{{1,2}}(?:er|st|nd|rd|th)?(?=\s*(?:$|[.,;!?)\n]|{after_day}))"
        rf"|(?<!\w)(?:{leads})\s+(?:(?:{days}),?\s+)?(?:{months})\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\w/.])"
        rf"|(?<![\w.,])\d{{1,2}}\s?h(?:\s?\d{{2}})?(?!\w)|(?<![\w.,])\d{{1,3}}\s?(?:{spans})(?!\w)"
        rf"|(?<!\w)(?:{lasting})\s+\d{{1,3}}\s?(?:{ages})(?!\w)"
        rf"|(?<!\w)(?:{identifiers})[\s:n°.]{{0,4}}(?:[a-z-]{{2,20}} )?[\d][\d ]{{3,20}}|[:;]-?[)(dp](?!\w)"
        r"|(?<![\w.,])\d[\d ]{0,8}(?:[.,]\d{1,4})?\s?(?:€|euros?|eur)(?!\w)(?:\s?(?:ht|ttc))?(?:\s?/\s?\w+)?"
        r"|(?:-|\bremise \w{0,3} ?)\d{1,3}(?:[.,]\d{1,2})?\s?%"
        rf"|(?<!\w)(?:(?:{leads})\s+)?(?:le\s+)?(?:{soon}|(?:{long_days})(?:\s+prochain)?)(?!\w)"
        rf"(?:\s+\d{{1,2}}(?=\s*(?:$|[.,;:!?)\n]|{after_day})))?"
        rf"(?:\s+(?:matin|midi|apres-midi|soir))?"
        rf"|(?<!\w)(?:{labels})(?:\s*(?:{before}))?[\s:]{{0,3}}{code}"
        rf"|(?:n°|nº)\s?{code}"
    )


@cache
def _idle() -> re.Pattern[str]:
    zones = words("phrases")["zones"]
    tails = words("phrases")["lines"]["tails"]
    idle = sorted([*zones["greetings"], *zones["fillers"], *zones["closings"], *tails], key=len, reverse=True)
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(idle)})(?![\w-])")


@cache
def requests() -> re.Pattern[str]:
    """Words that ask for something, whole words only."""
    return re.compile(rf"(?<!\w)(?:{phrase('lines', 'request').pattern})(?!\w)")


def blotted(flat: str, written: str = "") -> str:
    """The plain text with the same length, where requests are marked and what is no order is blank.

    `written` is the text with its capitals: they tell an address from an article, a size from a measure.
    """

    def blot(pattern: re.Pattern[str], text: str, mark: str) -> str:
        return pattern.sub(lambda found: re.sub(r"[^\n]", mark, found[0]), text)

    text = re.sub(r"(?<=\bdemi)-", " ", flat)
    text = _times_said().sub(lambda found: "x".rjust(len(found[0])), text)
    text = _leaders().sub(lambda found: ":".rjust(len(found[0])), text)
    text = blot(_instead(), text, " ")
    for found in _street().finditer(written):
        text = text[: found.start()] + re.sub(r"[^\n]", " ", text[found.start() : found.end()]) + text[found.end() :]
    for place in _size_letters(written):
        text = f"{text[:place]}{APART}{text[place + 1 :]}"
    text = blot(requests(), blot(_blots(), text, " "), REQUEST)
    text = _farewell().sub(lambda found: ".".ljust(len(found[0])), text)
    return blot(_idle(), blot(phrase("lines", "correction"), text, CORRECTION), " ")


@cache
def _farewell() -> re.Pattern[str]:
    """A closing formula inside a line ends the piece."""
    closings = sorted(words("phrases")["zones"]["closings"], key=len, reverse=True)
    return re.compile(rf"(?<![\w'-])(?:{'|'.join(closings)})(?![\w-])")


@cache
def _street() -> re.Pattern[str]:
    """A house number and a street, which is written with a capital: « 1 chemin de lit » is an article."""
    streets = "|".join(words("phrases")["zones"]["streets"])
    small = r"(?:(?:de|du|des|la|le|les|d['\u2019]|l['\u2019])\s?)*"
    return re.compile(
        r"(?<![\w,.])(?:F-)?\d{5} (?:[A-Z\u00c0-\u00dd][\w'\u2019-]*[ ]?){1,5}"
        rf"|(?<![\w,.])\d{{1,4}}(?: ?(?:bis|ter|b))?,? (?i:{streets})(?!\w) {small}[A-Z\u00c0-\u00dd][^\n,:;]{{0,60}}"
        r"(?:,? \d{5} [^\n,:;]{0,40})?"
    )


def _size_letters(written: str) -> list[int]:
    """Where a blank stands between a number and a letter that is a size: « 10 M et 10 L », not « 5 L ».

    A metre is no capital; a capital litre is a size where another size stands on its line.
    """
    found: list[int] = []
    for line in re.finditer(r"[^\n]+", written):
        sizes = list(re.finditer(r"(?<![\w,.])\d{1,3}( )(?:[ML])(?!\w)", line[0]))
        others = re.search(r"(?<!\w)(?:X{1,3}[SL]|[SM])(?!\w)", line[0])
        found += [line.start() + size.start(1) for size in sizes if size[0].endswith("M") or others]
    return found


@cache
def _times_said() -> re.Pattern[str]:
    """« 2 fois 6 »."""
    return re.compile(rf"(?<=\d )(?:{'|'.join(words('numbers')['words']['times'])})(?= \d)")


@cache
def _leaders() -> re.Pattern[str]:
    """What leads to a quantity: dots, a label (« qté »)."""
    labels = "|".join(words("numbers")["words"]["quantity_labels"])
    return re.compile(rf" ?(?:\.{{2,}}|_{{2,}}|\u2026+)(?= ?\d)|(?<!\w)(?:{labels})\.?(?= ?[:=]? ?\d)")


@cache
def _instead() -> re.Pattern[str]:
    """A number that is not meant: « au lieu de 10 », « (pas 5) »."""
    numbers = words("numbers")
    said = "|".join(plain(word) for part in ("units", "tens", "scales") for word in numbers[part])
    packs = _forms("pack", "count")
    named = phrase("lines", "instead").pattern
    return re.compile(rf"\(? ?(?<!\w)(?:{named}) (?:\d+(?![\w,.]\d)|(?:{said})(?!\w))(?: ?(?:{packs})(?!\w))?(?: ?\))?")


def tokens(text: str, start: int = 0, end: int | None = None, codes: frozenset[str] = frozenset()) -> list[Token]:
    """The tokens between two places of a blotted text; `codes` are the known codes of articles, plain."""
    found: list[Token] = []
    position, end = start, len(text) if end is None else end
    while (match := _rules().search(text, position, end)) is not None:
        known = _known(text, match.start(), end, codes) if codes else None
        found.append(known or _token(match, text, end, found))
        position = found[-1].end
    return found


def _known(text: str, start: int, end: int, codes: frozenset[str]) -> Token | None:
    """A known code at this place; a short number is no code, it counts."""
    for found in (_WHOLE.match(text, start, end), _TIMES_CODE.match(text, start, end)):
        if found is None:
            continue
        code = found["code"].rstrip("./-")
        if code in codes and not (code.isdigit() and len(code) < 4):
            return Token(code, found.start("code"), found.start("code") + len(code), "code")
    return None


def _token(match: re.Match[str], text: str, end: int, before: list[Token]) -> Token:
    kind, written, start = match.lastgroup or "", match[0], match.start()
    if kind == "labelled":
        code = re.search(r"[\w/-]+$", written)
        assert code is not None  # noqa: S101 - the rule ends with it
        return Token(code[0], start + code.start(), match.end(), "code")
    if kind == "thousands":
        return Token(written, start, match.end(), "number", Decimal(written.replace(" ", "")))
    if kind == "times":
        value = _decimal(re.sub(r"[x*\u00d7\s]", "", written))
        return Token(written, start, match.end(), "times" if value == value.to_integral() else "dims", value)
    if kind == "slash":
        top, bottom = map(Decimal, written.split("/"))
        behind = re.compile(r"[\s-]*([a-z]+)").match(text, match.end())
        part = bottom in {2, 4} and top < bottom and behind and unit_forms().get(behind[1], ("", ""))[1] == "pack"
        return Token(written, start, match.end(), "number" if part else "dims", top / bottom if part else None)
    if kind in {"number", "code"} and (glued := re.match(_NUMBER, written)):
        return _number(match, glued[0], text, end, before)
    return Token(written, start, match.end(), kind)


def _number(match: re.Match[str], digits: str, text: str, end: int, before: list[Token]) -> Token:
    start, stop, value = match.start(), match.start() + len(digits), _decimal(digits)
    for kind, pattern in (("measure", _measure()), ("counted", _pack())):
        unit = pattern.match(text, stop, end)
        if unit and unit.end() >= match.end():
            return Token(text[start : unit.end()], start, unit.end(), kind, value, unit["unit"])
    if match[0] == f"{digits}x":
        return Token(match[0], start, match.end(), "counted", value)
    if match.lastgroup == "code":
        return Token(match[0], start, match.end(), "code")
    times = _TIMES.match(text, stop, end)
    if times:
        return Token(text[start : times.end()], start, times.end(), "counted", value)
    percent = text[stop:end].lstrip(" ").startswith("%")
    aged = _aged().match(text, stop, end) is not None
    numbered = percent or aged or (bool(before) and before[-1].text == "°" and start - before[-1].end <= 1)
    return Token(match[0], start, match.end(), "dims" if numbered else "number", value)


@cache
def _aged() -> re.Pattern[str]:
    """« 18 mois », « 12 ans d'âge » says how old."""
    return re.compile(rf"\s?(?:{'|'.join(words('dates')['ages'])})(?!\w)")


def _decimal(digits: str) -> Decimal:
    return Decimal(digits.replace(",", "."))
