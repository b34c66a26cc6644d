"""XIMPORT.TXT of Ciel Compta and Sage 50: 142 positions a line, read by three public generators that agree on widths.

Spaces, decimal point, euro flag O and version 2003; without accents, since nobody says for sure which encoding is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.accounting.entries import Entry, Line
from core.accounting.layouts.fields import CRLF, File, Handover, code, day, text, unaccented
from core.errors import Refused
from core.money import ZERO

NAME = "XIMPORT.TXT"
MOST = 99_999
DATE = "%Y%m%d"


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One file, one movement number an entry; refuses more entries than five digits count."""
    if handover.first + len(entries) - 1 > MOST:
        raise Refused("too_many_entries", entries=len(entries), most=MOST)
    lines = [
        _line(number, entry, line, handover)
        for number, entry in enumerate(entries, start=handover.first)
        for line in entry.lines
    ]
    return [File(NAME, "".join(line + CRLF for line in lines).encode("ascii"))]


def _line(number: int, entry: Entry, line: Line, handover: Handover) -> str:
    amount = line.debit or line.credit
    written = (
        f"{number:>5}",
        f"{handover.journal(entry, 2):<2}",
        day(entry.booked_on, DATE),
        f"{day(entry.due_date, DATE):<8}",
        f"{code(unaccented(entry.piece), 12, 'piece', entry):<12}",
        f"{code(unaccented(handover.own_account(line)), 11, 'account', entry):<11}",
        f"{text(unaccented(entry.label).upper(), 25):<25}",
        f"{amount!s:>13}",
        "D" if line.debit > ZERO else "C",
        " " * 18,
        f"{text(unaccented(line.customer_label or line.account_label), 34):<34}",
        "O",
        "2003",
    )
    return "".join(written)
