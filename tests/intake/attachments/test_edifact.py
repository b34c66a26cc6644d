"""EDIFACT orders: of several directories, several in one interchange, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from intake import attachments
from intake.attachments import UnreadableError
from intake.attachments.edifact import read_orders
from intake.incoming import Attachment

ORDER = (
    "UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+4500012+9'DTM+137:20261123:102'DTM+2:202611270800:203'RFF+AAG:DEV-7'"
    "NAD+BY+3012345678900::9++Quincaillerie Léon ?+ Fils:Service achats+1 rue A+Lyon++69001+FR'RFF+VA:FR12345678901'"
    "NAD+SU+3098765432100::9'LIN+1++3614281000013:EN'PIA+1+VIS-440:SA+Q-881:IN'IMD+F++:::Vis ?'TX20?' 4x40:bo?:ite'"
    "QTY+21:12:CT'PRI+AAA:8.90'LIN+2++CHE-810:SA'QTY+21:2,5:KGM'PRI+AAB:610:::100'UNS+S'MOA+79:122.05'CNT+2:2'UNT+20+1'"
)


def interchange(*messages: str, charset: str = "UNOC", una: str = "") -> bytes:
    ends = f"UNZ+{len(messages)}+9'"
    text = f"{una}UNB+{charset}:3+A+B+261123:1200+9'{''.join(messages)}{ends}"
    return text.encode("utf-8" if charset == "UNOW" else "latin-1")


def simple(number: str, reference: str, *, name: str = "ORDERS", begins: str = "220", function: str = "9") -> str:
    return (
        f"UNH+{number}+{name}:D:01B:UN'BGM+{begins}+{reference}+{function}'RFF+ON:CMD-1'LIN+1++X:SA'QTY+21:4'"
        f"UNS+S'UNT+7+{number}'"
    )


@pytest.mark.parametrize("charset", ["UNOA", "UNOB", "UNOC", "UNOW"])
def test_an_order_gives_all_that_it_says(charset: str) -> None:
    (order,) = read_orders(interchange(ORDER, charset=charset))
    assert (order.kind, order.number, order.quote) == ("order", "4500012", "DEV-7")
    assert (order.issued_on, order.wanted_on) == (date(2026, 11, 23), date(2026, 11, 27))
    assert order.names == ("Quincaillerie Léon + Fils Service achats",)
    assert order.numbers == ("3012345678900", "FR12345678901")
    assert order.total_net == Decimal("122.05")
    first, second = order.lines
    assert (first.gtin, first.our_reference, first.own_reference) == ("3614281000013", "VIS-440", "Q-881")
    assert (first.name, first.quantity, first.unit, first.unit_price) == (
        "Vis 'TX20' 4x40 bo:ite", 12, "CT", Decimal("8.90"),
    )  # fmt: skip
    assert (second.our_reference, second.quantity, second.unit_price) == ("CHE-810", Decimal("2.5"), Decimal("6.1"))


def test_other_marks_are_as_announced_and_line_ends_mean_nothing() -> None:
    text = simple("1", "A-1").translate(str.maketrans("+:'", "*>~")).replace("~", "~\r\n")
    (order,) = read_orders(f"UNA>*.? ~\r\n{text}".encode())
    assert (order.number, order.lines[0].quantity) == ("A-1", 4)


def test_of_several_orders_the_first_is_read_and_the_others_are_said() -> None:
    content = interchange(simple("1", "A-1"), simple("2", "A-2"), simple("3", "R-1", name="ORDRSP"))
    paper = attachments.read(Attachment("lot.edi", "application/edifact", content))
    assert paper is not None
    assert [(order.kind, order.number) for order in paper.orders] == [("order", "A-1"), ("order", "A-2"), ("other", "")]
    assert paper.findings == ("several_orders",)


@pytest.mark.parametrize(
    ("message", "kind", "number"),
    [
        (simple("1", "C-1", name="ORDCHG", begins="230", function="4"), "order_change", "CMD-1"),
        (simple("1", "C-2", begins="230"), "order_change", "CMD-1"),
        (simple("1", "C-3", function="1"), "cancellation", "CMD-1"),
        (simple("1", "C-4", name="ORDRSP", begins="231"), "other", ""),
        (simple("1", "C-5", name="INVOIC", begins="380"), "other", ""),
        (simple("1", "C-6", name="REQOTE", begins="310"), "quote_request", "C-6"),
    ],
)
def test_changes_cancellations_and_what_orders_nothing(message: str, kind: str, number: str) -> None:
    (order,) = read_orders(interchange(message))
    assert (order.kind, order.number) == (kind, number)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"UNA",
        interchange(simple("1", "A-1"))[:-40],
        interchange(simple("1", "A-1").replace("UNT+7", "UNT+8")),
        interchange(simple("1", "A-1").replace("UNT+7+1", "UNT+7+2")),
        interchange(simple("1", "A-1")).replace(b"UNZ+1", b"UNZ+2"),
        interchange(ORDER.replace("CNT+2:2", "CNT+2:3")),
        interchange(simple("1", "A-1").replace("BGM+220", "BGM+E3")),
        interchange(simple("1", "A-1").replace("UNS+S", "un texte")),
    ],
    ids=["empty", "una", "cut", "count", "number", "messages", "lines", "begin", "segment"],
)
def test_a_malformed_interchange_is_refused_whole(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="edifact_broken"):
        read_orders(content)


def test_the_shared_interchanges_are_read_or_refused(shared_case: Callable[[str], Path]) -> None:
    files = sorted(shared_case("orders-edifact").rglob("*.edi"))
    assert len(files) >= 8
    for path in files:
        if "malformed" in path.name:
            with pytest.raises(UnreadableError, match="edifact_broken"):
                read_orders(path.read_bytes())
        else:
            expected = "other" if path.name == "wikipedia_en.edi" else "order"
            assert [order.kind for order in read_orders(path.read_bytes())] == [expected], path.name


def test_the_order_x_samples_are_read_from_the_xml_in_the_pdf(shared_case: Callable[[str], Path]) -> None:
    for path in sorted(shared_case("orders-orderx-horstoeko").glob("reader-order-x-*.pdf")):
        paper = attachments.read(Attachment(path.name, "application/pdf", path.read_bytes()))
        assert paper is not None
        assert paper.order is not None
        assert (paper.order.number, len(paper.order.lines), paper.findings) == ("PO123456789", 3, ()), path.name
