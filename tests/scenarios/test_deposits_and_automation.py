"""A deposit from the rule to the last invoice, and a customer whose orders are registered by themselves for a while."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from core import automation, deliveries, deposits, invoices, journal, orders, payments, registration
from core.automation import Figures
from core.db import transaction
from core.deposits import DepositRule
from core.errors import Refused
from core.messages import Message, MessageChannel, MessageState
from core.money import ZERO, Money
from core.orders import Order, OrderState
from core.outbox import OutboxRow, OutboxState
from core.parties import Customer, Role
from core.settings import House, Settings
from intake.receive import receive_chat
from intake.understand import understand
from tests.core.builders import CUSTOMER_CHAT, Trade, furnish

HOUSE = House(
    name="Linge et Maison SAS", street="1 rue du Quai", postcode="59000", city="Lille", siren="732829320",
    vat_number="FR44732829320", penalty_rate=Decimal("12.15"),
)  # fmt: skip
#: Fourteen untouched orders in a row are enough for 80 %, with a risk of 5 %: the usual 95 % takes 59.
TRUSTING = HOUSE.model_copy(update={"auto_confirm_threshold": Decimal("0.80"), "auto_confirm_orders": 10})
SETTINGS = Settings(_env_file=None, secret_key=SecretStr("k"), house=TRUSTING)  # type: ignore[call-arg]
PAST = 14


def test_a_deposit_is_asked_paid_and_deducted(engine: Engine) -> None:
    with transaction(engine) as session:
        trade = furnish(session, HOUSE)
        session.add(DepositRule(code="GROS", percent=Decimal(30), from_amount=Money.of(1000)))
        bread = trade.add_article("PAIN", "1.13", vat="5.5")
        small, order = trade.draft((trade.article, "1")), trade.draft((trade.article, "9"), (bread, "371"))
        trade.confirm(small)  # below the amount nothing is asked
        with pytest.raises(Refused, match="order_blocked") as refused:
            trade.confirm(order)
        assert refused.value.data["findings"] == ("deposit_due",)
        orders.accept_recap(session, order, by=trade.buyer, at=trade.at)
        by = trade.by(Role.ACCOUNTING)
        asked = invoices.issue_deposit(session, order, house=HOUSE, by=by, at=trade.at, label="Acompte")
        assert asked.gross == deposits.due(order) == Money.of("456.69")  # 324.00 at 20 %, 132.69 at 5.5 %
        assert [line.vat_percent for line in asked.lines] == [Decimal(20), Decimal("5.5")]
        registration.note_verdict(session, order, house=HOUSE, at=trade.at)
        for part, free in (("456.68", False), ("0.01", True)):
            payments.record(
                session, trade.customer, Money.of(part), received_on=trade.at.date(), by=by, at=trade.later(hours=1),
                house=HOUSE, settles=asked,
            )  # fmt: skip
            told = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_released")).all()
            assert bool(told) is free
        trade.confirm(order)
        delivery = trade.preparing(order)
        trade.ship(delivery)
        trade.verify(delivery)
        final = invoices.of_order(session, order)[-1]
        assert (final.prepaid, final.payable) == (asked.gross, final.gross - asked.gross)
        payments.record(
            session, trade.customer, final.payable, received_on=trade.at.date(), by=by, at=trade.at, house=HOUSE,
            settles=final,
        )  # fmt: skip
        assert payments.receivables(session, trade.customer) == []
        assert payments.usable_credit(session, trade.customer) == ZERO
        assert order.state is OrderState.CLOSED
        assert journal.first_broken(session) is None


def read_by_us(trade: Trade, number: int) -> Order:
    """An order that its customer wrote and that we read, as it was drafted."""
    message = Message(
        channel=MessageChannel.CHAT, key=f"past:{number}", state=MessageState.UNDERSTOOD, received_at=trade.at,
        customer_id=trade.customer.id,
    )  # fmt: skip
    trade.session.add(message)
    trade.session.flush()
    return trade.draft((trade.article, "1"), message_id=message.id, customer_reference=f"BC-{number}")


def history(trade: Trade, *, corrected: int = 0) -> None:
    """What this customer ordered until now, all registered by a colleague, the last ones after a correction."""
    for number in range(PAST + corrected):
        order = read_by_us(trade, number)
        if number >= PAST:
            orders.set_quantity(trade.session, order, 1, Decimal(2), by=trade.by(), at=trade.at)
        trade.confirm(order)


def write(engine: Engine, trade: Trade, number: int, text: str) -> Order:
    """What the customer writes in his chat becomes a draft."""
    with transaction(engine) as session:
        receive_chat(
            session, chat_id=CUSTOMER_CHAT, message_id=number, text=text, received_at=trade.at,
            customer_id=trade.customer.id, sender="Paul",
        )  # fmt: skip
    understand(engine, settings=SETTINGS, at=trade.at)
    with transaction(engine) as session:
        return session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()


def state_of(engine: Engine, order: Order) -> OrderState:
    with transaction(engine) as session:
        return session.get_one(Order, order.id).state


def test_a_known_customer_is_confirmed_automatically_until_the_first_correction(engine: Engine) -> None:
    with transaction(engine) as session:
        trade = furnish(session, TRUSTING)
        trade.staff[Role.MANAGER].as_actor()
        history(trade)
        manager = trade.by(Role.MANAGER)
    first = write(engine, trade, 1, "3 DRA-140")
    trade.later(minutes=3)
    assert automation.run(engine, house=TRUSTING, at=trade.at) == 0  # off by default, however good the figures
    with transaction(engine) as session:
        customer = session.get_one(Customer, trade.customer.id)
        with pytest.raises(Refused, match="role_missing"):
            automation.switch_on(session, customer, house=TRUSTING, by=trade.by(), at=trade.at)
        with pytest.raises(Refused, match="auto_confirm_figures_low"):
            automation.switch_on(session, customer, house=HOUSE, by=manager, at=trade.at)
        assert automation.switch_on(session, customer, house=TRUSTING, by=manager, at=trade.at) == Figures(14, 14)
        orders.cancel(session, session.get_one(Order, first.id), reason="doublon", by=trade.buyer, at=trade.at)

    trade.later(hours=1)
    sure = write(engine, trade, 2, "5 DRA-140")
    assert automation.run(engine, house=TRUSTING, at=trade.later(minutes=1)) == 0  # another bubble may follow
    assert automation.run(engine, house=TRUSTING, at=trade.later(minutes=2)) == 1
    with transaction(engine) as session:
        order = session.get_one(Order, sure.id)
        assert (order.state, order.confirmed_by_id) == (OrderState.CONFIRMED, None)
        assert automation.figures_at(session, order) == Figures(14, 14)
        told = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_confirmed")).all()[-1]
        assert told.not_before == trade.at + timedelta(seconds=TRUSTING.undo_seconds)
        assert automation.figures(session, order.customer) == Figures(14, 14)  # nobody compared it with his words

    trade.later(hours=1)
    unsure = write(engine, trade, 3, "2 DRA-140 et 4 peignoirs en satin bleu nuit")
    assert automation.run(engine, house=TRUSTING, at=trade.later(minutes=5)) == 0
    assert state_of(engine, unsure) is OrderState.DRAFT
    with transaction(engine) as session:
        orders.cancel(session, session.get_one(Order, unsure.id), reason="x", by=trade.by(), at=trade.at)
        assert session.get_one(Customer, trade.customer.id).auto_confirm  # a draft that waited proves nothing

    trade.later(hours=1)
    wrong = write(engine, trade, 4, "6 DRA-140")
    assert automation.run(engine, house=TRUSTING, at=trade.later(minutes=3)) == 1
    with transaction(engine) as session:
        registration.undo(session, wrong.id, house=TRUSTING, by=trade.by(), at=trade.later(seconds=30))
        orders.set_quantity(
            session, session.get_one(Order, wrong.id), 1, Decimal(60), by=trade.by(), at=trade.later(seconds=10)
        )
        customer = session.get_one(Customer, trade.customer.id)
        assert (customer.auto_confirm, customer.auto_confirm_reason) == (False, "undone")
        told_to = session.scalars(
            select(OutboxRow.audience).where(
                OutboxRow.template == "auto_confirm_stopped", OutboxRow.state == OutboxState.WAITING
            )
        ).all()
        assert sorted(told_to) == ["manager", "sales"]
    assert automation.run(engine, house=TRUSTING, at=trade.later(minutes=5)) == 0
    assert state_of(engine, wrong) is OrderState.DRAFT
    with transaction(engine) as session:
        trade.session = session
        order = trade.confirm(session.get_one(Order, wrong.id))
        assert deliveries.of_order(session, order)
        customer = session.get_one(Customer, trade.customer.id)
        assert automation.figures(session, customer) == Figures(14, 15)
        with pytest.raises(Refused, match="auto_confirm_figures_low"):
            automation.switch_on(session, customer, house=TRUSTING, by=manager, at=trade.at)
        assert journal.first_broken(session) is None
