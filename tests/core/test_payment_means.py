"""How a customer pays, on the page and in the data: a direct debit names its mandate, other means no bank account."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from bot import gallery
from core import facturx, pages
from core.documents import Document
from core.means import PaymentMeans, named
from tests.core.builders import Trade
from tests.core.test_facturx import Judge, text_of

MEANS = "//ram:SpecifiedTradeSettlementPaymentMeans"


def paid_by(code: str, **more: str) -> Document:
    return dataclasses.replace(gallery.documents()["invoice-1-line"], payment_means=code, **more)


def test_a_direct_debit_names_mandate_creditor_and_account(judge: Judge) -> None:
    paper = paid_by(
        "59", mandate_reference="MND-7", creditor_id="FR72ZZZ123456", debited_account="FR7610107001011234567890129"
    )
    xml = facturx.invoice_xml(paper)
    assert (facturx.check(xml), judge(xml)) == ([], [])
    assert text_of(xml, f"{MEANS}/ram:TypeCode") == ["59"]
    assert text_of(xml, "//ram:DirectDebitMandateID") == ["MND-7"]
    assert text_of(xml, "//ram:CreditorReferenceID") == ["FR72ZZZ123456"]
    assert text_of(xml, f"{MEANS}/ram:PayerPartyDebtorFinancialAccount/ram:IBANID") == ["FR7610107001011234567890129"]
    page = pages.render_html(paper)
    assert "MND-7" in page
    assert "Règlement par virement SEPA" not in page


@pytest.mark.parametrize(("code", "words"), [("20", "Règlement par chèque"), ("48", "Règlement par carte bancaire")])
def test_cheque_and_card_show_no_account(judge: Judge, code: str, words: str) -> None:
    xml = facturx.invoice_xml(paid_by(code))
    assert (facturx.check(xml), judge(xml)) == ([], [])
    assert text_of(xml, f"{MEANS}/ram:TypeCode") == [code]
    assert text_of(xml, f"{MEANS}//ram:IBANID") == []
    page = pages.render_html(paid_by(code))
    assert words in page
    assert "Règlement par virement SEPA" not in page


def test_a_direct_debit_without_its_mandate_is_asked_for_as_a_transfer() -> None:
    xml = facturx.invoice_xml(paid_by("59"))
    assert text_of(xml, f"{MEANS}/ram:TypeCode") == ["58"]
    assert "Règlement par virement SEPA" in pages.render_html(paid_by("59"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_invoice_freezes_how_its_customer_pays_and_what_paying_early_earns(trade: Trade) -> None:
    trade.customer.payment_means, trade.customer.mandate_reference = PaymentMeans.DIRECT_DEBIT, "MND-7"
    trade.customer.discount_percent, trade.customer.discount_days = Decimal("1.5"), 8
    trade.house = trade.house.model_copy(update={"creditor_id": "FR72ZZZ123456"})
    document = trade.invoiced((trade.article, "1")).paper.document
    assert (document.payment_means, document.mandate_reference, document.creditor_id) == (
        "59", "MND-7", "FR72ZZZ123456",
    )  # fmt: skip
    assert (document.early_percent, document.early_days) == (Decimal("1.5"), 8)
    trade.customer.discount_percent = Decimal(0)  # nothing for this customer, whatever the house offers
    assert trade.invoiced((trade.article, "1")).paper.document.discount_terms == ""


def test_means_are_named_by_word_or_code() -> None:
    assert named("Virement") is named("58") is PaymentMeans.TRANSFER
    assert named(" Chèque ") is PaymentMeans.CHEQUE
    assert named("troc") is None
