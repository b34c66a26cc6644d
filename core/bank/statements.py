"""Taking a bank statement in: all of it or nothing, what is certain booked, what is not asked; twice is once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core import journal, registration
from core.bank import booking, books, camt053, cfonb120, mt940
from core.bank.reading import Movement, Statement
from core.bank.tables import BankEntry, BankStatement, EntryState, Layout
from core.clock import business_date
from core.errors import Refused
from core.journal import Actor
from core.settings import Flag

if TYPE_CHECKING:
    from core.settings import House

READERS: dict[Layout, tuple[Callable[[bytes], bool], Callable[[bytes], list[Statement]]]] = {
    Layout.CAMT053: (camt053.recognises, camt053.read),
    Layout.MT940: (mt940.recognises, mt940.read),
    Layout.CFONB120: (cfonb120.recognises, cfonb120.read),
}
assert set(READERS) == set(Layout)  # noqa: S101 - the table is complete
LAST_IMPORT = "statement_imported"


@dataclass(slots=True)
class StatementReport:
    """What a file brought: entries that were new, what became of them, and those that were known."""

    layout: Layout
    known: int = 0
    entries: list[BankEntry] = field(default_factory=list)
    gaps: list[date] = field(default_factory=list)

    def count(self, state: EntryState) -> int:
        """How many new entries are in that state now."""
        return sum(entry.state is state for entry in self.entries)


def recognised(content: bytes) -> bool:
    """Whether the file looks like a statement of a bank."""
    return any(recognises(content) for recognises, _ in READERS.values())


def read(content: bytes) -> list[Statement]:
    """The statements of a file, its format found by what it holds; refuses one that is empty or does not add up."""
    for recognises, reader in READERS.values():
        if recognises(content):
            found = reader(content)
            if not found:
                raise Refused("statement_empty")
            for statement in found:
                statement.ensure_adds_up()
            return found
    raise Refused("statement_unknown_format")


def load(session: Session, content: bytes, *, house: House, by: Actor, at: datetime) -> StatementReport:
    """Keep the new entries of the house's own account, book what is certain and ask accounting about the rest.

    `gaps` are the days at which a statement does not begin with the balance at which the last one ended.
    """
    if not house.iban:
        raise Refused("house_iban_missing")
    found = read(content)
    for statement in found:
        if not statement.is_of(house.iban):
            raise Refused("statement_other_account", account=statement.account, line=statement.line)
        if statement.closed_on > business_date(at):
            raise Refused("date_in_future", date=statement.closed_on)
    _one_at_a_time(session, at=at)
    report = StatementReport(found[0].layout)
    before: Counter[str] = Counter()
    registration.hold(session, None)  # whose money it is, the matching says later
    for statement in found:
        _keep(session, statement, before, report, house=house, content=content, at=at)
    if not report.entries:
        return report
    session.flush()
    journal.write(
        session, "statement_imported", subject=report.entries[0].statement.subject, by=by, at=at,
        layout=report.layout, entries=len(report.entries), known=report.known,
        sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip
    book = books.opened(session)
    for entry in report.entries:
        book = booking.treat(session, entry, book, house=house, by=by, at=at)
    session.flush()
    return report


def _one_at_a_time(session: Session, *, at: datetime) -> None:
    """Two imports at once would both find an entry new: the second waits for the first."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(Flag).values(name=LAST_IMPORT, value="", at=at).on_conflict_do_nothing())
    session.execute(select(Flag.name).where(Flag.name == LAST_IMPORT).with_for_update())


def _keep(
    session: Session, statement: Statement, before: Counter[str], report: StatementReport, *, house: House,
    content: bytes, at: datetime,
) -> None:  # fmt: skip
    keys = [_key(movement, before) for movement in statement.movements]
    known = _known(session, keys)
    report.known += len(known)
    new = [(key, one) for key, one in zip(keys, statement.movements, strict=True) if key not in known]
    if not new:
        return
    _ensure_one_layout(session, statement, [movement for _, movement in new])
    last = session.scalar(
        select(BankStatement).where(BankStatement.closed_on <= statement.opened_on)
        .order_by(BankStatement.closed_on.desc(), BankStatement.id.desc()).limit(1)
    )  # fmt: skip
    if last is not None and last.closing != statement.opening and not known:
        report.gaps.append(statement.opened_on)
    kept = BankStatement(
        iban=house.iban, layout=statement.layout, number=statement.number, opened_on=statement.opened_on,
        closed_on=statement.closed_on, opening=statement.opening, closing=statement.closing,
        content_sha256=hashlib.sha256(content).hexdigest(), imported_at=at,
    )  # fmt: skip
    for position, (key, movement) in enumerate(new, start=1):
        kept.entries.append(_entry(key, position, movement))
    session.add(kept)
    report.entries += kept.entries


def _key(movement: Movement, before: Counter[str]) -> str:
    """What tells an entry from every other: all that the bank says of it, and how many equal ones came before."""
    said = (
        movement.booked_on, movement.value_on, movement.amount.cents, movement.text, movement.end_to_end,
        movement.creditor_reference, movement.bank_reference, movement.payer_name, movement.payer_iban,
    )  # fmt: skip
    digest = hashlib.sha256("\0".join(map(str, said)).encode()).hexdigest()
    before[digest] += 1
    return f"{digest}:{before[digest]}"


def _known(session: Session, keys: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        found.update(session.scalars(select(BankEntry.key).where(BankEntry.key.in_(keys[start : start + 500]))))
    return found


def _ensure_one_layout(session: Session, statement: Statement, new: list[Movement]) -> None:
    """The same day in two formats reads differently: it would be booked twice."""
    first, last = min(one.booked_on for one in new), max(one.booked_on for one in new)
    query = (
        select(func.min(BankEntry.booked_on), BankStatement.layout)
        .join(BankStatement, BankStatement.id == BankEntry.statement_id)
        .where(BankEntry.booked_on.between(first, last), BankStatement.layout != statement.layout)
        .group_by(BankStatement.layout)
    )
    for day, layout in session.execute(query):
        raise Refused("statement_other_layout", day=day, layout=layout.value)


def _entry(key: str, position: int, movement: Movement) -> BankEntry:
    return BankEntry(
        key=key, position=position, booked_on=movement.booked_on, value_on=movement.value_on, amount=movement.amount,
        fees=movement.fees, text=movement.text, end_to_end=movement.end_to_end,
        creditor_reference=movement.creditor_reference, bank_reference=movement.bank_reference,
        payer_name=movement.payer_name, payer_iban=movement.payer_iban, reject=movement.reject, means=movement.means,
        state=EntryState.LEFT, rule="",
    )  # fmt: skip
