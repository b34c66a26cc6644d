"""Orders that a machine wrote: UBL 2.x and UN/CEFACT CII (Order-X).

A DOCTYPE or an entity is refused before anything is parsed, whatever the encoding; an encoding in which they could not
be seen is refused too (S24).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from intake.attachments.limits import UnreadableError

MAX_BYTES = 5_000_000
MAX_LINES = 5_000
MAX_ELEMENTS = 400_000

#: Root element of an UBL paper to the kind of message that it is; papers that order nothing are `other`.
_UBL = {
    "Order": "order",
    "OrderChange": "order_change",
    "OrderCancellation": "cancellation",
    "RequestForQuotation": "quote_request",
}
_CII = {"220": "order", "221": "order", "230": "order_change"}
#: Encodings in which ASCII letters are themselves.
_PLAIN = re.compile(
    rb"utf-?8|utf-?16(?:[bl]e)?|utf-?32(?:[bl]e)?|ucs-[24]|iso-10646-ucs-[24]|us-ascii|ascii"
    rb"|iso-?8859-?\d{1,2}|latin-?\d|windows-125\d|cp125\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class StructuredLine:
    """A line of an order that a machine wrote; codes empty where it gives none, the unit as its code."""

    position: str
    quantity: Decimal | None
    unit: str = ""
    our_reference: str = ""
    own_reference: str = ""
    gtin: str = ""
    name: str = ""
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StructuredOrder:
    """An order that a machine wrote: `kind` is a kind of message; `names` and `numbers` are the buyer's."""

    kind: str
    number: str = ""
    issued_on: date | None = None
    wanted_on: date | None = None
    quote: str = ""
    names: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    lines: tuple[StructuredLine, ...] = ()
    total_net: Decimal | None = None
    total_vat: Decimal | None = None
    total_gross: Decimal | None = None


def read_order(content: bytes) -> StructuredOrder | None:
    """The order in an XML file, None for XML of another kind; raises `UnreadableError`."""
    from lxml import etree

    if len(content) > MAX_BYTES:
        raise UnreadableError("file_too_large")
    _refuse_hostile(content)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        raise UnreadableError("xml_broken") from error
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableError("xml_doctype")
    if sum(1 for _ in islice(root.iter(), MAX_ELEMENTS + 1)) > MAX_ELEMENTS:
        raise UnreadableError("file_too_large")
    name = etree.QName(root)
    if "ubl:schema" in (name.namespace or ""):
        return _ubl(root, _UBL.get(name.localname, "other"))
    if name.localname.startswith("SCRDMCCBDACIOMessageStructure"):
        return _cii(root)
    return StructuredOrder("other") if name.localname == "CrossIndustryInvoice" else None


def _refuse_hostile(content: bytes) -> None:
    """Raise for a DOCTYPE or an entity in letters of one, two or four bytes, and for encodings that could hide them."""
    letters = content.replace(b"\x00", b"")
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", letters, re.IGNORECASE):
        raise UnreadableError("xml_doctype")
    said = re.match(rb"[^<]{0,8}<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)", letters)
    if b"<" not in letters[:64] or (said and not _PLAIN.fullmatch(said[1])):
        raise UnreadableError("xml_broken")


def _all(element: Any, *path: str) -> Iterator[Any]:
    """Every element at the end of a path of local names."""
    if not path:
        yield element
        return
    for child in element:
        if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == path[0]:
            yield from _all(child, *path[1:])


def _text(element: Any, *path: str) -> str:
    return next(
        (" ".join((found.text or "").split()) for found in _all(element, *path) if (found.text or "").strip()), ""
    )


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _day(text: str) -> date | None:
    digits = text.strip()[:10].replace("-", "")[:8]
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _ubl(root: Any, kind: str) -> StructuredOrder:
    buyer = next(_all(root, "BuyerCustomerParty", "Party"), root)
    names = [_text(buyer, *path) for path in (("PartyName", "Name"), ("PartyLegalEntity", "RegistrationName"))]
    numbers = [
        _text(buyer, *path)
        for path in (
            ("EndpointID",),
            ("PartyLegalEntity", "CompanyID"),
            ("PartyTaxScheme", "CompanyID"),
            ("PartyIdentification", "ID"),
        )
    ]
    days = (
        ("Delivery", "RequestedDeliveryPeriod", "StartDate"), ("Delivery", "RequestedDeliveryPeriod", "EndDate"),
        ("Delivery", "LatestDeliveryDate"), ("Delivery", "PromisedDeliveryPeriod", "StartDate"),
    )  # fmt: skip
    return StructuredOrder(
        kind=kind,
        number=_text(root, "OrderReference", "ID") if kind in {"order_change", "cancellation"} else _text(root, "ID"),
        issued_on=_day(_text(root, "IssueDate")),
        wanted_on=next((day for path in days if (day := _day(_text(root, *path)))), None),
        quote=_text(root, "QuotationDocumentReference", "ID"),
        names=tuple(dict.fromkeys(filter(None, names))),
        numbers=tuple(filter(None, numbers)),
        lines=tuple(
            _ubl_line(line)
            for _, line in zip(range(MAX_LINES), _all(root, "OrderLine", "LineItem"), strict=False)
            if _text(line, "LineStatusCode").lower() not in {"cancelled", "canceled"}
        ),
        total_net=_number(_text(root, "AnticipatedMonetaryTotal", "LineExtensionAmount")),
        total_vat=_number(_text(root, "TaxTotal", "TaxAmount")),
        total_gross=_number(_text(root, "AnticipatedMonetaryTotal", "TaxInclusiveAmount")),
    )


