"""Revisions on any path: what is shipped, closed and reserved stays within what is ordered and on the shelf."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import deliveries, orders, revising, stock
from core.errors import Refused
from core.orders import AskedLine, LineWish, Order, OrderState, Wanted, differences, revisions
from core.parties import Role
from tests.core.builders import Trade

QUANTITY = st.integers(1, 30).map(Decimal)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wish"), st.integers(1, 3), QUANTITY),
        st.tuples(st.just("give_up"), st.integers(1, 3), QUANTITY),
        st.tuples(st.just("close"), st.integers(1, 3), QUANTITY),
        st.tuples(st.just("add"), st.integers(0, 1), QUANTITY),
        st.tuples(st.just("ship"), st.integers(1, 3), QUANTITY),
        st.tuples(st.just("receive"), st.integers(0, 1), QUANTITY),
    ),
    max_size=8,
)


def _step(trade: Trade, order: Order, name: str, position: int, quantity: Decimal) -> None:
    session, articles = trade.session, [trade.article, trade.skus["SER-50"]]
    if name == "receive":
        kind = stock.MovementKind.RECEIPT
        stock.move(session, articles[position].id, kind, quantity, source="truck", at=trade.at)
    elif name == "close":
        revising.close_line(session, order.id, position, house=trade.house, by=trade.by(), at=trade.at)
    elif name == "ship":
        if not any(d.state is deliveries.DeliveryState.PREPARING for d in deliveries.of_order(session, order)):
            deliveries.prepare(session, order, house=trade.house, by=trade.by(), at=trade.at)
        delivery = trade.preparing(order)
        deliveries.set_prepared(session, delivery, position, quantity, by=trade.by(Role.WAREHOUSE), at=trade.at)
        trade.ship(delivery)
        trade.verify(delivery)
    else:
        more = (AskedLine("de plus", articles[position], quantity),) if name == "add" else ()
        wishes = () if name == "add" else (LineWish(position, quantity if name == "wish" else None),)
        revision = revisions.propose(session, order, Wanted(wishes, more), by=trade.buyer, at=trade.at)
        revising.accept(session, revision.id, house=trade.house, by=trade.by(), at=trade.at)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_path_ships_reserves_or_closes_more_than_there_is(
    trade: Trade, steps: list[tuple[str, int, Decimal]]
) -> None:
    session = trade.session
    with session.begin_nested() as story:
        towel = trade.skus.get("SER-50") or trade.add_article("SER-50", "5", on_hand="12")
        stock.count(session, trade.article.id, Decimal(15), source="count", at=trade.at)
        order = trade.confirm(trade.draft((trade.article, "10"), (towel, "20")))
        for step in steps:
            try:
                with session.begin_nested():
                    _step(trade, order, *step)
            except Refused:
                session.expire_all()
            _holds(trade, order)
        story.rollback()
    trade.skus.clear()
    session.expire_all()


def _holds(trade: Trade, order: Order) -> None:
    session = trade.session
    shipped = deliveries.shipped_quantities(session, order)
    remaining = deliveries.remaining_quantities(session, order)
    for line in order.kept_lines:
        assert line.quantity is not None
        gone = shipped.get(line.id, Decimal(0))
        assert 0 <= gone <= line.quantity - line.closed_quantity
        assert remaining.get(line.id, Decimal(0)) == line.quantity - line.closed_quantity - gone
        held = session.get(stock.Reservation, line.id)
        assert (held.quantity if held is not None else 0) <= remaining.get(line.id, Decimal(0))
    for article in (trade.article, trade.skus["SER-50"]):
        level = stock.lock_level(session, article.id)
        assert 0 <= stock.reserved(session, article.id) <= level.on_hand
    if order.state is OrderState.CLOSED:
        assert remaining == {}


def test_what_is_said_later_joins_what_waits() -> None:
    first = Wanted((LineWish(1, Decimal(5)), LineWish(2, None)), day=date(2026, 3, 12))
    later = Wanted((LineWish(1, Decimal(6)),), (AskedLine("balais", None, Decimal(1)),))
    whole = first.joined(later)
    assert whole.lines == (LineWish(1, Decimal(6)), LineWish(2, None))
    assert (len(whole.added), whole.day) == (1, date(2026, 3, 12))
    assert not Wanted()


def test_a_drafts_difference_is_data_and_one_persons_changes_at_one_instant_are_one(trade: Trade) -> None:
    session = trade.session
    order = trade.draft((trade.article, "10"), (trade.add_article("SER-50"), "5"))
    assert orders.last_change(order) is None
    orders.set_quantity(session, order, 1, Decimal(12), by=trade.buyer, at=trade.at)
    orders.remove_line(session, order, 2, by=trade.buyer, at=trade.at)
    change = orders.last_change(order)
    assert change is not None
    assert (change.by, change.at) == (str(trade.buyer), trade.at)
    quantity, removed = change.differences
    assert quantity.before is not None
    assert quantity.after is not None
    assert (quantity.before.quantity, quantity.after.quantity) == (10, 12)
    assert (removed.kind.value, removed.before and removed.before.sku) == ("removed", "SER-50")
    orders.set_delivery_date(session, order, date(2026, 3, 12), by=trade.by(), at=trade.at)
    change = orders.last_change(order)
    assert change is not None
    assert [d.kind.value for d in change.differences] == ["day"]
    orders.set_quantity(session, order, 1, Decimal(13), by=trade.by(), at=trade.later(minutes=1))
    orders.set_quantity(session, order, 1, Decimal(12), by=trade.by(), at=trade.at)
    assert orders.last_change(order) is None  # it is what it was
    assert differences.parse(json.loads(json.dumps(differences.plain(differences.snapshot(order))))) == (
        differences.snapshot(order)
    )


def test_only_one_wish_waits_for_an_order(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "10")))
    first = revisions.propose(trade.session, order, Wanted((LineWish(1, Decimal(12)),)), by=trade.buyer, at=trade.at)
    second = revisions.propose(trade.session, order, Wanted(day=date(2026, 3, 12)), by=trade.by(), at=trade.at)
    assert (first.state, revisions.open_of(trade.session, order)) == (revisions.RevisionState.STALE, second)
    assert revisions.wish_of(trade.session, second) == Wanted((LineWish(1, Decimal(12)),), day=date(2026, 3, 12))
    with pytest.raises(Refused, match="order_not_confirmed"):
        revisions.propose(
            trade.session, trade.draft((trade.article, "1")), Wanted(day=date(2026, 3, 12)), by=trade.buyer, at=trade.at
        )
