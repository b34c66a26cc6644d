"""Stock: counted, promised once, moved with a trace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from core import stock
from core.db import transaction
from core.errors import Refused
from core.orders import Order, OrderState
from core.stock import MovementKind, Reservation, StockLevel, StockMovement
from tests.core.builders import AT, Trade


@pytest.mark.parametrize("buyers", [2, 8])
def test_confirmations_that_compete_for_the_last_ten_units_never_promise_eleven(
    engine: Engine, furnished: Callable[[], Trade], buyers: int
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        article = trade.add_article("RARE", "10", on_hand="10")
        other = trade.add_article("COMMON", "10", on_hand="1000")
        # half of the orders name the articles the other way round: locks must not cross
        wanted = [((article, "7"), (other, "1")), ((other, "1"), (article, "7"))]
        ids = [trade.draft(*wanted[n % 2]).id for n in range(buyers)]
    failures: list[BaseException] = []
    start = threading.Barrier(buyers)

    def confirm(order_id: int) -> None:
        from core import registration

        try:
            start.wait()
            with transaction(engine) as session:
                registration.confirm(session, order_id, house=trade.house, by=trade.by(), at=AT)
        except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
            failures.append(error)

    threads = [threading.Thread(target=confirm, args=(order_id,)) for order_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with transaction(engine) as session:
        promised = session.scalars(select(Reservation.quantity).where(Reservation.article_id == article.id)).all()
        assert sorted(promised) == [Decimal(3), Decimal(7)]
        assert stock.available(session, article.id) == 0
        assert stock.available(session, other.id) == 1000 - buyers
        assert {session.get_one(Order, order_id).state for order_id in ids} == {OrderState.CONFIRMED}


def test_two_first_counts_of_one_article_do_not_collide(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    with transaction(engine) as session:
        level = session.get_one(StockLevel, trade.article.id)
        session.delete(level)
    failures: list[BaseException] = []
    start = threading.Barrier(2)

    def receive() -> None:
        try:
            start.wait()
            with transaction(engine) as session:
                stock.move(session, trade.article.id, MovementKind.RECEIPT, Decimal(5), source="test", at=AT)
        except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
            failures.append(error)

    threads = [threading.Thread(target=receive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with transaction(engine) as session:
        assert session.get_one(StockLevel, trade.article.id).on_hand == 10


def test_the_shelf_never_goes_below_zero(trade: Trade) -> None:
    with pytest.raises(Refused, match="stock_below_zero"):
        stock.move(trade.session, trade.article.id, MovementKind.SHIPMENT, Decimal(-1001), source="x", at=AT)


def test_a_count_becomes_a_movement_of_the_difference(trade: Trade) -> None:
    stock.count(trade.session, trade.article.id, Decimal(990), source="inventory", at=AT)
    stock.count(trade.session, trade.article.id, Decimal(990), source="again", at=AT)
    rows = trade.session.scalars(select(StockMovement).where(StockMovement.article_id == trade.article.id)).all()
    assert [(row.quantity, row.source) for row in rows] == [(Decimal(1000), "count"), (Decimal(-10), "inventory")]


def test_what_is_promised_is_not_available_and_can_be_given_back(trade: Trade) -> None:
    order = trade.draft((trade.article, "600"))
    line = order.lines[0]
    assert stock.reserve(trade.session, [(line.id, trade.article.id, Decimal(600))]) == {line.id: Decimal(600)}
    assert stock.available(trade.session, trade.article.id) == 400
    stock.release(trade.session, line.id, Decimal(100))
    assert stock.available(trade.session, trade.article.id) == 500
    stock.release(trade.session, line.id)
    stock.release(trade.session, line.id)
    assert stock.available(trade.session, trade.article.id) == 1000


def test_a_count_below_what_is_promised_leaves_nothing_available(trade: Trade) -> None:
    trade.confirm(trade.draft((trade.article, "400")))
    stock.count(trade.session, trade.article.id, Decimal(100), source="fire", at=AT)
    assert stock.available(trade.session, trade.article.id) == 0
