"""Orders for SAP: IDoc ORDERS05 as XML, the sales order service of S/4, the orders of Business One.

The flat form of the IDoc needs the segment widths of the customer's own system: it is not written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from lxml import etree

from core import mentions
from core.documents import DocumentLine
from core.errors import Refused
from core.exports.cells import plain
from core.exports.fields import code, label, number
from core.exports.orders import Handed
from core.money import rounded

#: Lengths of E1EDK02-BELNR and S/4 PurchaseOrderByCustomer, of E1EDP19-IDTNR, and of its text.
REFERENCE, ARTICLE, TEXT = 35, 35, 70


def idoc(order: Handed, options: Mapping[str, Any]) -> bytes:
    """ORDERS05, one segment a line; the document number is the order's with its revision in front."""
    document, day = order.document, f"{order.day:%Y%m%d}"
    partner = _partner(order)
    root = etree.Element("ORDERS05")
    body = etree.SubElement(root, "IDOC", BEGIN="1")
    _segment(
        body, "EDI_DC40", TABNAM="EDI_DC40", MANDT=code("client", options["client"], 3),
        DOCNUM=f"{document.revision:03d}{order.number:013d}", DIRECT="2", IDOCTYP="ORDERS05", MESTYP="ORDERS",
        SNDPOR=code("sender_port", options["sender_port"], 10), SNDPRT=code("sender_type", options["sender_type"], 2),
        SNDPRN=partner, RCVPOR=code("receiver_port", options["receiver_port"], 10),
        RCVPRT=code("receiver_type", options["receiver_type"], 2), RCVPRN=code("receiver", options["receiver"], 10),
        CREDAT=day, CRETIM=f"{order.local:%H%M%S}",
    )  # fmt: skip
    _segment(body, "E1EDK01", CURCY="EUR")
    area = (("008", "sales_organisation"), ("007", "channel"), ("006", "division"), ("012", "order_type"))
    for qualifier, name in area:
        if options[name]:
            _segment(body, "E1EDK14", QUALF=qualifier, ORGID=code(name, options[name], 4))
    _segment(body, "E1EDK03", IDDAT="012", DATUM=day)
    if document.requested_delivery_date is not None:
        _segment(body, "E1EDK03", IDDAT="002", DATUM=f"{document.requested_delivery_date:%Y%m%d}")
    for role in ("AG", "WE"):
        _segment(body, "E1EDKA1", PARVW=role, PARTN=partner)
    reference = code("reference", document.buyer_order_number or document.number, REFERENCE)
    _segment(body, "E1EDK02", QUALF="001", BELNR=reference, DATUM=f"{order.ordered_on:%Y%m%d}")
    for place, line in enumerate(document.lines, start=1):
        _item(body, place, line, order, options)
    return _lines(root)


def _item(body: Any, place: int, line: DocumentLine, order: Handed, options: Mapping[str, Any]) -> None:
    quantity = number("quantity", line.quantity, 3)
    unit = mentions.unit_code(line.unit)
    price, per = _per(line.unit_price or Decimal(0))
    item = _segment(
        body, "E1EDP01", POSEX=f"{place * 10:06d}", MENGE=quantity, MENEE=options["units"].get(unit, unit), VPREI=price,
        PEINH=per, CURCY="EUR",
    )  # fmt: skip
    wanted = order.document.requested_delivery_date
    _segment(item, "E1EDP20", WMENG=quantity, **({"EDATU": f"{wanted:%Y%m%d}"} if wanted is not None else {}))
    article = code("sku", order.article(line), ARTICLE)
    _segment(item, "E1EDP19", QUALF="002", IDTNR=article, KTEXT=label(line.name, TEXT))


def _per(price: Decimal) -> tuple[str, str]:
    """The price with two decimals, and how many units it is for: a finer price is that of more of them."""
    for power in range(5):
        scaled = price * 10**power
        if scaled == rounded(scaled):
            return f"{scaled:.2f}", str(10**power)
    raise Refused("erp_number_too_fine", field="unit_price", value=price, places=6)


def _partner(order: Handed) -> str:
    """The customer's number in SAP, ten places when it is all figures."""
    known = code("customer", order.buyer, 10)
    return known.zfill(10) if known.isdigit() else known


def _segment(parent: Any, name: str, **fields: str) -> Any:
    made = etree.SubElement(parent, name, SEGMENT="1")
    for field, value in fields.items():
        etree.SubElement(made, field).text = value
    return made


def _lines(root: Any) -> bytes:
    """The file with one segment a line; a segment inside another begins with a blank."""
    body = root[0]
    root.text = None
    body.text = "\n"
    for segment in body:
        segment.tail = "\n"
        nested = [field for field in segment if len(field)]
        for inner in nested:
            inner.getprevious().tail = "\n "
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def s4(order: Handed, options: Mapping[str, Any]) -> bytes:
    """The body of POST A_SalesOrder (API_SALES_ORDER_SRV, OData V2): quantities as text, days as epochs."""
    document = order.document
    head: dict[str, Any] = {
        "SalesOrderType": code("order_type", options["order_type"], 4),
        "SalesOrganization": code("sales_organisation", options["sales_organisation"], 4),
        "DistributionChannel": code("channel", options["channel"], 2),
        "OrganizationDivision": code("division", options["division"], 2),
        "SoldToParty": code("customer", order.buyer, 10),
        "PurchaseOrderByCustomer": code("reference", document.buyer_order_number or document.number, REFERENCE),
        "CustomerPurchaseOrderDate": _epoch(order.ordered_on),
    }
    if document.requested_delivery_date is not None:
        head["RequestedDeliveryDate"] = _epoch(document.requested_delivery_date)
    head["TransactionCurrency"] = "EUR"
    head["to_Item"] = [
        {
            "SalesOrderItem": str(place * 10), "Material": code("sku", order.article(line), 40),
            "RequestedQuantity": plain(line.quantity),
        }
        for place, line in enumerate(document.lines, start=1)
    ]  # fmt: skip
    return _json(head)


def _epoch(day: date) -> str:
    return f"/Date({int(datetime.combine(day, time(), UTC).timestamp()) * 1000})/"


def business_one(order: Handed, options: Mapping[str, Any]) -> bytes:  # noqa: ARG001 - one shape for every layout
    """The body of POST /b1s/v1/Orders of the Service Layer."""
    document = order.document
    lines = [
        {"ItemCode": code("sku", order.article(line), 50), "Quantity": _figure(line.quantity),
         "UnitPrice": _figure(line.unit_price or Decimal(0))}
        for line in document.lines
    ]  # fmt: skip
    due = document.requested_delivery_date or order.day
    return _json({
        "CardCode": code("customer", order.buyer, 15), "DocDate": order.day.isoformat(), "DocDueDate": due.isoformat(),
        "DocumentLines": lines,
    })  # fmt: skip


def _figure(value: Decimal) -> int | float:
    """The number as JSON writes it: our decimals (at most six) come out of a float as they went in."""
    return int(value) if value == value.to_integral_value() else float(value)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
