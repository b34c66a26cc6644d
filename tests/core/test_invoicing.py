"""When what was received is invoiced, of how many deliveries at once, and what a preview shows before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import ceilings, deliveries, exposure, facturx, invoices, invoicing, payments, terms
from core.deliveries import Delivery
from core.documents import DocumentKind
from core.errors import Refused
from core.exposure import Stage
from core.invoices import Invoice, InvoiceDelivery
from core.money import ZERO, Money
from core.outbox import OutboxRow
from core.papers import Paper
from core.parties import InvoiceTrigger
from core.terms import PaymentTerms
from tests.core.builders import AT, Trade


def delivered(trade: Trade, quantity: str = "10", *, verified: bool = True, **asked: Any) -> Delivery:
    """An order that left in one delivery, verified or without an answer."""
    order = trade.confirm(trade.draft((trade.article, quantity), **asked))
    delivery = trade.preparing(order)
    trade.ship(delivery)
    if verified:
        trade.verify(delivery)
    return delivery


def issued(trade: Trade) -> list[Invoice]:
    query = select(Invoice).where(Invoice.kind == DocumentKind.INVOICE).order_by(Invoice.id)
    return list(trade.session.scalars(query))


def test_a_month_of_deliveries_is_one_invoice_at_its_end_due_45_days_after_it(trade: Trade) -> None:
    session, trade.customer.invoice_trigger = trade.session, InvoiceTrigger.MONTH_END
    trade.customer.payment_terms = "60 jours"
    first = delivered(trade, "10")
    trade.at = datetime(2026, 3, 20, 9, tzinfo=UTC)
    second = delivered(trade, "5")
    second.order.customer_reference = "ACH-77"
    waits = delivered(trade, "3", verified=False)
    assert issued(trade) == []
    assert exposure.of(session, trade.customer, None, counted=frozenset({Stage.DELIVERED})).total == Money.of(2160)
    invoicing.try_again(session, house=trade.house, at=datetime(2026, 3, 30, 9, tzinfo=UTC))
    assert issued(trade) == []
    trade.at = datetime(2026, 3, 31, 9, tzinfo=UTC)
    for _ in range(2):
        invoicing.try_again(session, house=trade.house, at=trade.at)
    (invoice,) = issued(trade)
    said = invoice.paper.document
    assert (invoice.order, invoice.net, invoice.due_date) == (None, Money.of(1500), date(2026, 5, 15))
    assert [note.number for note in said.delivery_notes] == [first.reference, second.reference]
    assert [line.note for line in said.lines] == [first.reference, f"{second.reference} \u00b7 ACH-77"]
    assert (said.period_start, said.period_end, said.delivery_date) == (date(2026, 3, 10), date(2026, 3, 20), None)
    assert said.payment_terms.startswith("45 jours")  # what was agreed is not available to a periodic invoice
    xml = facturx.invoice_xml(said)
    assert facturx.check(xml) == []
    assert b"20260310" in xml and b"20260320" in xml  # noqa: PT018 - BG-14
    assert invoices.of_order(session, first.order) == invoices.of_order(session, second.order) == [invoice]
    assert invoices.deliveries_of(session, invoice) == [first, second]
    # what was answered after the end of its month follows on the next day
    trade.at = datetime(2026, 4, 2, 9, tzinfo=UTC)
    trade.verify(waits)
    assert [i.net for i in issued(trade)] == [Money.of(1500), Money.of(300)]
    assert exposure.of(session, trade.customer, None, counted=frozenset({Stage.DELIVERED})).total == ZERO


@pytest.mark.parametrize(
    ("limit", "agreed", "due"),
    [
        ("perishable", "60 jours", "2026-04-09"), ("perishable", "15 jours", "2026-03-25"),
        ("fresh_meat", "60 jours", "2026-03-30"), ("alcohol", "90 jours", "2026-04-30"), ("", "60 jours", "2026-05-09"),
    ],
)  # fmt: skip
def test_an_invoice_is_due_no_later_than_its_goods_allow(trade: Trade, limit: str, agreed: str, due: str) -> None:
    """C. com. L441-11: from the delivery of 10 March, whatever was agreed, and the paper says so."""
    trade.customer.payment_terms, trade.article.payment_limit = agreed, limit
    delivered(trade, "2")
    (invoice,) = issued(trade)
    assert invoice.due_date == date.fromisoformat(due)
    assert ("L441-11" in invoice.paper.document.payment_terms) is (bool(limit) and agreed != "15 jours")


def test_perishables_of_a_month_are_counted_from_the_end_of_their_ten_days() -> None:
    latest = {day: ceilings.of("perishable", on=date(2026, 2, day)).latest(date(2026, 2, day), periodic=True)
              for day in (1, 10, 11, 20, 21, 28)}  # fmt: skip
    ends = [date(2026, 2, 10)] * 2 + [date(2026, 2, 20)] * 2 + [date(2026, 2, 28)] * 2
    assert list(latest.values()) == [end + timedelta(days=30) for end in ends]


def test_deliveries_on_other_terms_or_of_another_month_are_other_invoices(trade: Trade) -> None:
    trade.customer.invoice_trigger = InvoiceTrigger.MONTH_END
    march = delivered(trade, "1")
    trade.at = datetime(2026, 4, 2, 9, tzinfo=UTC)
    april = delivered(trade, "1")
    trade.at = datetime(2026, 4, 30, 9, tzinfo=UTC)
    with pytest.raises(Refused, match="deliveries_not_alike"):
        invoices.preview(trade.session, [], house=trade.house, at=trade.at)
    invoicing.try_again(trade.session, house=trade.house, at=trade.at)
    assert [invoices.deliveries_of(trade.session, i) for i in issued(trade)] == [[march], [april]]


def test_nothing_is_invoiced_before_an_answer_unless_the_customer_is_invoiced_as_presumed(trade: Trade) -> None:
    session = trade.session
    delivery = delivered(trade, verified=False)
    with pytest.raises(Refused, match="delivery_not_verified"):
        invoices.issue_for_delivery(session, delivery, house=trade.house, by=trade.by(), at=trade.at)
    trade.later(hours=25)
    deliveries.remind(session, at=trade.at)
    trade.later(days=7)
    assert deliveries.presume_received(session, at=trade.at) == [delivery]
    invoicing.try_again(session, house=trade.house, at=trade.at)
    assert issued(trade) == []  # this customer is invoiced for what he verified: a colleague decides
    assert invoicing.to_invoice(session) == [delivery]
    trade.customer.invoice_trigger = InvoiceTrigger.PRESUMED
    invoicing.try_again(session, house=trade.house, at=trade.at)
    (invoice,) = issued(trade)
    assert invoice.net == Money.of(1000)
    trade.verify(delivery)
    assert issued(trade) == [invoice]


def test_where_the_erp_invoices_nothing_is_invoiced_here_not_even_by_hand(trade: Trade) -> None:
    erp = trade.house.model_copy(update={"invoicing": "erp"})
    delivery = delivered(trade, verified=False)
    deliveries.verify(trade.session, delivery, house=erp, by=trade.buyer, at=trade.at)
    invoicing.try_again(trade.session, house=erp, at=trade.at)
    with pytest.raises(Refused, match="invoiced_by_erp"):
        invoices.issue_for(trade.session, [delivery], house=erp, by=trade.by(), at=trade.at)
    assert issued(trade) == []


def test_goods_that_did_not_leave_are_never_invoiced(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "10")))
    with pytest.raises(Refused, match="delivery_not_verified"):
        invoices.issue_for_delivery(
            trade.session, trade.preparing(order), house=trade.house, by=trade.by(), at=trade.at
        )


def test_a_delivery_is_invoiced_once_and_the_database_holds_to_it(trade: Trade) -> None:
    session = trade.session
    delivery, other = delivered(trade, "1"), delivered(trade, "2")
    with pytest.raises(Refused, match="delivery_already_invoiced"):
        invoices.issue_for(session, [delivery], house=trade.house, by=trade.by(), at=trade.at)
    invoice = invoices.invoice_of(session, other)
    assert invoice is not None
    session.add(InvoiceDelivery(invoice_id=invoice.id, delivery_id=delivery.id))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()


def test_a_preview_is_neither_numbered_nor_stored_and_is_what_is_then_issued(trade: Trade) -> None:
    trade.customer.invoice_trigger = InvoiceTrigger.MONTH_END
    delivery = delivered(trade, "10")
    before = trade.session.query(Paper).count()
    seen = invoices.preview(trade.session, [delivery], house=trade.house, at=trade.at)
    assert seen.number == ""
    assert trade.session.query(Paper).count() == before
    invoice = invoices.issue_for(trade.session, [delivery], house=trade.house, by=trade.by(), at=trade.at)
    frozen = invoice.paper.document
    assert (frozen.lines, frozen.totals, frozen.due_date, frozen.buyer) == (
        seen.lines, seen.totals, seen.due_date, seen.buyer,
    )  # fmt: skip


def test_a_refused_invoice_is_cancelled_within_the_house_and_issued_again(trade: Trade) -> None:
    session = trade.session
    invoice = trade.invoiced((trade.article, "10"))
    told = trade.session.query(OutboxRow).filter_by(audience="customer").count()
    payments.record(
        session, trade.customer, Money.of(200), received_on=trade.at.date(), by=trade.by(), at=trade.at,
        house=trade.house, settles=invoice,
    )  # fmt: skip
    trade.customer.name = "Hôtel Bellevue SARL"
    note, again = invoicing.replace_refused(
        session, invoice, reason="Adresse erronée", house=trade.house, by=trade.by(), at=trade.at
    )
    assert again is not None
    assert (note.internal, note.number, note.gross) == (True, "AVI-2026-0001", invoice.gross)
    assert (again.number, again.gross, again.paper.document.buyer.name) == (
        "FA-2026-0002", invoice.gross, "Hôtel Bellevue SARL",
    )  # fmt: skip
    assert payments.amount_due(session, invoice) == ZERO
    assert payments.amount_due(session, again) == invoice.gross
    assert payments.usable_credit(session, trade.customer) == Money.of(200)
    rows = trade.session.query(OutboxRow).filter_by(audience="customer", subject=note.subject).count()
    assert rows == 0
    assert trade.session.query(OutboxRow).filter_by(audience="customer").count() == told + 2  # payment, new invoice
    (delivery,) = invoices.deliveries_of(session, again)
    assert invoices.invoice_of(session, delivery) == again
    with pytest.raises(Refused, match="invoice_cancelled_internally"):
        invoices.issue_credit_note(
            session, invoice, {1: Decimal(1)}, reason="retour", returned=False, house=trade.house, by=trade.by(),
            at=trade.at,
        )  # fmt: skip
    # refused a second time, cancelled a second time
    note, third = invoicing.replace_refused(session, again, reason="TVA", house=trade.house, by=trade.by(), at=trade.at)
    assert third is not None
    assert (note.number, third.number, invoices.invoice_of(session, delivery)) == (
        "AVI-2026-0002", "FA-2026-0003", third,
    )  # fmt: skip
    invoices.issue_credit_note(
        session, third, {1: Decimal(1)}, reason="retour", returned=False, house=trade.house, by=trade.by(), at=trade.at
    )
    # refused a third time, after a unit was given back and a price lowered: only the rest is made again
    given: dict[str, Any] = {"house": trade.house, "by": trade.by(), "at": trade.at}
    lower = invoices.credit_price(session, third, 1, per_unit=Decimal(4), reason="tarif", **given)
    note, fourth = invoicing.replace_refused(session, third, reason="SIREN", **given)
    assert fourth is not None
    assert (lower.net, note.net, fourth.net) == (Money.of(36), Money.of(864), Money.of(864))
    (line,) = fourth.lines
    assert (line.quantity, line.unit_price) == (9, 96)
    assert payments.amount_due(session, third) == ZERO
    invoices.issue_credit_note(session, fourth, {1: Decimal(9)}, reason="retour", returned=False, **given)
    with pytest.raises(Refused, match="invoice_already_credited"):
        invoices.cancel_internally(session, fourth, reason="x", **given)


@pytest.mark.parametrize(
    ("words", "issued_on", "received", "due"),
    [
        ("", "2026-03-20", "2026-03-10", "2026-04-09"),  # nothing agreed: 30 days from the receipt
        ("", "2026-03-20", None, "2026-04-19"),
        ("", "2026-04-30", "2026-03-10", "2026-04-30"),  # never before the invoice itself
        ("30 jours", "2026-03-20", "2026-03-10", "2026-04-19"),
        ("90 jours", "2026-03-20", "2026-03-10", "2026-05-19"),  # 60 days at most
        ("60 jours fin de mois", "2026-03-20", None, "2026-05-31"),  # 45 days, then the end of the month
        ("fin de mois + 60", "2026-03-20", None, "2026-05-15"),  # the end of the month, then 45 days
    ],
)
def test_the_due_date_follows_what_was_agreed_within_the_law(
    words: str, issued_on: str, received: str | None, due: str
) -> None:
    day = date.fromisoformat(received) if received else None
    found = terms.parse(words).lawful_due_date(date.fromisoformat(issued_on), received_on=day)
    assert found == date.fromisoformat(due)


def test_terms_above_the_maximum_are_refused_to_who_sets_them_naming_the_field() -> None:
    assert terms.lawful("45 jours fin de mois") == PaymentTerms(45, end_of_month=True)
    with pytest.raises(Refused, match="payment_terms_above_maximum") as refused:
        terms.lawful("60 jours fin de mois")
    assert refused.value.data["field"] == "payment_terms"
    assert refused.value.data["longest"] == 45


def test_nothing_agreed_is_due_30_days_after_the_goods_were_received(trade: Trade) -> None:
    trade.customer.payment_terms = ""
    trade.customer.invoice_trigger = InvoiceTrigger.MONTH_END
    delivered(trade, "1")
    trade.at = datetime(2026, 3, 31, 9, tzinfo=UTC)
    invoicing.try_again(trade.session, house=trade.house, at=trade.at)
    (invoice,) = issued(trade)
    assert (invoice.issue_date, invoice.due_date) == (date(2026, 3, 31), AT.date() + timedelta(days=30))
