"""`comptoir export …` as a person types it, and what `comptoir check` says of files that could not be written."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from bot import checkup, cli
from core import handovers, papers
from core.db import transaction
from core.journal import JournalEntry
from core.settings import House, Settings
from tests.core.builders import AT, Trade, furnish

Type = Callable[..., tuple[int, str, str]]
TOML = """
[house]
name = "Linge et Maison SAS"
invoicing = "comptoir"
"""


@pytest.fixture
def type_(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type a command in an own folder; its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPTOIR_DATABASE_URL", database_url)
    Path("comptoir.toml").write_text(TOML, "utf-8")

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["comptoir", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return call


HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    vat_number="FR44732829320", terms_version="2026-01",
)  # fmt: skip


def trade_in(engine: Engine, house: House) -> None:
    """One order through the whole circuit, its invoice printed."""
    with transaction(engine) as session:
        trade: Trade = furnish(session, house)
        invoice = trade.invoiced((trade.article, "2"), customer_reference="PO-1")
        papers.store(session, invoice.paper, pdf=b"%PDF stored", xml=b"<x/>")


def test_every_export_writes_its_files_and_twice_gives_the_same_bytes(engine: Engine, type_: Type) -> None:
    trade_in(engine, HOUSE)
    period = ("--since", "2026-03-01", "--until", "2026-03-31", "--out", "out")

    def everything() -> dict[str, bytes]:
        for words in (
            ("orders", *period), ("orders", "--layout", "ubl", *period), ("orders", "--layout", "sage_50", *period),
            ("customers", "--out", "out"), ("articles", "--out", "out"), ("invoices", *period),
        ):  # fmt: skip
            code, _, err = type_("export", *words)
            assert code == 0, err
        return {path.name: path.read_bytes() for path in Path("out").iterdir()}

    first = everything()
    assert sorted(first) == [
        "CMD-2026-0001.txt", "CMD-2026-0001.xml", "FA-2026-0001.json", "FA-2026-0001.pdf", "articles.csv",
        "customers.csv", "orders_2026-03-01_2026-03-31.csv",
    ]  # fmt: skip
    assert first["FA-2026-0001.pdf"] == b"%PDF stored"
    assert json.loads(first["FA-2026-0001.json"])["processingRule"] == "B2B"
    with transaction(engine) as session:
        said = select(JournalEntry).where(JournalEntry.action == "exported")
        assert len(session.scalars(said).all()) == 6
    assert everything() == first
    with transaction(engine) as session:
        assert len(session.scalars(said).all()) == 6
    code, out, err = type_("import", "customers", "out/customers.csv")
    assert (code, "1 unchanged" in out, "0 changed" in out) == (0, True, True), err


def test_what_cannot_be_written_is_one_sentence(engine: Engine, type_: Type) -> None:
    trade_in(engine, HOUSE)
    Path("full").write_text("a file", "utf-8")
    assert type_("export", "customers", "--out", "full/out")[:2] == (2, "")
    code, _, err = type_("export", "orders", "--since", "2026-03-01", "--layout", "sap")
    assert (code, "There is no layout sap" in err) == (2, True)
    code, _, err = type_("export", "orders", "--since", "2026-03-01", "--layout", "sap_idoc", "--out", "out")
    assert (code, "receiver_port" in err) == (2, True)
    assert not Path("out").exists()


def test_check_says_which_order_was_not_handed_over_and_why(engine: Engine, tmp_path: Path, database_url: str) -> None:
    house = HOUSE.model_copy(
        update={"invoicing": "erp", "erp_layout": "sage_100", "handover_folder": str(tmp_path / "erp")}
    )
    settings = Settings(database_url=database_url, house=house)
    with transaction(engine) as session:
        trade = furnish(session, house)
        trade.customer.erp_code = "C" * 18
        order = trade.confirm(trade.draft((trade.article, "2")))
    at = AT + timedelta(minutes=2)
    handovers.run(engine, house=house, at=at)

    def found() -> checkup.Finding:
        return next(one for one in checkup._handovers(settings, datetime.now(UTC)))

    assert not found().well
    assert f"{order.reference}: erp_code_too_long" in found().said
    with transaction(engine) as session:
        trade.customer.erp_code = "411C"
        session.merge(trade.customer)
    handovers.run(engine, house=house, at=at + timedelta(hours=1))
    assert found().well
