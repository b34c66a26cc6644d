"""The people who order for a customer, with the most each may order at once; who is missing from a file stays."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.imports.files import ImportRefused, Once, Remark, Report, Row, assign, records
from core.journal import Actor
from core.money import Money
from core.parties import Contact, Customer

REQUIRED = ("customer", "email")
KNOWN = ("name", "phone", "order_limit")


def load(session: Session, content: bytes, report: Report, *, as_of: date | None, by: Actor, at: datetime) -> None:  # noqa: ARG001 - one shape for every kind
    """Add the contacts that are new and change those that differ; an empty `order_limit` sets none."""
    problems: list[Remark] = []
    once = Once()
    codes = {customer.code: customer.id for customer in session.scalars(select(Customer))}
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for row in records(content, required=REQUIRED, known=KNOWN, report=report, problems=problems):
        key, values = _record(row, codes)
        if key[1] and not once.seen(row, "email", key):
            found[key] = values
    if problems:
        raise ImportRefused(problems)
    known = {(one.customer_id, one.email.lower()): one for one in session.scalars(select(Contact)) if one.email}
    for key, values in found.items():
        contact = known.get(key)
        if contact is None:
            session.add(Contact(customer_id=key[0], email=key[1], **values))
            report.added += 1
        else:
            changed = assign(contact, values)
            report.changed += changed
            report.unchanged += not changed
    session.flush()
    session.expire_all()


def _record(row: Row, codes: dict[str, int]) -> tuple[tuple[int, str], dict[str, Any]]:
    code = row.text("customer", required=True)
    if code and code not in codes:
        row.wrong("customer", f"{code!r} is not a customer's code")
    emails = row.emails("email")
    if len(emails) != 1:
        row.wrong("email", "must be one mail address")
    values: dict[str, Any] = {column: row.text(column) for column in ("name", "phone") if row.has(column)}
    if row.has("order_limit"):
        limit = row.number("order_limit", places=2)
        values["order_limit"] = None if limit is None else Money(limit)
    return (codes.get(code, 0), "".join(emails[:1])), values
