"""EBP Compta: ECRITURES.TXT with its eleven columns, and COMPTES.TXT with the accounts of the customers in it.

Commas separate, CRLF, CP1252, no header; version 13 refuses accounts of more than ten characters, so we do.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.accounting.entries import Entry
from core.accounting.layouts.fields import CRLF, File, Handover, code, day, encoded, text
from core.money import ZERO

ENCODING = "cp1252"
ACCOUNT = 10
COUNTRIES = {"FR": "France"}


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """The entries, and the accounts that they name."""
    encoding = handover.encoding or ENCODING
    rows = [row for entry in entries for row in _rows(entry, handover)]
    numbered = [f"{number},{row}" for number, row in enumerate(rows, start=1)]
    return [
        File("ECRITURES.TXT", encoded("".join(row + CRLF for row in numbered), encoding)),
        File("COMPTES.TXT", encoded("".join(row + CRLF for row in _accounts(entries, handover)), encoding)),
    ]


def _rows(entry: Entry, handover: Handover) -> list[str]:
    rows = []
    for line in entry.lines:
        account = code(handover.own_account(line), ACCOUNT, "account", entry)
        sense = "D" if line.debit > ZERO else "C"
        rows.append([
            day(entry.booked_on), _bare(handover.journal(entry, 4)), _bare(account), "", _quoted(entry.label, 40),
            _quoted(code(entry.piece, 15, "piece", entry)), str(line.debit or line.credit), sense, day(entry.due_date),
            "EUR",
        ])  # fmt: skip
    return [",".join(row) for row in rows]


def _accounts(entries: Sequence[Entry], handover: Handover) -> list[str]:
    """The customers alone: general accounts are there already and keep their names."""
    rows = {}
    for entry in entries:
        for line in entry.lines:
            known = handover.customers.get(line.customer)
            if known is None:
                continue
            account = code(handover.own_account(line), ACCOUNT, "account", entry)
            country = COUNTRIES.get(known.country, known.country)
            rows[account] = [
                _bare(account), _bare(line.customer_label, 60), _bare(line.customer_label, 30),
                _bare(known.street, 100), _bare(known.postcode, 5), _bare(known.city, 30), _bare(country, 35),
                _bare(known.contact, 35), _bare(known.phone, 20), "",
            ]  # fmt: skip
    return [",".join(rows[account]) for account in sorted(rows)]


def _bare(value: str, width: int | None = None) -> str:
    return text(value.replace(",", " ").replace('"', "'"), width)


def _quoted(value: str, width: int | None = None) -> str:
    return '"' + text(value.replace('"', "'"), width) + '"'
