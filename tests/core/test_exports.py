"""Files for other programs: the field sheets' own example byte for byte, formulas that stay text, files whole."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from python_calamine import CalamineWorkbook

from core import exports, papers
from core.documents import Document, DocumentKind, DocumentLine, Party
from core.errors import Refused
from core.exports import cells, orders, outgoing, parties, workbooks
from core.imports import import_file
from core.journal import SYSTEM
from core.money import Money
from core.parties import Contact, DeliveryAddress
from core.vat import VatRate
from intake.attachments.orders import read_order
from tests.core.builders import AT, Trade

SAP = {"sales_organisation": "1010", "receiver_port": "SAPS4D", "receiver": "S4DCLNT100"}


def line(position: int, sku: str, name: str, quantity: str, price: str) -> DocumentLine:
    net = Money.of(Decimal(quantity) * Decimal(price))
    return DocumentLine(
        position=position, sku=sku, name=name, quantity=Decimal(quantity), unit="unité", unit_price=Decimal(price),
        net=net, vat=VatRate(Decimal(20)),
    )  # fmt: skip


#: The example that every sheet of the field notes shares.
ORDER = orders.Handed(
    Document(
        kind=DocumentKind.ORDER_CONFIRMATION, number="CMD2026-0042", issue_date=date(2026, 11, 24),
        seller=Party("DEMO NEGOCE SARL", "", "69002", "LYON", siret="12345678200010"),
        buyer=Party("BOULANGERIE DUPONT", "12 rue du Four", "69001", "LYON", siret="98765432400019", code="CLI0001"),
        buyer_order_number="PO-7781", requested_delivery_date=date(2026, 12, 1), payment_terms="30 jours",
        lines=(line(1, "ART001", "Farine T65 25 kg", "10", "12.50"), line(2, "ART002", "Levure 5 kg", "4", "18.75")),
    ),
    number=42, confirmed_at=datetime(2026, 11, 24, 8, 30, tzinfo=UTC),
)  # fmt: skip
IN_SAP = dataclasses.replace(ORDER, customer_code="100001")


def renamed(handed: orders.Handed, **changes: object) -> orders.Handed:
    return dataclasses.replace(handed, document=dataclasses.replace(handed.document, **changes))  # type: ignore[arg-type]


def written(layout: str, order: orders.Handed = ORDER, **options: str) -> bytes:
    return exports.handover(order, layout, options)[1]


def test_ebp_gestion_reads_the_sheet_s_lines_byte_for_byte() -> None:
    header = (
        "Document - Numéro du document;Document - Date;Document - Code client;Document - Nom du client;"
        "Document - Adresse 1 (facturation);Document - Code postal (facturation);Document - Ville (facturation);"
        "Document - Code Pays (facturation);Ligne - Code article;Ligne - Description;Ligne - Date de livraison;"
        "Ligne - Quantité;Ligne - PV HT;Ligne - Taux de TVA"
    )
    head = "CMD2026-0042;24/11/2026;CLI0001;BOULANGERIE DUPONT;12 rue du Four;69001;LYON;FR;"
    assert written("ebp_gestion").decode("cp1252").split("\r\n") == [
        header, f"{head}ART001;Farine T65 25 kg;01/12/2026;10;12,50;20",
        f"{head}ART002;Levure 5 kg;01/12/2026;4;18,75;20", "",
    ]  # fmt: skip
    utf8 = written("ebp_gestion", encoding="utf-8", decimal_mark=".")
    assert b"Num\xc3\xa9ro" in utf8
    assert b";12.50;20\r\n" in utf8


def test_sage_100_reads_the_sheet_s_records_byte_for_byte() -> None:
    head = (
        "#FLG 000|#VER 33|#CHEN|1|2|1|1|BC00042|241126|PO-7781|011226|||CLI0001|Dépôt principal||1|0|0,000000|CLI0001|1"
        "|1|0||||||||1|11|11|1|1|1|0|0,0000|0,0000|1|0|1|411000|09:30:00||||0|||0|0,00|0|0|0,00|0|0|0,0000|0|0|0,0000|0"
        "|0|0,0000|0|0||||0|0|0|||||0||0|0|||||0||0|0|0|"
    )
    one = (
        "#CHLI||{0}|{1}||||||||0|{2}|0,00|{3}|{3}|Pièce|0,0000|0,0000||0|0,00|0,00|0,00|0|||011226|Dépôt principal||1||"
        "0|20,0000|0|0|0,0000|0|0|0,0000|0|0|CLI0001|||0|0|||0|0|||241126|C20|||0||0,00|0|0||"
    )
    first = one.format("ART001", "Farine T65 25 kg", "12,5000", "10,00")
    second = one.format("ART002", "Levure 5 kg", "18,7500", "4,00")
    found = written("sage_100", renamed(ORDER, number="BC00042")).decode("cp850")
    assert found == f"{head}{first}{second}#FIN|".replace("|", "\r\n")
    records = re.split(r"#[A-Z]+(?: \d+)?\r\n", found)
    assert [record.count("\r\n") for record in records if record] == [86, 62, 62]


def test_sage_50_has_92_columns_and_only_the_cells_of_its_kind_of_row() -> None:
    header, *rows = [row.split("\t") for row in written("sage_50").decode("cp1252").splitlines()]
    assert {len(row) for row in (header, *rows)} == {92}
    filled = [{column: cell for column, cell in zip(header, row, strict=True) if cell} for row in rows]
    assert filled == [
        {"Type de Ligne": "E", "Type de pièce": "Commande", "Date pièce": "24/11/2026", "Référence pièce": "PO-7781",
         "Code client": "CLI0001", "Nom client": "BOULANGERIE DUPONT", "Adresse 1": "12 rue du Four",
         "Code postal": "69001", "Ville": "LYON", "Code pays": "FRA", "Pays": "France", "Mode gestion TVA": "Local",
         "Code mode de paiement": "VIR", "Date échéance": "24/12/2026", "Date livraison pièce": "01/12/2026",
         "Mt total TTC": "240.00"},
        {"Type de Ligne": "L", "Code article": "ART001", "Quantité": "10.000", "PU HT": "12.50", "PU TTC": "15.00",
         "Taux TVA": "20.00", "Description": "Farine T65 25 kg", "Date livraison": "01/12/2026", "N° ligne": "1"},
        {"Type de Ligne": "L", "Code article": "ART002", "Quantité": "4.000", "PU HT": "18.75", "PU TTC": "22.50",
         "Taux TVA": "20.00", "Description": "Levure 5 kg", "Date livraison": "01/12/2026", "N° ligne": "2"},
    ]  # fmt: skip


IDOC = """<ORDERS05><IDOC BEGIN="1">
<EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DOCNUM>0000000000000042</DOCNUM><DIRECT>2</DIRECT>\
<IDOCTYP>ORDERS05</IDOCTYP><MESTYP>ORDERS</MESTYP><SNDPOR>COMPTOIR</SNDPOR><SNDPRT>KU</SNDPRT>\
<SNDPRN>0000100001</SNDPRN><RCVPOR>SAPS4D</RCVPOR><RCVPRT>LS</RCVPRT><RCVPRN>S4DCLNT100</RCVPRN>\
<CREDAT>20261124</CREDAT><CRETIM>093000</CRETIM></EDI_DC40>
<E1EDK01 SEGMENT="1"><CURCY>EUR</CURCY></E1EDK01>
<E1EDK14 SEGMENT="1"><QUALF>008</QUALF><ORGID>1010</ORGID></E1EDK14>
<E1EDK14 SEGMENT="1"><QUALF>007</QUALF><ORGID>10</ORGID></E1EDK14>
<E1EDK14 SEGMENT="1"><QUALF>006</QUALF><ORGID>00</ORGID></E1EDK14>
<E1EDK14 SEGMENT="1"><QUALF>012</QUALF><ORGID>OR</ORGID></E1EDK14>
<E1EDK03 SEGMENT="1"><IDDAT>012</IDDAT><DATUM>20261124</DATUM></E1EDK03>
<E1EDK03 SEGMENT="1"><IDDAT>002</IDDAT><DATUM>20261201</DATUM></E1EDK03>
<E1EDKA1 SEGMENT="1"><PARVW>AG</PARVW><PARTN>0000100001</PARTN></E1EDKA1>
<E1EDKA1 SEGMENT="1"><PARVW>WE</PARVW><PARTN>0000100001</PARTN></E1EDKA1>
<E1EDK02 SEGMENT="1"><QUALF>001</QUALF><BELNR>PO-7781</BELNR><DATUM>20261124</DATUM></E1EDK02>
<E1EDP01 SEGMENT="1"><POSEX>000010</POSEX><MENGE>10.000</MENGE><MENEE>PCE</MENEE><VPREI>12.50</VPREI><PEINH>1</PEINH>\
<CURCY>EUR</CURCY>
 <E1EDP20 SEGMENT="1"><WMENG>10.000</WMENG><EDATU>20261201</EDATU></E1EDP20>
 <E1EDP19 SEGMENT="1"><QUALF>002</QUALF><IDTNR>ART001</IDTNR><KTEXT>Farine T65 25 kg</KTEXT></E1EDP19></E1EDP01>
