"""CSV files of the firm's own books into our tables: the whole file or nothing, and twice is once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy.orm import Session

from core import journal, registration
from core.clock import business_date
from core.errors import Refused
from core.imports import (
    addresses,
    articles,
    contacts,
    customers,
    deposit_rules,
    discounts,
    open_items,
    payments,
    prices,
    receipts,
    staff,
    statuses,
    stock,
)
from core.imports.files import ImportRefused, Remark, Report, with_our_names
from core.journal import Actor
from core.settings import House

__all__ = ["KINDS", "ImportRefused", "Remark", "Report", "import_file"]

KINDS = {
    "customers": customers.load,
    "addresses": addresses.load,
    "contacts": contacts.load,
    "catalogue": articles.load,
    "open-items": open_items.load,
    "staff": staff.load,
    "stock": stock.load,
    "receipts": receipts.load,
    "prices": prices.load,
    "discounts": discounts.load,
    "deposit-rules": deposit_rules.load,
    "statuses": statuses.load,
}
#: What needs to know the house: recording a payment looks again at the orders that waited for it.
OF_THE_HOUSE = {"payments": payments.load}


def import_file(
    session: Session, kind: str, content: bytes, *, as_of: date | None = None, by: Actor, at: datetime,
    columns: Mapping[str, str] | None = None, house: House | None = None,
) -> Report:  # fmt: skip
    """Take the file in, in the caller's transaction; `ImportRefused` names every wrong cell and leaves all as it was.

    `as_of` is the day of a stock count, and the day at which a file of open items is the full list; `columns` maps our
    names of columns to those that the firm's own program writes.
    """
    if kind not in KINDS and kind not in OF_THE_HOUSE:
        raise Refused("import_kind_unknown", kind=kind, known=", ".join([*KINDS, *OF_THE_HOUSE]))
    if as_of is not None and as_of > business_date(at):
        raise Refused("date_in_future", date=as_of)
    report = Report(kind)
    named = with_our_names(content, columns or {})
    if kind in OF_THE_HOUSE:
        OF_THE_HOUSE[kind](session, named, report, by=by, at=at, house=house or House())
    elif kind == "open-items" and house is not None:
        with registration.looking_again(session, *registration.kept_waiting(session), house=house, at=at):
            with session.no_autoflush:
                open_items.load(session, named, report, as_of=as_of, by=by, at=at)
            if as_of is not None and house.invoicing == "erp":
                report.superseded = open_items.stand_for_deliveries(session, house, as_of=as_of)
    else:
        with session.no_autoflush:
            KINDS[kind](session, named, report, as_of=as_of, by=by, at=at)
    session.flush()
    if not report.empty:
        journal.write(
            session, "file_imported", subject=f"import:{kind}", by=by, at=at, as_of=as_of, added=report.added,
            changed=report.changed, closed=report.closed, superseded=report.superseded,
            sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
    return report
