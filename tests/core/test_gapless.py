"""S43 with processes: numbers stay gapless and in the order of their dates, whoever rolls back or is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from core import journal, seals
from core.db import transaction
from core.documents import DocumentKind
from core.identifiers import Series
from core.invoices import Invoice
from tests.core.builders import Trade

#: How many notes are made on one invoice: each one reads the ones before it.
PER_INVOICE = 25


@pytest.mark.parametrize(("processes", "each"), [(2, 6), pytest.param(8, 500, marks=pytest.mark.long)])
def test_s43_processes_that_roll_back_and_are_killed_leave_no_gap(
    engine: Engine, database_url: str, furnished: Callable[[], Trade], root: Path, processes: int, each: int
) -> None:
    if engine.dialect.name == "sqlite" and each < 100:
        pytest.skip("the long run is on both databases")  # there only one writes at a time
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        trade.add_article("LOT", "3.33", on_hand="1000000")
        wanted = (trade.skus["LOT"], str(PER_INVOICE))
        ids = [[trade.invoiced(wanted).id for _ in range(max(1, each // PER_INVOICE))] for _ in range(processes)]

    def start(number: int, seed: int) -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "tests.core.issuers", database_url, str(seed), str(each)]
        return subprocess.Popen(
            [*words, *map(str, ids[number])], cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    running = [start(number, number) for number in range(processes)]
    committed: list[str] = []
    killed = 0
    for process in running:
        out, said = process.communicate(timeout=1500)
        assert process.returncode in {0, -signal.SIGKILL}, said
        killed += process.returncode == -signal.SIGKILL
        committed += out.split()
    assert killed
    assert committed
    with transaction(engine) as session:
        query = select(Invoice).where(Invoice.kind == DocumentKind.CREDIT_NOTE).order_by(Invoice.number)
        notes = list(session.scalars(query))
        assert sorted(committed) == [note.number for note in notes]
        assert [note.number for note in notes] == [f"AV-2026-{n:04d}" for n in range(1, len(committed) + 1)]
        dates = [note.issue_date for note in notes]
        assert dates == sorted(dates)
        assert session.get_one(Series, "AV-2026").last == len(committed)
        assert {note.quantity for invoice in notes for note in invoice.lines} == {Decimal(1)}
        assert journal.first_broken(session) is None
        assert list(seals.broken(session)) == []
