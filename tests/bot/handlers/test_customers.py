"""What customers do in chat: corrections, edits, promises, quotes, payments, words for a person."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from bot import telegram, texts
from bot.sandbox.faults import FaultKind
from core import events, orders, payments, quotes, registration
from core.catalogue import Article
from core.db import transaction
from core.journal import SYSTEM
from core.messages import ChatUpdate, MessageChannel, MessageState
from core.money import Money
from core.orders import Asked, AskedLine, Order, OrderState
from core.parties import Customer
from core.payments import OpenItem
from core.quotes import Quote
from core.reminders import Promise

Desk = Any
BUTTER = "10 cartons de beurre doux 82 svp"


def all_orders(desk: Desk) -> list[Order]:
    with transaction(desk.app.engine) as session:
        found = list(session.scalars(select(Order).order_by(Order.id)))
        for order in found:
            _ = [line.article for line in order.lines]
        return found


def quantities(order: Order) -> dict[str, Decimal | None]:
    return {line.article.sku if line.article else line.text: line.quantity for line in order.kept_lines}


def confirm(desk: Desk, order_id: int) -> None:
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())


def owe(desk: Desk, who: str = "customer", number: str = "F-77") -> None:
    at = desk.clock()
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids[who])
        item = OpenItem(
            customer=customer, number=number, issue_date=at.date(), due_date=at.date(), gross=Money.of("897.81"),
            paid=Money.of(0), as_of=at.date(),
        )  # fmt: skip
        session.add(item)


def test_t37_each_edit_of_one_message_counts(desk: Desk) -> None:
    sent = desk.say("customer", BUTTER)
    desk.settle()
    for count in (12, 21):
        desk.client.edit(desk.chats["customer"], sent.message_id, f"{count} cartons de beurre doux 82 svp")
        desk.settle()
    (order,) = all_orders(desk)
    assert quantities(order) == {"BEU-DOU-1": Decimal(210)}


def test_t37_an_edit_before_anything_was_read_is_what_is_read(desk: Desk) -> None:
    sent = desk.say("customer", BUTTER)
    desk.client.edit(desk.chats["customer"], sent.message_id, "21 cartons de beurre doux 82 svp")
    desk.settle()
    (order,) = all_orders(desk)
    assert quantities(order) == {"BEU-DOU-1": Decimal(210)}


def test_t37_an_article_edited_away_leaves_the_draft(desk: Desk) -> None:
    sent = desk.say("customer", "10 cartons de beurre doux 82 et 5 sacs farine T65 25kg")
    desk.settle()
    desk.client.edit(desk.chats["customer"], sent.message_id, "5 sacs farine T65 25kg")
    desk.settle()
    (order,) = all_orders(desk)
    assert quantities(order) == {"FAR-T65-25": Decimal(5)}


def test_t37_an_edit_after_the_confirmation_changes_nothing_and_tells_a_person(desk: Desk) -> None:
    sent = desk.say("customer", BUTTER)
    desk.settle()
    confirm(desk, all_orders(desk)[0].id)
    desk.client.edit(desk.chats["customer"], sent.message_id, "21 cartons de beurre doux 82 svp")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.state, quantities(order)) == (OrderState.CONFIRMED, {"BEU-DOU-1": Decimal(100)})
    assert len(desk.rows("customer_message")) == 1
    assert len(desk.rows("message_kept")) == 1


def test_a_correction_after_the_acceptance_changes_that_draft_and_makes_no_second_one(desk: Desk) -> None:
    number = desk.order()
    desk.settle()
    desk.press("customer", texts.label("accept_recap"))
    desk.settle()
    desk.press("customer", texts.label("ask_change"))
    desk.settle()
    desk.say("customer", "12 cartons de beurre doux 82")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.id, quantities(order)["BEU-DOU-1"], order.recap_accepted_at) == (number, Decimal(120), None)


def test_a_day_chosen_by_button_leaves_no_question_behind(desk: Desk) -> None:
    owe(desk)
    with transaction(desk.app.engine) as session:
        owed = session.scalars(select(OpenItem)).one()
        made = desk.actor("customer")
        assert payments.amount_due(session, owed) == Money.of("897.81")
    press_action(desk, "ask_promise", number="F-77")
    desk.client.press(desk.chats["customer"], day_button(desk))
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Promise)).one().number == "F-77"
    desk.say("customer", BUTTER)
    desk.settle()
    assert len(all_orders(desk)) == 1
    assert made.id == desk.ids["customer"]


def test_an_order_is_no_promise(desk: Desk) -> None:
    owe(desk)
    press_action(desk, "ask_promise", number="F-77")
    desk.say("customer", BUTTER)
    desk.settle()
    assert len(all_orders(desk)) == 1
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Promise)).first() is None


def press_action(desk: Desk, action: str, who: str = "customer", **args: Any) -> None:
    """A button of that action, put under a message of the bot and pressed as a client would."""
    from core import conversations

    desk.say(who, "/aide")
    desk.settle()
    with transaction(desk.app.engine) as session:
        token = conversations.make_button(session, chat_id=desk.chats[who], action=action, at=desk.clock(), **args)
    desk.client.press_data(desk.chats[who], desk.last(who).message_id, token)
    desk.settle()


def day_button(desk: Desk) -> str:
    shown = next(m for m in reversed(desk.chat("customer")) if texts.label("other_date") in m.labels)
    return str(shown.labels[0])


def test_a_transfer_can_be_scanned(desk: Desk) -> None:
    owe(desk)
    press_action(desk, "pay_info", number="F-77")
    shown = [m for m in desk.chat("customer") if m.kind == "photo"]
    assert len(shown) == 1
    assert any("897,81" in m.text for m in desk.chat("customer"))


def test_s13_nobody_acts_on_another_customers_things(desk: Desk) -> None:
    owe(desk, "hotel", "H-1")
    with transaction(desk.app.engine) as session:
        hotel = session.get_one(Customer, desk.ids["hotel"])
        article = session.scalars(select(Article)).first()
        asked = Asked(hotel, MessageChannel.ORAL, (AskedLine("x", article, Decimal(1)),))
        theirs = orders.draft(session, asked, by=SYSTEM, at=desk.clock()).id
        quote = quotes.draft(session, asked, by=SYSTEM, at=desk.clock()).id
    before = len(desk.rows())
    for action in ("pay_info", "claim_paid", "ask_promise", "dispute"):
        press_action(desk, action, number="H-1")
    press_action(desk, "make_promise", number="H-1", day="2026-12-01")
    for action in ("accept_recap", "edit_line", "change_date", "cancel_order", "confirm_cancel"):
        press_action(desk, action, order_id=theirs)
    press_action(desk, "accept_quote", quote=quote)
    toasts = [toast.text for toast in desk.client.toasts(desk.chats["customer"])]
    assert len(toasts) == 11
    assert all(toasts)
    assert desk.get(theirs).state is OrderState.DRAFT
    assert len(all_orders(desk)) == 1
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Promise)).first() is None
    assert {row.template for row in desk.rows()[before:]} <= {"order_card", "quote_card", "order_recap"}


def test_a_quote_is_ordered_once(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        article = session.scalars(select(Article)).first()
        asked = Asked(
            customer, MessageChannel.CHAT, (AskedLine("x", article, Decimal(1)),), reply_chat_id=desk.chats["customer"]
        )
        quote = quotes.draft(session, asked, by=SYSTEM, at=desk.clock())
        quotes.send(session, session.get_one(Quote, quote.id), house=desk.app.house, by=SYSTEM, at=desk.clock())
    desk.settle()
    shown = next(m for m in desk.chat("customer") if texts.label("accept_quote") in m.labels)
    for _ in range(2):
        desk.press("customer", texts.label("accept_quote"), message_id=shown.message_id)
        desk.settle()
    (order,) = all_orders(desk)
    assert order.reference in desk.client.toasts(desk.chats["customer"])[-1].text


def test_a_person_can_be_asked_for_in_any_state(desk: Desk) -> None:
    desk.order()
    desk.settle()
    desk.press("customer", texts.label("edit_line"))
    desk.settle()
    desk.say("customer", "Parler à quelqu'un")
    desk.settle()
    assert len(desk.rows("human_wanted")) == 1
    assert events.ROUTES["human_wanted"]


def test_t38_a_file_too_big_is_told_the_way_out(desk: Desk) -> None:
    desk.client.send_document(desk.chats["customer"], ("bon.pdf", b"%PDF-1.4"), size=35_000_000)
    desk.settle()
    assert desk.last("customer").text == texts.answer("file_too_big", email=desk.app.house.email)


def test_a_file_of_a_short_outage_is_waited_for(desk: Desk) -> None:
    desk.client.send_document(desk.chats["customer"], ("bon.txt", b"10 cartons de beurre doux 82"))
    desk.client.fault("getFile", FaultKind.BAD_GATEWAY, times=6)
    for _ in range(6):
        telegram.fetch(desk.app)
        telegram.handle(desk.app)
    desk.client.clear_faults()
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert [row.state for row in session.scalars(select(ChatUpdate))] == [MessageState.UNDERSTOOD]


def test_my_documents_lists_only_my_own(desk: Desk) -> None:
    owe(desk)
    owe(desk, "hotel", "H-1")
    desk.say("customer", "/documents")
    desk.settle()
    assert "F-77" in desk.last("customer").text
    assert "H-1" not in desk.last("customer").text
