"""Orders as UBL 2.1, Peppol BIS Order 3 (transaction T01): what any order software reads, ours too.

An order that its buyer numbered keeps his number as `ID`; ours stands in `SalesOrderID`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lxml import etree

from core import mentions
from core.documents import DocumentLine, Party
from core.errors import Refused
from core.exports.fields import least, line
from core.exports.orders import Handed
from core.money import Money

SPACE = "urn:oasis:names:specification:ubl:schema:xsd:Order-2"
CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
CUSTOMIZATION = "urn:fdc:peppol.eu:poacc:trns:order:3"
PROFILE = "urn:fdc:peppol.eu:poacc:bis:order_only:3"
#: UNTDID 1001: an order.
TYPE = "220"
#: Schemes of the ICD list: SIREN, SIRET, and the VAT number of a firm elsewhere in the Union.
SIREN, SIRET, GTIN = "0002", "0009", "0160"


def order(handed: Handed, options: Mapping[str, Any]) -> bytes:  # noqa: ARG001 - one shape for every layout
    """The order; refuses parties without an electronic address, which Peppol asks for."""
    document = handed.document
    root = etree.Element(f"{{{SPACE}}}Order", nsmap={None: SPACE, "cac": CAC, "cbc": CBC})
    _text(root, "CustomizationID", CUSTOMIZATION)
    _text(root, "ProfileID", PROFILE)
    _text(root, "ID", document.buyer_order_number or document.number)
    _text(root, "SalesOrderID", document.number)
    _text(root, "IssueDate", handed.ordered_on.isoformat())
    _text(root, "OrderTypeCode", TYPE)
    _text(root, "DocumentCurrencyCode", "EUR")
    if document.quote is not None:
        _text(_node(root, "QuotationDocumentReference"), "ID", document.quote.number)
    _party(_node(root, "BuyerCustomerParty", "Party"), "buyer", document.buyer, known_as=handed.buyer)
    _party(_node(root, "SellerSupplierParty", "Party"), "seller", document.seller, address=True)
    _delivery(root, handed)
    totals = document.totals
    _money(_node(root, "TaxTotal"), "TaxAmount", totals.vat)
    sums = _node(root, "AnticipatedMonetaryTotal")
    for name, amount in (
        ("LineExtensionAmount", totals.net), ("TaxExclusiveAmount", totals.net), ("TaxInclusiveAmount", totals.gross),
        ("PayableAmount", totals.gross),
    ):  # fmt: skip
        _money(sums, name, amount)
    for one in document.lines:
        _line(root, one, handed)
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _line(root: Any, one: DocumentLine, handed: Handed) -> None:
    item_line = _node(root, "OrderLine", "LineItem")
    _text(item_line, "ID", str(one.position))
    _text(item_line, "Quantity", least(one.quantity, 0), unitCode=mentions.unit_code(one.unit))
    _money(item_line, "LineExtensionAmount", one.net or Money.of(0))
    _text(_node(item_line, "Price"), "PriceAmount", least(one.unit_price or Decimal(0), 2), currencyID="EUR")
    item = _node(item_line, "Item")
    _text(item, "Name", one.name)
    if one.buyer_reference:
        _text(_node(item, "BuyersItemIdentification"), "ID", one.buyer_reference)
    _text(_node(item, "SellersItemIdentification"), "ID", handed.article(one))
    if one.gtin:
        _text(_node(item, "StandardItemIdentification"), "ID", one.gtin, schemeID=GTIN)
    if one.vat is not None:
        tax = _node(item, "ClassifiedTaxCategory")
        _text(tax, "ID", one.vat.category.value)
        _text(tax, "Percent", least(one.vat.percent, 0))
        _text(_node(tax, "TaxScheme"), "ID", "VAT")


def _party(party: Any, role: str, who: Party, *, known_as: str = "", address: bool = False) -> None:
    endpoint = next(((scheme, value) for scheme, value in ((SIRET, who.siret), (SIREN, who.siren)) if value), None)
    if endpoint is None and who.email:
        endpoint = ("EM", who.email)
    if endpoint is None:
        raise Refused("erp_code_missing", field=f"{role}.siret")
    scheme, value = endpoint
    _text(party, "EndpointID", value, schemeID=scheme)
    if known_as:
        _text(_node(party, "PartyIdentification"), "ID", known_as)
    if address:
        _address(_node(party, "PostalAddress"), who)
    _text(_node(party, "PartyLegalEntity"), "RegistrationName", who.name)


def _address(node: Any, who: Party) -> None:
    for name, value in (("StreetName", who.street), ("CityName", who.city), ("PostalZone", who.postcode)):
        if value:
            _text(node, name, value)
    _text(_node(node, "Country"), "IdentificationCode", who.country)


def _delivery(root: Any, handed: Handed) -> None:
    """Where and by when, as far as the order says."""
    document = handed.document
    if document.deliver_to is None and document.requested_delivery_date is None:
        return
    delivery = _node(root, "Delivery")
    if document.deliver_to is not None:
        _address(_node(delivery, "DeliveryLocation", "Address"), document.deliver_to)
    if document.requested_delivery_date is not None:
        period = _node(delivery, "RequestedDeliveryPeriod")
        _text(period, "EndDate", document.requested_delivery_date.isoformat())


def _node(parent: Any, *names: str) -> Any:
    for name in names:
        parent = etree.SubElement(parent, f"{{{CAC}}}{name}")
    return parent


def _text(parent: Any, name: str, value: str, **attributes: str) -> None:
    etree.SubElement(parent, f"{{{CBC}}}{name}", attributes).text = line(value)


def _money(parent: Any, name: str, amount: Money) -> None:
    _text(parent, name, str(amount), currencyID="EUR")
