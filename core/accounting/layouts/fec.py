"""FEC: 18 columns, tabs, CRLF, decimal comma (LPF art. A47 A-1; DGFiP Test Compta Demat, fmt_arrete).

It holds the entries of this program only: the accountant makes the year's legal FEC of them and of his own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.accounting.accounts import words
from core.accounting.entries import Entry
from core.accounting.layouts.fields import CRLF, File, Handover, comma, day, encoded, text
from core.errors import Refused

COLUMNS = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise",
    "Idevise",
)  # fmt: skip
DATE = "%Y%m%d"


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One file named after the firm and the period's last day; refuses a firm without SIREN."""
    if not handover.siren:
        raise Refused("siren_missing")
    rows = [COLUMNS, *_rows(entries, handover)]
    content = "".join("\t".join(row) + CRLF for row in rows)
    name = f"{handover.siren}FEC{day(handover.until, DATE)}.txt"
    return [File(name, encoded(content, handover.encoding or "utf-8"))]


def _rows(entries: Sequence[Entry], handover: Handover) -> Iterator[tuple[str, ...]]:
    names = words()["journals"]
    for entry in entries:
        for line in entry.lines:
            yield (
                text(handover.journal(entry, 99)), names[entry.journal.value], entry.number, day(entry.booked_on, DATE),
                line.account, text(line.account_label), text(handover.auxiliary(line)), text(line.customer_label),
                text(entry.piece), day(entry.piece_date, DATE), text(entry.label), comma(line.debit),
                comma(line.credit), line.letter, day(line.letter_date, DATE), day(entry.validated_on, DATE), "", "",
            )  # fmt: skip
