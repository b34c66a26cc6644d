"""The sales journal to read: one row an entry, a column for each kind of account, and the totals below.

Invoices, deposit invoices and credit notes, what deposits were deducted, payments with their discounts, refunds. A
debit is above zero and a credit below, but for sales and VAT, which read as one speaks of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.accounting.accounts import words
from core.accounting.entries import Entry
from core.accounting.layouts.fields import File, Handover
from core.exports import cells
from core.exports.cells import Cell
from core.money import ZERO, Money, total

#: Column -> how its accounts begin, and whether a credit is what one expects there.
KINDS: dict[str, tuple[tuple[str, ...], bool]] = {
    "sales": (("70",), True),
    "vat": (("4457",), True),
    "vat_pending": (("4458",), True),
    "deposits": (("419",), True),
    "customers": (("411",), False),
    "bank": (("51", "53"), False),
    "early_discount": (("665",), False),
    "charges": (("76", "75"), True),
}


def write(entries: Sequence[Entry], handover: Handover) -> list[File]:
    """One file, by day and number; accounts that belong to none of the columns stand in the last one."""
    sums = dict.fromkeys([*KINDS, "others"], ZERO)
    rows: list[list[Cell]] = []
    for entry in sorted(entries, key=lambda known: (known.booked_on, known.number)):
        amounts = _amounts(entry)
        sums = {kind: sums[kind] + amounts[kind] for kind in sums}
        customer = next((line for line in entry.lines if line.customer), None)
        rows.append([
            entry.booked_on, handover.journal(entry, 99), entry.number, entry.piece, entry.label,
            handover.auxiliary(customer) if customer else "", customer.customer_label if customer else "",
            *amounts.values(),
        ])  # fmt: skip
    rows.append([*([""] * 6), words()["entries"]["totals"], *sums.values()])
    return [File("JOURNAL.CSV", cells.csv(list(words()["journal_columns"].values()), rows))]


def _amounts(entry: Entry) -> dict[str, Money]:
    found = {}
    for kind, (starts, turned) in KINDS.items():
        amount = total(line.debit - line.credit for line in entry.lines if line.account.startswith(starts))
        found[kind] = -amount if turned else amount
    known = tuple(start for starts, _ in KINDS.values() for start in starts)
    found["others"] = total(line.debit - line.credit for line in entry.lines if not line.account.startswith(known))
    return found
