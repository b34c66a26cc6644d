"""What a paper lacks to be issued as an invoice: one list, for the desk at order time and for the issuer.

Sources: CGI ann. II art. 242 nonies A and C. com. L441-9 (mentions), EN 16931 (BR-…), the French rules of FNFE
(BR-FR-…) and the Community conditions of an exemption (directive 2006/112/CE art. 138, 146).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core import mentions
from core.documents import Document, DocumentKind, DocumentLine, Party
from core.errors import Refused
from core.money import ZERO
from core.vat import VatCategory

EU = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 - a list to read
)
#: Northern Ireland is in the single market for goods: its numbers begin with XI, its addresses are British.
XI = "XI"
#: Categories whose invoice bears the buyer's VAT number (242 nonies A 3°, 4°; BR-IC-02, BR-AE-02).
NUMBERED = frozenset({VatCategory.INTRA_COMMUNITY, VatCategory.REVERSE_CHARGE})
#: Schemes of BT-34/BT-49: the French directory address (begins with the SIREN), or an e-mail address for foreigners.
FRENCH_ADDRESS, EMAIL_ADDRESS = "0225", "EM"
#: Schemes of BT-47 for buyers who have no SIREN: a firm of the Union, and any other.
EU_FIRM, FOREIGN_FIRM = "0223", "0227"


@dataclass(frozen=True, slots=True)
class Lack:
    """Why a paper cannot be issued: the code of the refusal and what it is about, such as `buyer.siren`."""

    code: str
    field: str
    data: dict[str, Any] = dataclasses.field(default_factory=dict)

    def refusal(self) -> Refused:
        """The refusal that says so."""
        return Refused(self.code, **({"field": self.field} | self.data))


def lacks(document: Document) -> Iterator[Lack]:
    """Everything that stands against issuing the paper as an invoice, the parties first."""
    yield from _party("seller", document.seller)
    yield from _party("buyer", document.buyer)
    categories = {line.vat.category for line in document.lines if line.vat is not None}
    if not document.seller.vat_number and categories != {VatCategory.OUTSIDE_SCOPE}:
        yield _missing("seller.vat_number")
    if not document.lines:
        yield Lack("nothing_to_invoice", "lines")
    if document.kind is DocumentKind.CREDIT_NOTE and not document.preceding_invoices:
        yield _missing("preceding_invoices")
    for line in document.lines:
        yield from _line(line)
    yield from _untaxed(document, categories)
    if document.payable < ZERO:
        data = {"prepaid": document.prepaid, "gross": document.totals.gross}
        yield Lack("deposits_above_total", "deposits", data)


def _missing(name: str) -> Lack:
    return Lack("invoice_field_missing", name)


def _party(role: str, party: Party) -> Iterator[Lack]:
    french = party.country == "FR"
    for name in ("name", "street", "postcode", "city", "country"):
        # not every country has postcodes
        if not getattr(party, name).strip() and (name != "postcode" or french):
            yield _missing(f"{role}.{name}")
    if french and not party.siren:
        yield _missing(f"{role}.siren")
    scheme, address = electronic_address(party)
    if party.siren and scheme == FRENCH_ADDRESS and not address.startswith(party.siren):  # BR-FR-21
        yield Lack("electronic_address_not_his", f"{role}.electronic_address", {"address": address})
    if not address and not french:  # BR-FR-12, BR-FR-13; a French firm's address is at least its SIREN
        yield _missing(f"{role}.electronic_address")


def _line(line: DocumentLine) -> Iterator[Lack]:
    where = f"lines[{line.position}]"
    if not line.name.strip():
        yield _missing(f"{where}.name")
    for name in ("unit_price", "net", "vat"):
        if getattr(line, name) is None:
            yield _missing(f"{where}.{name}")
    for name in ("unit_price", "list_price"):
        price = getattr(line, name)
        if price is not None and price < 0:  # BR-27, BR-28
            yield Lack("negative_price", f"{where}.{name}", {"position": line.position})
    if line.net is not None and line.net < ZERO:
        yield Lack("negative_line", f"{where}.net", {"position": line.position, "net": line.net})
    if line.quantity <= 0:
        yield Lack("quantity_not_positive", f"{where}.quantity", {"position": line.position})
    if line.vat is not None and line.vat.code and line.vat.code not in mentions.exempt_codes():
        yield Lack("exemption_reason_unknown", f"{where}.vat", {"position": line.position, "vatex": line.vat.code})


def _untaxed(document: Document, categories: set[VatCategory]) -> Iterator[Lack]:
    """What a sale without VAT needs to be one."""
    if VatCategory.EXEMPT in categories and not mentions.reasons(document, VatCategory.EXEMPT):
        yield Lack("exemption_reason_missing", "lines", {"number": document.number})
    if VatCategory.OUTSIDE_SCOPE in categories and len(categories) > 1:  # BR-O-11 to BR-O-14
        yield Lack("outside_scope_not_alone", "lines")
    number = document.buyer.vat_number
    if categories & NUMBERED and not number:
        yield _missing("buyer.vat_number")
    place = document.deliver_to or document.buyer
    if VatCategory.INTRA_COMMUNITY in categories:
        if number and number[:2] not in EU - {"FR"} | {XI}:
            yield Lack("vat_number_not_foreign", "buyer.vat_number", {"number": number})
        if document.kind is not DocumentKind.CREDIT_NOTE and place.country not in _within(number):
            yield Lack("place_against_vat", "deliver_to.country", {"country": place.country, "category": "K"})
    if VatCategory.EXPORT in categories and document.kind is not DocumentKind.CREDIT_NOTE and place.country in EU:
        yield Lack("place_against_vat", "deliver_to.country", {"country": place.country, "category": "G"})


def _within(number: str) -> frozenset[str]:
    """Where goods that leave France stay in the Union."""
    return EU - {"FR"} | ({"GB"} if number.startswith(XI) else set())


def electronic_address(party: Party) -> tuple[str, str]:
    """BT-34/BT-49 with its scheme: the party's own, else a French firm's SIREN, else the e-mail address, else nothing.

    A firm without a line of its own in the French directory is reached under its SIREN (annexe 7 G1.115). 0223 and
    0227 name a foreign firm (BT-47), not an address: see `core.facturx`.
    """
    if party.electronic_address and party.electronic_scheme not in {EU_FIRM, FOREIGN_FIRM}:
        usual = FRENCH_ADDRESS if party.siren else EMAIL_ADDRESS
        return party.electronic_scheme or usual, party.electronic_address
    if party.siren:
        return FRENCH_ADDRESS, party.siren
    return (EMAIL_ADDRESS, party.email) if party.email else ("", "")
