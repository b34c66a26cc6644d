"""A verdict cannot be walked around, and what is blocked by an amount is freed by its payment."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import deliveries, invoices, journal, orders, overrides, payments, registration, releases
from core.deliveries import DeliveryState
from core.errors import Refused
from core.invoices import Invoice
from core.money import ZERO, Money
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.parties import Customer, Role
from core.payments import OpenItem
from tests.core.builders import Trade

REASON = "virement annoncé, échange avec le siège"


def told(trade: Trade, template: str) -> list[OutboxRow]:
    return list(trade.session.scalars(select(OutboxRow).where(OutboxRow.template == template).order_by(OutboxRow.id)))


def pay(trade: Trade, amount: Money, settles: Invoice | OpenItem | None = None) -> None:
    payments.record(
        trade.session, trade.customer, amount, received_on=trade.at.date(), by=trade.by(Role.ACCOUNTING), at=trade.at,
        house=trade.house, settles=settles,
    )  # fmt: skip


def item(trade: Trade, number: str, amount: str, *, late: int) -> OpenItem:
    today = trade.at.date()
    made = OpenItem(
        customer=trade.customer, number=number, issue_date=today - timedelta(days=60), gross=Money.of(amount),
        due_date=today - timedelta(days=late), paid=ZERO, as_of=today,
    )  # fmt: skip
    trade.session.add(made)
    trade.session.flush()
    return made


def ship(trade: Trade, order: Order) -> None:
    trade.ship(trade.preparing(order))


def test_an_order_split_in_two_passes_the_limit_no_further_than_one(trade: Trade) -> None:
    trade.customer.credit_limit = Money.of(1300)
    halves = [trade.draft((trade.article, "6")) for _ in range(2)]  # 720 each
    for half in halves:
        orders.accept_recap(trade.session, half, by=trade.buyer, at=trade.at)
    trade.confirm(halves[0])
    with pytest.raises(Refused, match="order_blocked") as refused:
        trade.confirm(halves[1])
    assert refused.value.data["findings"] == ("over_limit",)


def test_an_order_taken_back_and_confirmed_again_is_examined_again(trade: Trade) -> None:
    trade.customer.credit_limit = Money.of(1300)
    first, second = (trade.draft((trade.article, "10")) for _ in range(2))
    trade.confirm(first)
    registration.undo(trade.session, first.id, house=trade.house, by=trade.by(), at=trade.later(seconds=5))
    trade.confirm(second)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(first)
    orders.cancel(trade.session, first, reason="refaite", by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(trade.draft((trade.article, "10")))


def test_what_was_let_through_does_not_follow_the_draft_to_another_order_or_customer(trade: Trade) -> None:
    trade.customer.credit_limit = Money.of(100)
    order = trade.draft((trade.article, "2"))
    findings = {"over_limit": Role.ACCOUNTING}
    overrides.grant(trade.session, order, findings, reason=REASON, by=trade.by(Role.ACCOUNTING), at=trade.at)
    other = Customer(code="C002", name="Autre", credit_limit=Money.of(10))
    trade.session.add(other)
    trade.session.flush()
    orders.set_customer(trade.session, order, other, authenticated=True, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(order)


def test_a_registered_order_that_is_edited_is_examined_with_its_new_lines_and_counted_once(trade: Trade) -> None:
    trade.customer.credit_limit = Money.of(1300)
    order = trade.confirm(trade.draft((trade.article, "10")))

    def against() -> list[str]:
        found = registration.examine(trade.session, order, house=trade.house, at=trade.at)
        return [finding.code for finding in found if finding.blocks]

    assert against() == []
    order.lines[0].quantity = Decimal(11)  # 1320 with VAT
    assert against() == ["over_limit"]
    with pytest.raises(Refused, match="delivery_blocked"):
        ship(trade, order)


def test_a_shipment_is_refused_told_once_and_released_by_the_payment(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    owed = item(trade, "F-1", "500", late=3)
    against = registration.withheld(trade.session, order, trade.house, trade.at)
    assert [finding.code for finding in against] == ["overdue"]
    with pytest.raises(Refused, match="delivery_blocked") as refused:
        ship(trade, order)
    assert refused.value.data["findings"] == ("overdue",)
    assert trade.preparing(order).state is DeliveryState.PREPARING
    for _ in range(2):
        registration.tell_withheld(
            trade.session, order, by=trade.by(Role.WAREHOUSE), at=trade.at, findings=("overdue",)
        )  # fmt: skip
    assert (len(told(trade, "delivery_blocked")), len(told(trade, "delivery_blocked_info"))) == (1, 1)
    assert all(row.audience != "customer" for row in told(trade, "delivery_blocked"))
    pay(trade, Money.of(200), owed)
    assert told(trade, "delivery_released") == []
    pay(trade, Money.of(300), owed)
    assert {row.audience for row in told(trade, "delivery_released")} == {"warehouse", "sales", "accounting"}
    ship(trade, order)
    assert trade.preparing(order).state is DeliveryState.SHIPPED


def test_accounting_lets_a_refused_shipment_leave_and_nobody_else_does(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    trade.customer.insolvent_since = trade.at.date()
    findings = {"customer_insolvent": Role.ACCOUNTING}
    registration.tell_withheld(trade.session, order, by=trade.by(), at=trade.at, findings=tuple(findings))
    with pytest.raises(Refused, match="role_missing"):
        overrides.grant(trade.session, order, findings, reason=REASON, by=trade.by(Role.SALES), at=trade.at)
    overrides.grant(trade.session, order, findings, reason=REASON, by=trade.by(Role.ACCOUNTING), at=trade.at)
    registration.look_again(trade.session, trade.customer, house=trade.house, at=trade.at)
    assert not order.blocked
    ship(trade, order)


def test_a_credit_note_releases_too(trade: Trade) -> None:
    invoice = trade.invoiced((trade.article, "10"))
    trade.customer.credit_limit = Money.of(1300)
    order = trade.draft((trade.article, "2"))
    invoices.issue_credit_note(
        trade.session, invoice, {1: Decimal(2)}, reason="retour de deux pièces", returned=True, house=trade.house,
        by=trade.by(Role.ACCOUNTING), at=trade.later(minutes=1),
    )  # fmt: skip
    assert [row.subject for row in told(trade, "order_released")] == [order.subject]
    assert [row.subject for row in told(trade, "order_released_info")] == [order.subject]


def test_the_payment_asked_frees_the_order_and_one_cent_less_does_not(trade: Trade) -> None:
    for number, amount, late in (("F-OLD", "300", 20), ("F-YOUNG", "150", 5), ("F-SOON", "900", -10)):
        item(trade, number, amount, late=late)
    trade.customer.credit_limit = Money.of(1000)
    order = trade.draft((trade.article, "2"))  # 240: 590 above the limit
    wanted = releases.demand(trade.session, order, house=trade.house, at=trade.at)
    assert wanted is not None
    assert [(part.document.number, part.amount) for part in wanted.parts] == [
        ("F-OLD", Money.of(300)), ("F-YOUNG", Money.of(150)), ("F-SOON", Money.of(140)),
    ]  # fmt: skip
    less = wanted.amount - Money.of("0.01")
    by = trade.by(Role.ACCOUNTING)
    with trade.session.begin_nested() as attempt:
        releases.record(trade.session, order, less, house=trade.house, by=by, at=trade.at)
        with pytest.raises(Refused, match="order_blocked"):
            trade.confirm(order)
        attempt.rollback()
    trade.session.refresh(order)
    releases.record(trade.session, order, wanted.amount, house=trade.house, by=by, at=trade.at)
    assert len(told(trade, "order_released")) == 1
    assert trade.confirm(order).state is OrderState.CONFIRMED


def test_a_demand_is_sent_once_a_day_for_one_amount_and_never_when_money_would_not_help(trade: Trade) -> None:
    trade.customer.credit_limit = Money.of(100)
    order = trade.draft((trade.article, "2"))
    wanted = releases.ask(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)
    assert (wanted.parts, wanted.advance) == ((), Money.of(140))
    with pytest.raises(Refused, match="payment_already_asked"):
        releases.ask(trade.session, order, house=trade.house, by=trade.by(), at=trade.later(hours=1))
    releases.ask(trade.session, order, house=trade.house, by=trade.by(), at=trade.later(days=1))
    assert len(told(trade, "payment_asked")) == 2
    assert [e.action for e in journal.entries_of(trade.session, order.subject)].count("payment_asked") == 2
    trade.customer.credit_limit, trade.customer.on_hold = Money.of(1000), True
    with pytest.raises(Refused, match="payment_not_askable"):
        releases.ask(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)


def test_a_closed_and_an_insolvent_customer_are_refused(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    trade.customer.active, trade.customer.insolvent_since = False, date(2026, 1, 5)
    with pytest.raises(Refused, match="order_blocked") as refused:
        trade.confirm(order)
    assert refused.value.data["findings"] == ("customer_closed", "customer_insolvent")
    assert deliveries.of_order(trade.session, order) == []
