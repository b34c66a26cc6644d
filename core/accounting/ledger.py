"""The ledger: entries that were booked and never change, numbered without a hole in each journal and month.

What is booked is what the journal of this program says was issued or recorded, in the order in which it says so. That
order was fixed when it happened, so an entry gets the same number whenever the ledger is brought up to date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from core.accounting.accounts import Journal
from core.accounting.entries import Entry, Held, Line
from core.db import PERCENT, Base, choice
from core.journal import JournalEntry, canonical_json
from core.money import ZERO, Money

#: The journal's action whose lines seal entries.
SEALED = "entries_booked"


class LedgerEntry(Base):
    """One booked entry; `seq` is the journal line that it follows from."""

    __tablename__ = "ledger_entry"
    __table_args__ = (UniqueConstraint("journal", "month", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(index=True)
    journal: Mapped[Journal] = mapped_column(choice(Journal))
    month: Mapped[str]
    position: Mapped[int]
    booked_on: Mapped[date] = mapped_column(index=True)
    piece: Mapped[str]
    piece_date: Mapped[date]
    label: Mapped[str]
    due_date: Mapped[date | None]
    means: Mapped[str]
    validated_on: Mapped[date]
    lines: Mapped[list[LedgerLine]] = relationship(order_by="LedgerLine.id")
    deposits: Mapped[list[LedgerDeposit]] = relationship()

    @property
    def number(self) -> str:
        """EcritureNum: one sequence, from 1 on, for each journal and month."""
        return f"{self.journal.value}-{self.month}-{self.position:05d}"


class LedgerLine(Base):
    """One movement of an account."""

    __tablename__ = "ledger_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entry.id"), index=True)
    account: Mapped[str]
    account_label: Mapped[str]
    customer: Mapped[str] = mapped_column(index=True)
    customer_label: Mapped[str]
    settles: Mapped[str] = mapped_column(index=True)
    debit: Mapped[Money]
    credit: Mapped[Money]


class LedgerDeposit(Base):
    """What an entry did to what is held of a deposit, at one rate."""

    __tablename__ = "ledger_deposit"

    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entry.id"), primary_key=True)
    deposit_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True, index=True)
    percent: Mapped[Decimal] = mapped_column(PERCENT, primary_key=True)
    net: Mapped[Money]
    declared: Mapped[Money]
    pending: Mapped[Money]


def add(session: Session, entry: Entry, *, seq: int, source: str) -> LedgerEntry:
    """Book an entry under the next number of its journal and month; the caller holds the journal's head."""
    month = f"{entry.booked_on:%Y-%m}"
    last = select(func.max(LedgerEntry.position)).where(
        LedgerEntry.journal == entry.journal, LedgerEntry.month == month
    )
    booked = LedgerEntry(
        seq=seq, source=source, journal=entry.journal, month=month, position=(session.scalar(last) or 0) + 1,
        booked_on=entry.booked_on, piece=entry.piece, piece_date=entry.piece_date, label=entry.label,
        due_date=entry.due_date, means=entry.means, validated_on=entry.validated_on,
    )  # fmt: skip
    booked.lines = [
        LedgerLine(
            account=line.account, account_label=line.account_label, customer=line.customer,
            customer_label=line.customer_label, settles=line.settles, debit=line.debit, credit=line.credit,
        )
        for line in entry.lines
    ]  # fmt: skip
    booked.deposits = [
        LedgerDeposit(deposit_id=deposit, percent=percent, net=held.net, declared=held.declared, pending=held.pending)
        for deposit, holding in entry.holdings.items()
        for percent, held in holding.items()
    ]
    session.add(booked)
    session.flush()
    return booked


def held(session: Session, deposit_id: int) -> dict[Decimal, Held]:
    """What the ledger holds of a deposit, by rate."""
    sums: dict[Decimal, Held] = {}
    for row in session.scalars(select(LedgerDeposit).where(LedgerDeposit.deposit_id == deposit_id)):
        part = Held(row.net, row.declared, row.pending)
        sums[row.percent] = sums.get(row.percent, Held()).plus(part)
    return sums


def done_to_deposits(session: Session, source: str) -> dict[int, dict[Decimal, Held]]:
    """What the entry of a paper did to what is held of each deposit, by rate: below zero what it took."""
    query = select(LedgerDeposit).join(LedgerEntry).where(LedgerEntry.source == source)
    done: dict[int, dict[Decimal, Held]] = {}
    for row in session.scalars(query.order_by(LedgerDeposit.deposit_id, LedgerDeposit.percent)):
        done.setdefault(row.deposit_id, {})[row.percent] = Held(row.net, row.declared, row.pending)
    return done


def balance(session: Session, settles: str) -> Money:
    """What the ledger says is still owed on a paper; below zero it is the customer's."""
    found = ZERO
    for debit, credit in session.execute(
        select(LedgerLine.debit, LedgerLine.credit).where(LedgerLine.settles == settles)
    ):
        found += debit - credit
    return found


def seal(booked: LedgerEntry) -> str:
    """A digest of all that the entry says."""
    said = [
        booked.seq, booked.source, booked.number, booked.booked_on, booked.piece, booked.piece_date, booked.label,
        booked.due_date, booked.means, booked.validated_on,
        [
            (row.account, row.account_label, row.customer, row.customer_label, row.settles, row.debit, row.credit)
            for row in booked.lines
        ],
        sorted((d.deposit_id, d.percent.normalize(), d.net, d.declared, d.pending) for d in booked.deposits),
    ]  # fmt: skip
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def broken(session: Session) -> Iterator[str]:
    """The entries, by number, that are not as they were booked, or that nobody booked; by id those that are gone."""
    sealed: dict[str, str] = {}
    for data in session.scalars(select(JournalEntry.data).where(JournalEntry.action == SEALED)):
        sealed |= json.loads(data)["seals"]
    query = select(LedgerEntry).order_by(LedgerEntry.id).execution_options(populate_existing=True)
    for booked in session.scalars(query.options(selectinload(LedgerEntry.lines), selectinload(LedgerEntry.deposits))):
        if sealed.pop(str(booked.id), None) != seal(booked):
            yield booked.number
    yield from sealed


def as_entry(booked: LedgerEntry) -> Entry:
    """The booked entry as a value, without letters."""
    lines = tuple(
        Line(row.account, row.account_label, row.debit, row.credit, row.customer, row.customer_label, row.settles)
        for row in booked.lines
    )
    return Entry(
        booked.journal, booked.booked_on, booked.piece, booked.piece_date, booked.label, booked.validated_on, lines,
        booked.due_date, booked.means, booked.number, booked.position,
    )  # fmt: skip
