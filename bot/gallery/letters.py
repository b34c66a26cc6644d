"""Papers of the gallery about what is late: reminders, formal notices, statements of account."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from bot.gallery.samples import TODAY, paper, party
from core.documents import (
    Document,
    DocumentKind,
    EntryKind,
    OpenAmount,
    StatementEntry,
)
from core.money import ZERO, Money, total
from core.statements import Owed, account


def reminders_and_notices() -> dict[str, Document]:
    """Reminders of each level and the formal notice."""
    owed = (
        OpenAmount("FA-2026-00054", date(2026, 10, 10), date(2026, 9, 10), Money.of("1842.36"), Money.of("842.36"), 45,
                   Money.of("12.46")),
        OpenAmount("FA-2026-00061", date(2026, 10, 31), date(2026, 9, 30), Money.of("396.00"), Money.of("396.00"), 24,
                   Money.of("3.12")),
    )  # fmt: skip
    coming = tuple(
        dataclasses.replace(known, days_late=0, interest=ZERO, due_date=date(2026, 11, 29)) for known in owed
    )
    plain = {"order_reference": "", "buyer_order_number": "", "buyer_order_date": None, "due_date": date(2026, 12, 2)}
    letters = {
        f"reminder-{level}": paper(
            DocumentKind.REMINDER, f"REL-2026-0004{level}", (), reminder_level=level,
            open_amounts=coming if level == 1 else owed, **plain,
        )
        for level in range(1, 5)
    }  # fmt: skip
    letters["reminder-3-english"] = dataclasses.replace(
        letters["reminder-3"], number="REL-2026-00046", language="en", buyer=party("buyers", "english")
    )
    fee = Money.of(40 * len(owed))
    assert total(known.due for known in owed) > ZERO  # noqa: S101 - the sample owes something
    return letters | {
        "formal-notice": paper(
            DocumentKind.FORMAL_NOTICE, "MED-2026-00003", (), reminder_level=5, open_amounts=owed, recovery_fee=fee,
            **plain,
        ),
        "formal-notice-english": paper(
            DocumentKind.FORMAL_NOTICE, "MED-2026-00004", (), reminder_level=5, open_amounts=owed, recovery_fee=fee,
            language="en", buyer=party("buyers", "english"), **plain,
        ),
    }  # fmt: skip


def accounts() -> dict[str, Document]:
    """Statements of account."""
    since, until = date(2026, 9, 1), TODAY
    few, many = list(_moves(12)), list(_moves(45))
    loose = _entry(date(2026, 11, 20), EntryKind.PAYMENT, "REG-2026-0950", "-150.00")
    usual = account([*few, loose], _owed(few), since=since, until=until)
    long = account(many, _owed(many), since=date(2026, 3, 1), until=until)
    early = _entry(date(2026, 10, 2), EntryKind.PAYMENT, "REG-2026-0310", "-120.00")
    paid = account([early], (), since=since, until=until)
    plain = {"order_reference": "", "buyer_order_number": "", "buyer_order_date": None, "terms_version": ""}
    kind = DocumentKind.ACCOUNT_STATEMENT
    return {
        "account-statement": paper(kind, "RC-2026-0007", (), statement=usual, **plain),
        "account-statement-english": paper(
            kind, "RC-2026-0008", (), statement=usual, language="en", buyer=party("buyers", "english"), **plain
        ),
        "account-statement-long": paper(kind, "RC-2026-0009", (), statement=long, **plain),
        "account-statement-in-credit": paper(kind, "RC-2026-0010", (), statement=paid, **plain),
    }


def _entry(on: date, kind: EntryKind, number: str, amount: str, **more: Any) -> StatementEntry:
    value = Money.of(amount)
    debit, credit = (value, ZERO) if value > ZERO else (ZERO, -value)
    return StatementEntry(on, kind, number, ZERO, debit, credit, **more)


def _moves(count: int) -> Iterator[StatementEntry]:
    """Invoices, the money that settles most of them, a deposit and a credit note, up to the day of the gallery."""
    for n in range(count):
        on = TODAY - timedelta(days=4 + 200 * n // count)
        number, amount = f"FA-2026-{2000 - n:05d}", Money.from_cents(38_000 + n * 9_731 % 64_000)
        due = on + timedelta(days=30)
        kind = EntryKind.DEPOSIT_INVOICE if n % 9 == 7 else EntryKind.INVOICE
        yield _entry(on, kind, number, f"{amount}", due_date=due)
        if n % 9 == 5:
            yield _entry(
                on + timedelta(days=2), EntryKind.CREDIT_NOTE, f"AV-2026-{90 - n:05d}", f"-{amount}", about=number
            )
        elif due < TODAY and n % 4:
            yield _entry(due, EntryKind.PAYMENT, f"REG-2026-{900 - n:04d}", f"-{amount}", about=number)


def _owed(moves: list[StatementEntry]) -> list[Owed]:
    """What nothing has settled."""
    settled = {move.about for move in moves}
    return [Owed(m.due_date, m.debit) for m in moves if m.due_date is not None and m.number not in settled]
