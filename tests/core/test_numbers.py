"""Numbers, immutability and bytes: gapless under concurrency, frozen on both databases (S43, S44)."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from core import invoices, journal, orders, papers
from core.db import transaction
from core.documents import DocumentKind
from core.errors import Refused, TryLater
from core.identifiers import next_number
from core.invoices import Invoice
from core.papers import Paper
from core.parties import Role
from core.settings import House
from tests.core.builders import AT, Trade

ISSUERS, LOST = 8, 0.3


class _Lost(Exception):  # noqa: N818 - not an error of ours: a transaction that dies
    """What makes an issuer's transaction roll back."""


@pytest.mark.parametrize("each", [10, pytest.param(40, marks=pytest.mark.long)])
def test_s43_eight_issuers_with_thirty_percent_rollbacks_leave_no_gap(
    engine: Engine, furnished: Callable[[], Trade], house: House, each: int
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        ids = [trade.invoiced((trade.article, str(max(20, each))), customer=trade.customer).id for _ in range(ISSUERS)]
    failures: list[BaseException] = []
    committed: list[str] = []
    start = threading.Barrier(ISSUERS)

    def issue(number: int, invoice_id: int) -> None:
        chance = random.Random(number)
        start.wait()
        for step in range(each):
            try:
                with transaction(engine) as session:
                    note = invoices.issue_credit_note(
                        session, session.get_one(Invoice, invoice_id), {1: Decimal(1)}, reason="casse", returned=False,
                        house=house, by=trade.by(Role.ACCOUNTING), at=AT + timedelta(minutes=step),
                    )  # fmt: skip
                    lose(chance)
                committed.append(note.number)
            except _Lost:
                continue
            except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
                failures.append(error)
                return

    threads = [threading.Thread(target=issue, args=(n, i)) for n, i in enumerate(ids)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert not any(thread.is_alive() for thread in threads)
    assert 0 < len(committed) < ISSUERS * each
    with transaction(engine) as session:
        query = select(Invoice).where(Invoice.kind == DocumentKind.CREDIT_NOTE).order_by(Invoice.number)
        notes = list(session.scalars(query))
        assert [note.number for note in notes] == [f"AV-2026-{n:04d}" for n in range(1, len(committed) + 1)]
        assert sorted(committed) == [note.number for note in notes]
        dates = [note.issue_date for note in notes]
        assert dates == sorted(dates)
        assert {note.paper.document.number for note in notes} == set(committed)
        assert journal.first_broken(session) is None


def test_s43_a_number_is_never_older_than_the_one_before(trade: Trade) -> None:
    trade.invoiced((trade.article, "1"))
    order = trade.confirm(trade.draft((trade.article, "1")))
    trade.ship(trade.preparing(order))
    trade.later(days=-1)
    with pytest.raises(TryLater, match="issue_date_before_last"):
        trade.verify(trade.preparing(order))


def test_a_series_starts_again_with_the_year_and_a_rollback_gives_the_number_back(engine: Engine) -> None:
    with transaction(engine) as session:
        assert next_number(session, "FA", on=AT.date()) == "FA-2026-0001"
        session.rollback()
    with transaction(engine) as session:
        assert next_number(session, "FA", on=AT.date()) == "FA-2026-0001"
        assert next_number(session, "FA", on=AT.date()) == "FA-2026-0002"
        assert next_number(session, "FA", on=AT.date().replace(year=2027)) == "FA-2027-0001"
        assert next_number(session, "AV", on=AT.date()) == "AV-2026-0001"


def lose(chance: random.Random) -> None:
    if chance.random() < LOST:
        raise _Lost


FORGERIES = {
    "invoice": "gross = gross + 1",
    "invoice_line": "quantity = 1",
    "paper": "payload = '{}'",
    "payment": "amount = 1",
    "deposit_deduction": "amount = 1",
}


def frozen(trade: Trade) -> Invoice:
    """An invoice that deducts a paid deposit, committed."""
    from core import payments

    order = trade.draft((trade.article, "2"))
    order.deposit_percent = Decimal(50)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    deposit = invoices.issue_deposit(
        trade.session, order, house=trade.house, by=trade.by(), at=trade.at, label="Acompte"
    )
    payments.record(
        trade.session, trade.customer, deposit.gross, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING),
        at=trade.at, house=trade.house, settles=deposit,
    )  # fmt: skip
    trade.confirm(order)
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    invoice = invoices.of_order(trade.session, order)[-1]
    assert invoice.paper.document.deposits
    trade.session.commit()
    return invoice


@pytest.mark.parametrize("table", sorted(FORGERIES))
def test_s44_issued_rows_are_neither_changed_nor_deleted_even_by_the_owner(
    engine: Engine, trade: Trade, table: str
) -> None:
    frozen(trade)
    statements = [f"UPDATE {table} SET {FORGERIES[table]}", f"DELETE FROM {table}"]  # noqa: S608 - names of ours
    if engine.dialect.name == "postgresql":
        statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with engine.connect() as connection, connection.begin():
            before = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
            assert before
        with pytest.raises(DBAPIError, match="rows never change"), engine.begin() as connection:
            connection.execute(text(statement))


def test_s44_an_issued_row_cannot_be_written_over(engine: Engine, trade: Trade) -> None:
    invoice = frozen(trade)
    if engine.dialect.name != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    columns = ", ".join(column.name for column in Invoice.__table__.columns)
    with pytest.raises(DBAPIError, match="rows never change"), engine.begin() as connection:
        connection.execute(
            text(f"INSERT OR REPLACE INTO invoice ({columns}) SELECT {columns} FROM invoice WHERE id = :id"),  # noqa: S608
            {"id": invoice.id},
        )


def test_s44_the_bytes_of_a_paper_are_set_once(engine: Engine, trade: Trade) -> None:
    paper = frozen(trade).paper
    assert paper.id in papers.unmade(trade.session)
    papers.store(trade.session, paper, pdf=b"%PDF first", xml=b"<xml/>")
    trade.session.commit()
    first = paper.pdf_sha256
    papers.store(trade.session, paper, pdf=b"%PDF second", xml=None)
    trade.session.commit()
    assert (paper.pdf_sha256, paper.id in papers.unmade(trade.session)) == (first, False)
    trade.session.commit()
    for change in ("pdf_sha256 = NULL", "xml_sha256 = NULL"):
        with pytest.raises(DBAPIError, match="rows never change"), engine.begin() as connection:
            connection.execute(text(f"UPDATE paper SET {change} WHERE id = {paper.id}"))  # noqa: S608


def test_s44_a_paper_whose_content_does_not_fit_its_hash_gets_no_bytes(trade: Trade) -> None:
    paper = Paper(
        kind=DocumentKind.INVOICE, number="FA-1", customer_id=trade.customer.id, payload="{}", payload_hash="00",
        issued_at=AT,
    )  # fmt: skip
    trade.session.add(paper)
    trade.session.flush()
    with pytest.raises(Refused, match="paper_tampered"):
        papers.store(trade.session, paper, pdf=b"%PDF", xml=None)
