"""Groups: bound by an admin or a code, judged person by person, silent about money, and moved once (S04, U11, T17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bot import discretion, telegram, texts
from core import groups, parties
from core.db import transaction
from core.groups import ChatGroup
from core.journal import SYSTEM, JournalEntry
from core.messages import Message
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.parties import ChatLink, Role, Staff

Desk = Any
#: What somebody without the right is told, however it is put.
RESERVED = "\u00e9serv"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def boss(desk: Desk) -> int:
    """Claire, manager and admin, in a chat of her own."""
    user = desk.client.add_user("Claire").id
    desk.client.say(user, "/start")
    with transaction(desk.app.engine) as session:
        claire = session.scalars(select(Staff).where(Staff.name == "Claire")).one()
        session.add(ChatLink(chat_id=user, staff_id=claire.id, linked_at=desk.clock()))
    desk.chats["boss"] = user
    return user


@pytest.fixture
def team(desk: Desk, boss: int) -> Iterator[int]:
    """The sales team's group, bound by Claire, with Karim of accounting and a stranger in it."""
    stranger = desk.client.add_user("Zo\u00e9").id
    desk.chats["stranger"] = stranger
    room = desk.client.add_group("Ventes", [boss, desk.chats["sales"], desk.chats["accounting"], stranger]).id
    desk.settle()
    assert "/groupe" in desk.client.last(boss, chat=room).text  # it says how it is bound, and nothing else
    desk.client.say(boss, "/groupe", chat=room)
    desk.settle()
    desk.client.press(boss, texts.word("team_sales"), chat=room)
    desk.settle()
    desk.client.press(boss, texts.label("group_pushes_on"), chat=room)
    desk.settle()
    return room


def in_group(desk: Desk, who: str, room: int) -> list[str]:
    return [seen.text for seen in desk.client.chat(desk.chats[who], chat=room) if seen.who == "bot"]


def press_in(desk: Desk, who: str, label: str, room: int) -> str:
    desk.client.press(desk.chats[who], label, chat=room)
    desk.settle()
    return str(desk.client.toasts(desk.chats[who])[-1].text)


@ON_SQLITE
def test_u11_s04_a_team_hears_in_its_group_without_prices_and_each_acts_with_his_own_rights(
    desk: Desk, team: int
) -> None:
    number = desk.order()
    desk.settle()
    reference = desk.get(number).reference
    told = desk.client.last(desk.chats["sales"], chat=team)
    assert reference in told.text
    assert all("\u20ac" not in text for text in in_group(desk, "sales", team))
    assert not [seen for seen in desk.chat("sales") if reference in seen.text]  # the group instead of each chat
    open_it = texts.label("open_private")
    assert press_in(desk, "stranger", open_it, team) == texts.plain(texts.answer("group_stranger"))
    assert RESERVED in press_in(desk, "accounting", open_it, team)
    assert press_in(desk, "sales", open_it, team) == texts.answer("answered_in_private")
    card = next(seen for seen in reversed(desk.chat("sales")) if texts.label("confirm") in seen.labels)
    assert "\u20ac" in card.text
    desk.press("sales", texts.label("confirm"), message_id=card.message_id)
    desk.settle()
    assert desk.get(number).state is OrderState.CONFIRMED
    assert texts.word("confirmed") in desk.client.last(desk.chats["sales"], chat=team).text
    said = next(seen for seen in desk.chat("sales") if seen.message_id == card.message_id)
    assert texts.label("confirm") not in said.labels  # the card he opened is kept true
    with transaction(desk.app.engine) as session:
        refused = session.scalars(select(JournalEntry).where(JournalEntry.action == "press_refused")).all()
    assert len(refused) == 1


