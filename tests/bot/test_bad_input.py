"""Whatever a customer's telephone can send has a defined answer, and never harms what is there (T38, T39)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from bot import texts
from core import conversations
from core.db import transaction
from core.messages import ChatUpdate, MessageState
from core.orders import Order

Desk = Any
HUMAN = "Parler à quelqu'un"


def shared(kind: str) -> Callable[[Desk, int], None]:
    return lambda desk, chat: desk.client.share(chat, kind)


def said(text: str) -> Callable[[Desk, int], None]:
    return lambda desk, chat: desk.client.say(chat, text)


def big_file(desk: Desk, chat: int) -> None:
    desk.client.send_document(chat, ("bon.pdf", b"%PDF-1.4"), size=35_000_000)


def broken_file(desk: Desk, chat: int) -> None:
    desk.client.send_document(chat, ("bon.pdf", b"not a pdf at all"))


#: What is sent, a part of the answer, and whether the answer leads to a person by a button.
SENT: dict[str, tuple[Callable[[Desk, int], None], str, bool]] = {
    "sticker": (shared("sticker"), "pas lu de commande", True),
    "dice": (shared("dice"), "pas lu de commande", True),
    "location": (shared("location"), "votre commercial vous répond ici avant 11 h", False),
    "contact": (shared("contact"), "votre commercial vous répond ici avant 11 h", False),
    "poll": (shared("poll"), "votre commercial vous répond ici avant 11 h", False),
    "venue": (shared("venue"), "votre commercial vous répond ici avant 11 h", False),
    "35 MB": (big_file, "dépasse 20 Mo", True),
    "broken file": (broken_file, "gardé votre message", True),
    "emoji only": (said("👍🥐🥐"), "pas lu de commande", True),
    "100 lines": (said("\n".join(f"{n} cartons beurre doux 82" for n in range(1, 101))), "Votre commande", False),
    "right to left": (said("10 cartons \u202eeruueb\u202c <b>82"), "Votre commande", True),
    "unknown command": (said("/fairecequejeveux"), "Écrivez votre commande", True),
    "markup": (said("<a href='http://x'>&amp;</a> {{ 7 * 7 }}"), "« href='http", True),
}


def answers(desk: Desk, chat: int) -> list[Any]:
    return [m for m in desk.client.chat(chat) if m.who == "bot"]


def test_t39_every_kind_of_message_has_its_answer(desk: Desk) -> None:
    chat = desk.chats["customer"]
    for name, (send, told, leads_on) in SENT.items():
        before = {m.message_id for m in answers(desk, chat)}
        send(desk, chat)
        desk.settle()
        new = [m for m in answers(desk, chat) if m.message_id not in before]
        assert len(new) == 1, (name, [m.text for m in new])
        heard = re.sub(r"[\u00a0\u202f]", " ", new[0].text)
        assert told in heard, (name, heard)
        assert (HUMAN in new[0].labels) == leads_on, (name, new[0].labels)
        assert "\u202e" not in heard
        assert "Une erreur est survenue" not in heard
        desk.clock.forward(seconds=30)
        with transaction(desk.app.engine) as session:  # each kind on its own: no draft to be added to
            for order in session.scalars(select(Order)):
                order.recap_accepted_at = order.recap_accepted_at or desk.clock()
    desk.client.send_voice(chat, ("note.ogg", b"OggS"), seconds=3)
    desk.settle()
    assert "vocal" in answers(desk, chat)[-1].text  # no model here: kept, and a person listens
    told_sales = {row.template for row in desk.rows() if row.audience == "sales"}
    assert {"unread_kind"} <= told_sales


def update(desk: Desk, **what: Any) -> None:
    number = max((u["update_id"] for u in desk.client.updates()), default=1) + 1
    desk.client.inject_raw_update({"update_id": number, **what})
    desk.settle()


CHANNEL = {"id": -1009, "type": "channel", "title": "Promo"}
GROUP = {"id": -1007, "type": "supergroup", "title": "Les clients"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


def test_t39_posts_of_channels_and_of_nobody_in_particular_are_never_orders(desk: Desk) -> None:
    message = {"message_id": 5, "date": 1_795_000_000, "text": "10 cartons beurre doux 82"}
    update(desk, channel_post={**message, "chat": CHANNEL, "sender_chat": CHANNEL})
    update(desk, edited_channel_post={**message, "edit_date": 1_795_000_001, "chat": CHANNEL, "sender_chat": CHANNEL})
    update(desk, message={**message, "chat": GROUP, "from": ANONYMOUS, "sender_chat": GROUP})
    with transaction(desk.app.engine) as session:
        states = [(row.state, row.reason) for row in session.scalars(select(ChatUpdate))]
        assert session.scalars(select(Order)).first() is None
    assert [state for state, _ in states] == [MessageState.UNDERSTOOD] * 3


@pytest.mark.parametrize("data", ["", "v1:forged", "confirm:1", "v1:" + "x" * 61])
def test_t31_a_forged_button_is_answered_and_does_nothing(desk: Desk, data: str) -> None:
    number = desk.order()
    desk.settle()
    card = desk.last("customer")
    desk.client.press_data(desk.chats["customer"], card.message_id, data or "x")
    desk.settle()
    assert texts.answer("button_unknown") == desk.client.toasts(desk.chats["customer"])[-1].text
    assert desk.get(number).recap_accepted_at is None
    with transaction(desk.app.engine) as session:  # a stale one: of another chat, and past its time
        token = conversations.make_button(
            session, chat_id=desk.chats["sales"], action="accept_recap", at=desk.clock(), order_id=number, version=1
        )
    desk.client.press_data(desk.chats["customer"], card.message_id, token)
    desk.settle()
    assert texts.answer("button_unknown") == desk.client.toasts(desk.chats["customer"])[-1].text
    assert desk.get(number).recap_accepted_at is None
