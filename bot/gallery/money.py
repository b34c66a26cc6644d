"""Papers of the gallery about what is owed: invoices and credit notes, and every way of taxing them."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

from bot.gallery.samples import (
    TODAY,
    Lines,
    after,
    data,
    deposit_on,
    given,
    invoice_of,
    lines_of,
    long,
    paper,
    party,
    reduced,
    untaxed,
)
from core import formats, mentions
from core.documents import (
    Document,
    DocumentKind,
    Reference,
)
from core.means import PaymentMeans
from core.money import Money
from core.vat import FRANCHISE, RATES, Nature, VatCategory, VatRate


def invoices() -> dict[str, Document]:
    """Invoices, with deposits, by every means of payment."""
    texts, lines = data()["texts"], lines_of(6)
    deposit = deposit_on(lines)
    return {
        "invoice-1-line": invoice_of("FA-2026-00101", lines_of(1)),
        "invoice-rates": invoice_of("FA-2026-00102", lines, deliver_to=party("places", "depot")),
        "invoice-14-lines": invoice_of("FA-2026-00103", lines_of(14)),
        "invoice-40-lines": invoice_of("FA-2026-00104", lines_of(40)),
        "invoice-long-names": invoice_of(
            "FA-2026-00105", long(lines_of(4)), buyer=party("buyers", "long"), deliver_to=party("buyers", "long")
        ),
        "invoice-english": invoice_of(
            "FA-2026-00106", untaxed(lines_of(5)), language="en", buyer=party("buyers", "english"),
            payment_terms=texts["terms_english"], deliver_to=party("buyers", "english"), penalty_rate=None,
        ),
        "invoice-preview": invoice_of("", lines_of(2)),
        "deposit-invoice": deposit,
        "invoice-final": invoice_of(
            "FA-2026-00107", lines, business_process="B4",
            deposits=(Reference(deposit.number, deposit.issue_date, deposit.totals.gross),),
        ),
        "invoice-several-deliveries": invoice_of(
            "FA-2026-00110", lines_of(12), delivery_date=None, period_start=date(2026, 11, 5),
            period_end=date(2026, 11, 23),
            delivery_notes=tuple(Reference(f"BL-2026-0018{n}", date(2026, 11, 9 * n - 4)) for n in range(1, 4)),
        ),
        "invoice-settled-by-deposits": invoice_of(
            "FA-2026-00111", lines[:1], business_process="B4",
            deposits=(Reference(deposit.number, deposit.issue_date, Money.of("1458.43")),),
        ),
        "invoice-direct-debit": invoice_of(
            "FA-2026-00112", lines, payment_means=PaymentMeans.DIRECT_DEBIT, mandate_reference="RUM-C0012-2024",
            creditor_id="FR72ZZZ123456", debited_account="FR1420041010050500013M02606",
        ),
        "invoice-early-discount": invoice_of(
            "FA-2026-00115", lines[:3], early_percent=Decimal(2), early_days=8,
            discount_terms=mentions.wording(
                "early_discount", on=TODAY, language="fr", percent=formats.percent(Decimal(2)), days="8"
            ),
        ),
        "invoice-cheque": invoice_of("FA-2026-00113", lines[:2], payment_means=PaymentMeans.CHEQUE),
        "invoice-card-english": invoice_of(
            "FA-2026-00114", untaxed(lines[:2]), payment_means=PaymentMeans.CARD, language="en",
            buyer=party("buyers", "english"), payment_terms=texts["terms_english"],
        ),
        "deposit-invoice-english": dataclasses.replace(
            deposit_on(lines, texts["deposit_line_english"]), number="AC-2026-00022", language="en",
        ),
    }  # fmt: skip


def credit_notes() -> dict[str, Document]:
    """Credit notes."""
    texts, lines = data()["texts"], lines_of(6)
    deposit = deposit_on(lines)
    credited = (dataclasses.replace(lines[0], quantity=Decimal(8), net=Money.of("307.20"), packaging=""),)
    return {
        "credit-note": paper(
            DocumentKind.CREDIT_NOTE, "AV-2026-00009", credited, due_date=TODAY, reason=texts["reason"],
            preceding_invoices=(Reference("FA-2026-00102", date(2026, 11, 24)),),
        ),
        "credit-note-deposit": dataclasses.replace(
            deposit, kind=DocumentKind.CREDIT_NOTE, number="AV-2026-00010", type_code="503",
            reason=texts["reason_deposit"], preceding_invoices=(Reference(deposit.number, deposit.issue_date),),
        ),
        "credit-note-english": paper(
            DocumentKind.CREDIT_NOTE, "AV-2026-00011", untaxed(credited), due_date=TODAY, language="en",
            delivery_date=date(2026, 11, 23),
            reason=texts["reason_english"], buyer=party("buyers", "english"),
            preceding_invoices=(Reference("FA-2026-00106", date(2026, 11, 24)),),
        ),
    }  # fmt: skip


def taxed() -> dict[str, Document]:
    """What a sale without French VAT, an exempt article or a service makes of an invoice, with every rate there is."""
    texts = data()["texts"]

    def at(category: VatCategory, code: str = "", *, count: int = 3, nature: Nature = Nature.GOODS) -> Lines:
        rate = VatRate(Decimal(0), category, code)
        return tuple(dataclasses.replace(line, vat=rate, nature=nature) for line in lines_of(count))

    def sold(number: str, lines: Lines, buyer: str, **changes: Any) -> Document:
        terms = texts["terms_english" if changes.get("language") == "en" else "terms"]
        return invoice_of(f"FA-2026-{number}", lines, buyer=party("buyers", buyer), payment_terms=terms, **changes)

    rates = [VatRate(rate) for rate in sorted(RATES - {Decimal(0)}, reverse=True)]
    every = zip(lines_of(len(rates)), rates, strict=True)
    services = tuple(dataclasses.replace(line, nature=Nature.SERVICE) for line in lines_of(2))
    abroad = at(VatCategory.REVERSE_CHARGE, nature=Nature.SERVICE)
    exempt = at(VatCategory.EXEMPT, "VATEX-FR-CGI261-4", count=2)
    deposit = deposit_on(at(VatCategory.INTRA_COMMUNITY))
    intra = dataclasses.replace(deposit, number="AC-2026-00031", buyer=party("buyers", "english"))
    export = sold("00203", at(VatCategory.EXPORT), "swiss")
    final = {
        "business_process": "", "deposits": (Reference("AC-2026-00032", date(2026, 11, 2), Money.of("120.00")),)
    }  # fmt: skip
    return {
        "vat-every-rate": sold("00201", tuple(dataclasses.replace(line, vat=rate) for line, rate in every), "small"),
        "vat-discounts": sold("00202", reduced(lines_of(6)), "small"),
        "vat-export": export,
        "vat-reverse-charge": sold("00204", at(VatCategory.REVERSE_CHARGE), "subcontracting"),
        "vat-service-abroad": sold("00205", abroad, "english", language="en"),
        "vat-goods-and-service-abroad": sold(
            "00206", (*at(VatCategory.INTRA_COMMUNITY), *after(3, abroad)), "english", language="en"
        ),
        "vat-exempt-customer": sold("00207", at(VatCategory.EXEMPT, "VATEX-EU-151"), "embassy"),
        "vat-exempt-articles": sold(
            "00208", (*lines_of(2), *after(2, exempt), *after(4, at(VatCategory.EXEMPT, "VATEX-EU-132-1B", count=1))),
            "small",
        ),
        "vat-zero": sold("00209", (*at(VatCategory.ZERO, count=2), *after(2, lines_of(2))), "small"),
        "vat-franchise": sold("00210", at(VatCategory.EXEMPT, FRANCHISE), "small"),
        "vat-outside-scope": sold("00211", at(VatCategory.OUTSIDE_SCOPE), "swiss"),
        "vat-services": sold("00212", services, "small", delivery_notes=()),
        "vat-services-on-debits": sold("00213", services, "small", delivery_notes=(), vat_on_debits=True),
        "vat-goods-and-services": sold("00214", (*services, *after(2, lines_of(2))), "small"),
        "vat-services-final": sold("00215", services, "small", **final),
        "vat-free-line": sold("00217", (*lines_of(1), *after(1, given(lines_of(1)))), "small"),
        "vat-intra-community-deposit": intra,
        "vat-intra-community-credit": dataclasses.replace(
            intra, kind=DocumentKind.CREDIT_NOTE, number="AV-2026-00031", type_code="503",
            reason=texts["reason_deposit"], preceding_invoices=(Reference(intra.number, intra.issue_date),),
        ),
        "vat-export-credit": dataclasses.replace(
            export, kind=DocumentKind.CREDIT_NOTE, number="AV-2026-00032", reason=texts["reason"],
            preceding_invoices=(Reference(export.number, export.issue_date),),
        ),
    }  # fmt: skip