@pytest.mark.long
@ON_SQLITE
def test_u11_what_names_money_is_answered_in_private_until_an_admin_enables_it(desk: Desk, team: int) -> None:
    sales = desk.chats["sales"]
    desk.client.say(sales, "/client Martin", chat=team)
    desk.settle()
    assert in_group(desk, "sales", team)[-1] == texts.answer("answered_in_private")
    assert "Boulangerie Martin" in desk.last("sales").text
    desk.client.say(sales, "/groupe", chat=team)  # only an admin says what a group shows
    desk.settle()
    assert RESERVED in in_group(desk, "sales", team)[-1]
    desk.client.say(desk.chats["boss"], "/groupe", chat=team)
    desk.settle()
    assert RESERVED in press_in(desk, "sales", texts.label("group_money_on"), team)
    press_in(desk, "boss", texts.label("group_money_on"), team)
    number = desk.order()
    desk.settle()
    card = next(s for s in reversed(desk.client.chat(sales, chat=team)) if texts.label("confirm") in s.labels)
    assert "\u20ac" in card.text
    assert RESERVED in press_in(desk, "accounting", texts.label("confirm"), team)
    assert desk.get(number).state is OrderState.DRAFT


@ON_SQLITE
def test_s04_in_a_customers_group_his_people_order_and_a_stranger_gets_an_answer_and_no_draft(
    desk: Desk, boss: int
) -> None:
    stranger, julie = desk.client.add_user("Zo\u00e9").id, desk.chats["customer"]
    hotel = desk.client.add_user("Nina").id
    with transaction(desk.app.engine) as session:
        session.add(ChatLink(chat_id=hotel, customer_id=desk.ids["hotel"], linked_at=desk.clock()))
        bakery = session.get_one(parties.Customer, desk.ids["customer"])
        code = groups.make_code(session, bakery, by=SYSTEM, at=desk.clock())
        person = parties.make_link_code(session, bakery, by=SYSTEM, at=desk.clock())
    room = desk.client.add_group("Martin", [julie, stranger, hotel, boss]).id
    for wrong in (person, "ABCDEFGHJK"):  # a person's code is good in a private chat alone
        desk.client.say(stranger, f"/start {wrong}", chat=room)
        desk.settle()
        assert texts.refusal(parties.Refused("link_code_invalid")) in in_group(desk, "customer", room)[-1]
    desk.client.say(boss, f"/start {code}", chat=room)
    desk.settle()
    assert "Boulangerie Martin" in in_group(desk, "customer", room)[-1]
    for user in (stranger, hotel):  # unknown, and known as somebody else's
        desk.client.say(user, "10 cartons de beurre doux 82 svp", chat=room)
        desk.settle()
        assert in_group(desk, "customer", room)[-1] == texts.plain(texts.answer("group_stranger"))
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Message)).all() == []
    sent = desk.client.say(julie, "9 cartons de beurre doux 82 svp", chat=room)
    desk.settle()
    desk.client.edit(stranger, desk.client.say(stranger, "bonjour", chat=room).message_id, "12 cartons", chat=room)
    desk.client.edit(julie, sent.message_id, "10 cartons de beurre doux 82 svp", chat=room)
    desk.settle()
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order)).one()
        assert (order.customer_id, order.reply_chat_id) == (desk.ids["customer"], room)
        number = order.id
    seen = desk.client.chat(julie, chat=room)
    recap = next(message for message in reversed(seen) if texts.label("accept_recap") in message.labels)
    assert "10 cartons" in recap.text.replace("\u00a0", " ")
    assert "\u20ac" not in recap.text
    desk.client.press(stranger, texts.label("accept_recap"), chat=room)
    desk.client.press(hotel, texts.label("accept_recap"), chat=room)
    desk.settle()
    assert desk.get(number).recap_accepted_at is None
    assert desk.client.toasts(hotel)[-1].text == texts.plain(texts.answer("group_stranger"))
    desk.client.press(julie, texts.label("accept_recap"), chat=room)
    desk.settle()
    assert desk.get(number).recap_accepted_at is not None
    desk.client.say(julie, "/documents", chat=room)
    desk.settle()
    assert in_group(desk, "customer", room)[-1] == texts.answer("answered_in_private")


