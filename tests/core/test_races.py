"""Two presses at one instant: each verb sees what the other one did, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import deliveries, invoices, messages, orders, registration, stock
from core.db import transaction
from core.deliveries import Delivery, DeliveryLine, Reserve, ReserveDecision, ReserveKind
from core.errors import Refused
from core.invoices import Invoice
from core.messages import Message, MessageChannel
from core.money import Money
from core.orders import Order
from core.parties import Role
from tests.core.builders import AT, Trade


def together(engine: Engine, acts: list[Callable[[Session], object]]) -> tuple[int, list[str]]:
    """Run the acts at the same time, each in its own transaction: how many went through, and the refusals' codes."""
    start, refused, failures = threading.Barrier(len(acts)), [], []

    def run(act: Callable[[Session], object]) -> None:
        try:
            start.wait()
            with transaction(engine) as session:
                act(session)
        except Refused as error:
            refused.append(error.code)
        except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
            failures.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    return len(acts) - len(refused), refused


def test_two_agents_confirm_once(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        order_id = trade.draft((trade.article, "10")).id

    def confirm(session: Session) -> None:
        registration.confirm(session, order_id, house=trade.house, by=trade.by(), at=AT)

    assert together(engine, [confirm] * 3) == (1, ["already_confirmed"] * 2)
    with transaction(engine) as session:
        assert len(deliveries.of_order(session, session.get_one(Order, order_id))) == 1
        assert stock.available(session, trade.article.id) == 990


def test_two_orders_of_one_customer_do_not_pass_the_limit_together(
    engine: Engine, furnished: Callable[[], Trade]
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        session.merge(trade.customer).credit_limit = Money.of(1300)
        ids = [trade.draft((trade.article, "10")).id for _ in range(2)]
    acts = [lambda session, n=n: registration.confirm(session, n, house=trade.house, by=trade.by(), at=AT) for n in ids]
    assert together(engine, acts) == (1, ["order_blocked"])


def test_goods_leave_once_and_are_invoiced_once(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        delivery_id = trade.preparing(trade.confirm(trade.draft((trade.article, "10")))).id

    def ship(session: Session) -> None:
        trade_by = trade.by(Role.WAREHOUSE)
        deliveries.ship(session, session.get_one(Delivery, delivery_id), house=trade.house, by=trade_by, at=AT)

    def verify(session: Session) -> None:
        deliveries.verify(session, session.get_one(Delivery, delivery_id), house=trade.house, by=trade.buyer, at=AT)

    assert together(engine, [ship] * 3) == (1, ["illegal_transition"] * 2)
    assert together(engine, [verify] * 3) == (3, [])
    with transaction(engine) as session:
        assert stock.available(session, trade.article.id) == 990
        assert session.scalars(select(Invoice.number)).all() == ["FA-2026-0001"]


def test_two_agents_answer_a_remark_once(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        delivery = trade.preparing(trade.confirm(trade.draft((trade.article, "10"))))
        trade.ship(delivery)
        trade.verify(delivery, reserves={1: (ReserveKind.DAMAGED, Decimal(2), "deux sacs percés")})
        reserve_id = delivery.reserves[0].id

    def decide(session: Session) -> None:
        remark = session.get_one(Reserve, reserve_id)
        given = {"house": trade.house, "by": trade.by(), "at": AT}
        deliveries.reserves.decide(session, remark, ReserveDecision.REPLACE, **given)

    assert together(engine, [decide] * 3) == (1, ["reserve_already_decided"] * 2)
    with transaction(engine) as session:
        assert sorted(session.scalars(select(Invoice.number))) == ["AV-2026-0001", "FA-2026-0001"]
        assert session.scalars(select(DeliveryLine.quantity)).all() == [10, 2]


def test_two_credit_notes_do_not_give_back_more_than_was_invoiced(
    engine: Engine, furnished: Callable[[], Trade]
) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        invoice_id = trade.invoiced((trade.article, "10")).id

    def credit(session: Session) -> None:
        invoices.issue_credit_note(
            session, session.get_one(Invoice, invoice_id), {1: Decimal(6)}, reason="retour", returned=True,
            house=trade.house, by=trade.by(Role.ACCOUNTING), at=AT,
        )  # fmt: skip

    assert together(engine, [credit] * 2) == (1, ["credit_above_left"])


def test_two_readings_of_one_message_make_one_draft(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    with transaction(engine) as session:
        message = Message(channel=MessageChannel.CHAT, key="chat:1:1", received_at=AT)
        session.add(message)
        session.flush()
        message_id = message.id
    asked = orders.Asked(
        trade.customer, MessageChannel.CHAT, (orders.AskedLine("draps", None, None),), message_id=message_id
    )

    def read(session: Session) -> None:
        customer = session.merge(trade.customer, load=True)
        orders.draft(
            session, orders.Asked(customer, asked.channel, asked.lines, message_id=message_id), by=trade.buyer, at=AT
        )

    assert together(engine, [read] * 3) == (3, [])
    with transaction(engine) as session:
        assert session.scalars(select(Order.reference)).all() == ["CMD-2026-0001"]


def test_the_same_bytes_arrive_twice_at_once(engine: Engine) -> None:
    assert together(engine, [lambda session: messages.keep(session, b"scan")] * 4) == (4, [])
