"""Bringing the ledger up to date: every paper and payment since the last booked one becomes its entries, once.

A day that was closed takes nothing more: what is recorded for it later is booked on the first day that is open, with
the date of its paper beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import journal, settings
from core.accounting import ledger, receipts, sales
from core.accounting.accounts import Chart
from core.accounting.books import Books, Happened
from core.accounting.entries import Entry
from core.accounting.ledger import LedgerEntry
from core.clock import business_date
from core.errors import Refused
from core.journal import SYSTEM, Actor, JournalEntry

#: The last day that was handed over for good.
CLOSED = "books_closed_until"

#: What makes entries, by the action that the journal says; the order of its lines is the order of validation.
BOOKED: dict[str, Callable[[Books, Happened], Iterator[Entry]]] = {
    "invoice_issued": sales.invoice,
    "deposit_invoice_issued": sales.deposit,
    "credit_note_issued": sales.credit_note,
    "payment_recorded": receipts.payment,
    "payment_reversed": receipts.reversal,
    "refund_executed": receipts.refund,
    "credit_used": receipts.credit_use,
    "late_charge_kept": receipts.late_charge,
    "bank_fee_booked": receipts.bank_fee,
}


def book(session: Session, chart: Chart, *, at: datetime) -> int:
    """Book what happened since the last booked entry; returns the number of entries. Twice changes nothing.

    The journal keeps a seal of each: `ledger.broken` names the one that was changed since.
    """
    session.flush()
    journal.hold(session)
    last = session.scalar(select(func.max(LedgerEntry.seq))) or 0
    rows = session.execute(
        select(JournalEntry.seq, JournalEntry.action, JournalEntry.subject, JournalEntry.data)
        .where(JournalEntry.seq > last, JournalEntry.action.in_(BOOKED))
        .order_by(JournalEntry.seq)
    ).all()
    books, closed = Books(session, chart), closed_until(session)
    seals: dict[str, str] = {}
    for seq, action, subject, data in rows:
        for entry in BOOKED[action](books, Happened(seq, action, subject, json.loads(data))):
            if not entry.lines:  # goods that cost nothing
                continue
            day = entry.booked_on if closed is None or entry.booked_on > closed else closed + timedelta(days=1)
            booked = ledger.add(session, replace(entry, booked_on=day), seq=seq, source=subject)
            seals[str(booked.id)] = ledger.seal(booked)
    if seals:
        journal.write(session, ledger.SEALED, subject="ledger", by=SYSTEM, at=at, seals=seals)
    return len(seals)


def closed_until(session: Session) -> date | None:
    """The last day that was closed."""
    written = settings.flag(session, CLOSED)
    return date.fromisoformat(written) if written else None


def close(session: Session, until: date, *, chart: Chart, by: Actor, at: datetime) -> None:
    """Book everything and close all days up to `until`, which must be over; closing them again changes nothing."""
    if until >= business_date(at):
        raise Refused("period_not_over", date=until)
    book(session, chart, at=at)
    closed = closed_until(session)
    if closed is not None and closed >= until:
        return
    settings.raise_flag(session, CLOSED, until.isoformat(), at=at)
    journal.write(session, "period_closed", subject="ledger", by=by, at=at, until=until)