@pytest.mark.long
@ON_SQLITE
def test_the_warehouse_gets_its_slips_in_its_group_and_no_price(desk: Desk, boss: int) -> None:
    room = desk.client.add_group("D\u00e9p\u00f4t", [boss, desk.chats["warehouse"]]).id
    with transaction(desk.app.engine) as session:
        group = groups.met(session, room, "D\u00e9p\u00f4t")
        groups.bind(session, group, Role.WAREHOUSE, by=SYSTEM, at=desk.clock())
        groups.enable(session, group, pushes=True, by=SYSTEM, at=desk.clock())
    desk.order()
    desk.settle()
    desk.press("sales", texts.label("confirm"))
    desk.settle()
    desk.clock.forward(minutes=2)
    desk.settle()
    seen = desk.client.chat(desk.chats["warehouse"], chat=room)
    assert any("Beurre" in message.text for message in seen)
    assert [message.file_id for message in seen if message.file_id]
    assert not [message.text for message in seen if "\u20ac" in message.text]


@ON_SQLITE
@pytest.mark.parametrize("by", ["service messages", "error"])
def test_t17_a_group_that_becomes_a_supergroup_is_moved_once_and_its_cards_are_sent_anew(
    desk: Desk, team: int, by: str
) -> None:
    number = desk.order()
    desk.settle()
    new = desk.client.upgrade_group(desk.chats["boss"], team).id
    if by == "service messages":
        desk.settle()
    else:  # a row is sent to the old id before anybody reads that it moved
        telegram.fetch(desk.app)
    desk.client.inject_raw_update({k: v for k, v in desk.client.updates()[-1].items() if k != "update_id"})
    desk.order()
    from bot import push

    push.deliver(desk.app)
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert [group.chat_id for group in session.scalars(select(ChatGroup))] == [new]
        moved = session.get_one(ChatGroup, new)
        assert (moved.role, moved.takes_pushes) == (Role.SALES, True)
        assert session.scalars(select(JournalEntry).where(JournalEntry.action == "group_moved")).one()
        rows = session.scalars(select(OutboxRow).where(OutboxRow.chat_id == new, OutboxRow.sent_at.is_not(None))).all()
        assert rows
    press_in(desk, "sales", texts.label("open_private"), new)
    assert desk.get(number).reference
    assert texts.label("open_private") in desk.client.last(desk.chats["sales"], chat=new).labels


@pytest.mark.long
@ON_SQLITE
def test_a_bot_that_was_thrown_out_of_a_group_tells_each_in_private_again(desk: Desk, team: int) -> None:
    desk.client.kick_bot(desk.chats["boss"], team)
    desk.order()
    desk.settle()
    assert any(texts.label("confirm") in seen.labels for seen in desk.chat("sales"))


def test_u11_every_amount_is_taken_out_and_the_rest_stays_readable() -> None:
    said = (
        "<b>Votre commande \u2014 \u00e0 v\u00e9rifier</b> \u00b7 r\u00e9f. <code>CMD-1</code>\n"
        "1. Beurre \u2014 <b>10 cartons</b> \u2014 7,90\u00a0\u20ac/plaque\n"
        "Total indicatif <b>790,00\u00a0\u20ac HT</b> \u00b7 833,45\u00a0\u20ac TTC\n"
        "<b>Encours 3 200,00\u00a0\u20ac \u00b7 limite</b>"
    )
    left = discretion.without_money(said)
    assert left.splitlines()[:2] == [
        "<b>Votre commande \u2014 \u00e0 v\u00e9rifier</b> \u00b7 r\u00e9f. <code>CMD-1</code>",
        "1. Beurre \u2014 <b>10 cartons</b>",
    ]
    assert "\u20ac" not in left
    assert left.count("<b>") == left.count("</b>")
