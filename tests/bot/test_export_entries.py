"""`comptoir export entries` as an accountant types it."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot import cli, export_entries
from core.accounting.layouts import LAYOUTS
from core.db import engine as opened
from core.db import transaction
from core.settings import House
from tests.core.builders import furnish

NOW = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
Type = Callable[..., tuple[int, str, str]]

SETTINGS = """
[house]
name = "Linge et Maison SAS"
siren = "732829320"
[accounting]
bank = "512100"
[accounting.sales]
goods = "707100"
[accounting.journals]
VE = "VTE"
"""


@pytest.fixture
def type_(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Type:
    """Type a command in a folder whose desk sold something in March; its exit code and what it printed."""
    (tmp_path / "comptoir.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPTOIR_DATABASE_URL", database_url)
    monkeypatch.setattr(cli, "now", lambda: NOW)
    house = House(
        name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
        vat_number="FR44732829320", terms_version="2026-01", penalty_rate=Decimal("12.15"),
    )  # fmt: skip
    engine = opened(database_url)
    with transaction(engine) as session:
        trade = furnish(session, house)
        trade.invoiced((trade.article, "10"))
    engine.dispose()

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["comptoir", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_the_month_before_is_written_and_again_the_same(type_: Type, tmp_path: Path) -> None:
    code, out, _ = type_("export", "entries", "--out", "first")
    assert (code, out.strip()) == (0, "first/732829320FEC20260331.txt")
    content = (tmp_path / out.strip()).read_bytes()
    rows = [line.split("\t") for line in content.decode().split("\r\n")[1:-1]]
    assert [(row[0], row[2], row[4], row[11], row[12]) for row in rows] == [
        ("VTE", "VE-2026-03-00001", "411000", "1200,00", "0,00"),
        ("VTE", "VE-2026-03-00001", "707100", "0,00", "1000,00"),
        ("VTE", "VE-2026-03-00001", "445711", "0,00", "200,00"),
    ]
    assert type_("export", "entries", "--out", "again", "--close")[0] == 0
    assert (tmp_path / "again" / "732829320FEC20260331.txt").read_bytes() == content
    assert type_("export", "journal", "--from", "2026-03-01", "--until", "2026-03-31", "--out", "j")[0] == 0
    table = list(csv.reader(io.StringIO((tmp_path / "j" / "JOURNAL.CSV").read_text("utf-8-sig")), delimiter=";"))
    assert [row[7:9] + row[11:12] for row in table[1:]] == [["1000,00", "200,00", "1200,00"]] * 2
    assert table[-1][6] == "Totaux"


#: What is typed, and what the refusal must name.
REFUSED = [
    (("--layout", "pnm"), "There is no layout pnm"),
    (("--encoding", "klingon"), "There is no encoding klingon"),
    (("--from", "2026-03-31", "--until", "2026-03-01"), "before it begins"),
    (("--until", "2026-04-30", "--close"), "2026-04-30 is not over yet"),
    (("--layout", "ximport"), "journal VTE is longer than the 2 characters"),
]


def test_what_cannot_be_written_is_refused_by_name_and_nothing_is_there(type_: Type, tmp_path: Path) -> None:
    for words, said in REFUSED:
        code, _, err = type_("export", "entries", "--out", "none", *words)
        assert (code, said in err) == (2, True), err
    assert not (tmp_path / "none").exists()
    code, _, err = type_("keep-late", "REG-2026-0001", "FA-2026-0001", "--interest", "12,40")
    assert (code, err.strip()) == (2, "There is no payment REG-2026-0001.")


def test_every_layout_is_told_with_its_state() -> None:
    for name, layout in LAYOUTS.items():
        assert f"{name}: " in export_entries.LAYOUTS
        told = export_entries.LAYOUTS.split(f"{name}: ")[1].split(";")[0]
        assert ("experimental" in told) is layout.experimental, name


def test_a_period_is_last_month_or_begins_with_the_month_of_its_end() -> None:
    today = date(2026, 3, 14)
    assert export_entries.period(None, None, today=today) == (date(2026, 2, 1), date(2026, 2, 28))
    until = datetime(2026, 3, 10)  # noqa: DTZ001 - a day as typer reads it
    assert export_entries.period(None, until, today=today) == (date(2026, 3, 1), date(2026, 3, 10))