<E1EDP01 SEGMENT="1"><POSEX>000020</POSEX><MENGE>4.000</MENGE><MENEE>PCE</MENEE><VPREI>18.75</VPREI><PEINH>1</PEINH>\
<CURCY>EUR</CURCY>
 <E1EDP20 SEGMENT="1"><WMENG>4.000</WMENG><EDATU>20261201</EDATU></E1EDP20>
 <E1EDP19 SEGMENT="1"><QUALF>002</QUALF><IDTNR>ART002</IDTNR><KTEXT>Levure 5 kg</KTEXT></E1EDP19></E1EDP01>
</IDOC></ORDERS05>
"""


def test_the_idoc_is_the_sheet_s_byte_for_byte_and_a_revision_has_a_number_of_its_own() -> None:
    declaration, _, body = written("sap_idoc", IN_SAP, **SAP).decode().partition("\n")
    assert declaration == "<?xml version='1.0' encoding='UTF-8'?>"
    assert body == IDOC
    revised = written("sap_idoc", renamed(IN_SAP, revision=2), **SAP)
    assert b"<DOCNUM>0020000000000042</DOCNUM>" in revised
    finer = renamed(IN_SAP, lines=(line(1, "ART001", "Sachet", "1000", "0.1234"),))
    assert b"<VPREI>12.34</VPREI><PEINH>100</PEINH>" in written("sap_idoc", finer, **SAP)


def test_the_services_of_sap_and_the_small_ones_get_the_sheet_s_bodies() -> None:
    assert written("sap_s4", IN_SAP, sales_organisation="1010").decode() == (
        '{"SalesOrderType":"OR","SalesOrganization":"1010","DistributionChannel":"10","OrganizationDivision":"00",'
        '"SoldToParty":"100001","PurchaseOrderByCustomer":"PO-7781",'
        '"CustomerPurchaseOrderDate":"/Date(1795478400000)/","RequestedDeliveryDate":"/Date(1796083200000)/",'
        '"TransactionCurrency":"EUR","to_Item":[{"SalesOrderItem":"10","Material":"ART001","RequestedQuantity":"10"},'
        '{"SalesOrderItem":"20","Material":"ART002","RequestedQuantity":"4"}]}\n'
    )
    assert written("sap_b1").decode() == (
        '{"CardCode":"CLI0001","DocDate":"2026-11-24","DocDueDate":"2026-12-01","DocumentLines":['
        '{"ItemCode":"ART001","Quantity":10,"UnitPrice":12.5},{"ItemCode":"ART002","Quantity":4,"UnitPrice":18.75}]}\n'
    )
    assert written("odoo", renamed(ORDER, number="CMD2026-0042")).decode() == (
        "id,partner_id/id,client_order_ref,date_order,order_line/product_id/id,order_line/product_uom_qty,"
        "order_line/price_unit\n"
        "cmd2026_0042,cli0001,PO-7781,2026-11-24 09:30:00,art001,10,12.50\n"
        ",,,,art002,4,18.75\n"
    )
    known = dataclasses.replace(ORDER, customer_code="2", article_codes={"ART001": "2", "ART002": "3"})
    body = json.loads(written("dolibarr", known))
    assert (body["socid"], body["date"], body["type"]) == (2, 1795478400, 0)
    assert [(one["fk_product"], one["qty"]) for one in body["lines"]] == [(2, 10), (3, 4)]


def test_ubl_reads_back_through_our_own_intake_and_keeps_peppol_s_sums() -> None:
    content = written("ubl")
    read = read_order(content)
    assert read is not None
    assert (read.kind, read.number, read.wanted_on) == ("order", "PO-7781", date(2026, 12, 1))
    assert (read.names, read.total_net) == (("BOULANGERIE DUPONT",), Decimal("200.00"))
    assert {"98765432400019", "CLI0001"} <= set(read.numbers)
    assert [(one.our_reference, one.name, one.quantity, one.unit, one.unit_price) for one in read.lines] == [
        ("ART001", "Farine T65 25 kg", Decimal(10), "C62", Decimal("12.50")),
        ("ART002", "Levure 5 kg", Decimal(4), "C62", Decimal("18.75")),
    ]
    root = etree.fromstring(content)

    def sums(path: str) -> list[Decimal]:
        return [Decimal(str(one.text)) for one in root.iterfind(f".//{{*}}{path}")]

    total, exclusive, inclusive, payable = (
        sums(f"AnticipatedMonetaryTotal/{{*}}{name}")[0]
        for name in ("LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount")
    )
    assert sum(sums("LineItem/{*}LineExtensionAmount")) == total == exclusive  # R008
    assert inclusive == exclusive + sums("TaxTotal/{*}TaxAmount")[0] == payable  # R017, R016
    for item in root.iterfind(".//{*}LineItem"):  # R024
        price, count = item.findtext("{*}Price/{*}PriceAmount"), item.findtext("{*}Quantity")
        assert Decimal(str(price)) * Decimal(str(count)) == Decimal(str(item.findtext("{*}LineExtensionAmount")))
    assert [etree.QName(one).localname for one in root][:7] == [
        "CustomizationID", "ProfileID", "ID", "SalesOrderID", "IssueDate", "OrderTypeCode", "DocumentCurrencyCode",
    ]  # fmt: skip
    with pytest.raises(Refused, match="erp_code_missing"):
        written("ubl", renamed(ORDER, buyer=dataclasses.replace(ORDER.document.buyer, siret="")))


@pytest.mark.parametrize(
    ("layout", "changes", "options", "code"),
    [
        ("sage_100", {"number": "CMD-2026-00042"}, {}, "erp_code_too_long"),
        ("sage_100", {"lines": (line(1, "A" * 19, "x", "1", "1"),)}, {}, "erp_code_too_long"),
        ("sage_100", {"lines": (line(1, "A", "x", "1", "1.23456"),)}, {}, "erp_number_too_fine"),
        ("sap_idoc", {"buyer_order_number": "P" * 36}, SAP, "erp_code_too_long"),
        ("sap_idoc", {"lines": (line(1, "A", "x", "0.0001", "1"),)}, SAP, "erp_number_too_fine"),
        ("sap_idoc", {}, {}, "erp_code_missing"),
        ("sap_s4", {"buyer_order_number": "P" * 36}, {"sales_organisation": "1010"}, "erp_code_too_long"),
        ("dolibarr", {}, {}, "erp_code_missing"),
        ("sage_50", {}, {"colour": "red"}, "erp_option_unknown"),
        ("ebp_gestion", {}, {"encoding": "klingon"}, "erp_option_unknown"),
    ],
)
def test_a_code_that_does_not_fit_is_refused(
    layout: str, changes: dict[str, object], options: dict[str, str], code: str
) -> None:
    with pytest.raises(Refused, match=code):
        written(layout, renamed(ORDER, **changes), **options)


def test_a_label_is_cut_and_never_ends_a_field_or_a_record() -> None:
    nasty = renamed(ORDER, lines=(line(1, "ART001", "Crème\tbrûlée\r\n#FIN œ € " + "x" * 90, "1", "2"),))
    record = written("sage_100", nasty).decode("cp850").split("\r\n")
    assert record[record.index("#CHLI") + 3] == ("Crème brûlée #FIN ? ? " + "x" * 90)[:69]
    assert record.count("#FIN") == 1
    row = written("sage_50", nasty).decode("cp1252").splitlines()[2]
    assert row.count("\t") == 91


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A", " =1", "'=1"]  # noqa: RUF001


@pytest.mark.parametrize("formula", FORMULAS)
def test_s31_text_that_looks_like_a_formula_leaves_as_text(formula: str) -> None:
    body = cells.csv(["a"], [[formula]]).decode("utf-8-sig").split("\r\n", 1)[1]
    cell = next(csv.reader(io.StringIO(body, newline=""), delimiter=";"))[0]
    assert cell == f"'{formula}"
    assert cells.restored(cell) == formula


def test_s31_numbers_and_phones_keep_their_sign_by_the_type_of_their_column() -> None:
    row = [Decimal("-12.50"), Money.of("-3"), -4, cells.Phones("+33 4 65 71 12 01|06 39 98 12 01"), "+33465711201",
           cells.Phones("+1+1"), date(2026, 3, 10), True, None, 'a;=1"']  # fmt: skip
    written = cells.csv(["x"] * len(row), [row])
    assert written.startswith(b"\xef\xbb\xbfx;")
    assert written.decode("utf-8-sig").split("\r\n")[1] == (
        '-12,5;-3,00;-4;+33 4 65 71 12 01|06 39 98 12 01;\'+33465711201;\'+1+1;10/03/2026;1;;"a;=1"""'
    )


