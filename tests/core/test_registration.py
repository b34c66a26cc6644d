"""Registering an order: what blocks it, who lets it through, and the deposit that must come first."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import clearances, deliveries, deposits, invoices, journal, orders, overrides, payments, registration
from core.documents import DocumentKind
from core.errors import Refused
from core.money import ZERO, Money
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.overrides import RequestState
from core.parties import Requirement, Role, Staff, StaffRole
from core.payments import OpenItem
from tests.core.builders import Trade

REASON = "virement annoncé, échange avec le siège"


def blocked(trade: Trade) -> Order:
    """A draft above the customer's limit."""
    trade.customer.credit_limit = Money.of(100)
    order = trade.draft((trade.article, "2"))
    with pytest.raises(Refused, match="order_blocked") as refused:
        trade.confirm(order)
    assert refused.value.data["findings"] == ("over_limit",)
    return order


def let_through(
    trade: Trade, order: Order, *, by: Role = Role.ACCOUNTING, reason: str = REASON, **more: object
) -> None:
    overrides.grant(
        trade.session, order, {"over_limit": Role.ACCOUNTING}, reason=reason, by=trade.by(by), at=trade.at, **more
    )  # type: ignore[arg-type]


def test_accounting_lets_a_blocked_order_through_and_the_journal_keeps_why(trade: Trade) -> None:
    order = blocked(trade)
    wish = overrides.request(trade.session, order, Role.ACCOUNTING, reason=REASON, by=trade.by(), at=trade.at)
    again = overrides.request(trade.session, order, Role.ACCOUNTING, reason=REASON, by=trade.by(), at=trade.at)
    assert again is wish
    let_through(trade, order, wish=wish)
    assert wish.state is RequestState.GRANTED
    assert trade.confirm(order, version=order.version).state is OrderState.CONFIRMED
    entries = {e.action: e for e in journal.entries_of(trade.session, order.subject)}
    assert entries["override_granted"].private == REASON
    assert entries["override_granted"].actor == f"staff:{trade.staff[Role.ACCOUNTING].id}"


def test_a_grant_without_its_request_answers_the_open_one_too(trade: Trade) -> None:
    order = blocked(trade)
    wish = overrides.request(trade.session, order, Role.ACCOUNTING, reason=REASON, by=trade.by(), at=trade.at)
    let_through(trade, order)
    assert wish.state is RequestState.GRANTED


@pytest.mark.parametrize("role", [Role.SALES, Role.WAREHOUSE, Role.LEGAL, Role.MANAGER])
def test_s10_only_the_named_role_lets_through(trade: Trade, role: Role) -> None:
    with pytest.raises(Refused, match="role_missing"):
        let_through(trade, blocked(trade), by=role)


def test_s11_a_short_reason_is_refused(trade: Trade) -> None:
    with pytest.raises(Refused, match="reason_too_short"):
        let_through(trade, blocked(trade), reason="  ok ok   ")


def test_s10_nobody_approves_his_own_request_even_after_a_colleague_said_no(trade: Trade) -> None:
    both = Staff(name="both", grants=[StaffRole(role=Role.SALES), StaffRole(role=Role.ACCOUNTING)])
    trade.session.add(both)
    trade.session.flush()
    order = blocked(trade)
    findings = {"over_limit": Role.ACCOUNTING}
    wish = overrides.request(trade.session, order, Role.ACCOUNTING, reason=REASON, by=both.as_actor(), at=trade.at)
    for _ in range(2):
        with pytest.raises(Refused, match="own_request"):
            overrides.grant(trade.session, order, findings, reason=REASON, by=both.as_actor(), at=trade.at)
        if wish.state is RequestState.OPEN:
            overrides.refuse(trade.session, wish, reason="non", by=trade.by(Role.ACCOUNTING), at=trade.at)


def test_a_refused_request_is_answered_once(trade: Trade) -> None:
    order = blocked(trade)
    wish = overrides.request(trade.session, order, Role.ACCOUNTING, reason=REASON, by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="role_missing"):
        overrides.refuse(trade.session, wish, reason="non", by=trade.by(), at=trade.at)
    overrides.refuse(trade.session, wish, reason="non", by=trade.by(Role.ACCOUNTING), at=trade.at)
    with pytest.raises(Refused, match="request_already_answered"):
        overrides.refuse(trade.session, wish, reason="non", by=trade.by(Role.ACCOUNTING), at=trade.at)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(order)


