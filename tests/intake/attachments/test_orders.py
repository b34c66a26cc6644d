"""Files with orders: what a machine wrote, sheets, PDF tables with and without rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from intake import attachments
from intake.attachments import UnreadableError
from intake.attachments.layouts import tables_in
from intake.attachments.orders import read_order
from intake.attachments.places import Placed, rows_of
from intake.incoming import Address, Attachment, Channel, Incoming
from intake.reading import Kind, read

AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


def alone(name: str, media_type: str, content: bytes) -> Incoming:
    return Incoming(Channel.FILE, Address(""), AT, "", attachments=(Attachment(name, media_type, content),))


UBL = b"""<?xml version="1.0"?><Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"
 xmlns:c="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
 xmlns:a="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2">
 <c:ID>PO-7</c:ID><c:IssueDate>2026-11-23</c:IssueDate>
 <a:BuyerCustomerParty><a:Party><a:PartyName><c:Name>Bellevue</c:Name></a:PartyName></a:Party></a:BuyerCustomerParty>
 <a:Delivery><a:RequestedDeliveryPeriod><c:StartDate>2026-11-30</c:StartDate></a:RequestedDeliveryPeriod></a:Delivery>
 <a:OrderLine><a:LineItem><c:ID>1</c:ID><c:Quantity unitCode="CT">5</c:Quantity>
 <a:Price><c:PriceAmount>52.30</c:PriceAmount></a:Price><a:Item><c:Name>Draps</c:Name>
 <a:SellersItemIdentification><c:ID>DRA-1</c:ID></a:SellersItemIdentification></a:Item></a:LineItem></a:OrderLine>
</Order>"""


def test_a_ubl_order_is_read_without_guessing() -> None:
    reading = read(alone("o.xml", "application/xml", UBL), today=date(2026, 11, 24))
    (line,) = reading.lines
    assert (reading.kind, reading.order_reference) == (Kind.ORDER, "PO-7")
    assert (reading.order_date, reading.requested_delivery_date) == (date(2026, 11, 23), date(2026, 11, 30))
    assert (line.quantity, line.unit, line.codes, line.unit_price) == (5, "carton", ("DRA-1",), Decimal("52.30"))
    assert reading.names == ("Bellevue",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_with_a_doctype_is_refused_in_any_encoding(encoding: str) -> None:
    hostile = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE o [<!ENTITY x "y">]><Order>&x;</Order>'
    with pytest.raises(UnreadableError, match="xml_doctype"):
        read_order(hostile.encode(encoding))
    reading = read(alone("o.xml", "application/xml", hostile.encode(encoding)), today=date(2026, 11, 24))
    assert (reading.lines, reading.findings) == ((), ("xml_doctype",))


def test_every_ubl_sample_has_the_kind_that_it_says(shared_case: Callable[[str], Path]) -> None:
    kinds = {
        path.name: order.kind
        for path in sorted(shared_case("orders-ubl-oasis").glob("*.xml"))
        if (order := read_order(path.read_bytes())) is not None
    }
    assert {name: kind for name, kind in kinds.items() if "-Order-" in name}
    for name, kind in kinds.items():
        expected = {"Order": "order", "OrderChange": "order_change", "OrderCancellation": "cancellation",
                    "RequestForQuotation": "quote_request"}.get(name.split("-")[1], "other")  # fmt: skip
        assert kind == expected, name


def test_an_order_x_file_gives_its_lines(shared_case: Callable[[str], Path]) -> None:
    order = read_order((shared_case("orders-orderx-horstoeko") / "reader-order-x-comfort.xml").read_bytes())
    assert order is not None
    assert order.kind == "order"
    assert order.number
    assert all(line.quantity for line in order.lines)
    assert order.lines


def test_a_list_says_what_is_needed_and_a_zero_or_nothing_is_not() -> None:
    content = "LISTE\n\nProduit;Stock;Besoin\nLait (carton);4;2\nFarine T55;3;\nRiz;1;0\n;Total;2\n".encode("cp1252")
    reading = read(alone("besoins.csv", "text/csv", content), today=date(2026, 11, 24))
    assert [(line.designation, line.quantity, line.unit) for line in reading.lines] == [("Lait (carton)", 2, "carton")]


def test_carriage_is_a_charge_and_no_line() -> None:
    content = b"Ref;Designation;Quantite;PU HT\nA-1;Lait;3;1,20\n;Frais de port;1;9,00\n;TOTAL;;12,60\n"
    reading = read(alone("bc.csv", "text/csv", content), today=date(2026, 11, 24))
    assert [(line.designation, line.unit_price) for line in reading.lines] == [("Lait", Decimal("1.20"))]
    assert reading.charges == ("Frais de port",)


def test_a_table_without_rules_is_found_under_its_titles() -> None:
    def word(text: str, x0: float, x1: float, top: float) -> Placed:
        return Placed(text, x0, x1, top, top + 10)

    words = [
        word("Article", 50, 80, 100), word("Qté", 300, 320, 100),
        word("Café", 50, 70, 120), word("grains", 73, 110, 120),
        word("1", 300, 305, 120), word("carton", 308, 340, 120),
        word("Thé", 50, 70, 140), word("6", 312, 318, 140),
    ]  # fmt: skip
    (table,) = tables_in(rows_of(words), 1)
    assert table.rows == (("Article", "Qté"), ("Café grains", "1 carton"), ("Thé", "6"))
    assert table.boxes[2] == (50, 140, 318, 150)


@pytest.mark.parametrize(
    ("media_type", "finding"),
    [
        ("application/pdf", "pdf_broken"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "sheet_broken"),
        ("application/xml", "xml_broken"),
        ("image/png", "picture_broken"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(media_type: str, finding: str) -> None:
    paper = attachments.read(Attachment("x", media_type, b"%PDF-1.7 broken"))
    assert paper is not None
    assert paper.findings == (finding,)
