"""Numbers and days as the reader's language writes them: 1 234,50 € in French, €1,234.50 in English.

French groups thousands with U+202F and sets U+00A0 before the sign, as babel does, so that no amount breaks over lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from core.money import Money

NO_BREAK = "\u00a0"
#: Blanks as wide as a figure, and as what stands between groups of them.
FIGURE, GROUP = "\u2007", "\u202f"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: Signs that turn the writing around: a name must not look like another one in a chat or a mail.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Emoji and their joiners: no font of ours draws them, and PDF/A forbids the box that would stand for them.
_PICTURES = re.compile("[\u200d\ufe0e\ufe0f\U0001f000-\U0001faff\U000e0000-\U000fffff]")
_EURO = {"fr": "#,##0.00\u00a0¤", "en": "¤#,##0.00"}
_PRICE = {"fr": "#,##0.00####\u00a0¤", "en": "¤#,##0.00####"}


def locale_of(language: str) -> str:
    """The babel locale of a customer's language; an unknown language reads French."""
    return "en_GB" if language == "en" else "fr_FR"


def _pattern(patterns: dict[str, str], language: str) -> str:
    return patterns.get(language, patterns["fr"])


def money(amount: Money, language: str = "fr") -> str:
    """An amount with its currency."""
    return format_currency(amount.amount, "EUR", _pattern(_EURO, language), locale=locale_of(language))


def price(value: Decimal, language: str = "fr") -> str:
    """A unit price: two decimals, up to six where it has more."""
    return format_currency(value, "EUR", _pattern(_PRICE, language), locale=locale_of(language), currency_digits=False)


def number(value: Decimal, language: str = "fr") -> str:
    """A quantity: up to four decimals, none when it is whole."""
    return format_decimal(value, "#,##0.####", locale=locale_of(language))


def aligned(values: Sequence[Decimal], language: str = "fr") -> list[str]:
    """The quantities of one column, filled up on their left so that units stand below units.

    The blanks are as wide as what they stand for where all figures are equally wide, as in our typeface.
    """
    whole = [number(value.to_integral_value(ROUND_DOWN), language) for value in values]
    figures = [sum(map(str.isdigit, text)) for text in whole]
    groups = [len(text) - count for text, count in zip(whole, figures, strict=True)]
    return [
        GROUP * (max(groups) - between) + FIGURE * (max(figures) - count) + number(value, language)
        for value, count, between in zip(values, figures, groups, strict=True)
    ]


def percent(value: Decimal, language: str = "fr", *, places: int = 0) -> str:
    """A percentage with its sign, at least `places` decimals."""
    text = format_decimal(value, f"#,##0.{'0' * places}{'#' * (4 - places)}", locale=locale_of(language))
    return f"{text}%" if language == "en" else f"{text}{NO_BREAK}%"


def day(value: date, language: str = "fr") -> str:
    """A day in full: 24 novembre 2026."""
    text = format_date(value, "d MMMM y", locale=locale_of(language)).replace(" ", NO_BREAK)
    return f"1er{text[1:]}" if value.day == 1 and language != "en" else text  # the first alone is an ordinal


def short_day(value: date) -> str:
    """A day in figures, day first, as both our languages read it: 24/11/2026."""
    return value.strftime("%d/%m/%Y")


def grouped(code: str, size: int = 4) -> str:
    """An identifier such as an IBAN in groups, as people read it aloud."""
    plain = "".join(code.split())
    return NO_BREAK.join(plain[start : start + size] for start in range(0, len(plain), size))


def spaced(code: str) -> str:
    """A SIREN, SIRET or French VAT number as it is read aloud: 552 100 554 00013, FR65 552 100 554."""
    found = re.fullmatch(r"(FR..)?(\d{3})(\d{3})(\d{3})(\d{5})?", code)
    return NO_BREAK.join(part for part in found.groups() if part) if found else code


def printable(text: str) -> str:
    """The text without the characters that neither HTML nor XML may hold."""
    return _UNPRINTABLE.sub("", text)


def sayable(text: str) -> str:
    """The text as a message may show it: printable, and written in one direction."""
    return _TURNING.sub("", printable(text))


def drawable(text: str) -> str:
    """The text as a page may show it: printable, without emoji."""
    return _PICTURES.sub("", printable(text))
