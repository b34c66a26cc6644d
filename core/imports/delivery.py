"""The columns of a customer that say how he is delivered, read by the import of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.calendars import parse_cutoff, parse_lead_days, parse_receipt_days, parse_weekdays
from core.errors import Refused
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.imports.files import Row

PARSED: dict[str, Callable[[str], Any]] = {
    "delivery_weekdays": parse_weekdays, "delivery_cutoff": parse_cutoff, "delivery_lead_days": parse_lead_days,
    "receipt_days": parse_receipt_days,
}  # fmt: skip
#: Yes or no, and what an empty cell says.
SWITCHES = {"delivery_strict": False, "partial_deliveries": True, "priced_delivery_notes": False}
COLUMNS = (*PARSED, *SWITCHES, "minimum_order")


def values(row: Row) -> dict[str, Any]:
    """The customer's attributes that the row has columns for; a wrong cell is noted in the row's problems."""
    found: dict[str, Any] = {}
    for column, parse in PARSED.items():
        if row.has(column):
            try:
                found[column] = parse(row.text(column))
            except Refused:
                row.wrong(column, f"{row.text(column)!r} is not understood ({EXAMPLES[column]})")
    found |= row.switches(SWITCHES)
    if row.has("minimum_order"):
        amount = row.number("minimum_order", places=2)
        found["minimum_order"] = Money(amount) if amount else None
    return found


EXAMPLES = {
    "delivery_weekdays": "135, 1-5 or lun mer ven", "delivery_cutoff": "11:30", "delivery_lead_days": "0 to 60",
    "receipt_days": "1 to 30, 3 when empty",
}  # fmt: skip
