"""Telegram in: stored before the offset moves, handled once, and whoever presses is answered."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot import telegram, texts
from bot.access import PERMISSIONS, allowed
from bot.handlers import buttons, chat, commands, staff
from core import conversations, journal, parties
from core.db import transaction
from core.errors import Refused
from core.journal import SYSTEM
from core.messages import ChatUpdate, Message, MessageState
from core.orders import Order, OrderState
from core.parties import ChatLink, Customer, LinkCode, Role

Desk = Any


def states(desk: Desk) -> list[MessageState]:
    with transaction(desk.app.engine) as session:
        return [row.state for row in session.scalars(select(ChatUpdate).order_by(ChatUpdate.update_id))]


def orders_of(desk: Desk) -> list[Order]:
    with transaction(desk.app.engine) as session:
        return list(session.scalars(select(Order)))


def button(desk: Desk, who: str, label: str) -> int:
    desk.settle()
    return next(m.message_id for m in reversed(desk.chat(who)) if label in m.labels)


def test_t01_a_crash_between_fetch_and_handling_loses_nothing(desk: Desk) -> None:
    desk.say("customer", "10 cartons de beurre doux 82 svp")
    telegram.fetch(desk.app)
    assert states(desk) == [MessageState.STORED]
    desk.settle()  # as after a restart: the rows are the truth
    assert states(desk) == [MessageState.UNDERSTOOD]
    assert len(orders_of(desk)) == 1


def test_t02_a_batch_delivered_again_is_one_draft(desk: Desk) -> None:
    desk.say("customer", "10 cartons de beurre doux 82 svp")
    desk.settle()
    desk.client.inject_raw_update(desk.client.updates()[-1])
    desk.settle()
    assert len(orders_of(desk)) == 1


def test_t03_forty_updates_that_waited_are_all_handled(desk: Desk) -> None:
    for number in range(40):
        desk.say("customer", f"bonjour {number}")
    desk.settle()
    assert states(desk) == [MessageState.UNDERSTOOD] * 40


def test_t04_an_update_that_cannot_be_decoded_is_set_aside_and_the_next_one_flows(desk: Desk) -> None:
    desk.client.inject_raw_update({"message": {"message_id": "no number", "chat": "nowhere", "date": "never"}})
    desk.say("customer", "10 cartons de beurre doux 82 svp")
    desk.settle()
    assert states(desk) == [MessageState.QUARANTINED, MessageState.UNDERSTOOD]
    assert desk.rows("mailbox_alarm")


def test_t07_one_bubble_under_two_updates_is_one_draft(desk: Desk) -> None:
    desk.say("customer", "10 cartons de beurre doux 82 svp")
    again = dict(desk.client.updates()[-1])
    again.pop("update_id")
    desk.client.inject_raw_update(again)
    desk.settle()
    assert len(orders_of(desk)) == 1


def test_t08_a_lower_update_number_after_a_silent_week_is_accepted(desk: Desk) -> None:
    desk.say("customer", "bonjour")
    desk.settle()
    desk.clock.forward(days=8)
    desk.client.next_update_id(5)
    desk.say("customer", "10 cartons de beurre doux 82 svp")
    telegram.fetch(desk.app)
    telegram.handle(desk.app)
    with transaction(desk.app.engine) as session:
        assert session.get_one(ChatUpdate, 5).state is MessageState.UNDERSTOOD
    assert len(orders_of(desk)) == 0  # it is stored and handled; reading it is the next job
    desk.settle()
    assert len(orders_of(desk)) == 1
    desk.say("customer", "bonjour encore")
    desk.settle()
    assert not desk.client.pending_updates()


def test_t08_what_waited_through_a_week_of_silence_is_given_twice_and_handled_once(desk: Desk) -> None:
    desk.say("customer", "10 cartons de beurre doux 82 svp")
    telegram.fetch(desk.app)
    desk.clock.forward(days=8)
    assert telegram.fetch(desk.app) == 0
    desk.settle()
    assert len(orders_of(desk)) == 1
    assert not desk.client.pending_updates()


def test_a_customer_orders_and_the_agent_confirms_with_one_press(desk: Desk) -> None:
    desk.say("customer", "Bonjour, pour jeudi 10 cartons de beurre doux 82 et 5 sacs farine T65 25kg")
    card = button(desk, "sales", texts.label("confirm"))
    desk.press("customer", texts.label("accept_recap"))
    desk.settle()
    desk.press("sales", texts.label("confirm"), message_id=card)
    desk.settle()
    (order,) = orders_of(desk)
    assert (order.state, order.recap_accepted_at is not None) == (OrderState.CONFIRMED, True)


def test_t23_a_second_press_on_confirm_is_told_who_was_first(desk: Desk) -> None:
    desk.order()
    card = button(desk, "sales", texts.label("confirm"))
    desk.press("sales", texts.label("confirm"), message_id=card)
    desk.press("sales", texts.label("confirm"), message_id=card)
    desk.settle()
    assert len(desk.rows("preparation_card")) == 1
    assert any("L\u00e9a" in toast.text for toast in desk.client.toasts(desk.chats["sales"]))


def test_t26_a_press_that_can_no_longer_be_answered_keeps_its_effect(desk: Desk) -> None:
    desk.order()
    card = button(desk, "sales", texts.label("confirm"))
    desk.press("sales", texts.label("confirm"), message_id=card)
    desk.client.expire_presses()
    desk.settle()
    assert orders_of(desk)[0].state is OrderState.CONFIRMED


def test_t29_a_press_on_a_card_that_shows_an_old_version_changes_nothing(desk: Desk) -> None:
    from decimal import Decimal

    from core import orders

    number = desk.order()
    card = button(desk, "sales", texts.label("confirm"))
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, number)
        orders.set_quantity(session, order, 1, Decimal(120), by=SYSTEM, at=desk.clock())
    desk.press("sales", texts.label("confirm"), message_id=card)
    desk.settle()
    assert orders_of(desk)[0].state is OrderState.DRAFT
    assert desk.client.toasts(desk.chats["sales"])[-1].text


@pytest.mark.parametrize("data", ["v1:forged-token-of-nobody", "confirm:1", "\U0001f4a5"])
def test_t31_t32_forged_callback_data_is_answered_and_never_read_as_a_text(desk: Desk, data: str) -> None:
    desk.order()
    card = button(desk, "sales", texts.label("confirm"))
    desk.client.press_data(desk.chats["sales"], card, data)
    desk.settle()
    assert orders_of(desk)[0].state is OrderState.DRAFT
    assert desk.client.toasts(desk.chats["sales"])[-1].text == texts.answer("button_unknown")


def test_s13_another_persons_token_is_worth_nothing(desk: Desk) -> None:
    desk.order()
    desk.settle()
    shown = next(m for m in reversed(desk.chat("sales")) if texts.label("confirm") in m.labels)
    token = next(d for row in shown.data for d in row if d)
    own = desk.chat("customer")[-1].message_id
    desk.client.press_data(desk.chats["customer"], own, token)
    desk.settle()
    assert orders_of(desk)[0].state is OrderState.DRAFT


def test_t39_what_is_no_text_gets_an_answer(desk: Desk) -> None:
    desk.client.share(desk.chats["customer"], "sticker")
    desk.client.share(desk.chats["customer"], "location")
    desk.settle()
    said = [m.text for m in desk.chat("customer") if m.who == "bot"]
    assert said == [texts.answer("no_words"), texts.answer("not_read", by="avant 11\u00a0h")]


def test_t37_an_edited_message_changes_the_draft_and_never_what_is_registered(desk: Desk) -> None:
    sent = desk.say("customer", "10 cartons de beurre doux 82 svp")
    desk.settle()
    desk.client.edit(desk.chats["customer"], sent.message_id, "21 cartons de beurre doux 82 svp")
    desk.settle()
    (order,) = orders_of(desk)
    assert desk.get(order.id).kept_lines[0].quantity == 210


def test_t40_a_code_is_used_once_hashed_and_expires(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        hotel = session.get_one(Customer, desk.ids["hotel"])
        code = parties.make_link_code(session, hotel, by=SYSTEM, at=desk.clock())
        assert all(code not in known.code_hash for known in session.scalars(select(LinkCode)))
    first, second = (desk.client.add_user(name).id for name in ("Nina", "Omar"))
    for user in (first, second):
        desk.client.say(user, f"/start {code}")
    desk.settle()
    asked = desk.client.last(first)
    assert "Hôtel Bellevue" in asked.text  # it names whom it links, and links nobody before the yes
    with transaction(desk.app.engine) as session:
        assert session.get(ChatLink, first) is None
    for user in (first, second):
        desk.client.press(user, texts.label("link_yes"))
        desk.settle()
    assert desk.client.toasts(second)[-1].text == texts.plain(texts.refusal(Refused("link_code_invalid")))
    with transaction(desk.app.engine) as session:
        assert session.get_one(ChatLink, first).customer_id == desk.ids["hotel"]
        assert session.get(ChatLink, second) is None
        late = parties.make_link_code(session, session.get_one(Customer, desk.ids["hotel"]), by=SYSTEM, at=desk.clock())
    desk.clock.forward(minutes=16)
    with transaction(desk.app.engine) as session, pytest.raises(Refused):
        parties.use_link_code(session, late, chat_id=second, at=desk.clock())


def test_s38_at_first_contact_the_bot_says_that_it_is_automatic_and_what_it_keeps(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        hotel = session.get_one(Customer, desk.ids["hotel"])
        code = parties.make_link_code(session, hotel, by=SYSTEM, at=desk.clock())
    user = desk.client.add_user("Nina").id
    desk.client.say(user, f"/start {code}")
    desk.settle()
    desk.client.press(user, texts.label("link_yes"))
    desk.settle()
    said = desk.client.last(user).text
    assert all(word in said for word in ("automatique", "conserv\u00e9s", "/contact"))


def test_a_stranger_is_told_how_to_get_a_code_and_nothing_is_kept_of_an_order(desk: Desk) -> None:
    stranger = desk.client.add_user("Zoé").id
    desk.client.say(stranger, "10 cartons de beurre doux 82 svp")
    desk.settle()
    assert desk.client.last(stranger).text == texts.answer("how_to_link", phone=desk.app.house.phone)
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Message)).first() is None


def test_s10_every_action_command_and_answer_has_a_permission() -> None:
    assert set(buttons.ACTIONS) <= set(PERMISSIONS)
    assert set(commands.COMMANDS) <= set(PERMISSIONS)
    assert set(chat.ANSWERS) == set(staff.ASKED_BY)
    assert set(staff.ASKED_BY.values()) <= set(PERMISSIONS)
    menus = texts.table("menus", "fr")
    assert set(menus["commands"].values()) == set(commands.COMMANDS)
    assert {name for names in menus["menu"].values() for name in names} <= set(menus["commands"])


def test_s10_sales_does_not_let_through_and_accounting_does_not_confirm(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        links = {who: session.get_one(ChatLink, chat_id) for who, chat_id in desk.chats.items()}
        assert not allowed(links["sales"], "grant_override")
        assert not allowed(links["accounting"], "confirm")
        assert not allowed(links["warehouse"], "approve_notice")
        assert allowed(links["legal"], "approve_notice")


def test_s12_rights_are_read_at_the_press(desk: Desk) -> None:
    desk.order()
    card = button(desk, "sales", texts.label("confirm"))
    with transaction(desk.app.engine) as session:
        parties.staff_with(session, Role.SALES)[0].active = False
    desk.press("sales", texts.label("confirm"), message_id=card)
    telegram.fetch(desk.app)
    telegram.handle(desk.app)
    assert orders_of(desk)[0].state is OrderState.DRAFT
    with transaction(desk.app.engine) as session:
        assert any(entry.action == "press_refused" for entry in session.scalars(select(journal.JournalEntry)))


def test_a_question_waits_across_restarts_and_can_be_given_up(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        conversations.ask(session, chat_id=desk.chats["sales"], action="search_words", at=desk.clock(), order=1)
    desk.say("sales", "annule")
    desk.settle()
    assert desk.last("sales").text == texts.answer("given_up")
