"""The purchase order that the demo's hotel mails: a page that a reader of ours has never seen."""

import io
from datetime import date
from decimal import Decimal

import pdfplumber
import pytest

from bot.demo.purchase_order import PurchaseLine, purchase_order_pdf, sample
from core.documents import Party

HOTEL = Party(name="Hôtel Bellevue", street="3 montée du Belvédère", postcode="69005", city="Lyon",
              siret="99921837300028", vat_number="FR14999218373", email="achats@hotel-bellevue.example")  # fmt: skip
SUPPLIER = Party(name="Maison Delorme", street="24 rue des Entrepôts", postcode="69120", city="Vaulx-en-Velin")


def page_of(lines: tuple[PurchaseLine, ...]) -> pdfplumber.page.Page:
    pdf = purchase_order_pdf(
        number="4500123", on=date(2026, 11, 24), quote_reference="DE-2026-0001", lines=lines, buyer=HOTEL,
        supplier=SUPPLIER, deliver_to=HOTEL, wanted_on=date(2026, 12, 1), signed_by="Isabelle Morel",
    )  # fmt: skip
    pages = pdfplumber.open(io.BytesIO(pdf)).pages
    assert len(pages) == 1
    return pages[0]


@pytest.fixture(scope="module")
def page() -> pdfplumber.page.Page:
    return page_of(sample().lines)


def test_the_ruled_table_holds_the_six_lines_of_the_sample(page: pdfplumber.page.Page) -> None:
    table = next(table for table in page.extract_tables() if "Désignation" in table[0])
    assert [row[1] for row in table[1:7]] == ["HB-221", "HB-222", "HB-230", "HB-305", "HB-418", "HB-990"]
    assert table[2][2:7] == ["Drap de bain 70x140 blanc 500 g", "60", "pièce", "5,60 €", "336,00 €"]


def test_number_quote_dates_and_consent_can_be_read(page: pdfplumber.page.Page) -> None:
    text = page.extract_text()
    for words in ("4500123", "DE-2026-0001", "24/11/2026", "01/12/2026", "Bon pour accord, le 24/11/2026"):
        assert words in text


def test_the_total_is_the_sum_of_the_lines_with_their_vat(page: pdfplumber.page.Page) -> None:
    assert str(sum((line.net.amount for line in sample().lines), Decimal(0))) == "1191.50"
    text = page.extract_text().replace("\u202f", " ").replace("\xa0", " ")
    assert "Total HT 1 191,50 €" in text
    assert "Total TTC 1 429,80 €" in text


def test_a_designation_cannot_write_into_the_page() -> None:
    line = PurchaseLine("X-1", "<b>Savon</b> & gant", Decimal("2.5"), "kg", Decimal("1.005"))
    text = page_of((line,)).extract_text()
    assert "<b>Savon</b> & gant" in text
    assert "2,5 kg 1,005" in text
    assert "2,51" in text  # 2.5125