@given(st.text(alphabet="=+-@\t\r\n'＝＠ a1;é", max_size=8))  # noqa: RUF001
def test_s31_what_is_made_harmless_comes_back_as_it_was(text: str) -> None:
    safe = cells.neutral(text)
    assert cells.restored(safe) == text
    assert safe[:1] not in cells.FORMULA


def test_s31_a_workbook_holds_text_as_text_and_is_the_same_twice() -> None:
    row = ["=1+1", "a<b&c", "0042", cells.Phones("+33465711201"), Decimal("-12.5"), Money.of("-3"), 7, AT.date(), None]
    content = workbooks.xlsx(["x"] * len(row), [row])
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    assert sheet.to_python()[1] == ["=1+1", "a<b&c", "0042", "+33465711201", -12.5, -3, 7, date(2026, 3, 10), ""]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert b'quotePrefix="1"' in archive.read("xl/styles.xml")
    assert workbooks.xlsx(["x"] * len(row), [row]) == content


def test_s31_customers_and_articles_come_back_unchanged_from_their_own_export(trade: Trade) -> None:
    session, customer = trade.session, trade.customer
    customer.name, customer.minimum_order, customer.deposit_percent = "=HYPERLINK(1)", Money.of(150), Decimal(30)
    customer.erp_code, customer.delivery_weekdays = "0042", "135"
    customer.contacts.append(Contact(email="-cmd@bellevue.example", phone="+33 4 65 71 12 01"))
    customer.addresses.append(DeliveryAddress(street="7 impasse @", postcode="01600", city="+Trévoux"))
    article = trade.add_article("-SKU", "0.123456", vat="5.5")
    article.name = "@drap"
    session.flush()
    made = cells.csv(parties.CUSTOMER_COLUMNS, parties.customer_rows(session))
    assert b"'=HYPERLINK(1);" in made
    assert b";+33 4 65 71 12 01;" in made
    report = import_file(session, "customers", made, by=SYSTEM, at=AT)
    assert (report.added, report.changed, report.unchanged) == (0, 0, 1)
    made = cells.csv(parties.ARTICLE_COLUMNS, parties.article_rows(session))
    report = import_file(session, "catalogue", made, by=SYSTEM, at=AT)
    assert (report.added, report.changed, report.unchanged) == (0, 0, 2)
    assert b";'@drap;" in made


