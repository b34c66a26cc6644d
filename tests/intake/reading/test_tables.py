"""Rows of a table under its titles: quantities, sites, totals, and how sure a figure is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intake.attachments import Paper, Table
from intake.reading import AskedLine, figures, tables
from intake.reading.tables import letters


def asked(*rows: tuple[str, ...], sheet: str = "Feuil1") -> tuple[AskedLine, ...]:
    return tables.lines(Paper("bc.xlsx", tables=(Table(1, rows, sheet=sheet),)))


def said(*rows: tuple[str, ...]) -> list[tuple[str, Decimal | None]]:
    return [(line.designation, line.quantity) for line in asked(*rows)]


def test_the_header_may_stand_anywhere_and_speak_either_language() -> None:
    english = ("Hotel du Lac",), ("", "", "Order 12"), (), ("", "Item no", "Description", "Qty"), ("", "A", "Soap", "4")
    assert said(*english) == [("Soap", 4)]
    assert said(("PRODUITS", "Nbre"), ("Huile", "6")) == [("Huile", 6)]


def test_an_empty_quantity_a_dash_and_a_zero_order_nothing() -> None:
    rows = ("Article", "Qté"), ("Lait", "3"), ("Riz", ""), ("Sel", "-"), ("Thé", "0"), ("Vin", "\u2013")
    assert said(*rows) == [("Lait", 3)]


def test_a_quantity_that_is_no_number_is_asked_about_and_not_dropped() -> None:
    assert said(("Article", "Qté"), ("Lait", "comme la dernière fois"), ("Riz", "2")) == [("Lait", None), ("Riz", 2)]


def test_categories_notes_and_sub_totals_are_no_lines() -> None:
    rows = (
        ("Réf", "Désignation", "Qté", "PU HT"), ("", "Fromages", "", ""), ("F1", "Comté", "3", "12,00"),
        ("", "Sous-total fromages", "3", ""), ("", "Crèmerie", "", ""), ("F2", "Beurre", "5", "2,10"),
        ("", "Livrer avant 8 h", "", ""), ("", "Total", "8", ""),
    )  # fmt: skip
    assert said(*rows) == [("Comté", 3), ("Beurre", 5)]


def test_an_article_whose_name_begins_like_a_total_is_a_line() -> None:
    rows = ("Désignation", "Qté", "PU HT"), ("Total Quartz 5W30 5L", "4", "32,10"), ("Total", "4", "")
    assert said(*rows) == [("Total Quartz 5W30 5L", 4)]


@pytest.mark.parametrize(
    ("cell", "quantity", "unit", "content"),
    [
        ("3 cartons", 3, "carton", None), ("3 cartons de 6", 3, "carton", 6), ("12", 12, "", None),
        ("1 200", 1200, "", None), ("2,5", Decimal("2.5"), "", None), ("10 pcs", 10, "pièce", None),
    ],
)  # fmt: skip
def test_quantities_with_their_unit(cell: str, quantity: Decimal, unit: str, content: int | None) -> None:
    (line,) = asked(("Article", "Qté"), ("Lait", cell))
    assert (line.quantity, line.unit, line.content) == (quantity, unit, content)


def test_a_packing_column_says_what_one_holds() -> None:
    (line,) = asked(("Article", "Conditionnement", "Qté"), ("Crème", "carton de 6", "10"))
    assert (line.quantity, line.unit, line.content) == (10, "carton", 6)


def test_a_thousand_or_three_decimals_is_asked_about() -> None:
    for cell in ("1.000", "1,000"):
        (line,) = asked(("Article", "Qté"), ("Vis", cell))
        assert line.certainty <= Decimal("0.5"), cell


def test_decimals_elsewhere_or_the_amount_settle_what_a_comma_means() -> None:
    weighed = asked(("Article", "Qté"), ("Comté", "1,250"), ("Morbier", "0,500"))
    assert [(line.quantity, line.certainty) for line in weighed] == [(Decimal("1.250"), 1), (Decimal("0.500"), 1)]
    (counted,) = asked(("Article", "Qté", "PU", "Montant"), ("Vis", "1.000", "0,05", "50,00"))
    assert (counted.quantity, counted.certainty) == (1000, 1)


def test_columns_of_sites_are_summed() -> None:
    rows = ("Article", "Lyon", "Paris", "Nice", "Total"), ("Savon", "2", "", "3", "5"), ("Balai", "1", "1", "1", "3")
    assert [(line.quantity, line.certainty) for line in asked(*rows)] == [(5, 1), (3, 1)]


def test_sites_under_one_quantity_title_are_summed() -> None:
    rows = (
        ("Réf", "Article", "Quantités", "", "PU"), ("", "", "Atelier Nord", "Atelier Sud", ""),
        ("V1", "Vis", "10", "20", "1,00"), ("V2", "Écrou", "", "5", "2,00"),
    )  # fmt: skip
    assert [(line.quantity, line.unit_price, line.certainty) for line in asked(*rows)] == [(30, 1, 1), (5, 2, 1)]


def test_a_quantity_title_above_a_row_of_titles() -> None:
    rows = ("", "Quantités", ""), ("Article", "Bar", "Cuisine"), ("Citrons", "4", "6"), ("Sel", "", "1")
    assert said(*rows) == [("Citrons", 10), ("Sel", 1)]


def test_a_total_that_is_not_the_sum_of_its_sites_is_doubtful() -> None:
    rows = (
        ("Article", "Lyon", "Paris", "Qté"), ("Savon", "2", "3", "5"), ("Balai", "1", "1", "2"),
        ("Seau", "4", "4", "9"),
    )  # fmt: skip
    assert [(line.quantity, line.certainty == 1) for line in asked(*rows)] == [(5, True), (2, True), (9, False)]


def test_numbers_that_do_not_add_up_to_the_quantity_are_no_sites() -> None:
    rows = ("Article", "Poids", "Pages", "Qté"), ("Carnet", "120", "96", "5"), ("Bloc", "80", "50", "2")
    assert [(line.quantity, line.certainty) for line in asked(*rows)] == [(5, 1), (2, 1)]


def test_sites_that_nothing_names_as_quantities_are_not_sure() -> None:
    rows = ("Produit", "École A", "École B"), ("Gomme", "10", "5"), ("Règle", "", "7")
    lines = asked(*rows)
    assert [line.quantity for line in lines] == [15, 7]
    assert all(line.certainty < Decimal("0.9") for line in lines)


def test_several_columns_of_quantities_by_site() -> None:
    rows = ("Article", "Qté Lyon", "Qté Paris"), ("Savon", "2", "3"), ("Balai", "", "4")
    assert [line.quantity for line in asked(*rows)] == [5, 4]


def test_what_is_left_or_delivered_is_not_what_is_ordered() -> None:
    rows = (
        ("Article", "Qté en stock", "Qté livrée", "Qté à commander"),
        ("Savon", "9", "8", "3"),
        ("Balai", "2", "1", ""),
    )
    assert said(*rows) == [("Savon", 3)]


def test_each_line_points_at_its_cell() -> None:
    rows = ("Liste",), ("Article", "Stock", "Qté"), ("Savon", "9", "3")
    (line,) = asked(*rows)
    evidence = line.evidence
    assert (evidence.sheet, evidence.page, evidence.row, evidence.cell) == ("Feuil1", 1, 3, "C3")
    assert [letters(column) for column in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_codes_under_item_are_references_and_line_numbers_are_not() -> None:
    assert asked(("Item", "Description", "Qty"), ("W-01", "Chablis", "6"))[0].codes == ("W-01",)
    assert asked(("N°", "Description", "Qty"), ("1", "Chablis", "6"))[0].codes == ()


def test_a_misspelt_title_is_understood() -> None:
    assert said(("Désignatlon", "Quantlté"), ("Savon", "3")) == [("Savon", 3)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 234,56 €", "1234.56"), ("1.234,56", "1234.56"), ("1,234.56", "1234.56"), ("0,85", "0.85"), ("12.5", "12.5"),
        ("1.234.567", "1234567"), ("gratuit", None),
    ],
)  # fmt: skip
def test_prices_as_french_and_english_papers_write_them(text: str, number: str | None) -> None:
    assert figures.number_of(text) == (Decimal(number) if number else None)
