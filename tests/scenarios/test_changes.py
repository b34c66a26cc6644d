"""Customers who change their minds, told by the trade alone, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import deliveries, duplicates, invoices, journal, orders, overrides, payments, registration, revising, stock
from core.clock import business_date
from core.db import transaction
from core.deliveries import DeliveryState
from core.deposits import DepositRule
from core.documents import DocumentKind
from core.errors import Refused
from core.money import Money
from core.orders import (
    AskedLine,
    DepositStage,
    DifferenceKind,
    LineWish,
    Order,
    OrderRevision,
    OrderState,
    RevisionState,
    Wanted,
)
from core.orders import revisions as wishes
from core.outbox import OutboxRow, OutboxState
from core.papers import Paper
from core.parties import Role
from tests.core.builders import AT, Trade
from tests.core.test_races import together


def told(session: Session, audience: str) -> list[str]:
    rows = select(OutboxRow.template).where(OutboxRow.audience == audience, OutboxRow.state != OutboxState.MOOT)
    return list(session.scalars(rows.order_by(OutboxRow.id)))


def propose(trade: Trade, order: Order, *lines: LineWish, **wanted: object) -> OrderRevision:
    wish = Wanted(tuple(lines), **wanted)  # type: ignore[arg-type]
    return wishes.propose(trade.session, order, wish, by=trade.buyer, at=trade.at)


def accept(trade: Trade, revision: OrderRevision, **given: object) -> Order:
    options = {"house": trade.house, "by": trade.by(), "at": trade.at} | given
    return revising.accept(trade.session, revision.id, **options)  # type: ignore[arg-type]


def test_the_customer_changes_his_mind_after_a_partial_delivery(trade: Trade) -> None:
    session, towel = trade.session, trade.add_article("SER-50", "5", on_hand="30")
    order = trade.confirm(trade.draft((trade.article, "10"), (towel, "50")))
    first = trade.preparing(order)
    trade.ship(first)  # 10 sheets and the 30 towels that there were
    trade.verify(first)
    trade.later(days=1)
    mop = trade.add_article("BAL-1", "8")
    monday = business_date(trade.at) + timedelta(days=6)
    more = (AskedLine("3 balais", mop, Decimal(3)),)
    revision = propose(trade, order, LineWish(2, Decimal(40)), added=more, day=monday)

    seen = revising.redline(session, revision, house=trade.house, at=trade.at)
    assert [(red.confirmed, red.shipped, red.invoiced, red.wanted) for red in seen.lines] == [
        (10, 10, 10, 10), (50, 30, 30, 40), (0, 0, 0, 3),
    ]  # fmt: skip
    assert (seen.net, seen.net_after, seen.day, seen.blockers) == (Money.of(1250), Money.of(1224), monday, ())
    assert (order.revision, order.lines[1].quantity, len(order.lines)) == (0, 50, 2)  # looking changes nothing

    accept(trade, revision, version=order.version)
    assert (order.reference, order.revision, revision.index) == ("CMD-2026-0001", 1, 1)
    assert [d.kind for d in revision.differences] == [
        DifferenceKind.QUANTITY, DifferenceKind.ADDED, DifferenceKind.DAY,
    ]  # fmt: skip
    assert deliveries.remaining_quantities(session, order) == {order.lines[1].id: 10, order.lines[2].id: 3}
    second = trade.preparing(order)
    assert [(line.order_line.position, line.quantity) for line in second.lines] == [(3, 3)]
    papers = session.scalars(
        select(Paper).where(Paper.kind == DocumentKind.ORDER_CONFIRMATION).order_by(Paper.revision)
    ).all()
    assert [paper.document.revision for paper in papers] == [0, 1]
    assert papers[1].document.replaces is not None
    assert papers[1].document.replaces.date == business_date(AT)
    assert told(session, "customer")[-1] == "order_revised"

    with pytest.raises(Refused) as error:  # 30 towels are with him: that takes a return and a credit note
        accept(trade, propose(trade, order, LineWish(2, Decimal(25))))
    assert error.value.code == "revision_below_shipped"
    assert {k: error.value.data[k] for k in ("position", "wanted", "shipped", "back")} == {
        "position": 2, "wanted": 25, "shipped": 30, "back": 5,
    }  # fmt: skip
    assert order.revision == 1

    trade.ship(second)
    trade.verify(second)
    revising.close_line(session, order.id, 2, house=trade.house, by=trade.by(), at=trade.at)
    assert (order.state, order.revision, order.lines[1].closed_quantity) == (OrderState.CLOSED, 2, 10)
    assert order.totals.net == Money.of(1000 + 150 + 24)
    assert sum((invoice.net.amount for invoice in invoices.of_order(session, order)), Decimal(0)) == 1174
    assert journal.first_broken(session) is None


def test_a_preparation_under_way_is_made_again_and_the_shelf_follows(trade: Trade) -> None:
    session = trade.session
    order = trade.confirm(trade.draft((trade.article, "10"), (trade.add_article("SER-50", on_hand="5"), "8")))
    old = trade.preparing(order)
    accept(trade, propose(trade, order, LineWish(1, Decimal(4)), LineWish(2, None)))
    new = trade.preparing(order)
    assert (old.state, new.state) == (DeliveryState.CANCELLED, DeliveryState.PREPARING)
    assert [(line.order_line.position, line.quantity) for line in new.lines] == [(1, 4)]
    assert (stock.available(session, trade.article.id), stock.available(session, trade.skus["SER-50"].id)) == (996, 5)
    assert (order.lines[1].closed_quantity, order.totals.net) == (8, Money.of(400))
    assert told(session, Role.WAREHOUSE) == ["preparation_card"]  # the first one was never told


def test_who_asks_for_more_is_examined_again_and_who_asks_for_less_is_not_held_up(trade: Trade) -> None:
    session = trade.session
    order = trade.confirm(trade.draft((trade.article, "10")))
    first = trade.preparing(order)
    deliveries.set_prepared(session, first, 1, Decimal(4), by=trade.by(Role.WAREHOUSE), at=trade.at)
    trade.ship(first)
    trade.verify(first)
    trade.customer.credit_limit = Money.of(1440)  # 480 are invoiced, 720 are left to ship
    fits = propose(trade, order, LineWish(1, Decimal(12)))
    assert revising.redline(session, fits, house=trade.house, at=trade.at).blockers == ()
    more = propose(trade, order, LineWish(1, Decimal(13)))
    assert fits.state is RevisionState.STALE
    with pytest.raises(Refused) as error:
        accept(trade, more)
    assert (error.value.code, error.value.data["findings"]) == ("order_blocked", ("over_limit",))
    assert (order.lines[0].quantity, order.revision, more.state) == (10, 0, RevisionState.PROPOSED)
    findings, cap = revising.to_let_through(session, order, house=trade.house, at=trade.at)
    assert (cap, [f.code for f in findings if f.blocks]) == (Money.of(1560), ["over_limit"])
    given = {"reason": "accord du dirigeant", "by": trade.by(Role.ACCOUNTING), "at": trade.at, "cap": cap}
    overrides.grant(session, order, {"over_limit": Role.ACCOUNTING}, **given)
    assert revising.redline(session, more, house=trade.house, at=trade.at).blockers == ()
    trade.customer.credit_limit = Money.of(1)
    less = propose(trade, order, LineWish(1, Decimal(5)))
    accept(trade, less)
    assert (order.lines[0].quantity, order.revision) == (5, 1)


def test_two_agents_accept_once_and_the_second_is_told_who_was_first(
    engine: Engine, furnished: Callable[[], Trade]
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        order = trade.draft((trade.article, "990"))
        order.customer.credit_limit = Money.of(500_000)
        trade.confirm(order)
        revision_id, version, order_id = propose(trade, order, LineWish(1, Decimal(995))).id, order.version, order.id
        rival = trade.draft((trade.article, "10")).id

    def yes(session: Session) -> None:
        revising.accept(session, revision_id, house=trade.house, by=trade.by(), at=AT, version=version)

    def other(session: Session) -> None:
        registration.confirm(session, rival, house=trade.house, by=trade.by(), at=AT)

    assert together(engine, [yes, yes, other]) == (2, ["revision_already_decided"])
    with transaction(engine) as session:
        order = session.get_one(Order, order_id)
        assert (order.revision, order.lines[0].quantity) == (1, 995)
        assert stock.reserved(session, trade.article.id) == 1000  # never more than there is
        stale = wishes.propose(session, order, Wanted((LineWish(1, Decimal(900)),)), by=trade.buyer, at=AT)
        with pytest.raises(Refused, match="order_version_changed"):
            revising.accept(session, stale.id, house=trade.house, by=trade.by(), at=AT, version=version)


def test_a_cancellation_gives_back_what_has_not_left_and_names_the_deposit(trade: Trade) -> None:
    session = trade.session
    trade.customer.deposit_percent = Decimal(30)
    order = trade.draft((trade.article, "10"))
    orders.accept_recap(session, order, by=trade.buyer, at=trade.at)
    deposit = invoices.issue_deposit(session, order, house=trade.house, by=trade.by(), at=trade.at, label="acompte")
    payments.record(
        session, trade.customer, deposit.gross, received_on=business_date(trade.at), by=trade.by(Role.ACCOUNTING),
        at=trade.at, house=trade.house, settles=deposit,
    )  # fmt: skip
    trade.confirm(order)
    wish = wishes.propose(
        session, order, Wanted(), kind=wishes.RevisionKind.CANCELLATION, by=trade.buyer, at=trade.at, reason="fermé"
    )
    with pytest.raises(Refused, match="reason_missing"):
        revising.cancel(session, order.id, reason=" ", house=trade.house, by=trade.by(), at=trade.at)
    accept(trade, wish, reason="le client ferme")
    assert (order.state, order.cancel_reason, wish.state) == (
        OrderState.CANCELLED, "le client ferme", RevisionState.ACCEPTED,
    )  # fmt: skip
    assert stock.reserved(session, trade.article.id) == 0
    assert told(session, Role.ACCOUNTING)[-1] == "deposit_to_credit"
    assert told(session, "customer")[-1] == "order_cancelled"
    assert told(session, Role.WAREHOUSE) == []  # what the warehouse had not been told, it is not told


def test_a_cancellation_after_a_delivery_closes_the_rest(trade: Trade) -> None:
    session = trade.session
    order = trade.confirm(trade.draft((trade.article, "10")))
    delivery = trade.preparing(order)
    deliveries.set_prepared(session, delivery, 1, Decimal(6), by=trade.by(Role.WAREHOUSE), at=trade.at)
    trade.ship(delivery)
    revising.cancel(session, order.id, reason="trop tard pour lui", house=trade.house, by=trade.by(), at=trade.at)
    assert (order.state, order.lines[0].closed_quantity, order.revision) == (OrderState.CONFIRMED, 4, 1)
    with pytest.raises(Refused, match="order_already_shipped"):
        revising.cancel(session, order.id, reason="encore", house=trade.house, by=trade.by(), at=trade.at)
    trade.verify(delivery)
    assert order.state is OrderState.CLOSED


def test_what_was_asked_for_is_refused_with_a_reason_or_taken_back_by_the_undo(trade: Trade) -> None:
    session = trade.session
    order = trade.confirm(trade.draft((trade.article, "10")))
    with pytest.raises(Refused, match="nothing_to_change"):
        propose(trade, order)
    with pytest.raises(Refused, match="quantity_not_positive"):
        propose(trade, order, LineWish(1, Decimal(0)))
    with pytest.raises(Refused, match="line_unknown"):
        propose(trade, order, LineWish(2, Decimal(1)))
    nothing = propose(trade, order, LineWish(1, None))
    with pytest.raises(Refused, match="revision_leaves_nothing"):
        accept(trade, nothing)
    revising.refuse(session, nothing.id, reason="minimum non atteint", by=trade.by(), at=trade.at)
    assert (nothing.state, told(session, "customer")[-1]) == (RevisionState.REFUSED, "revision_refused")
    with pytest.raises(Refused, match="revision_already_decided"):
        accept(trade, nothing)
    waiting = propose(trade, order, LineWish(1, Decimal(12)))
    registration.undo(session, order.id, house=trade.house, by=trade.by(), at=trade.at)
    assert (waiting.state, order.state) == (RevisionState.STALE, OrderState.DRAFT)


def test_the_same_order_by_mail_and_by_chat_is_settled_by_one_press(trade: Trade) -> None:
    session = trade.session
    first = trade.draft((trade.article, "10"), customer_reference="4500123")
    trade.later(hours=2)
    again = trade.draft((trade.article, "10"), customer_reference="4500123")
    (finding,) = (
        f for f in registration.examine(session, again, house=trade.house, at=trade.at) if "duplicate" in f.code
    )
    assert (finding.code, finding.blocks, finding.data["orders"]) == ("possible_duplicate", True, first.reference)
    with pytest.raises(Refused, match="order_blocked"):
        trade.confirm(again)
    reason = f"déjà reçue : {first.reference}"
    duplicates.drop(session, again.id, first.id, reason=reason, by=trade.by(), at=trade.at, version=again.version)
    assert (again.state, again.cancel_reason) == (OrderState.CANCELLED, reason)
    assert told(session, "customer").count("duplicate_dropped") == 1
    assert "order_cancelled" not in told(session, "customer")
    trade.confirm(first)


def test_a_change_is_accepted_while_the_preparation_waits_for_its_deposit(trade: Trade) -> None:
    rule = DepositRule(code="PREP", percent=Decimal(30), blocks=DepositStage.PREPARATION)
    trade.session.add(rule)
    order = trade.confirm(trade.draft((trade.article, "10")))
    assert deliveries.of_order(trade.session, order) == []
    accept(trade, propose(trade, order, LineWish(1, Decimal(12))))
    assert (order.revision, order.lines[0].quantity, order.state) == (1, 12, OrderState.CONFIRMED)
    assert deliveries.of_order(trade.session, order) == []
    assert stock.reserved(trade.session, trade.article.id) == 12
