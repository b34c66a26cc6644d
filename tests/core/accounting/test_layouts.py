"""Each layout writes the common example of the field sheets byte for byte, and keeps to its widths."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fec_parser.parser import FECParser

from core.accounting.accounts import Chart, Journal
from core.accounting.entries import Entry, Line
from core.accounting.layouts import LAYOUTS
from core.accounting.layouts.fields import Correspondent, Handover
from core.errors import Refused
from core.money import ZERO, Money, total

TAB = "\t"
DAY = date(2026, 11, 24)


def debit(account: str, label: str, amount: int, customer: str = "", name: str = "") -> Line:
    return Line(account, label, Money.of(amount), ZERO, customer, name, "invoice:42" if customer else "")


def credit(account: str, label: str, amount: int) -> Line:
    return Line(account, label, ZERO, Money.of(amount))


def example(*sales: str, vat: str = "TVA collectee 20") -> Entry:
    """Invoice FA2026-0042 of the field sheets; they name the sales accounts differently from sheet to sheet."""
    return Entry(
        Journal.SALES, DAY, "FA2026-0042", DAY, "Facture FA2026-0042", DAY,
        (
            debit("411000", "Clients", 240, "CLI0001", "BOULANGERIE DUPONT"), credit("707100", sales[0], 125),
            credit("707200", sales[1], 75), credit("445710", vat, 40),
        ),
        due_date=date(2026, 12, 24), means="58", number="VE000042", position=42,
    )  # fmt: skip


def handover(**given: object) -> Handover:
    usual: dict[str, object] = {"siren": "123456782", "until": date(2026, 12, 31), "first": 42}
    return Handover(**(usual | given))  # type: ignore[arg-type]


def written(layout: str, entries: Sequence[Entry], encoding: str, given: Handover | None = None) -> list[str]:
    """The lines of the first file; every one ends with CRLF."""
    content = LAYOUTS[layout].write(entries, given or handover())[0].content.decode(encoding)
    assert content.endswith("\r\n")
    assert content.count("\n") == content.count("\r\n")
    return content.split("\r\n")[:-1]


def sheet(layout: str) -> list[str]:
    """The lines of the field sheet's example; tests/core/accounting/examples holds them as they are given there."""
    return (Path(__file__).parent / "examples" / f"{layout}.txt").read_text("utf-8").splitlines()


def test_fec_is_the_example_of_its_sheet_and_its_name_says_whose_and_until_when() -> None:
    entry = example("Ventes A", "Ventes B")
    assert written("fec", [entry], "utf-8") == sheet("fec")
    (file,) = LAYOUTS["fec"].write([entry], handover())
    assert file.name == "123456782FEC20261231.txt"
    with pytest.raises(Refused, match="siren_missing"):
        LAYOUTS["fec"].write([entry], handover(siren=""))


def test_fec_is_read_and_balanced_by_an_independent_reader() -> None:
    (file,) = LAYOUTS["fec"].write([example("Ventes A", "Ventes B")], handover())
    read = list(FECParser.from_bytesio(io.BytesIO(file.content)).get_ecritures())
    assert len(read) == 4
    assert sum(row.debit for row in read) == sum(row.credit for row in read) == 240


def test_fec_texts_hold_nothing_that_separates_and_each_encoding_keeps_what_it_can() -> None:
    entry = replace(example("Ventes A", "Ventes B"), label="Facture\tœuvre | à\r\n5 €\u4e2d")
    for encoding, expected in [("utf-8", "Facture œuvre   à 5 €\u4e2d"), ("iso-8859-15", "Facture œuvre   à 5 €?")]:
        rows = [line.split(TAB) for line in written("fec", [entry], encoding, handover(encoding=encoding))]
        assert [len(row) for row in rows] == [18] * 5
        assert rows[1][10] == expected


def test_ximport_is_the_example_of_its_sheet_and_every_line_has_142_positions() -> None:
    entry = example("Ventes marchandises A", "Ventes marchandises B")
    lines = written("ximport", [entry], "ascii")
    assert lines == sheet("ximport")
    assert {len(line) for line in lines} == {142}
    widths = (5, 2, 8, 8, 12, 11, 25, 13, 1, 12, 6, 34, 1, 4)
    assert sum(widths) == 142


def test_ebp_is_the_example_of_its_sheet_with_the_customers_beside_it() -> None:
    dupont = Correspondent("12 rue du Four", "69001", "LYON", "FR", "Mme Dupont", "0400000000")
    entry = example("A", "B")
    entries, accounts = LAYOUTS["ebp"].write([entry], handover(customers={"CLI0001": dupont}))
    assert entries.name == "ECRITURES.TXT"
    assert entries.content.decode("cp1252").split("\r\n") == [*sheet("ebp"), ""]
    assert accounts.name == "COMPTES.TXT"
    assert accounts.content == (
        b"411CLI0001,BOULANGERIE DUPONT,BOULANGERIE DUPONT,12 rue du Four,69001,LYON,France,Mme Dupont,0400000000,\r\n"
    )
    assert {len(row) for row in csv.reader(io.StringIO(entries.content.decode("cp1252")))} == {11}


