"""The entries of a period, as every layout takes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from core.accounting import lettering
from core.accounting.entries import Entry
from core.accounting.layouts.fields import Correspondent
from core.accounting.ledger import LedgerEntry, as_entry
from core.parties import Customer


def of_period(session: Session, first: date, until: date) -> list[Entry]:
    """The booked entries of those days in the order of their validation, lettered as far as that period goes."""
    letters = lettering.letters(session)
    query = (
        select(LedgerEntry)
        .where(LedgerEntry.booked_on.between(first, until))
        .order_by(LedgerEntry.id)
        .options(selectinload(LedgerEntry.lines))
    )
    found = []
    for booked in session.scalars(query):
        entry, lines = as_entry(booked), []
        for row, line in zip(booked.lines, entry.lines, strict=True):
            given, day = letters.get(row.id, ("", None))
            known = day is not None and day <= until
            lines.append(replace(line, letter=given, letter_date=day) if known else line)
        found.append(replace(entry, lines=tuple(lines)))
    return found


def customers(session: Session, entries: Iterable[Entry]) -> dict[str, Correspondent]:
    """The customers of these entries as they are today, by code."""
    codes = {line.customer for entry in entries for line in entry.lines if line.customer}
    found = {}
    for known in session.scalars(select(Customer).where(Customer.code.in_(codes))):
        asked = next((contact for contact in known.contacts if contact.name or contact.phone), None)
        found[known.code] = Correspondent(
            known.street, known.postcode, known.city, known.country, asked.name if asked else "",
            asked.phone if asked else "",
        )  # fmt: skip
    return found
