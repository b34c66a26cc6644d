"""Workbooks and lists of values: what is hidden, merged, calculated or oddly encoded."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from intake import attachments
from intake.attachments import Paper
from intake.incoming import Attachment
from intake.reading import tables

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Workbook = Callable[..., bytes]
TITLES = ["Article", "Qté"]


def read(content: bytes, media_type: str = XLSX, name: str = "bc.xlsx") -> Paper:
    paper = attachments.read(Attachment(name, media_type, content))
    assert paper is not None
    return paper


def said(paper: Paper) -> list[tuple[str, Decimal | None]]:
    return [(line.designation, line.quantity) for line in tables.lines(paper)]


def test_cells_keep_their_place_below_empty_rows(xlsx: Workbook) -> None:
    paper = read(xlsx({"Besoins": [[], [None, "Bon"], [], [None, *TITLES], [None, "Lait", 3]]}))
    (line,) = tables.lines(paper)
    assert (line.evidence.sheet, line.evidence.row, line.evidence.cell) == ("Besoins", 5, "C5")
    assert paper.findings == ()


def test_numbers_of_cells_are_numbers_whatever_their_decimals(xlsx: Workbook) -> None:
    rows = [["EAN", *TITLES], [3614281000013.0, "Comté", 1.125], [3614281000020, "Lait", 1000]]
    lines = tables.lines(read(xlsx({"F": rows})))
    assert [(line.codes, line.quantity, line.certainty) for line in lines] == [
        (("3614281000013",), Decimal("1.1250"), 1), (("3614281000020",), 1000, 1),
    ]  # fmt: skip


def test_s26_a_formula_counts_by_its_stored_result_and_one_without_is_said(xlsx: Workbook) -> None:
    stored = read(xlsx({"F": [TITLES, ["Lait", "=2*3|6"]]}))
    assert (said(stored), stored.findings) == ([("Lait", 6)], ())
    never = read(xlsx({"F": [TITLES, ["Lait", "=2*3"], ["Riz", 2]]}))
    assert (said(never), never.findings) == ([("Riz", 2)], ("formulas_not_calculated",))


def test_s26_hidden_sheets_are_left_out_and_hidden_rows_are_doubtful(xlsx: Workbook) -> None:
    sheets = {"Commande": [TITLES, ["Lait", 3], ["Riz", 9]], "Ancien": [TITLES, ["Vin", 40]]}
    paper = read(xlsx(sheets, hidden_sheets=["Ancien"], hidden_rows=[3]))
    assert [(line.designation, line.certainty) for line in tables.lines(paper)] == [
        ("Lait", 1),
        ("Riz", Decimal("0.5")),
    ]
    assert paper.findings == ("hidden_rows",)


def test_s26_rows_and_columns_have_an_end(xlsx: Workbook) -> None:
    far = read(xlsx({"F": [TITLES, *[[f"Article {n}", 1] for n in range(5_100)]]}))
    assert len(tables.lines(far)) == 4_999
    assert far.findings == ("too_many_rows",)
    wide = read(xlsx({"F": [[*TITLES, *["x"] * 300], ["Lait", 3]]}))
    assert (said(wide), wide.findings) == ([("Lait", 3)], ("too_many_rows",))


def test_merged_titles_and_merged_names(xlsx: Workbook) -> None:
    rows = [
        ["Produit", "Taille", "Quantités", None], [None, None, "Lyon", "Nice"],
        ["Drap housse", "90x190", 4, 2], [None, "140x190", 1, None],
    ]  # fmt: skip
    paper = read(xlsx({"F": rows}, merged=["A1:A2", "B1:B2", "C1:D1", "A3:A4"]))
    lines = tables.lines(paper)
    assert [line.quantity for line in lines] == [6, 1]
    assert all("Drap housse" in line.text for line in lines)
    assert ["90x190" in lines[0].text, "140x190" in lines[1].text] == [True, True]


def test_each_sheet_is_a_table_of_its_own(xlsx: Workbook) -> None:
    paper = read(xlsx({"Bar": [TITLES, ["Vin", 6]], "Cuisine": [["Notes"], ["rien"]], "Salle": [TITLES, ["Thé", 2]]}))
    assert said(paper) == [("Vin", 6), ("Thé", 2)]
    assert [line.evidence.sheet for line in tables.lines(paper)] == ["Bar", "Salle"]


@pytest.mark.parametrize(
    "text",
    [
        "Produit;Prix;Quantité\nLait entier, 1 L;1,20;3\n",
        "sep=;\r\nProduit;Prix;Quantité\r\nLait entier, 1 L;1,20;3\r\n",
        "Produit\tPrix\tQuantité\nLait entier, 1 L\t1,20\t3\n",
        'Produit,Prix,Quantité\n"Lait entier, 1 L","1,20",3\n',
        "Produit|Prix|Quantité\nLait entier, 1 L|1,20|3\n",
    ],
)
@pytest.mark.parametrize("charset", ["utf-8-sig", "cp1252", "utf-16"])
def test_a_list_is_read_whatever_separates_its_values(text: str, charset: str) -> None:
    (line,) = tables.lines(read(text.encode(charset), "text/csv", "liste.csv"))
    assert (line.designation, line.quantity, line.unit_price) == ("Lait entier, 1 L", 3, Decimal("1.20"))


def test_a_quote_that_nobody_closed_swallows_no_row() -> None:
    rows = "".join(f"Tuyau {n};{n}\n" for n in range(1, 40))
    content = f'Article;Qté\nÉcran 24";2\n"Vis;1\n{rows}'.encode()
    assert len(tables.lines(read(content, "text/csv", "liste.csv"))) == 41


def test_a_list_beyond_five_megabytes_is_refused() -> None:
    paper = read(b"Article;Qte\n" + b"Lait;3\n" * 800_000, "text/csv", "liste.csv")
    assert (paper.tables, paper.findings) == ((), ("file_too_large",))
