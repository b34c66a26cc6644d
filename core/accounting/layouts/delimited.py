"""A table of the entries for a spreadsheet: semicolons, UTF-8 with its mark, texts that are no formulas (S31)."""

from __future__ import annotations

from collections.abc import Sequence

from core.accounting.accounts import words
from core.accounting.entries import Entry, Line
from core.accounting.layouts.fields import File, Handover
from core.exports import cells
from core.exports.cells import Cell


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One row a movement, under a header."""
    rows = [_row(entry, line, handover) for entry in entries for line in entry.lines]
    return [File("ENTRIES.CSV", cells.csv(list(words()["columns"].values()), rows))]


def _row(entry: Entry, line: Line, handover: Handover) -> list[Cell]:
    return [
        handover.journal(entry, 99), words()["journals"][entry.journal.value], entry.number, entry.booked_on,
        line.account, line.account_label, handover.auxiliary(line), line.customer_label, entry.piece,
        entry.piece_date, entry.label, entry.due_date, line.debit, line.credit, line.letter, line.letter_date,
        entry.validated_on,
    ]  # fmt: skip
