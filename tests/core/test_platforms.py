"""Invoices on their way to a platform, and what comes back: stored bytes, statuses kept once, refusals made good."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DatabaseError

from bot import letters
from core import invoices, papers, platforms, statuses
from core.documents import DocumentKind
from core.errors import Refused
from core.imports import ImportRefused, import_file
from core.invoices import Invoice
from core.journal import SYSTEM
from core.outbox import OutboxRow
from core.parties import Role
from core.settings import House
from core.statuses import InvoiceStatus, Reported
from tests.core.builders import AT, Trade

DAY = AT.date()
LATER = AT + timedelta(days=2)
PERIOD = {"since": DAY, "until": DAY}


def printed(trade: Trade, invoice: Invoice) -> Invoice:
    papers.store(trade.session, invoice.paper, pdf=f"%PDF {invoice.number}".encode(), xml=b"<x/>")
    trade.session.flush()
    return invoice


def refused(trade: Trade, invoice: Invoice, code: str = "210") -> InvoiceStatus:
    told = Reported(invoice.number, code, AT, "TX_TVA_ERR", "20 % et non 10 %")
    row = statuses.note(trade.session, told, source="file", by=SYSTEM, at=AT)
    assert row is not None
    return row


def test_the_folder_holds_the_stored_bytes_and_what_they_are_and_twice_is_once(trade: Trade, tmp_path: Path) -> None:
    invoice = printed(trade, trade.invoiced((trade.article, "2")))
    trade.invoiced((trade.article, "1"))  # its bytes are still to be made
    folder = platforms.Folder(tmp_path / "out")
    receipts = [folder.submit(flow) for flow in platforms.flows(trade.session, **PERIOD)]
    assert [receipt.new for receipt in receipts] == [True]
    content = (folder.folder / f"{invoice.number}.pdf").read_bytes()
    assert content == f"%PDF {invoice.number}".encode()
    said = json.loads((folder.folder / f"{invoice.number}.json").read_text())
    assert said == {
        "flowSyntax": "Factur-X", "name": f"{invoice.number}.pdf", "trackingId": receipts[0].tracking_id,
        "processingRule": "B2B", "flowProfile": "CIUS", "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    assert len(said["trackingId"]) <= 36
    again = [folder.submit(flow) for flow in platforms.flows(trade.session, **PERIOD)]
    assert again == [dataclasses.replace(receipts[0], new=False)]
    assert platforms.unprinted(trade.session, **PERIOD) == ["FA-2026-0002"]
    assert list(platforms.flows(trade.session, since=date(2026, 3, 11), until=date(2026, 3, 12))) == []


def test_an_internal_credit_note_never_leaves(trade: Trade) -> None:
    invoice = printed(trade, trade.invoiced((trade.article, "2")))
    refused(trade, invoice)
    note, again = statuses.redo(trade.session, invoice, house=trade.house, by=trade.by(Role.ACCOUNTING), at=AT)
    printed(trade, note)
    printed(trade, again)
    assert note.internal
    assert [flow.number for flow in platforms.flows(trade.session, **PERIOD)] == [invoice.number, again.number]
    with pytest.raises(Refused, match="status_of_internal"):
        refused(trade, note)


def test_a_refused_invoice_goes_to_accounting_and_is_made_again_with_what_our_records_say_now(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    accounting = trade.by(Role.ACCOUNTING)
    with pytest.raises(Refused, match="invoice_not_refused"):
        statuses.redo(trade.session, invoice, house=trade.house, by=accounting, at=AT)
    row = refused(trade, invoice, "213")
    told = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "invoice_refused")).one()
    assert (told.audience, told.arguments["status"]) == ("accounting", row.id)
    trade.customer.street = "4 place Royale"
    note, again = statuses.redo(trade.session, invoice, house=trade.house, by=accounting, at=AT)
    assert note.kind is DocumentKind.CREDIT_NOTE
    assert note.reason == "213 Rejetée (taux de TVA erroné, 20 % et non 10 %)"
    assert (again.gross, again.paper.document.buyer.street) == (invoice.gross, "4 place Royale")
    assert again.number != invoice.number
    with pytest.raises(Refused, match="invoice_cancelled_internally"):
        statuses.redo(trade.session, invoice, house=trade.house, by=accounting, at=AT)


FILE = (
    "number;code;at;reason;comment\n"
    "FA-2026-0001;200;2026-03-10T10:00:00+01:00;;\n"
    "FA-2026-0001;210;11/03/2026;CMD_ERR;BC 4711 inconnu\n"
)


def test_a_file_of_statuses_is_taken_in_once_and_the_folder_gives_what_is_new(trade: Trade, tmp_path: Path) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    report = import_file(trade.session, "statuses", FILE.encode(), by=SYSTEM, at=LATER)
    assert (report.added, report.unchanged) == (2, 0)
    report = import_file(trade.session, "statuses", FILE.encode(), by=SYSTEM, at=LATER)
    assert (report.added, report.unchanged) == (0, 2)
    assert [(one.code, one.reason) for one in statuses.of(trade.session, invoice)] == [("200", ""), ("210", "CMD_ERR")]
    told = select(func.count(OutboxRow.id)).where(OutboxRow.template == "invoice_refused")
    assert trade.session.scalar(told) == 1
    (tmp_path / "statuses").mkdir()
    (tmp_path / "statuses" / "1.csv").write_text(FILE)
    folder: platforms.Platform = platforms.Folder(tmp_path)
    assert [one.code for one in folder.poll(AT - timedelta(days=30))] == ["200", "210"]
    assert [one.code for one in folder.poll(AT + timedelta(hours=3))] == ["210"]


WRONG = {
    "FA-2026-0001;999;2026-03-10T10:00:00Z;;": "status_unknown",
    "FA-2026-9999;200;2026-03-10T10:00:00Z;;": "invoice_unknown",
    "FA-2026-0001;213;2026-03-10T10:00:00Z;;": "status_reason_missing",
    "FA-2026-0001;200;2026-05-10T10:00:00Z;;": "date_in_future",
    "FA-2026-0001;200;yesterday;;": "is not a date",
    "FA-2026-0001;200;;;": "line 2, at: is empty",
}


def test_the_platforms_folder_is_read_each_day_and_each_status_kept_once(trade: Trade, tmp_path: Path) -> None:
    invoice = trade.invoiced((trade.article, "2"))
    folder = platforms.Folder(tmp_path)
    assert platforms.take_statuses(trade.session, folder, at=LATER) == 0
    (tmp_path / "statuses").mkdir()
    (tmp_path / "statuses" / "1.csv").write_text(FILE + "FA-2026-9999;200;2026-03-10T10:00:00Z;;\n")
    assert [platforms.take_statuses(trade.session, folder, at=LATER) for _ in range(2)] == [2, 0]
    assert [(one.code, one.source) for one in statuses.of(trade.session, invoice)] == [
        ("200", "platform"),
        ("210", "platform"),
    ]
    told = select(OutboxRow).where(OutboxRow.template == "statuses_unread")
    row = trade.session.scalars(told).first()
    assert row is not None
    assert "FA-2026-9999" in letters.content(trade.session, row, house=trade.house, at=LATER).html
    (tmp_path / "statuses" / "2.csv").write_text("number;code;at\nFA-2026-0001;200;yesterday\n")
    assert platforms.take_statuses(trade.session, folder, at=LATER) == 0
    last = trade.session.scalars(told.order_by(OutboxRow.id.desc())).first()
    assert last is not None
    assert "ligne 2, at" in letters.content(trade.session, last, house=trade.house, at=LATER).html


def test_a_wrong_row_is_named_and_nothing_is_kept(trade: Trade) -> None:
    trade.invoiced((trade.article, "2"))
    for row, said in WRONG.items():
        content = f"number;code;at;reason;comment\n{row}\n"
        with pytest.raises(ImportRefused) as error:
            import_file(trade.session, "statuses", content.encode(), by=SYSTEM, at=LATER)
        assert said in str(error.value)
    assert trade.session.scalar(select(func.count(InvoiceStatus.id))) == 0


def test_a_status_never_changes_not_even_by_hand(trade: Trade) -> None:
    row = refused(trade, trade.invoiced((trade.article, "2")))
    row.reason = "DOUBLON"
    with pytest.raises(DatabaseError, match="never change"):
        trade.session.flush()


def test_a_copy_is_of_courtesy_only_between_french_firms_and_once_a_platform_carries(
    trade: Trade, house: House
) -> None:
    document = invoices.by_number(trade.session, trade.invoiced((trade.article, "2")).number).paper.document
    by_folder = house.model_copy(update={"platform": "folder"})
    assert platforms.courtesy(document, by_folder)
    assert not platforms.courtesy(document, house)
    for buyer in ({"country": "BE"}, {"siren": "", "siret": ""}):
        other = dataclasses.replace(document, buyer=dataclasses.replace(document.buyer, **buyer))
        assert not platforms.courtesy(other, by_folder)
        assert platforms.rule(other) == ("B2BInt" if "country" in buyer else "B2C")