def _ubl_line(line: Any) -> StructuredLine:
    quantity = next(_all(line, "Quantity"), None)
    return StructuredLine(
        position=_text(line, "ID"),
        quantity=_number(_text(line, "Quantity")),
        unit=quantity.get("unitCode", "") if quantity is not None else "",
        our_reference=_text(line, "Item", "SellersItemIdentification", "ID"),
        own_reference=_text(line, "Item", "BuyersItemIdentification", "ID"),
        gtin=_text(line, "Item", "StandardItemIdentification", "ID"),
        name=_text(line, "Item", "Name") or _text(line, "Item", "Description"),
        unit_price=_number(_text(line, "Price", "PriceAmount")),
    )


def _cii(root: Any) -> StructuredOrder:
    document = next(_all(root, "ExchangedDocument"), root)
    trade = next(_all(root, "SupplyChainTradeTransaction"), root)
    buyer = next(_all(trade, "ApplicableHeaderTradeAgreement", "BuyerTradeParty"), root)
    numbers = [
        _text(buyer, *path)
        for path in (("SpecifiedLegalOrganization", "ID"), ("SpecifiedTaxRegistration", "ID"), ("ID",), ("GlobalID",))
    ]
    wanted = ("ApplicableHeaderTradeDelivery", "RequestedDeliverySupplyChainEvent")
    sums = ("ApplicableHeaderTradeSettlement", "SpecifiedTradeSettlementHeaderMonetarySummation")
    return StructuredOrder(
        kind=_CII.get(_text(document, "TypeCode"), "other"),
        number=_text(document, "ID"),
        issued_on=_day(_text(document, "IssueDateTime", "DateTimeString")),
        wanted_on=_day(_text(trade, *wanted, "OccurrenceDateTime", "DateTimeString"))
        or _day(_text(trade, *wanted, "OccurrenceSpecifiedPeriod", "StartDateTime", "DateTimeString")),
        quote=_text(trade, "ApplicableHeaderTradeAgreement", "QuotationReferencedDocument", "IssuerAssignedID"),
        names=tuple(filter(None, [_text(buyer, "Name")])),
        numbers=tuple(filter(None, numbers)),
        lines=tuple(
            _cii_line(line)
            for _, line in zip(range(MAX_LINES), _all(trade, "IncludedSupplyChainTradeLineItem"), strict=False)
        ),
        total_net=_number(_text(trade, *sums, "LineTotalAmount")),
        total_vat=_number(_text(trade, *sums, "TaxTotalAmount")),
        total_gross=_number(_text(trade, *sums, "GrandTotalAmount")),
    )


def _cii_line(line: Any) -> StructuredLine:
    quantity = next(_all(line, "SpecifiedLineTradeDelivery", "RequestedQuantity"), None)
    price = next(_all(line, "SpecifiedLineTradeAgreement", "NetPriceProductTradePrice"), line)
    amount, basis = _number(_text(price, "ChargeAmount")), _number(_text(price, "BasisQuantity"))
    return StructuredLine(
        position=_text(line, "AssociatedDocumentLineDocument", "LineID"),
        quantity=_number((quantity.text or "").strip()) if quantity is not None else None,
        unit=quantity.get("unitCode", "") if quantity is not None else "",
        our_reference=_text(line, "SpecifiedTradeProduct", "SellerAssignedID"),
        own_reference=_text(line, "SpecifiedTradeProduct", "BuyerAssignedID"),
        gtin=_text(line, "SpecifiedTradeProduct", "GlobalID"),
        name=_text(line, "SpecifiedTradeProduct", "Name"),
        unit_price=amount / basis if amount is not None and basis else amount,
    )
