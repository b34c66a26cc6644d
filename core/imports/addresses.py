"""The places where customers receive goods, several a customer, each with a name of its own.

With `as_of` the file is the full list of the customers it names: a place that it no longer holds is closed. A closed
place is kept, because orders may have gone there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.parties import Customer, DeliveryAddress

REQUIRED = ("customer", "name", "street", "postcode", "city")


@dataclass(frozen=True, slots=True)
class _Record:
    """One row that was read."""

    customer_id: int
    values: dict[str, Any]

    @property
    def key(self) -> tuple[int, str]:
        """What tells one place from another."""
        return self.customer_id, self.values["name"].casefold()


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add and change the places of the file; with `as_of`, close those that its customers no longer have."""
    problems: list[Remark] = []
    once = Once()
    codes = {customer.code: customer.id for customer in session.scalars(select(Customer))}
    found = []
    for row in records(content, required=REQUIRED, known=("country",), report=report, problems=problems):
        record = _record(row, codes)
        if record.values["name"] and not once.seen(row, "name", record.key):
            found.append(record)
    if problems:
        raise ImportRefused(problems)
    known = {(place.customer_id, place.name.casefold()): place for place in session.scalars(select(DeliveryAddress))}
    for record in found:
        place = known.get(record.key)
        if place is None:
            session.add(DeliveryAddress(customer_id=record.customer_id, **record.values))
            report.added += 1
        else:
            changed = assign(place, {**record.values, "active": True})
            report.changed += changed
            report.unchanged += not changed
    if as_of is not None:
        listed = {record.key for record in found}
        customers = {record.customer_id for record in found}
        for key, place in known.items():
            if place.active and place.name and key not in listed and place.customer_id in customers:
                place.active = False
                report.closed += 1
    session.flush()
    session.expire_all()


def _record(row: Row, codes: dict[str, int]) -> _Record:
    code = row.text("customer", required=True)
    if code and code not in codes:
        row.wrong("customer", f"{code!r} is not a customer's code")
    values = {name: row.text(name, required=True) for name in REQUIRED[1:]}
    return _Record(codes.get(code, 0), {**values, "country": row.text("country") or "FR"})
