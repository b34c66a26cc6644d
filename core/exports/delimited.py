"""Orders as the delimited files that EBP Gestion, Sage 50 and Odoo map column by column, and as Dolibarr's JSON.

These programs read them by themselves: a formula is no danger there, and a sign put before a name would stay in it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from babel import Locale

from core.documents import DocumentLine
from core.errors import Refused
from core.exports.fields import code, encoded, label, least, line, number, presets
from core.exports.orders import Handed
from core.formats import short_day
from core.money import rounded

#: No length is documented for these two: what any of their screens shows of a code and of a label.
CODE, LABEL = 50, 255


def _rows(rows: Iterable[Sequence[str]], encoding: str, delimiter: str, end: str = "\r\n") -> bytes:
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=delimiter, lineterminator=end).writerows(rows)
    return encoded(made.getvalue(), encoding)


def ebp_gestion(order: Handed, options: Mapping[str, Any]) -> bytes:
    """One row a line, the order's own columns repeated, under the names that EBP's import format recognises."""
    document, mark = order.document, options["decimal_mark"]
    buyer = document.buyer
    wanted = document.requested_delivery_date
    rows = [list(options["columns"])]
    rows += [
        [
            code("reference", document.number, CODE), short_day(order.day), code("customer", order.buyer, CODE),
            label(buyer.name, LABEL), label(buyer.street, LABEL), line(buyer.postcode), line(buyer.city),
            line(buyer.country), code("sku", order.article(one), CODE), label(one.name, LABEL),
            short_day(wanted) if wanted is not None else "", least(one.quantity, 0, mark=mark),
            least(one.unit_price or Decimal(0), 2, mark=mark), _percent(one, mark),
        ]
        for one in document.lines
    ]  # fmt: skip
    return _rows(rows, options["encoding"], ";")


def _percent(one: DocumentLine, mark: str, places: int = 0) -> str:
    percent = one.vat.percent if one.vat is not None else Decimal(0)
    return least(percent, places, mark=mark)


def sage_50(order: Handed, options: Mapping[str, Any]) -> bytes:
    """A tab file of 92 columns: a row of the order's head, then one a line, each with its own columns alone."""
    columns: list[str] = options["columns"]
    rows = [columns, *(_named(columns, said) for said in _sage_50(order, options))]
    made = "".join("\t".join(row) + "\r\n" for row in rows)
    return encoded(made, options["encoding"])


def _named(columns: list[str], said: Mapping[int, str]) -> list[str]:
    return [said.get(place, "") for place in range(1, len(columns) + 1)]


def _sage_50(order: Handed, options: Mapping[str, Any]) -> Iterable[dict[int, str]]:
    """The cells of each row by their column, counted from 1."""
    document, mark = order.document, options["decimal_mark"]
    buyer, wanted = document.buyer, document.requested_delivery_date
    day = short_day(wanted) if wanted is not None else ""
    country = presets()["countries"].get(buyer.country, "")
    yield {
        1: options["header"], 2: options["document"], 4: short_day(order.day),
        6: code("reference", document.buyer_order_number or document.number, CODE),
        9: code("customer", order.buyer, CODE), 10: label(buyer.name, LABEL), 12: label(buyer.street, LABEL),
        15: line(buyer.postcode), 16: line(buyer.city), 17: country,
        18: Locale("fr").territories.get(buyer.country, "") if country else "", 19: options["vat_mode"],
        25: options["payment"], 26: short_day(order.due_date), 27: day,
        48: number("total", document.totals.gross.amount, 2, mark=mark),
    }  # fmt: skip
    for place, one in enumerate(document.lines, start=1):
        price = one.unit_price or Decimal(0)
        rate = one.vat.percent if one.vat is not None else Decimal(0)
        yield {
            1: options["line"], 49: code("sku", order.article(one), CODE),
            50: number("quantity", one.quantity, 3, mark=mark), 51: least(price, 2, mark=mark),
            52: number("price", rounded(price * (100 + rate) / 100), 2, mark=mark), 53: _percent(one, mark, 2),
            55: label(one.name, LABEL), 63: day, 80: str(place),
        }  # fmt: skip


def odoo(order: Handed, options: Mapping[str, Any]) -> bytes:
    """Odoo's own import: the order on its first row, the other lines with the order's columns empty.

    External identifiers are ours in lower case: customers and products must bear the same in Odoo.
    """
    document = order.document
    rows = [[
        "id", "partner_id/id", "client_order_ref", "date_order", "order_line/product_id/id",
        "order_line/product_uom_qty", "order_line/price_unit",
    ]]  # fmt: skip
    head = [
        _external(document.number), _external(order.buyer), line(document.buyer_order_number),
        f"{order.local:%Y-%m-%d %H:%M:%S}",
    ]  # fmt: skip
    for place, one in enumerate(document.lines):
        price = least(one.unit_price or Decimal(0), 2)
        rows.append([*(head if place == 0 else [""] * 4), _external(order.article(one)), least(one.quantity, 0), price])
    return _rows(rows, options["encoding"], ",", "\n")


def _external(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", code("id", text, CODE).lower())


def dolibarr(order: Handed, options: Mapping[str, Any]) -> bytes:  # noqa: ARG001 - one shape for every layout
    """The body of POST /orders; Dolibarr knows customers and products by its own row numbers, which are asked for."""
    day = datetime.combine(order.day, time(), UTC)
    lines = [
        {"fk_product": _row("sku", order.article_codes.get(one.sku, "")), "qty": _figure(one.quantity),
         "subprice": _figure(one.unit_price or Decimal(0)), "desc": label(one.name, LABEL)}
        for one in order.document.lines
    ]  # fmt: skip
    body = {"socid": _row("customer", order.customer_code), "date": int(day.timestamp()), "type": 0, "lines": lines}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _row(field: str, known: str) -> int:
    if not known.isdigit():
        raise Refused("erp_code_missing", field=field)
    return int(known)


def _figure(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
