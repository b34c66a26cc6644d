"""Deliveries: what leaves, what remains, what the customer says he received."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from core import deliveries, disputes, invoices, papers, payments, stock
from core.deliveries import DeliveryState, ReserveKind
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.money import Money
from core.orders import OrderState
from core.outbox import OutboxRow
from core.parties import Role
from core.stock import MovementKind
from tests.core.builders import Trade


def test_a_short_stock_ships_in_two_parts_and_closes_the_order(trade: Trade) -> None:
    article = trade.add_article("A", "10", on_hand="6")
    order = trade.confirm(trade.draft((article, "10"), (trade.article, "1")))
    first = trade.preparing(order)
    assert [line.quantity for line in first.lines] == [Decimal(6), Decimal(1)]
    note = trade.ship(first)
    assert [(line.quantity, line.remaining) for line in note.document.lines] == [(Decimal(6), Decimal(4)), (1, 0)]
    assert deliveries.remaining_quantities(trade.session, order) == {order.lines[0].id: Decimal(4)}
    trade.verify(first)
    assert order.state is OrderState.CONFIRMED
    with pytest.raises(Refused, match="nothing_to_prepare"):
        deliveries.prepare(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)
    stock.move(trade.session, article.id, MovementKind.RECEIPT, Decimal(50), source="truck", at=trade.at)
    second = deliveries.prepare(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="delivery_already_preparing"):
        deliveries.prepare(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)
    assert [line.quantity for line in second.lines] == [Decimal(4)]
    trade.ship(second)
    trade.verify(second)
    assert order.state is OrderState.CLOSED
    assert deliveries.remaining_quantities(trade.session, order) == {}
    assert [i.net for i in invoices.of_order(trade.session, order)] == [Money.of(160), Money.of(40)]
    assert stock.available(trade.session, article.id) == Decimal(46)


def test_what_the_warehouse_could_not_prepare_stays_promised(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "10")))
    delivery, by = trade.preparing(order), trade.by(Role.WAREHOUSE)
    for wrong, why in (("-1", "quantity_not_promised"), ("11", "quantity_above_ordered")):
        with pytest.raises(Refused, match=why):
            deliveries.set_prepared(trade.session, delivery, 1, Decimal(wrong), by=by, at=trade.at)
    with pytest.raises(Refused, match="line_unknown"):
        deliveries.set_prepared(trade.session, delivery, 9, Decimal(1), by=by, at=trade.at)
    deliveries.set_prepared(trade.session, delivery, 1, Decimal(7), by=by, at=trade.at)
    trade.ship(delivery)
    assert stock.available(trade.session, trade.article.id) == Decimal(990)
    rest = deliveries.prepare(trade.session, order, house=trade.house, by=by, at=trade.at)
    assert [line.quantity for line in rest.lines] == [Decimal(3)]


def test_nothing_prepared_does_not_leave(trade: Trade) -> None:
    delivery = trade.preparing(trade.confirm(trade.draft((trade.article, "10"))))
    deliveries.set_prepared(trade.session, delivery, 1, Decimal(0), by=trade.by(Role.WAREHOUSE), at=trade.at)
    with pytest.raises(Refused, match="nothing_to_ship"):
        trade.ship(delivery)


def test_shipping_twice_moves_the_stock_once(trade: Trade) -> None:
    delivery = trade.preparing(trade.confirm(trade.draft((trade.article, "10"))))
    trade.ship(delivery)
    with pytest.raises(IllegalTransition):
        trade.ship(delivery)
    assert stock.available(trade.session, trade.article.id) == Decimal(990)


def test_verifying_twice_invoices_once(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "10")))
    delivery = trade.preparing(order)
    with pytest.raises(IllegalTransition):
        trade.verify(delivery)
    trade.ship(delivery)
    trade.verify(delivery)
    trade.verify(delivery)
    assert len(invoices.of_order(trade.session, order)) == 1
    with pytest.raises(Refused, match="delivery_already_invoiced"):
        invoices.issue_for_delivery(trade.session, delivery, house=trade.house, by=trade.by(), at=trade.at)


def test_missing_and_wrong_are_not_invoiced_and_damaged_is(trade: Trade) -> None:
    articles = [trade.add_article(sku, "10") for sku in "ABC"]
    order = trade.confirm(trade.draft(*((article, "10") for article in articles)))
    delivery = trade.preparing(order)
    trade.ship(delivery)
    reserves = {
        1: (ReserveKind.MISSING, Decimal(2), "deux manquants"),
        2: (ReserveKind.WRONG_ARTICLE, Decimal(10), "rien de bon"),
        3: (ReserveKind.DAMAGED, Decimal(3), "trois tachés"),
    }
    trade.verify(delivery, reserves=reserves)
    (invoice,) = invoices.of_order(trade.session, order)
    assert [(line.quantity, line.net) for line in invoice.lines] == [(8, Money.of(80)), (10, Money.of(100))]
    templates = set(trade.session.scalars(select(OutboxRow.template)).all())
    assert "reserve_stated" in templates


def test_a_delivery_of_which_everything_is_missing_is_verified_without_invoice(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "10")))
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery, reserves={1: (ReserveKind.MISSING, Decimal(10), "rien reçu")})
    assert delivery.state is DeliveryState.VERIFIED
    assert invoices.of_order(trade.session, order) == []


@pytest.mark.parametrize(("position", "quantity"), [(1, "11"), (1, "0"), (2, "1")])
def test_a_reserve_beyond_what_was_delivered_is_refused(trade: Trade, position: int, quantity: str) -> None:
    delivery = trade.preparing(trade.confirm(trade.draft((trade.article, "10"))))
    trade.ship(delivery)
    with pytest.raises(Refused, match="reserve_not_possible"):
        trade.verify(delivery, reserves={position: (ReserveKind.MISSING, Decimal(quantity), "")})


def test_with_an_erp_no_invoice_is_issued_here(trade: Trade) -> None:
    trade.house = trade.house.model_copy(update={"invoicing": "erp"})
    order = trade.confirm(trade.draft((trade.article, "1")))
    handed = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "order_handed_over")).one()
    assert handed.not_before > trade.at
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    assert invoices.of_order(trade.session, order) == []
    assert order.state is OrderState.CLOSED


def test_the_preparation_slip_and_the_note_are_frozen_papers(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "10")))
    delivery = trade.preparing(order)
    slip = papers.latest(trade.session, DocumentKind.PREPARATION_SLIP, delivery.reference)
    note = trade.ship(delivery)
    assert slip is not None
    assert (slip.file_name, note.file_name) == (f"{delivery.reference}-BP.pdf", f"{delivery.reference}.pdf")
    assert (note.document.lines[0].unit_price, note.document.shows_prices) == (None, False)
    assert deliveries.by_reference(trade.session, delivery.reference) is delivery


def test_a_note_has_prices_for_who_asks_and_the_slip_is_in_our_own_language(trade: Trade) -> None:
    trade.customer.priced_delivery_notes, trade.customer.language = True, "en"
    order = trade.confirm(trade.draft((trade.article, "10")))
    delivery = trade.preparing(order)
    slip = papers.latest(trade.session, DocumentKind.PREPARATION_SLIP, delivery.reference)
    note = trade.ship(delivery).document
    assert slip is not None
    assert (slip.document.language, slip.document.lines[0].unit_price) == ("fr", None)
    line = note.lines[0]
    assert (note.language, note.shows_prices) == ("en", True)
    assert (line.unit_price, line.net) == (order.lines[0].unit_price, order.totals.net)


def test_a_credit_note_gives_back_never_more_than_is_left(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    by = trade.by(Role.ACCOUNTING)

    def credit(quantity: str, *, returned: bool = False, reason: str = "retour") -> invoices.Invoice:
        return invoices.issue_credit_note(
            trade.session, invoice, {1: Decimal(quantity)}, reason=reason, returned=returned, house=trade.house, by=by,
            at=trade.at,
        )  # fmt: skip

    before = stock.available(trade.session, trade.article.id)
    note = credit("4", returned=True)
    assert stock.available(trade.session, trade.article.id) == before + 4
    assert [(r.number, r.date) for r in note.paper.document.preceding_invoices] == [
        (invoice.number, invoice.issue_date)
    ]
    assert (note.number, note.gross) == ("AV-2026-0001", Money.of(480))
    assert payments.amount_due(trade.session, invoice) == Money.of(720)
    assert payments.amount_due(trade.session, note) == Money.of(0)
    for wrong in ("7", "0", "-1"):
        with pytest.raises(Refused, match="credit_above_left"):
            credit(wrong)
    with pytest.raises(Refused, match="reason_missing"):
        credit("1", reason=" ")
    with pytest.raises(Refused, match="credit_of_credit"):
        invoices.issue_credit_note(
            trade.session, note, {1: Decimal(1)}, reason="x", returned=False, house=trade.house, by=by, at=trade.at
        )
    credit("6")
    assert stock.available(trade.session, trade.article.id) == before + 4
    assert payments.receivables(trade.session, trade.customer) == []


def test_credits_in_parts_never_add_up_to_more_than_the_line(trade: Trade) -> None:
    invoice = trade.invoiced((trade.add_article("A", "0.335"), "3"))
    nets = [
        invoices.issue_credit_note(
            trade.session, invoice, {1: Decimal(1)}, reason="retour", returned=False, house=trade.house, by=trade.by(),
            at=trade.at,
        ).net
        for _ in range(3)
    ]  # fmt: skip
    assert sum((net.cents for net in nets), 0) == invoice.net.cents == 101


def test_a_credit_on_a_paid_invoice_is_credit_to_use(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    payments.record(
        trade.session, trade.customer, invoice.gross, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING),
        at=trade.at, house=trade.house, settles=invoice,
    )  # fmt: skip
    invoices.issue_credit_note(
        trade.session, invoice, {1: Decimal(1)}, reason="retour", returned=True, house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.at,
    )  # fmt: skip
    assert payments.usable_credit(trade.session, trade.customer) == Money.of(120)


def test_payments_in_part_too_much_unknown_and_future(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    by, today = trade.by(Role.ACCOUNTING), trade.at.date()

    def pay(amount: str, days: int = 0) -> payments.Payment:
        received = today.fromordinal(today.toordinal() + days)
        return payments.record(
            trade.session, trade.customer, Money.of(amount), received_on=received, by=by, at=trade.at,
            house=trade.house, settles=invoice,
        )  # fmt: skip

    pay("200")
    assert payments.amount_due(trade.session, invoice) == Money.of(1000)
    (receivable,) = payments.receivables(trade.session, trade.customer)
    assert (receivable.due, receivable.gross) == (Money.of(1000), Money.of(1200))
    pay("1100.50")
    assert payments.amount_due(trade.session, invoice) == Money.of(0)
    assert payments.usable_credit(trade.session, trade.customer) == Money.of("100.50")
    assert payments.receivables(trade.session, trade.customer) == []
    with pytest.raises(Refused, match="date_in_future"):
        pay("1", days=1)
    for amount in ("0", "-5"):
        with pytest.raises(Refused, match="amount_not_positive"):
            pay(amount)
    with pytest.raises(Refused, match="invoice_unknown"):
        payments.document_by_number(trade.session, trade.customer, "FA-2026-9999")
    with pytest.raises(Refused, match="invoice_unknown"):
        invoices.by_number(trade.session, "FA-2026-9999")


def test_a_dispute_covers_no_more_than_is_due_and_is_settled_once(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    first = disputes.open_dispute(
        trade.session, invoice, text="trois tachés", by=trade.buyer, at=trade.at, amount=Money.of(200)
    )
    assert disputes.contested(trade.session, invoice.id) == Money.of(200)
    with pytest.raises(Refused, match="dispute_not_possible"):
        disputes.open_dispute(trade.session, invoice, text="x", by=trade.buyer, at=trade.at, amount=Money.of(1001))
    rest = disputes.open_dispute(trade.session, invoice, text="tout", by=trade.buyer, at=trade.at)
    assert rest.amount == Money.of(1000)
    disputes.settle(trade.session, first, outcome="avoir", by=trade.by(), at=trade.at)
    with pytest.raises(IllegalTransition):
        disputes.settle(trade.session, first, outcome="avoir", by=trade.by(), at=trade.at)
    assert disputes.contested(trade.session, invoice.id) == Money.of(1000)
