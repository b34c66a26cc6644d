"""Cells of files that a spreadsheet may open: text stays text, numbers stay numbers (S31).

What a cell may start with is judged by the type of its column, never by its first character: a negative number and a
phone number keep their sign, a name that looks like a formula does not become one.
"""

from __future__ import annotations

import csv as writing
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from core.money import Money

#: First characters by which spreadsheets take a text for a formula, with the full-width forms that some fold.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the full-width signs are meant
#: Put before such a text: spreadsheets show the text after it, and `restored` takes it away again.
GUARD = "'"
#: Digits with blanks or points between them: nothing that could be added up.
_PHONES = re.compile(r"\+?\d[\d .]*(?:\|\+?\d[\d .]*)*")

Cell = str | int | Decimal | Money | date | time | bool | None


class Phones(str):
    """Phone numbers, separated by `|`: a leading + is theirs."""

    __slots__ = ()


def neutral(text: str) -> str:
    """The text as no spreadsheet calculates it; `restored` is its inverse."""
    return GUARD + text if _guarded(text) else text


def restored(text: str) -> str:
    """The text that `neutral` was given."""
    return text[1:] if text.startswith(GUARD) and _guarded(text[1:]) else text


def _guarded(text: str) -> bool:
    """It looks like a formula, or like one that was made harmless."""
    return text.lstrip(" \u00a0" + GUARD)[:1] in FORMULA


def shown(cell: Cell) -> str:  # noqa: PLR0911 - one line a type
    """The cell as a French spreadsheet reads it: decimal comma, days first, 1 and 0 for yes and no."""
    match cell:
        case None:
            return ""
        case bool():
            return "1" if cell else "0"
        case Money():
            return f"{cell.amount:f}".replace(".", ",")
        case Decimal():
            return plain(cell).replace(".", ",")
        case int():
            return str(cell)
        case date():
            return cell.strftime("%d/%m/%Y")
        case time():
            return cell.strftime("%H:%M")
        case Phones():
            return str(cell) if _PHONES.fullmatch(cell) else neutral(str(cell))
        case StrEnum():
            return neutral(cell.value)
    return neutral(cell)


def plain(value: Decimal, least: int = 0) -> str:
    """The number without idle zeros, with at least so many decimals."""
    text = f"{value:f}"
    whole, _, part = text.partition(".")
    part = part.rstrip("0").ljust(least, "0")
    return f"{whole}.{part}" if part else whole


def csv(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A file as French spreadsheets read it: `;`, UTF-8 with its mark, CRLF."""
    made = io.StringIO(newline="")
    writer = writing.writer(made, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([shown(cell) for cell in row] for row in rows)
    return made.getvalue().encode("utf-8-sig")
