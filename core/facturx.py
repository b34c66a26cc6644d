"""Factur-X: the invoice as data (CII, EN 16931 profile), embedded in its PDF by the factur-x library.

Everything follows from the frozen `Document`, so that the same document gives the same XML. The library is wrapped
here and nowhere else: it takes strings, and its own checks are replaced by ours (its schematron check asks a server
and says yes when there is none).
"""

from __future__ import annotations

import importlib.resources
import io
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

import facturx
from facturx.facturx import _facturx_update_metadata_add_attachment as _attach
from lxml import etree
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, ByteStringObject, NameObject, TextStringObject

from core import completeness, formats, mentions
from core.completeness import EU, EU_FIRM, FOREIGN_FIRM, electronic_address
from core.documents import INVOICES, Document, DocumentKind, DocumentLine, Party, identifier
from core.errors import Refused
from core.vat import VatCategory, VatRate

LEVEL = "en16931"
FILE_NAME = "factur-x.xml"
#: Schemes of identifiers (ICD, BT-30/BT-47 and BT-29/BT-46). The French rules name 0223 and 0227 for foreign buyers
#: (annexe 7 G1.73); they identify the firm. As schemes of an address (EAS, BT-49) they are refused: list 17 of
#: FACTUR-X_EN16931_codedb.xml in factur-x 7.8 has 0225 and EM, and neither of them. A foreign buyer is reached by mail.
SIREN, SIRET, GTIN = "0002", "0009", "0160"
TRANSFER, DIRECT_DEBIT = "58", "59"
_XMP_DATE = re.compile(rb"(?<=Date>)[^<]+(?=</xmp:)")


def ensure_complete(document: Document) -> None:
    """Refuse an invoice that lacks what the law or the profile asks for, naming the field; call it before numbering."""
    if document.kind not in INVOICES:
        raise Refused("not_an_invoice", kind=document.kind.value)
    for lack in completeness.lacks(document):
        raise lack.refusal()


def invoice_xml(document: Document) -> bytes:
    """The CII message of an invoice, deposit invoice or credit note; refuses an incomplete one."""
    ensure_complete(document)
    made: bytes = facturx.generate_cii_xml(
        _cleaned(_fields(document)), level=LEVEL, check_xsd=False, check_schematron=False
    )
    return made


