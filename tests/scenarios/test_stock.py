"""Two orders want the same goods: one gets them, the other is told what is possible, and nothing is sold twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import deliveries, orders, receipts, registration, stock
from core.catalogue import Packaging
from core.db import transaction
from core.errors import Refused
from core.messages import MessageChannel
from core.money import Money
from core.orders import Asked, AskedLine, Order, OrderState
from core.outbox import OutboxRow
from core.parties import Customer, Role
from core.receipts import ExpectedReceipt
from core.settings import House
from core.stock import Reservation
from tests.core.builders import AT, Trade, furnish

HOUSE = House(name="Linge et Maison SAS", siren="732829320", vat_number="FR44732829320")


def wanting(session: Session, trade: Trade, code: str, units: str) -> int:
    """The draft of a customer who takes all or nothing."""
    customer = Customer(code=code, name=code, credit_limit=Money.of(50_000), partial_deliveries=False)
    session.add(customer)
    session.flush()
    line = AskedLine("cartons", trade.skus["CAF-250"], Decimal(units), "carton", Decimal(10))
    asked = Asked(
        customer, MessageChannel.MAIL, (line,), reply_email=f"{code}@x.example",
        requested_delivery_date=date(2026, 3, 12),
    )  # fmt: skip
    return orders.draft(session, asked, by=trade.buyer, at=AT).id


def together(engine: Engine, acts: list[Callable[[Session], object]]) -> list[str]:
    """Run the acts at the same instant, each in its own transaction; the findings of those that were refused."""
    start, refused, failures = threading.Barrier(len(acts)), [], []

    def run(act: Callable[[Session], object]) -> None:
        try:
            start.wait()
            with transaction(engine) as session:
                act(session)
        except Refused as error:
            refused.append(f"{error.code} {error.data.get('findings', '')}")
        except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
            failures.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    return refused


def test_the_last_ten_cartons_go_to_one_of_two_orders(engine: Engine) -> None:
    with transaction(engine) as session:
        trade = furnish(session, HOUSE)
        coffee = trade.add_article("CAF-250", "4", on_hand="120")
        coffee.packagings = [Packaging(name="carton", quantity=Decimal(12))]
        ids = [wanting(session, trade, code, "120") for code in ("ONE", "TWO")]
        session.add(
            ExpectedReceipt(
                reference="ACH-1", article_id=coffee.id, quantity=Decimal(120), expected_on=date(2026, 3, 16),
                received=Decimal(0), noted_at=AT,
            )
        )  # fmt: skip
        by, warehouse = trade.by(), trade.by(Role.WAREHOUSE)

    def confirm(number: int) -> Callable[[Session], object]:
        return lambda session: registration.confirm(session, number, house=HOUSE, by=by, at=AT)

    # four presses at once, two on each order: one order is registered, and nobody was promised what is not there
    refused = together(engine, [confirm(number) for number in (*ids, *ids)])
    assert sorted(refused) == ["already_confirmed ", *["order_blocked ('stock_short',)"] * 2]
    with transaction(engine) as session:
        first, second = sorted((session.get_one(Order, number) for number in ids), key=lambda o: o.state.value)
        assert (first.state, second.state) == (OrderState.CONFIRMED, OrderState.DRAFT)
        assert session.scalars(select(Reservation.quantity)).all() == [120]
        (short,) = [f for f in registration.examine(session, second, house=HOUSE, at=AT) if f.blocks]
        assert (short.data["available"], short.data["backorder"], short.data["day"]) == (0, 120, date(2026, 3, 16))
        orders.wait_until(session, second, 1, date(2026, 3, 16), by=by, at=AT)
        registration.confirm(session, second.id, house=HOUSE, by=by, at=AT)
        assert deliveries.of_order(session, second) == []  # it leaves as a whole, once the goods are there
        session.flush()
        after = registration.examine(session, first, house=HOUSE, at=AT)
        assert not [f.code for f in after if f.code.startswith("stock_")]
    with transaction(engine) as session:
        coffee = session.merge(coffee)
        ready = receipts.receive(session, coffee, Decimal(60), by=warehouse, at=AT).ready
        assert ready == ()  # half of it is no use to who takes all or nothing
        ready = receipts.receive(session, coffee, Decimal(60), by=warehouse, at=AT).ready
        assert [order.id for order in ready] == [second.id]
        told = session.scalars(select(OutboxRow.subject).where(OutboxRow.template == "backorder_ready")).all()
        assert set(told) == {second.subject}
        rest = deliveries.prepare(session, ready[0], house=HOUSE, by=by, at=AT)
        assert [line.quantity for line in rest.lines] == [120]


def test_whoever_decides_about_stock_at_one_instant_waits_in_one_order(engine: Engine) -> None:
    with transaction(engine) as session:
        trade = furnish(session, HOUSE)
        one, two = trade.add_article("ONE", "1", on_hand="50"), trade.add_article("TWO", "1", on_hand="50")
        prepared = trade.confirm(trade.draft((two, "30"), (one, "30")))
        waiting = trade.confirm(trade.draft((one, "30"), (two, "30")))
        trade.ship(trade.preparing(waiting))
        drafts = [trade.draft((one, "5"), (two, "5")).id, trade.draft((two, "5"), (one, "5")).id]
        three = trade.add_article("THREE", "1", on_hand="1")
        elsewhere = [trade.confirm(trade.draft((three, "2"))) for _ in range(3)]
        trade.ship(trade.preparing(elsewhere[0]))
        stock.move(session, three.id, stock.MovementKind.RECEIPT, Decimal(20), source="x", at=AT)
        given_up = trade.confirm(trade.draft((two, "1"), (one, "1"))).id
        delivery, by = trade.preparing(prepared), trade.by()

    def ship(session: Session) -> None:
        deliveries.ship(session, session.merge(delivery), house=HOUSE, by=by, at=AT)

    def receive(session: Session) -> None:
        for article in (two, one):
            stock.hold(session, (one.id, two.id))
            receipts.receive(session, session.merge(article), Decimal(20), by=by, at=AT)

    def prepare(session: Session) -> None:
        deliveries.prepare(session, session.get_one(Order, waiting.id), house=HOUSE, by=by, at=AT)

    def cancel(session: Session) -> None:
        orders.cancel(session, orders.lock(session, given_up), reason="x", by=by, at=AT)

    def prepare_other(number: int) -> Callable[[Session], object]:
        return lambda s: deliveries.prepare(s, s.get_one(Order, number), house=HOUSE, by=by, at=AT)

    acts = [ship, receive, prepare, cancel, *(prepare_other(order.id) for order in elsewhere)]
    acts += [lambda s, n=n: registration.confirm(s, n, house=HOUSE, by=by, at=AT) for n in drafts]
    refused = together(engine, acts)
    assert set(refused) <= {"nothing_to_prepare "}  # when nothing had come in yet
    with transaction(engine) as session:
        for shelf in stock.shelves(session, (one.id, two.id)).values():
            assert shelf.oversold == 0
            assert shelf.on_hand == 20
