"""Stock: counted, promised once, moved with a trace."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session

import core.tables  # noqa: F401 - every table registers itself
from core import checks, deliveries, facts, orders, receipts, registration, stock
from core.db import Base, transaction
from core.deliveries import DeliveryState
from core.errors import Refused
from core.journal import GENESIS, JournalHead
from core.money import Money
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.settings import House
from core.stock import Backorder, MovementKind, Reservation, StockLevel, StockMovement
from tests.core.builders import AT, Trade, furnish


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


class Shelves(RuleBasedStateMachine):
    """Counts, losses, receipts, orders, preparations, shipments, returns and cancellations against a naive ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.session = Session(self.engine, expire_on_commit=False)
        self.session.add(JournalHead(id=1, seq=0, hash=GENESIS))
        self.trade = furnish(self.session, House(name="Linge et Maison SAS", siren="732829320"))
        self.trade.customer.credit_limit = Money.of(100_000_000)
        self.article = self.trade.add_article("RARE", "1", on_hand="10")
        self.probe = self.trade.draft((self.article, "1"))
        self.there, self.oversold_before = Decimal(10), Decimal(0)
        self.orders: list[Order] = []

    def shelf(self) -> stock.Shelf:
        self.session.flush()
        return stock.shelves(self.session, [self.article.id])[self.article.id]

    def acts(self, change: Decimal) -> None:
        """The ledger: what the shelf must hold now, and that only shrinkage leaves less than was promised."""
        self.there += change

    @rule(on_hand=st.integers(0, 15))
    def count(self, on_hand: int) -> None:
        stock.count(self.session, self.article.id, Decimal(on_hand), source="count", at=self.trade.at)
        self.acts(Decimal(on_hand) - self.there)

    @rule(lost=st.integers(1, 5))
    def lose(self, lost: int) -> None:
        gone = -Decimal(lost)
        if lost > self.there:
            with pytest.raises(Refused, match="stock_below_zero"):
                stock.move(self.session, self.article.id, MovementKind.LOSS, gone, source="x", at=self.trade.at)
            return
        stock.move(self.session, self.article.id, MovementKind.LOSS, gone, source="x", at=self.trade.at)
        self.acts(gone)

    @rule(came=st.decimals("0.0001", "9", places=4))
    def receive(self, came: Decimal) -> None:
        receipts.receive(self.session, self.article, came, by=self.trade.by(), at=self.trade.at)
        self.acts(came)

    @rule(quantity=st.integers(1, 12))
    def order(self, quantity: int) -> None:
        free, promised = self.shelf().available, self.shelf().reserved
        self.orders.append(self.trade.confirm(self.trade.draft((self.article, str(quantity)))))
        assert self.shelf().reserved == promised + min(free, Decimal(quantity))

    def some(self, data: st.DataObject) -> Order | None:
        live = [order for order in self.orders if order.state is OrderState.CONFIRMED]
        return data.draw(st.sampled_from(live)) if live else None

    @rule(data=st.data())
    def prepare(self, data: st.DataObject) -> None:
        order = self.some(data)
        if order is None:
            return
        under_way = any(d.state is DeliveryState.PREPARING for d in deliveries.of_order(self.session, order))
        left = deliveries.remaining_quantities(self.session, order)
        held = self.session.get(Reservation, order.lines[0].id)
        if under_way or not left or (held is None and not self.shelf().available):
            with pytest.raises(Refused, match=r"delivery_already_preparing|nothing_to_prepare"):
                deliveries.prepare(self.session, order, house=self.trade.house, by=self.trade.by(), at=self.trade.at)
        else:
            deliveries.prepare(self.session, order, house=self.trade.house, by=self.trade.by(), at=self.trade.at)

    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        order = self.some(data)
        known = deliveries.of_order(self.session, order) if order is not None else []
        for delivery in known:
            if delivery.state is DeliveryState.PREPARING:
                leaving = sum((line.quantity for line in delivery.lines), Decimal(0))
                if leaving > self.there:  # refused as a whole: the warehouse recounts or prepares less
                    with pytest.raises(Refused, match="stock_below_zero"), self.session.begin_nested():
                        self.trade.ship(delivery)
                else:
                    self.trade.ship(delivery)
                    self.acts(-leaving)

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        order = self.some(data)
        if order is not None and not deliveries.shipped_quantities(self.session, order):
            orders.cancel(self.session, order, reason="x", by=self.trade.by(), at=self.trade.at)

    @rule(back=st.integers(1, 3))
    def come_back(self, back: int) -> None:
        stock.move(self.session, self.article.id, MovementKind.RETURN, Decimal(back), source="x", at=self.trade.at)
        self.acts(Decimal(back))

    @invariant()
    def the_shelf_is_the_sum_of_its_movements(self) -> None:
        moved = select(func.sum(StockMovement.quantity)).where(StockMovement.article_id == self.article.id)
        assert self.shelf().on_hand == self.there == (self.session.scalar(moved) or 0)
        assert self.there >= 0

    @invariant()
    def reserved_passes_the_shelf_only_where_a_finding_says_so(self) -> None:
        shelf = self.shelf()
        told = select(func.count(OutboxRow.id)).where(OutboxRow.template == "stock_oversold")
        if shelf.oversold > self.oversold_before:  # nothing but shrinkage makes it grow, and that was told
            assert self.session.scalar(told)
        self.oversold_before = shelf.oversold
        known = facts.gather(self.session, self.probe, house=self.trade.house, at=self.trade.at)
        found = {finding.code for finding in checks.examine(known)}
        assert ("stock_oversold" in found) is (shelf.reserved > shelf.on_hand)
        assert ("stock_short" in found) is (shelf.available < 1)

    @invariant()
    def each_order_is_promised_or_waits_for_what_has_not_left(self) -> None:
        for order in self.orders:
            line = order.lines[0]
            left = deliveries.remaining_quantities(self.session, order).get(line.id, Decimal(0))
            held, waits = self.session.get(Reservation, line.id), self.session.get(Backorder, line.id)
            kept = (held.quantity if held else 0) + (waits.quantity if waits else 0)
            assert kept == (left if order.state is OrderState.CONFIRMED else 0)

    def teardown(self) -> None:
        self.session.close()
        self.engine.dispose()


TestShelves = Shelves.TestCase
TestShelves.settings = settings(max_examples=8, stateful_step_count=12)
