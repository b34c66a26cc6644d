"""A table of the entries for a spreadsheet: semicolons, UTF-8 with its mark, texts that are no formulas (S31)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from core.accounting.accounts import words
from core.accounting.entries import Entry, Line
from core.accounting.layouts.fields import File, Handover, comma, day, encoded
from core.exports.cells import text_cell

DATE = "%d/%m/%Y"


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One row a movement, under a header."""
    written = io.StringIO()
    table = csv.writer(written, delimiter=";")
    table.writerow(words()["columns"].values())
    table.writerows(_row(entry, line, handover) for entry in entries for line in entry.lines)
    return [File("ENTRIES.CSV", encoded(written.getvalue(), handover.encoding or "utf-8-sig"))]


def _row(entry: Entry, line: Line, handover: Handover) -> list[str]:
    texts = (
        handover.journal(entry, 99), words()["journals"][entry.journal.value], entry.number, day(entry.booked_on, DATE),
        line.account, line.account_label, handover.auxiliary(line), line.customer_label, entry.piece,
        day(entry.piece_date, DATE), entry.label, day(entry.due_date, DATE),
    )  # fmt: skip
    after = (line.letter, day(line.letter_date, DATE), day(entry.validated_on, DATE))
    return [*map(text_cell, texts), comma(line.debit), comma(line.credit), *map(text_cell, after)]
