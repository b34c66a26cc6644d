"""Sage 100 Comptabilite, import by columns: the order of the vendor's own sample, which an import format may change."""

from __future__ import annotations

from collections.abc import Sequence

from core.accounting.accounts import words
from core.accounting.entries import Entry
from core.accounting.layouts.fields import CRLF, File, Handover, code, comma, day, encoded, text

ENCODING = "cp1252"


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One file; the lines of one entry share journal, date and piece."""
    content = "".join("\t".join(row) + CRLF for entry in entries for row in _rows(entry, handover))
    return [File("ECRITURES-SAGE100.TXT", encoded(content, handover.encoding or ENCODING))]


def _rows(entry: Entry, handover: Handover) -> list[tuple[str, ...]]:
    means = words()["means"].get(entry.means, "")
    return [
        (
            "G", handover.journal(entry, 6), day(entry.booked_on), f"{entry.position:04d}",
            code(line.account, 13, "account", entry), code(handover.auxiliary(line), 17, "customer", entry),
            text(entry.label, 69), means if line.customer else "", day(entry.due_date) if line.customer else "",
            comma(line.debit), comma(line.credit),
        )
        for line in entry.lines
    ]  # fmt: skip