def test_s11_an_override_ends_with_its_amount_and_its_time(trade: Trade) -> None:
    order = blocked(trade)
    let_through(trade, order)
    standing = overrides.standing(trade.session, order, at=trade.at)
    assert standing == {"over_limit"}
    assert overrides.standing(trade.session, order, at=trade.at + overrides.LIFETIME) == frozenset()
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(order)
    orders.set_quantity(trade.session, order, 1, Decimal(2), by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(order, at=trade.at + overrides.LIFETIME)
    assert trade.confirm(order).state is OrderState.CONFIRMED


def test_an_override_belongs_to_one_draft(trade: Trade) -> None:
    let_through(trade, blocked(trade))
    other = trade.draft((trade.article, "2"))
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(other)
    trade.customer.credit_limit = Money.of(10_000)
    trade.confirm(other)
    let_through(trade, other)  # a confirmed order is checked again when it ships
    assert overrides.standing(trade.session, other, at=trade.at) == {"over_limit"}
    orders.cancel(trade.session, other, reason="annulée", by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="order_over"):
        let_through(trade, other)


def test_a_customers_missing_yes_is_not_accountings_to_let_through(trade: Trade) -> None:
    trade.customer.recap_policy = Requirement.REQUIRED
    order = trade.draft((trade.article, "2"))
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(order)
    asked = clearances.ask(trade.session, order, house=trade.house, reason=REASON, by=trade.by(), at=trade.at)
    assert [wish.role for wish in asked] == [Role.MANAGER]
    with pytest.raises(Refused, match="role_missing"):
        clearances.grant(
            trade.session, asked[0], house=trade.house, reason=REASON, by=trade.by(Role.ACCOUNTING), at=trade.at
        )
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    assert trade.confirm(order).state is OrderState.CONFIRMED


def test_money_releases_the_drafts_it_was_awaited_for(trade: Trade) -> None:
    today = trade.at.date()
    item = OpenItem(
        customer=trade.customer, number="f-2025-17", issue_date=today - timedelta(days=60),
        due_date=today - timedelta(days=30), gross=Money.of(500), paid=ZERO, as_of=today,
    )  # fmt: skip
    trade.session.add(item)
    order = trade.draft((trade.article, "2"))
    assert not deliveries.of_order(trade.session, order)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(order)
    found = payments.document_by_number(trade.session, trade.customer, "F-2025-17")
    assert found is item

    def released() -> int:
        query = select(OutboxRow).where(OutboxRow.template == "order_released")
        return len(trade.session.scalars(query).all())

    for part, count in (("200", 0), ("300", 1), ("10", 1)):
        payments.record(
            trade.session, trade.customer, Money.of(part), received_on=today, by=trade.by(Role.ACCOUNTING),
            at=trade.later(minutes=1), house=trade.house, settles=item,
        )  # fmt: skip
        assert released() == count
    assert trade.confirm(order).state is OrderState.CONFIRMED


@pytest.mark.parametrize("price", ["9.99", "3.33", "0.07"])
def test_story_4_a_deposit_paid_to_the_cent_frees_the_order_and_is_deducted(trade: Trade, price: str) -> None:
    first, second = trade.add_article("A", price), trade.add_article("B", "1.13", vat="5.5", on_hand="3")
    trade.customer.deposit_percent = Decimal(30)
    order = trade.draft((first, "7"), (second, "9"))
    with pytest.raises(Refused, match="order_blocked") as refused:
        trade.confirm(order)
    assert refused.value.data["findings"] == ("deposit_due",)
    by, at = trade.by(Role.ACCOUNTING), trade.at
    with pytest.raises(Refused, match="recap_not_accepted"):
        invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=at, label="Acompte")
    orders.accept_recap(trade.session, order, by=trade.buyer, at=at)
    deposit = invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=at, label="Acompte")
    assert deposit.gross == deposits.due(order)
    assert deposit.number == "AC-2026-0001"
    with pytest.raises(Refused, match="deposit_already_invoiced"):
        invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=at, label="Acompte")
    assert [f.code for f in registration.examine(trade.session, order, house=trade.house, at=at) if f.blocks] == [
        "deposit_unpaid"
    ]
    payments.record(
        trade.session, trade.customer, deposit.gross, received_on=at.date(), by=by, at=at, house=trade.house,
        settles=deposit,
    )  # fmt: skip
    templates = trade.session.scalars(select(OutboxRow.template)).all()
    assert "order_released" in templates
    trade.confirm(order)
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    trade.session.flush()
    partial = invoices.of_order(trade.session, order)[-1]
    assert partial.kind is DocumentKind.INVOICE
    assert partial.paper.document.business_process == "B4"
    assert (partial.prepaid, partial.payable) == (deposit.gross, partial.gross - deposit.gross)
    assert payments.amount_due(trade.session, partial) == partial.payable


def test_two_partial_invoices_share_the_deposit(trade: Trade) -> None:
    from core import stock

    article = trade.add_article("A", "100", on_hand="2")
    trade.customer.deposit_percent = Decimal(50)
    order = trade.draft((article, "10"))
    by = trade.by(Role.ACCOUNTING)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    deposit = invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")
    assert deposit.gross == Money.of(600)
    payments.record(
        trade.session, trade.customer, deposit.gross, received_on=trade.at.date(), by=by, at=trade.at,
        house=trade.house, settles=deposit,
    )  # fmt: skip
    trade.confirm(order)
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    stock.move(trade.session, article.id, stock.MovementKind.RECEIPT, Decimal(20), source="truck", at=trade.at)
    deliveries.prepare(trade.session, order, house=trade.house, by=trade.by(), at=trade.at)
    trade.ship(trade.preparing(order))
    trade.verify(trade.preparing(order))
    _, first, second = invoices.of_order(trade.session, order)
    assert (first.gross, first.prepaid, first.payable) == (Money.of(240), Money.of(240), ZERO)
    assert (second.gross, second.prepaid, second.payable) == (Money.of(960), Money.of(360), Money.of(600))
    assert payments.usable_credit(trade.session, trade.customer) == ZERO
    assert [r.number for r in payments.receivables(trade.session, trade.customer)] == [second.number]


def test_an_order_that_grew_gets_a_deposit_invoice_for_the_difference(trade: Trade) -> None:
    trade.customer.deposit_percent = Decimal(50)
    order = trade.draft((trade.article, "2"))
    by = trade.by(Role.ACCOUNTING)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    first = invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    second = invoices.issue_deposit(trade.session, order, house=trade.house, by=by, at=trade.at, label="Acompte")
    assert (first.gross, second.gross) == (Money.of(120), Money.of(60))