def test_sage_100_is_the_example_of_its_sheet_with_38_fields_and_an_empty_line_a_block() -> None:
    sage = handover(chart=Chart(journals={Journal.SALES: "VTE"}))
    lines = written("sage100", [example("A", "B")], "cp850", sage)
    assert lines[:3] == ["#FLG 000", "#VER 31", "#DEV EUR"]
    assert lines[-1] == "#FIN"
    blocks = [lines[at : at + 40] for at in range(3, len(lines) - 1, 40)]
    assert [block[0] for block in blocks] == ["#MECG"] * 4
    assert blocks[0] == sheet("sage100")
    others = [
        (block[7], block[9], block[13], block[17], block[18]) for block in blocks[1:]
    ]  # what the sheet says of the other three
    assert others == [
        ("707100", "", "", "1", "125,00"), ("707200", "", "", "1", "75,00"), ("445710", "", "", "1", "40,00"),
    ]  # fmt: skip


def test_sage_100_by_columns_is_the_vendors_order() -> None:
    sage = handover(chart=Chart(journals={Journal.SALES: "VTE"}))
    assert written("sage100-delimited", [example("A", "B")], "cp1252", sage) == sheet("sage100-delimited")
    assert LAYOUTS["sage100-delimited"].experimental


def test_csv_has_a_header_and_texts_that_are_no_formulas_s31() -> None:
    entry = replace(example("A", "B"), label="=1+1", piece="\uff20x")
    (file,) = LAYOUTS["csv"].write([entry], handover())
    assert file.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][0] == "Journal"
    assert {len(row) for row in rows} == {len(rows[0])}
    assert (rows[1][8], rows[1][10], rows[1][12], rows[1][13]) == ("'\uff20x", "'=1+1", "240,00", "0,00")


#: layout, what is too long, the field that the refusal names; the widths are those of the field sheets, §0.
TOO_LONG = [
    ("ximport", {"piece": "FA-2026-000000042"}, "piece"),
    ("ximport", {"customer": "CLI000000001"}, "account"),
    ("ximport", {"journal": "VTE"}, "journal"),
    ("ebp", {"piece": "FA-2026-00000000042"}, "piece"),
    ("ebp", {"customer": "CLI00001"}, "account"),
    ("ebp", {"journal": "VENTE"}, "journal"),
    ("sage100", {"piece": "FA-2026-0000000000042"}, "piece"),
    ("sage100", {"customer": "C" * 18}, "customer"),
    ("sage100", {"journal": "VENTES1"}, "journal"),
    ("sage100-delimited", {"customer": "C" * 18}, "customer"),
]


@pytest.mark.parametrize(("layout", "given", "named"), TOO_LONG)
def test_a_code_that_does_not_fit_is_refused_by_its_field_and_a_label_is_cut(
    layout: str, given: dict[str, str], named: str
) -> None:
    entry = example("A", "B")
    entry = replace(entry, label="L" * 200, piece=given.get("piece", entry.piece))
    good = handover(chart=Chart(journals={Journal.SALES: "VT"}))
    if "piece" not in given:
        assert LAYOUTS[layout].write([entry], good)
    first = replace(entry.lines[0], customer=given.get("customer", "CLI0001"))
    entry = replace(entry, lines=(first, *entry.lines[1:]))
    bad = handover(chart=Chart(journals={Journal.SALES: given.get("journal", "VT")}))
    with pytest.raises(Refused) as refusal:
        LAYOUTS[layout].write([entry], bad)
    assert (refusal.value.code, refusal.value.data["field"]) == ("field_too_long", named)


def test_an_account_that_was_named_stands_for_a_code_that_is_too_long() -> None:
    entry = example("A", "B")
    first = replace(entry.lines[0], customer="CLI0000000001")
    entry = replace(entry, lines=(first, *entry.lines[1:]))
    named = handover(chart=Chart(auxiliaries={"CLI0000000001": "411DUPONT"}))
    assert "411DUPONT  " in written("ximport", [entry], "ascii", named)[0]


def test_our_own_numbers_fit_every_layout() -> None:
    payment = replace(example("A", "B"), piece="REG-2026-0001", journal=Journal.BANK, position=1)
    for layout in LAYOUTS.values():
        assert layout.write([payment], handover())
    assert "REG20260001 " in written("ximport", [payment], "ascii")[0]


def test_more_entries_than_five_digits_are_refused() -> None:
    with pytest.raises(Refused, match="too_many_entries"):
        LAYOUTS["ximport"].write([example("A", "B")], handover(first=100_000))


def test_a_period_without_entries_is_a_file_without_rows() -> None:
    assert written("fec", [], "utf-8") == sheet("fec")[:1]
    assert written("sage100", [], "cp850") == ["#FLG 000", "#VER 31", "#DEV EUR", "#FIN"]


def test_the_example_is_balanced() -> None:
    entry = example("A", "B")
    assert entry.debit == total(line.credit for line in entry.lines) == Money.of(240)
