"""Sage 100 Comptabilite, flat format: one block #MECG of 38 fields and an empty line for each movement.

Only entries are written, never accounts or customers: there, a field left empty overwrites what the program knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.accounting.entries import Entry, Line
from core.accounting.layouts.fields import CRLF, File, Handover, code, comma, day, encoded, text
from core.money import ZERO

ENCODING = "cp850"
HEAD = ("#FLG 000", "#VER 31", "#DEV EUR")


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One file; the program refuses it when it is out of balance, as a whole or in a journal."""
    rows = [*HEAD]
    for entry in entries:
        for line in entry.lines:
            rows += ["#MECG", *_fields(entry, line, handover), ""]
    rows.append("#FIN")
    return [File("MECG.TXT", encoded("".join(row + CRLF for row in rows), handover.encoding or ENCODING))]


def _fields(entry: Entry, line: Line, handover: Handover) -> Iterator[str]:
    """The 38 fields, in their order."""
    yield handover.journal(entry, 6)
    yield day(entry.booked_on)
    yield day(entry.validated_on)
    yield code(str(entry.position), 13, "number", entry)
    yield code(entry.piece, 17, "piece", entry)
    yield ""
    yield code(line.account, 13, "account", entry)
    yield ""
    yield code(handover.auxiliary(line), 17, "customer", entry)
    yield ""
    yield text(entry.label, 69)
    yield "0"
    yield day(entry.due_date) if line.customer else ""
    yield from ("0,000000", "0,00", "0")
    yield "0" if line.debit > ZERO else "1"
    yield comma(line.debit or line.credit)
    yield from ("", "", "", "0", "0", "0", "", "", "0", "0", "0", "", "", "", "", "0", "0,00", "", "", "0")
