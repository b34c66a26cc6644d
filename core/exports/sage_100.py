"""Orders as Sage 100's flat file, one field a line: experimental, its import was not proved.

A record has a fixed number of fields, given here by their place; the places not named stay empty. The vendor's list
of what unset fields do is not public: only new documents are written, never a customer or an article.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from core.documents import DocumentLine
from core.exports.fields import code, encoded, label, number
from core.exports.orders import Handed

HEAD, LINE = 86, 62
#: Lengths of the piece, of customer and article, of a reference and of a designation.
PIECE, CUSTOMER, ARTICLE, REFERENCE, DESIGNATION, DEPOT = 13, 17, 18, 17, 69, 35
NOUGHT, RATE, PRICE = "0", "0,0000", "0,00"


def order(handed: Handed, options: Mapping[str, Any]) -> bytes:
    """The order: its head, its lines, CRLF after each field."""
    fields = ["#FLG 000", "#VER 33", "#CHEN", *_head(handed, options)]
    for line in handed.document.lines:
        fields += ["#CHLI", *_line(line, handed, options)]
    fields.append("#FIN")
    return encoded("".join(f"{field}\r\n" for field in fields), options["encoding"])


def _head(handed: Handed, options: Mapping[str, Any]) -> Iterable[str]:
    document = handed.document
    customer = code("customer", handed.buyer, CUSTOMER)
    wanted = document.requested_delivery_date
    said = dict.fromkeys((15, 20, 34, 38, 45, 48, 50, 51, 53, 54, 56, 57, 59, 60, 62, 63, 67, 68, 69), NOUGHT)
    said |= dict.fromkeys((74, 76, 77, 82, 84, 85, 86), NOUGHT)
    said |= dict.fromkeys((35, 36, 55, 58, 61), RATE) | dict.fromkeys((49, 52), PRICE)
    said |= dict.fromkeys((14, 18, 19, 28, 31, 32, 33, 37, 39), "1") | dict.fromkeys((29, 30), "11")
    said |= {
        1: "1", 2: "2", 3: "1", 4: code("series", options["series"], 2), 5: code("reference", document.number, PIECE),
        6: f"{handed.day:%d%m%y}", 7: label(document.buyer_order_number, REFERENCE),
        8: f"{wanted:%d%m%y}" if wanted is not None else "", 11: customer, 12: code("depot", options["depot"], DEPOT),
        16: "0,000000", 17: customer, 40: code("account", options["account"], 13), 41: f"{handed.local:%H:%M:%S}",
    }  # fmt: skip
    return (said.get(place, "") for place in range(1, HEAD + 1))


def _line(line: DocumentLine, handed: Handed, options: Mapping[str, Any]) -> Iterable[str]:
    wanted = handed.document.requested_delivery_date
    day = f"{wanted:%d%m%y}" if wanted is not None else ""
    percent = line.vat.percent if line.vat is not None else Decimal(0)
    quantity = number("quantity", line.quantity, 2, mark=",")
    said = dict.fromkeys((11, 20, 24, 32, 34, 35, 37, 38, 40, 41, 45, 46, 49, 50, 57, 60, 61), NOUGHT)
    said |= dict.fromkeys((17, 18, 36, 39), RATE) | dict.fromkeys((13, 21, 22, 23, 59), PRICE)
    said |= {
        2: code("sku", handed.article(line), ARTICLE), 3: label(line.name, DESIGNATION),
        12: number("unit_price", line.unit_price or Decimal(0), 4, mark=","), 14: quantity, 15: quantity,
        16: label(options["unit"], DEPOT), 27: day, 28: code("depot", options["depot"], DEPOT), 30: "1",
        33: number("vat_rate", percent, 4, mark=","), 42: code("customer", handed.buyer, CUSTOMER),
        53: f"{handed.day:%d%m%y}", 54: options["tax_codes"].get(f"{percent.normalize():f}", ""),
    }  # fmt: skip
    return (said.get(place, "") for place in range(1, LINE + 1))