def test_an_export_of_orders_holds_registered_orders_of_the_period_alone_and_twice_the_same(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2"), customer_reference="=PO-1"))
    trade.draft((trade.article, "5"))
    day = AT.date()
    found = list(orders.registered(trade.session, since=day, until=day))
    assert [one.document.number for one in found] == [order.reference]
    made = cells.csv(orders.COLUMNS, orders.rows(found[0])).decode("utf-8-sig")
    assert f"{order.reference};0;10/03/2026;C001;Hôtel Bellevue;'=PO-1;;1;DRA-140;" in made
    assert made.endswith(";2;C62;100;200,00;20\r\n")
    assert list(orders.registered(trade.session, since=date(2026, 3, 11), until=date(2026, 3, 12))) == []
    again = list(orders.registered(trade.session, since=day, until=day))
    assert written("ebp_gestion", again[0]) == written("ebp_gestion", found[0])
    paper = papers.latest(trade.session, DocumentKind.ORDER_CONFIRMATION, order.reference)
    assert paper is not None
    assert found[0].document == paper.document
    trade.article.erp_code = trade.customer.erp_code = "7"
    trade.session.flush()
    mapped = orders.handed(trade.session, order)
    assert (mapped.buyer, mapped.article(mapped.document.lines[0])) == ("7", "7")


def test_a_file_is_whole_or_not_there_and_the_same_bytes_are_not_written_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    assert outgoing.place(folder, "a.csv", b"one")
    stamp = (folder / "a.csv").stat().st_mtime_ns
    assert not outgoing.place(folder, "a.csv", b"one")
    assert (folder / "a.csv").stat().st_mtime_ns == stamp

    def cut(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.exports.outgoing.os.fsync", cut)
    with pytest.raises(OSError, match="No space"):
        outgoing.place(folder, "a.csv", b"two, longer")
    assert (folder / "a.csv").read_bytes() == b"one"
    assert [path.name for path in folder.iterdir()] == ["a.csv"]
    with pytest.raises(Refused, match="file_name_invalid"):
        outgoing.place(folder, "../a.csv", b"one")
