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
from core import means as how
from core import reversals
from core.db import transaction
from core.errors import Refused, TryLater
from core.late_charges import LateCharge
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


@pytest.mark.parametrize(
    ("said", "means", "rest"),
    [
        ("897,81", None, "897,81"), ("897,81 chèque", "20", "897,81"), ("chq n° 0012345 de 897,81", "20", "de 897,81"),
        ("tout en espèces", "10", "tout"), ("120 par CB", "48", "120"), ("PRÉLÈVEMENT 12", "59", "12"),
        ("1 200 virement SEPA", "58", "1 200"),
    ],
)  # fmt: skip
def test_the_words_say_how_it_was_paid(said: str, means: str | None, rest: str) -> None:
    assert how.told(said) == (means, rest)
    with pytest.raises(Refused, match="means_not_clear"):
        how.told(f"chèque puis espèces {said}")


def test_a_payment_is_recorded_by_what_was_said_and_cash_within_the_law(desk: Desk) -> None:
    owe(desk)
    for words in ("1000,01 espèces", "700 en espèces", "300,01 espèces", "100 cash", "97,81 chèque n° 77123"):
        desk.say("accounting", f"/paiement F-77 {words}")
        desk.settle()
    assert paid(desk) == [Money.of(700), Money.of(100), Money.of("97.81")]
    said = [seen.text.replace("\u00a0", " ") for seen in desk.chat("accounting")]
    assert sum("ne se paie en espèces que jusqu'à 1 000,00 €" in text.replace("\u202f", " ") for text in said) == 2
    assert any("97,81 € · chèque" in text.replace("\u202f", "") for text in said)


def test_a_reply_to_the_card_changes_the_draft(desk: Desk) -> None:
    desk.order()
    desk.settle()
    card = next(m for m in desk.chat("sales") if texts.label("confirm") in m.labels).message_id
    for words in ("L2 140", "ajoute 2 cartons de levure"):
        desk.say("sales", words, reply_to=card)
        desk.settle()
        desk.press("sales", "Appliquer")
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
    assert desk.client.last(sales, chat=group.id).text == texts.answer("answered_in_private")
    assert desk.last("sales").text == texts.refusal(Refused("link_code_invalid"))
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
    assert any(text.startswith("Ce que vous pouvez faire") for text in said)
    with transaction(desk.app.engine) as session:
        states = [row.state for row in session.scalars(select(ChatUpdate).order_by(ChatUpdate.update_id))]
    assert states == [MessageState.QUARANTINED, MessageState.UNDERSTOOD]


def test_half_a_character_does_not_hold_the_batch_up(desk: Desk) -> None:
    desk.say("sales", "/aide")
    broken = dict(desk.client.updates()[-1])
    broken.pop("update_id")
    telegram.store(desk.app, [{**broken, "update_id": 900_001, "message": {**broken["message"], "text": "\ud83d"}}])
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


def test_late_interest_is_shown_then_kept_once_and_told_when_the_bank_takes_the_payment_back(desk: Desk) -> None:
    owe(desk)
    desk.clock.forward(days=31)
    desk.say("accounting", "/paiement F-77 950 chèque")
    desk.settle()
    for who in ("sales", "accounting"):
        desk.say(who, "/interets REG-2026-0001 F-77")
        desk.settle()
    card = desk.last("accounting")
    assert (card.labels, desk.last("sales").labels) == (["Garder 49,26 €".replace(" €", "\u00a0€")], [])
    shown = card.text.replace("\u00a0", " ").replace("\u202f", " ")
    assert "31 jours de retard" in shown
    assert "Intérêts 9,26 € · indemnité 40,00 €" in shown  # 897,81 x 12,15 % x 31 / 365
    assert "Après : 2,93 € au crédit" in shown
    for _ in range(2):  # the second press is refused: it was decided on other figures
        desk.press("accounting", card.labels[0], message_id=card.message_id)
        desk.settle()
    with transaction(desk.app.engine) as session:
        charge = session.scalars(select(LateCharge)).one()
        assert (charge.interest, charge.recovery) == (Money.of("9.26"), Money.of(40))
        reversals.reverse(
            session, charge.payment, on=desk.clock().date(), reason="rejet", by=desk.actor("accounting"),
            at=desk.clock(),
        )  # fmt: skip
    desk.settle()
    assert "gardés sur ce paiement : 49,26" in desk.last("accounting").text.replace("\u00a0", " ")
