"""What every layout needs: cleaned texts cut to their width, codes that are refused when too long, encodings.

A label that is cut is still a label; a code that is cut is another code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.accounting.accounts import Chart
from core.accounting.entries import Entry, Line
from core.errors import Refused
from core.money import Money

_BREAKS = re.compile(r"[\x00-\x1f\x7f|]+")
CRLF = "\r\n"


@dataclass(frozen=True, slots=True)
class File:
    """A file that was made: its name and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Where a customer is, and whom one asks there."""

    street: str
    postcode: str
    city: str
    country: str
    contact: str
    phone: str


@dataclass(frozen=True, slots=True)
class Handover:
    """What a layout must know beside the entries.

    `first` is the number of the first movement of a file that counts them; `encoding` overrides the layout's own.
    """

    siren: str
    until: date
    chart: Chart = field(default_factory=Chart)
    customers: Mapping[str, Correspondent] = field(default_factory=dict)
    encoding: str = ""
    first: int = 1

    def journal(self, entry: Entry, width: int) -> str:
        """The journal's code in the program that takes the file."""
        code_of = self.chart.journals.get(entry.journal, entry.journal.value)
        return code(code_of, width, "journal", entry)

    def auxiliary(self, line: Line) -> str:
        """The customer's own account in that program; his code where none was named."""
        return self.chart.auxiliaries.get(line.customer, line.customer)

    def own_account(self, line: Line) -> str:
        """The account of programs that know customers by one: 411 and the code, or the one that was named."""
        if not line.customer:
            return line.account
        return self.chart.auxiliaries.get(line.customer, f"{line.account[:3]}{line.customer}")


def code(value: str, width: int, name: str, entry: Entry) -> str:
    """A code as it is, without its hyphens where it would be too long; refuses one that does not fit even so."""
    for tried in (value, value.replace("-", "")):
        if len(tried) <= width:
            return tried
    raise Refused("field_too_long", field=name, value=value, width=width, piece=entry.piece)


def text(value: str, width: int | None = None) -> str:
    """A label on one line, without what separates fields, cut to `width`."""
    return _BREAKS.sub(" ", value).strip()[:width]


def unaccented(value: str) -> str:
    """The letters without their accents, for programs that read no encoding for sure."""
    plain = unicodedata.normalize("NFKD", value.replace("œ", "oe").replace("Œ", "OE").replace("€", "EUR"))
    return plain.encode("ascii", "ignore").decode()


def encoded(content: str, encoding: str) -> bytes:
    """The bytes; a letter that the encoding lacks is written without its accent, else as a question mark."""
    try:
        return content.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(_letter(letter, encoding) for letter in content)


def _letter(letter: str, encoding: str) -> bytes:
    try:
        return letter.encode(encoding)
    except UnicodeEncodeError:
        return (unaccented(letter) or "?").encode()


def comma(amount: Money) -> str:
    """1234,50."""
    return str(amount).replace(".", ",")


def day(value: date | None, pattern: str = "%d%m%y") -> str:
    """A day as digits, JJMMAA unless said otherwise; nothing for none."""
    return value.strftime(pattern) if value is not None else ""
