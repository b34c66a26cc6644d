"""Quotes and paper orders in chat, through the sandbox: made, changed, sent, revised, accepted, compared, listed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from bot import texts
from core.db import transaction
from core.messages import Message, MessageChannel, MessageState
from core.orders import Order
from core.parties import Customer
from core.quotes import Quote, QuoteState

Desk = Any


def all_quotes(desk: Desk) -> list[Quote]:
    with transaction(desk.app.engine) as session:
        found = list(session.scalars(select(Quote).order_by(Quote.id)))
        for quote in found:
            _ = [line.article for line in quote.lines]
        return found


def all_orders(desk: Desk) -> list[Order]:
    with transaction(desk.app.engine) as session:
        found = list(session.scalars(select(Order).order_by(Order.id)))
        for order in found:
            _ = [line.article for line in order.lines], order.customer.code
        return found


def card(desk: Desk, who: str, label: str) -> Any:
    return next(m for m in reversed(desk.chat(who)) if label in m.labels)


def test_a_quote_made_in_chat_is_changed_sent_revised_and_accepted_in_its_last_version(desk: Desk) -> None:
    desk.say(
        "sales", "/devis Boulangerie Martin : 10 cartons de beurre doux 82, 3 machins bleus, valable jusqu'au 30/12"
    )
    desk.settle()
    shown = card(desk, "sales", texts.label("search_quote_article", position=2))
    for words in ("retire L2", "L1 à 7,50 €", "ajoute 5 sacs de farine T65", "L2 6"):
        desk.say("sales", words, reply_to=shown.message_id)
        desk.settle()
    (quote,) = all_quotes(desk)
    assert [(line.position, line.quantity, line.unit_price) for line in quote.lines] == [
        (1, Decimal(100), Decimal("7.5")), (2, Decimal(6), Decimal("18.4")),
    ]  # fmt: skip
    desk.say("sales", "L1 à 7,1234567", reply_to=shown.message_id)
    desk.settle()
    assert "a plus de 6 décimales" in desk.last("sales").text
    desk.press("sales", "Envoyer le devis")
    desk.settle()
    first = card(desk, "customer", "Accepter ce devis")
    assert "30" in first.text
    desk.press("sales", "Réviser")
    desk.settle()
    desk.say("sales", "L1 à 7 €", reply_to=card(desk, "sales", "Envoyer le devis").message_id)
    desk.settle()
    desk.press("sales", "Envoyer le devis")
    desk.settle()
    desk.press("customer", "Accepter ce devis", message_id=first.message_id)
    desk.settle()
    assert "remplacé" in desk.client.toasts(desk.chats["customer"])[-1].text
    assert all_orders(desk) == []
    desk.press("customer", "Accepter ce devis")
    desk.settle()
    (order,) = all_orders(desk)
    assert [line.unit_price for line in order.lines] == [Decimal(7), Decimal("18.4")]
    assert [q.state for q in all_quotes(desk)] == [QuoteState.REPLACED, QuoteState.ACCEPTED]
    desk.press("sales", "Devis / commande")
    desk.settle()
    assert any("comparée au devis" in m.text for m in desk.chat("sales"))
    desk.say("sales", "/devis")
    desk.settle()
    assert desk.last("sales").text == texts.answer("no_quote")


def test_a_quote_is_declined_with_its_reason_and_an_expired_one_waits_for_an_agent(desk: Desk) -> None:
    for _ in range(2):
        desk.say("sales", "devis Boulangerie Martin : 5 sacs de farine T65")
        desk.settle()
        desk.press("sales", "Validité…")
        desk.settle()
        desk.press("sales", "15 jours")
        desk.settle()
        desk.press("sales", "Envoyer le devis")
        desk.settle()
    desk.press("customer", "Devis refusé…")
    desk.settle()
    desk.say("customer", "Trop cher pour nous")
    desk.settle()
    desk.say("sales", "/devis")
    desk.settle()
    assert "reste 15 j" in desk.last("sales").text
    desk.clock.forward(days=16)
    desk.press("customer", "Accepter ce devis", message_id=next(
        m for m in desk.chat("customer") if "Accepter ce devis" in m.labels
    ).message_id)  # fmt: skip
    desk.settle()
    one, two = all_quotes(desk)
    assert (one.state, two.state, two.decline_reason) == (QuoteState.SENT, QuoteState.DECLINED, "Trop cher pour nous")
    desk.press("sales", "Le client accepte")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.channel, order.quote_id, order.accord) == (MessageChannel.ORAL, one.id, False)


def test_unknown_and_closed_customers_and_no_quantity_are_refused_and_nothing_is_written(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["hotel"]).active = False
    for said, code in (
        ("/devis Personne : 3 sacs de farine T65", "customer_unknown"),
        ("/devis Bellevue : 3 sacs de farine T65", "customer_account_closed"),
        ("/commande Bellevue : 3 sacs de farine T65", "customer_account_closed"),
        ("/devis Martin :", "no_lines_read"),
        ("/devis Martin : 0 sacs", "no_lines_read"),
    ):
        desk.say("sales", said)
        desk.settle()
        head = texts.table("refusals", "fr")[code].partition("{")[0].strip(" «")
        assert desk.last("sales").text.startswith(head), said
    assert (all_quotes(desk), all_orders(desk)) == ([], [])


def test_an_order_by_telephone_keeps_from_whom_and_its_recap_asks_the_customer(desk: Desk) -> None:
    desk.say("sales", "/commande Boulangerie Martin (Mme Roy) : 5 sacs de farine T65")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.taken_from, order.taken_at, order.taken_by_id) == ("Mme Roy", desk.clock(), desk.actor("sales").id)
    assert "de Mme Roy" in desk.last("sales").text
    desk.press("customer", texts.label("accept_recap"))
    desk.settle()
    assert all_orders(desk)[0].recap_accepted_at is not None


def test_a_paper_dropped_by_a_colleague_becomes_the_draft_of_the_customer_its_caption_names(desk: Desk) -> None:
    file = ("fax.csv", "Référence;Désignation;Quantité\nFAR-T65-25;Farine T65;5\n".encode())
    desk.client.send_document(desk.chats["sales"], file, caption="Boulangerie Martin (Mme Roy)")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.customer.code, order.channel, order.taken_by_id) == (
        "MARTIN", MessageChannel.PAPER, desk.actor("sales").id,
    )  # fmt: skip
    assert (order.taken_from, order.reply_chat_id, order.sender_authenticated) == ("Mme Roy", None, True)
    assert [(line.article.sku, line.quantity) for line in order.lines if line.article] == [("FAR-T65-25", Decimal(5))]
    assert texts.label("accept_recap") in desk.last("customer").labels
    desk.press("sales", texts.label("show_evidence"))
    desk.settle()
    assert any("fax.csv" in str(m) for m in desk.chat("sales")[-2:])


def test_a_paper_whose_caption_names_nobody_asks_for_its_customer(desk: Desk) -> None:
    desk.client.send_document(
        desk.chats["sales"], ("fax.csv", "Référence;Désignation;Quantité\nFAR-T65-25;Farine T65;5\n".encode())
    )
    desk.settle()
    with transaction(desk.app.engine) as session:
        (message,) = session.scalars(select(Message))
        assert (message.state, message.reason) == (MessageState.QUARANTINED, "customer_unknown")
    desk.press("sales", texts.label("name_customer"))
    desk.settle()
    desk.say("sales", "Bellevue")
    desk.settle()
    desk.press("sales", "BELLEVUE Hôtel Bellevue")
    desk.settle()
    (order,) = all_orders(desk)
    assert (order.customer.code, order.taken_by_id) == ("BELLEVUE", desk.actor("sales").id)
    assert desk.rows("message_kept") == []


def test_an_answer_that_names_no_quote_is_asked_which_and_a_quotes_buttons_live_as_long_as_it(desk: Desk) -> None:
    for words in ("10 cartons de beurre doux 82", "5 sacs de farine T65"):
        desk.say("sales", f"/devis Boulangerie Martin : {words}, valable 90 jours")
        desk.settle()
        desk.press("sales", "Envoyer le devis")
        desk.settle()
    first, second = all_quotes(desk)
    desk.say("customer", "Nous acceptons votre devis")
    desk.settle()
    assert [quote.state for quote in all_quotes(desk)] == [QuoteState.SENT, QuoteState.SENT]
    asked = card(desk, "customer", texts.label("accept_quote_named", quote=first.reference, amount=first.net))
    assert len(asked.labels) == 2
    assert "lequel" in desk.last("sales").text
    assert any(second.reference in label for label in desk.last("sales").labels)
    desk.clock.forward(days=80)  # long after thirty days
    desk.press("customer", next(label for label in asked.labels if first.reference in label))
    desk.settle()
    assert [quote.state for quote in all_quotes(desk)] == [QuoteState.ACCEPTED, QuoteState.SENT]
    desk.clock.forward(days=12)
    desk.press("customer", next(label for label in asked.labels if second.reference in label))
    desk.settle()
    assert [quote.state for quote in all_quotes(desk)] == [QuoteState.ACCEPTED, QuoteState.SENT]
    assert len(all_orders(desk)) == 1
