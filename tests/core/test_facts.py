"""The facts of an order: the exposure stage by stage, what is overdue, what was already ordered."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from core import disputes, facts, invoices, orders, payments
from core.facts import Exposure, Facts
from core.invoices import Invoice
from core.money import ZERO, Money
from core.orders import Order
from core.parties import Role
from core.payments import OpenItem
from tests.core.builders import Trade


def gather(trade: Trade, order: Order) -> Facts:
    return facts.gather(trade.session, order, house=trade.house, at=trade.at)


def pay(trade: Trade, amount: Money, settles: Invoice | None = None) -> None:
    payments.record(
        trade.session, trade.customer, amount, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING), at=trade.at,
        house=trade.house, settles=settles,
    )  # fmt: skip


def test_the_exposure_follows_an_order_through_its_stages(trade: Trade) -> None:
    probe = trade.draft((trade.article, "1"))  # 120 with VAT
    base = Exposure(ZERO, ZERO, ZERO, Money.of(120), ZERO)
    assert gather(trade, probe).account.exposure == base
    order = trade.confirm(trade.draft((trade.article, "10")))
    assert gather(trade, probe).account.exposure == Exposure(ZERO, ZERO, Money.of(1200), Money.of(120), ZERO)
    delivery = trade.preparing(order)
    trade.ship(delivery)
    assert gather(trade, probe).account.exposure == Exposure(ZERO, Money.of(1200), ZERO, Money.of(120), ZERO)
    trade.verify(delivery)
    assert gather(trade, probe).account.exposure == Exposure(Money.of(1200), ZERO, ZERO, Money.of(120), ZERO)
    pay(trade, Money.of(1000), invoices.of_order(trade.session, order)[0])
    pay(trade, Money.of(50))
    exposure = gather(trade, probe).account.exposure
    assert exposure == Exposure(Money.of(200), ZERO, ZERO, Money.of(120), Money.of(50))
    assert exposure.total == Money.of(270)


def test_a_deposit_is_counted_once_at_every_stage(trade: Trade) -> None:
    article = trade.add_article("A", "100", on_hand="5")
    probe = trade.draft((trade.article, "1"))
    order = trade.draft((article, "10"))
    order.deposit_percent = Decimal(30)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    by = trade.by(Role.ACCOUNTING)
    deposit = invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")
    own = gather(trade, order).account.exposure  # the deposit invoice is a receivable: the order is counted without it
    assert (own.unpaid, own.this_order) == (Money.of(360), Money.of(840))
    pay(trade, deposit.gross, deposit)
    assert gather(trade, order).deposit.paid == Money.of(360)
    trade.confirm(order)
    assert gather(trade, probe).account.exposure.total == Money.of(840 + 120)
    delivery = trade.preparing(order)
    trade.ship(delivery)  # 600 left, 600 remain
    assert gather(trade, probe).account.exposure == Exposure(ZERO, Money.of(240), Money.of(600), Money.of(120), ZERO)
    trade.verify(delivery)
    assert gather(trade, probe).account.exposure == Exposure(Money.of(240), ZERO, Money.of(600), Money.of(120), ZERO)


def test_overdue_is_what_is_past_its_date_and_not_contested(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    trade.session.add(
        OpenItem(
            customer=trade.customer, number="F-1", issue_date=trade.at.date(), gross=Money.of(80), paid=Money.of(30),
            due_date=trade.at.date() + timedelta(days=31), as_of=trade.at.date(),
        )
    )  # fmt: skip
    probe = trade.draft((trade.article, "1"))
    trade.later(days=30)
    assert gather(trade, probe).account.overdue == ()
    trade.later(days=1)
    assert [r.number for r in gather(trade, probe).account.overdue] == [invoice.number]
    disputes.open_dispute(trade.session, invoice, text="x", by=trade.buyer, at=trade.at)
    assert gather(trade, probe).account.overdue == ()
    assert gather(trade, probe).account.exposure.unpaid == Money.of(1250)  # exposure keeps what is contested
    trade.later(days=1)
    assert [(r.number, r.due) for r in gather(trade, probe).account.overdue] == [("F-1", Money.of(50))]


def test_the_same_purchase_order_number_is_seen_with_what_became_of_that_order(trade: Trade) -> None:
    first = trade.draft((trade.article, "1"), customer_reference="PO-7")
    second = trade.draft((trade.article, "1"), customer_reference="PO-7")
    assert [(t.reference, t.state) for t in gather(trade, second).duplicates.twins] == [(first.reference, first.state)]
    orders.cancel(trade.session, first, reason="doublon", by=trade.by(), at=trade.at)
    assert [twin.state for twin in gather(trade, second).duplicates.twins] == [orders.OrderState.CANCELLED]
    assert gather(trade, trade.draft((trade.article, "1"))).duplicates.twins == ()


def test_a_line_knows_what_stock_can_still_promise(trade: Trade) -> None:
    trade.confirm(trade.draft((trade.article, "400")), at=trade.at)
    (line,) = gather(trade, trade.draft((trade.article, "1"))).lines
    assert (line.sku, line.available, line.unit_price) == ("DRA-140", Decimal(600), Decimal(100))
