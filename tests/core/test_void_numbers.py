"""S48: what was refused or wholly credited keeps its number, in its series, in the chain and in the books."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Engine, select

from core import db, invoices, journal, seals, statuses
from core.accounting import booking, ledger, periods
from core.accounting.accounts import Chart
from core.identifiers import Series
from core.journal import SYSTEM
from core.parties import Role
from core.statuses import Reported
from tests.core.builders import AT, Trade


def test_s48_refused_and_credited_numbers_stay_and_leave_no_gap(engine: Engine, trade: Trade) -> None:
    session, accounting = trade.session, trade.by(Role.ACCOUNTING)
    terms = {"house": trade.house, "by": accounting, "at": AT}
    refused, credited = trade.invoiced((trade.article, "2")), trade.invoiced((trade.article, "3"))
    told = Reported(refused.number, "210", AT, "TX_TVA_ERR", "")
    assert statuses.note(session, told, source="file", by=SYSTEM, at=AT)
    note, again = statuses.redo(session, refused, **terms)
    back = invoices.issue_credit_note(session, credited, {1: Decimal(3)}, reason="casse", returned=False, **terms)
    numbers = [refused.number, credited.number, again.number, note.number, back.number]
    assert numbers == ["FA-2026-0001", "FA-2026-0002", "FA-2026-0003", "AVI-2026-0001", "AV-2026-0001"]
    assert back.gross == credited.gross
    written = {entry.data for entry in session.scalars(select(journal.JournalEntry))}
    assert all(any(f'"number":"{number}"' in data for data in written) for number in numbers)

    booking.book(session, Chart(), at=AT)
    day = AT.date()
    entries = periods.of_period(session, day, day)
    assert {entry.piece for entry in entries} >= set(numbers)
    session.commit()

    def alarms() -> list[object]:
        with db.transaction(engine) as anew:
            broken = journal.first_broken(anew)
            return [broken, *invoices.missing_numbers(anew), *seals.broken(anew), *ledger.broken(anew)]

    assert alarms() == [None]
    with db.transaction(engine) as anew:  # a number that was given to nothing is an alarm
        series = anew.get_one(Series, "FA-2026")
        series.last += 1
    assert alarms() == [None, "FA-2026-0004"]