def _cleaned(value: Any) -> Any:
    """XML holds no control characters; a customer's text may."""
    if isinstance(value, str):
        return formats.printable(value)
    if isinstance(value, dict):
        return {name: _cleaned(item) for name, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


def _fields(document: Document) -> dict[str, Any]:
    totals = document.totals
    fields: dict[str, Any] = {
        "BT-1": document.number,
        "BT-2": document.issue_date,
        "BT-3": document.untdid_code,
        "BT-5": "EUR",
        "BT-8": _vat_point(document),
        "BT-9": document.due_date,
        "BT-13": document.buyer_order_number,
        "BT-14": document.order_reference,
        "BT-20": document.payment_terms,
        "BT-23": document.process,
        "BT-72": document.delivery_date,
        "BT-73": document.period_start,
        "BT-74": document.period_end,
        "BG-1": _notes(document),
        "BG-3": [
            {"BT-25": known.number, "BT-26": known.date} for known in (*document.preceding_invoices, *document.deposits)
        ],
        "BG-4": _party(document.seller),
        "BG-7": _party(document.buyer),
        "BG-23": [
            {
                "BT-116": str(row.base),
                "BT-117": str(row.vat),
                **_rate(row.rate, "BT-118", "BT-119"),
                **_exemption(document, row.rate.category),
            }
            for row in totals.breakdown
        ],
        "BG-25": [_line(line) for line in document.lines],
        "BT-106": str(totals.net),
        "BT-109": str(totals.net),
        "BT-110": str(totals.vat),
        "BT-112": str(totals.gross),
        "BT-113": str(document.prepaid) if document.deposits else "",
        "BT-115": str(document.payable),
    }
    if {row.rate.category for row in totals.breakdown} == {
        VatCategory.OUTSIDE_SCOPE
    }:  # BR-O-02: no VAT number beside it
        for role in ("BG-4", "BG-7"):
            fields[role]["vat_identifier"] = ""
    if len(document.delivery_notes) == 1:  # BT-16 holds one; several are told in a note
        fields["BT-16"] = document.delivery_notes[0].number
    fields["BT-72"] = _delivered_on(document)
    place = document.deliver_to or document.buyer
    if document.process[0] != "S":  # a place where services go is no mention (annexe 7 G6.16)
        fields["BG-13"] = {"name": place.name, **_address(place)}
    if document.kind is not DocumentKind.CREDIT_NOTE:
        fields["BT-83"] = document.number
        means = document.payment_means or TRANSFER
        if means == DIRECT_DEBIT and document.mandate_reference:
            fields["BT-81"] = means
            fields["BT-89"] = document.mandate_reference
            fields["BT-90"] = document.creditor_id
            fields["BT-91"] = "".join(document.debited_account.split())
        elif means not in {TRANSFER, DIRECT_DEBIT}:
            fields["BT-81"] = means
        elif document.seller.iban:
            fields["BT-81"] = TRANSFER
            fields["BT-84"] = "".join(document.seller.iban.split())
            fields["BT-85"] = document.seller.name
            fields["BT-86"] = document.seller.bic
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _vat_point(document: Document) -> str:
    """BT-8: goods at delivery, deposits and services at payment, everything at invoicing under the debits option."""
    if document.vat_on_debits:
        return "5"
    if document.kind is DocumentKind.DEPOSIT_INVOICE or document.untdid_code == "503":
        return "72"
    return {"B": "29", "S": "72"}.get(document.process[0], "")


def _delivered_on(document: Document) -> date | None:
    """BT-72; an intra-Community supply must have it (BR-IC-11): before anything left, it is the day of the invoice."""
    categories = {row.rate.category for row in document.totals.breakdown}
    if document.delivery_date is None and VatCategory.INTRA_COMMUNITY in categories:
        return document.requested_delivery_date or document.issue_date
    return document.delivery_date


def _notes(document: Document) -> list[dict[str, str]]:
    said = mentions.payment_mentions(document)
    notes = [
        {"BT-21": "PMT", "BT-22": said.recovery_fee},
        {"BT-21": "PMD", "BT-22": said.penalties},
        {"BT-21": "AAB", "BT-22": said.discount},
        # how platforms treat it: with B2B the French rules ask for the buyer's SIREN and his address (BR-FR-11, -21)
        {"BT-21": "BAR", "BT-22": "B2B" if document.buyer.country == "FR" else "B2BINT"},
    ]
    if document.eco_contribution:
        notes.append({"BT-21": "BLU", "BT-22": document.eco_contribution})  # annexe 7 G1.52
    free = [document.reason, *document.notes]
    if document.vat_on_debits:
        free.append(mentions.wording("vat_on_debits", on=document.issue_date, language=document.language))
    if len(document.delivery_notes) > 1:
        free.append(", ".join(f"{note.number} ({note.date:%d/%m/%Y})" for note in document.delivery_notes))
    return notes + [{"BT-22": text} for text in free if text]


def _exemption(document: Document, category: VatCategory) -> dict[str, str]:
    found = mentions.exemption(document, category)
    return {} if found is None else {"BT-121": found[0], "BT-120": found[1]}


def _party(party: Party) -> dict[str, Any]:
    legal = " - ".join(filter(None, (party.legal_form, party.capital, party.register)))
    fields: dict[str, Any] = {"name": party.name, "vat_identifier": party.vat_number, **_address(party)}
    if party.siret:
        fields["identifiers"] = {SIRET: party.siret}
    scheme, identifier = _identifier(party)
    if identifier:
        fields |= {"legal_identifier": identifier, "legal_identifier_schemeid": scheme}
    if legal:
        fields["legal_info"] = legal
    if party.email or party.phone:
        fields["contacts"] = [{"name": party.name, "email": party.email, "phone": party.phone}]
    address_scheme, address = electronic_address(party)
    if address:
        fields |= {"einvoicing_addr_schemeid": address_scheme, "einvoicing_addr": address}
    return fields


def _identifier(party: Party) -> tuple[str, str]:
    if party.siren:
        return SIREN, party.siren
    if party.electronic_scheme in {EU_FIRM, FOREIGN_FIRM} and party.electronic_address:
        return party.electronic_scheme, party.electronic_address
    if party.country in EU and party.vat_number:
        return EU_FIRM, party.vat_number
    return FOREIGN_FIRM, re.sub(r"[^A-Za-z0-9]", "", party.country + party.name)[:18].upper()


def _address(party: Party) -> dict[str, str]:
    return {
        "country_code": party.country, "city": party.city, "postcode": party.postcode, "addr_l1": party.street,
    }  # fmt: skip


def _line(line: DocumentLine) -> dict[str, Any]:
    assert line.unit_price is not None and line.net is not None and line.vat is not None  # noqa: S101, PT018 - complete
    fields: dict[str, Any] = {
        "BT-126": str(line.position),
        "BT-127-00": [{"BT-127": text} for text in (line.packaging, line.note) if text],
        "BT-129": _plain(line.quantity),
        "BT-130": mentions.unit_code(line.unit),
        "BT-131": str(line.net),
        "BT-146": _plain(line.unit_price),
        **_gross_price(line),
        **_rate(line.vat, "BT-151", "BT-152"),
        "BT-153": line.name,
        "BT-155": line.sku,
        "BT-156": line.buyer_reference,
    }
    if line.gtin.isdigit() and len(line.gtin) in {8, 12, 13, 14}:
        fields |= {"BT-157": line.gtin, "BT-157-1": GTIN}
    return fields


def _gross_price(line: DocumentLine) -> dict[str, Any]:
    """BT-148 and BT-147: the net price (BT-146) is the gross price less the discount."""
    if line.list_price is None or line.unit_price is None or line.list_price <= line.unit_price:
        return {}
    return {
        "BT-148": _plain(line.list_price),
        "BT-147-00": [{"BT-147": _plain(line.list_price - line.unit_price)}],
    }


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rate(rate: VatRate, category: str, percent: str) -> dict[str, str]:
    fields = {category: rate.category.value}
    if rate.category is not VatCategory.OUTSIDE_SCOPE:  # BR-O-05: no rate at all, not even zero
        fields[percent] = f"{rate.percent:.2f}"
    return fields


@cache
def address_schemes() -> frozenset[str]:
    """The schemes of electronic addresses (EAS, BT-34-1 and BT-49-1) that the profile's schematron takes."""
    folder = importlib.resources.files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    listed = etree.fromstring((folder / "FACTUR-X_EN16931_codedb.xml").read_bytes())
    return frozenset(listed.xpath("//cl[@id='17']/enumeration/@value"))


@cache
def _schema() -> etree.XMLSchema:
    folder = importlib.resources.files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    return etree.XMLSchema(file=str(folder / "Factur-X_EN16931.xsd"))


def check(xml: bytes) -> list[str]:
    """What the schema of the profile finds wrong, one sentence each; empty when the XML is valid."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        return [str(error)]
    schema = _schema()
    schema.validate(tree)
    return [f"line {entry.line}: {entry.message}" for entry in schema.error_log]


def embed(pdf: bytes, xml: bytes, document: Document) -> bytes:
    """The PDF/A-3 with the XML in it; dates and identifier follow from the document, never from the clock.

    The library's own `generate_from_binary` reads and writes the file once, and its stamps of today would have to be
    replaced by reading and writing it again; its inner step does the same to the file in our hands.
    """
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.pdf_header = "%PDF-1.6"
    told = {
        "author": document.seller.name, "title": document.number, "keywords": "Factur-X",
        "subject": f"Factur-X {document.untdid_code} {document.number}",
    }  # fmt: skip
    _attach(writer, xml, told, "factur-x", LEVEL, lang=document.language)
    _date(writer, document)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _date(writer: PdfWriter, document: Document) -> None:
    """The library stamps the time of the call; put the document's own day there, and an identifier made of it."""
    at = datetime.combine(document.issue_date, time(0), UTC)
    stamp = TextStringObject(at.strftime("D:%Y%m%d%H%M%S+00'00'"))
    writer.add_metadata({"/CreationDate": stamp, "/ModDate": stamp})
    root: Any = writer.root_object
    attached = root["/AF"][0].get_object()["/EF"]["/F"].get_object()
    attached["/Params"][NameObject("/ModDate")] = stamp
    metadata = root["/Metadata"].get_object()
    metadata.set_data(_XMP_DATE.sub(at.strftime("%Y-%m-%dT%H:%M:%S+00:00").encode(), metadata.get_data()))
    named = ByteStringObject(identifier(document))
    writer._ID = ArrayObject((named, named))  # noqa: SLF001 - pypdf has no other door to it
