"""What colleagues type: replies to a card, amounts, commands; nothing is guessed about money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from bot import telegram, texts
from bot.handlers import commands, staff
from bot.handlers.sales import number
from bot.sandbox.faults import FaultKind
from core.db import transaction
from core.errors import Refused, TryLater
from core.messages import ChatUpdate, MailboxHealth, MessageState
from core.money import Money
from core.orders import OrderState
from core.parties import ChatLink
from core.payments import Payment
from tests.bot.handlers.test_customers import all_orders, confirm, owe, quantities

Desk = Any
DUE = Money.of("1000")


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("897,81", "897.81"), ("897.81 €", "897.81"), ("1 200", "1200"), ("1.200,50", "1200.50"), ("1.200", "1200"),
        ("reçu 1\u202f200,5 euros", "1200.50"), ("tout", "1000"), ("Le solde.", "1000"), ("300", "300"),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_it_is_typed(said: str, amount: str) -> None:
    assert staff.amount(said, DUE) == Money.of(amount)


@pytest.mark.parametrize("said", ["je ne sais pas", "", "897,81 le 15/01", "12,345,678.9"])
def test_an_amount_that_is_not_one_is_refused(said: str) -> None:
    with pytest.raises(Refused, match="amount_not_read"):
        staff.amount(said, DUE)


@pytest.mark.parametrize(
    ("said", "read"), [("12", "12"), ("1 200", "1200"), ("2,5 kg", "2.5"), ("1\u00a0200,5", "1200.5"), ("-5", "-5")]
)
def test_a_quantity_is_read_as_it_is_typed(said: str, read: str) -> None:
    assert number(said) == Decimal(read)


def paid(desk: Desk) -> list[Money]:
    with transaction(desk.app.engine) as session:
        return [payment.amount for payment in session.scalars(select(Payment))]


def test_a_payment_without_an_amount_asks_for_it(desk: Desk) -> None:
    owe(desk)
    desk.say("accounting", "/paiement F-77")
    desk.settle()
    assert (desk.last("accounting").text, paid(desk)) == (texts.answer("how_much"), [])
    desk.say("accounting", "hier je crois")
    desk.settle()
    assert paid(desk) == []
    desk.say("accounting", "897,81")
    desk.settle()
    assert paid(desk) == [Money.of("897.81")]


def test_a_reply_to_the_card_changes_the_draft(desk: Desk) -> None:
    desk.order()
    desk.settle()
    card = next(m for m in desk.chat("sales") if texts.label("confirm") in m.labels).message_id
    for words in ("L2 140", "ajoute 2 cartons de levure"):
        desk.say("sales", words, reply_to=card)
        desk.settle()
    (order,) = all_orders(desk)
    assert quantities(order) == {"BEU-DOU-1": Decimal(100), "FAR-T65-25": Decimal(140), "LEV-FRA-500": Decimal(40)}
    desk.say("sales", "merci bien", reply_to=card)
    desk.settle()
    assert order.reference in desk.last("sales").text


def test_a_telephone_order_names_one_customer(desk: Desk) -> None:
    desk.say("sales", "commande Bellevue : 10 cartons de beurre doux 82")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.customer_id, order.taken_by_id) == (desk.ids["hotel"], desk.actor("sales").id)
    desk.say("sales", "commande  : 10 cartons de beurre doux 82")
    desk.settle()
    assert len(all_orders(desk)) == 1


def test_t30_two_agents_at_once_one_wins_and_the_other_learns_who(desk: Desk) -> None:
    number_ = desk.order()
    desk.settle()
    card = next(m for m in desk.chat("sales") if texts.label("confirm") in m.labels).message_id
    confirm(desk, number_)
    desk.press("sales", texts.label("confirm"), message_id=card)
    telegram.fetch(desk.app)
    telegram.handle(desk.app)
    assert desk.get(number_).state is OrderState.CONFIRMED
    assert "Léa" in desk.client.toasts(desk.chats["sales"])[-1].text


def test_t28_a_press_on_a_message_nobody_can_edit_any_more_counts(desk: Desk) -> None:
    number_ = desk.order()
    desk.settle()
    desk.client.press(desk.chats["sales"], texts.label("confirm"), inaccessible=True)
    desk.settle()
    assert desk.get(number_).state is OrderState.CONFIRMED


def test_t33_a_press_in_a_group_is_answered(desk: Desk) -> None:
    sales = desk.chats["sales"]
    group = desk.client.add_group("Bureau", [sales])
    desk.client.say(sales, "/start ABCDEFGHJK", chat=group.id)
    desk.settle()
    assert desk.client.last(sales, chat=group.id).text == texts.answer("how_to_link", phone=desk.app.house.phone)
    with transaction(desk.app.engine) as session:
        assert session.get(ChatLink, group.id) is None


def test_what_always_fails_is_set_aside_and_its_author_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setitem(commands.COMMANDS, "stock_of", broken)
    desk.say("sales", "/stock beurre")
    desk.say("sales", "/aide")
    for _ in range(3):
        telegram.fetch(desk.app)
        telegram.handle(desk.app)
    said = [m.text for m in desk.chat("sales")]
    assert texts.answer("failed", phone=desk.app.house.phone) in said
    assert texts.answer("help_staff") in said
    with transaction(desk.app.engine) as session:
        states = [row.state for row in session.scalars(select(ChatUpdate).order_by(ChatUpdate.update_id))]
    assert states == [MessageState.QUARANTINED, MessageState.UNDERSTOOD]


def test_half_a_character_does_not_hold_the_batch_up(desk: Desk) -> None:
    desk.say("sales", "/aide")
    broken = dict(desk.client.updates()[-1])
    broken.pop("update_id")
    telegram._store(desk.app, [{**broken, "update_id": 900_001, "message": {**broken["message"], "text": "\ud83d"}}])
    telegram.handle(desk.app)
    with transaction(desk.app.engine) as session:
        assert session.get(ChatUpdate, 900_001) is not None


def test_t09_another_poller_is_told_of_once(desk: Desk) -> None:
    desk.client.fault("getUpdates", FaultKind.CONFLICT, times=2)
    for _ in range(2):
        with pytest.raises(TryLater):
            telegram.fetch(desk.app)
    assert len(desk.rows("mailbox_alarm")) == 1
    telegram.fetch(desk.app)
    with transaction(desk.app.engine) as session:
        assert session.get_one(MailboxHealth, telegram.CHANNEL).alarm == ""


def test_the_warehouse_and_the_quarantine_have_their_lists(desk: Desk) -> None:
    desk.say("warehouse", "/preparer")
    desk.say("sales", "/quarantaine")
    desk.settle()
    assert desk.last("warehouse").text == texts.answer("nothing_to_prepare_now")
    assert desk.last("sales").text == texts.answer("nothing_to_read")
    confirm(desk, desk.order())
    desk.say("warehouse", "/preparer")
    desk.say("customer", "/preparer")
    desk.settle()
    assert any(texts.label("ship") in m.labels for m in desk.chat("warehouse"))
    assert desk.last("customer").kind == "text"
