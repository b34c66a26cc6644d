"""Lettering: which debits and credits of a customer belong together and come to zero.

Lines about the same paper meet; when they come to nothing they get the customer's next letter (A … Z, AA …) and are
done with: what happens to that paper later starts anew. Letters are given in the order in which the ledger was booked,
so that they never change; a file of a period shows those that were complete by its last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounting.ledger import LedgerEntry, LedgerLine
from core.money import ZERO, Money


@dataclass
class _Group:
    """The lines of a paper that are not settled yet."""

    lines: list[int] = field(default_factory=list)
    balance: Money = ZERO
    latest: date = date.min


def letter(number: int) -> str:
    """The name of the customer's nth group: A is the first, AA follows Z."""
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def letters(session: Session) -> dict[int, tuple[str, date]]:
    """The letter and the day of completion of each settled line, by line id."""
    groups: dict[tuple[str, str], _Group] = {}
    given: dict[str, int] = {}
    found: dict[int, tuple[str, date]] = {}
    for line_id, customer, settles, amount, day in _lines(session):
        group = groups.setdefault((customer, settles), _Group())
        group.lines.append(line_id)
        group.balance += amount
        group.latest = max(group.latest, day)
        if not group.balance:
            given[customer] = given.get(customer, 0) + 1
            found |= dict.fromkeys(group.lines, (letter(given[customer]), group.latest))
            del groups[customer, settles]
    return found


def _lines(session: Session) -> Iterator[tuple[int, str, str, Money, date]]:
    query = (
        select(
            LedgerLine.id, LedgerLine.customer, LedgerLine.settles, LedgerLine.debit, LedgerLine.credit,
            LedgerEntry.booked_on,
        )
        .join(LedgerEntry)
        .where(LedgerLine.settles != "")
        .order_by(LedgerEntry.id, LedgerLine.id)
    )  # fmt: skip
    for line_id, customer, settles, debit, credit, day in session.execute(query):
        yield line_id, customer, settles, debit - credit, day
