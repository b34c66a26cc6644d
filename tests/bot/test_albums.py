"""Albums, voice notes and corrections as a customer really sends them, through the chat server."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from core.db import transaction
from core.messages import Message, MessageState
from core.orders import Order

FIRST = "Référence;Désignation;Quantité\nBEU-DOU-1;Beurre doux plaque 1 kg;20\n"
SECOND = "Référence;Désignation;Quantité\nFAR-T65-25;Farine de blé T65 sac 25 kg;8\n"


def lines(desk: Any) -> list[tuple[str | None, Decimal | None]]:
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order)).one()
        return [(line.article.sku if line.article else None, line.quantity) for line in order.kept_lines]


def test_t35_an_album_is_one_order_of_all_its_files(desk: Any) -> None:
    who = desk.chats["customer"]
    album = {"media_group_id": "77001"}
    desk.client.send_document(who, ("page1.csv", FIRST.encode()), caption="Notre commande en deux pages", **album)
    desk.settle()
    desk.clock.forward(seconds=8)
    desk.client.send_document(who, ("page2.csv", SECOND.encode()), **album)
    desk.settle()
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Message)).one().state is MessageState.STORED
    desk.clock.forward(seconds=13)
    desk.settle()
    assert lines(desk) == [("BEU-DOU-1", 20), ("FAR-T65-25", 8)]
    assert len(desk.rows("order_recap")) == 1


def test_a_correcting_bubble_repaints_the_recap_of_the_same_order(desk: Any) -> None:
    desk.say("customer", "10 cartons de beurre doux svp")
    desk.settle()
    desk.say("customer", "pardon, 8 pas 10")
    desk.settle()
    assert lines(desk) == [("BEU-DOU-1", 80)]
    assert "8 cartons = 80 plaques" in desk.last("customer").text.replace("\u00a0", " ")


def test_t39_a_voice_note_is_answered_and_shown_to_sales(desk: Any) -> None:
    desk.client.send_voice(desk.chats["customer"], ("note.ogg", b"OggS\x00\x02 a recording"), seconds=4)
    desk.settle()
    assert "J'ai gardé votre message vocal." in desk.last("customer").text
    assert "Message vocal à écouter" in desk.last("sales").text


def test_t37_an_edited_correction_corrects_what_it_said_before(desk: Any) -> None:
    desk.say("customer", "10 cartons de beurre doux\n5 sacs de farine T65")
    desk.settle()
    sent = desk.say("customer", "8, pas 10")
    desk.settle()
    assert lines(desk) == [("BEU-DOU-1", 80), ("FAR-T65-25", 5)]
    desk.client.edit(desk.chats["customer"], sent.message_id, "9, pas 10")
    desk.settle()
    assert lines(desk) == [("BEU-DOU-1", 90), ("FAR-T65-25", 5)]
