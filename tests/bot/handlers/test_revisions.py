"""Changes of registered orders in chat: the redline, one press to apply it, a line given up, a cancellation."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from core import orders
from core.db import transaction
from core.orders import Order, OrderRevision, OrderState, RevisionState
from tests.bot.handlers.test_customers import confirm

Desk = Any


def proposals(desk: Desk) -> list[OrderRevision]:
    with transaction(desk.app.engine) as session:
        return list(session.scalars(select(OrderRevision).order_by(OrderRevision.id)))


def card(desk: Desk, who: str, words: str) -> Any:
    return next(seen for seen in reversed(desk.chat(who)) if words in seen.text)


def test_a_changed_draft_shows_what_was_and_what_is_to_both(desk: Desk) -> None:
    number = desk.order()
    desk.settle()
    desk.clock.forward(minutes=2)
    desk.say("sales", "L2 7", reply_to=card(desk, "sales", "CMD-2026-0001").message_id)
    desk.settle()
    desk.press("sales", "Appliquer")
    desk.settle()
    shown = "L2 Farine de blé T65 sac 25 kg\u00a0: 5 → 7 sacs"
    assert shown in card(desk, "sales", "Changé à").text
    assert shown in card(desk, "customer", "Ce qui change").text
    desk.clock.forward(minutes=1)
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, number)
        day = date(2026, 11, 27)
        orders.set_delivery_date(session, order, day, by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    recap = card(desk, "customer", "Ce qui change")
    assert shown not in recap.text  # only the last change
    assert "Livraison\u00a0: jeu.\u00a026\u00a0nov. → ven.\u00a027\u00a0nov." in recap.text
    assert "Le client à" in card(desk, "sales", "Prêt à confirmer").text


def test_a_customers_words_about_a_registered_order_become_a_redline_that_one_press_applies(desk: Desk) -> None:
    number = desk.order()
    desk.settle()
    confirm(desk, number)
    desk.clock.forward(minutes=5)
    desk.settle()
    desk.say("customer", "modification de ma commande : 12 cartons de beurre doux au lieu de 10, livraison vendredi")
    desk.settle()
    seen = card(desk, "sales", "Modification demandée")
    assert (
        "L1 Beurre doux 82\u00a0% MG plaque 1 kg\u00a0: 100 confirmé · 0 livré · 0 facturé → 120 plaques" in seen.text
    )
    assert "Livraison\u00a0: jeu.\u00a026\u00a0nov. → ven.\u00a027\u00a0nov." in seen.text
    assert desk.get(number).lines[0].quantity == 100
    desk.press("sales", "Appliquer et prévenir", message_id=seen.message_id)
    desk.settle()
    order = desk.get(number)
    assert (order.lines[0].quantity, order.revision, order.requested_delivery_date) == (120, 1, date(2026, 11, 27))
    told = card(desk, "customer", "modifiée")
    assert "Beurre doux 82\u00a0% MG plaque 1 kg\u00a0: 10 → 12 cartons" in told.text
    assert card(desk, "sales", "Modification acceptée").labels == []
    confirmed = next(seen for seen in desk.chat("customer") if "Demander un changement" in seen.labels)
    desk.press("customer", "Demander un changement", message_id=confirmed.message_id)
    desk.settle()
    desk.say("customer", "7 sacs de farine T65")
    desk.settle()
    assert "part chez votre commercial" in desk.last("customer").text
    assert "→ 7 sacs" in card(desk, "sales", "Modification demandée").text
    assert desk.get(number).lines[1].quantity == 5


def test_a_colleague_corrects_refuses_closes_and_cancels(desk: Desk) -> None:
    number = desk.order()
    desk.settle()
    confirm(desk, number)
    desk.clock.forward(minutes=5)
    desk.settle()
    desk.say("sales", "L2 8", reply_to=card(desk, "sales", "Commande confirmée").message_id)
    desk.settle()
    desk.say("sales", "L1 90", reply_to=card(desk, "sales", "Modification demandée").message_id)
    desk.settle()
    assert [p.state for p in proposals(desk)] == [RevisionState.STALE, RevisionState.PROPOSED]
    seen = card(desk, "sales", "Modification demandée")
    assert "→ 8 sacs" in seen.text
    assert "→ 90 plaques" in seen.text
    desk.press("sales", "Refuser la demande…", message_id=seen.message_id)
    desk.settle()
    desk.say("sales", "la farine est en rupture")
    desk.settle()
    assert "la farine est en rupture" in card(desk, "customer", "inchangée").text
    desk.press("sales", "Solder une ligne…", message_id=card(desk, "sales", "Commande confirmée").message_id)
    desk.settle()
    desk.press("sales", "Solder L2\u00a0: 5 sacs", message_id=desk.last("sales").message_id)
    desk.settle()
    assert (desk.get(number).lines[1].closed_quantity, desk.get(number).revision) == (5, 1)
    assert "L2 retirée\u00a0: 5 sacs" in card(desk, "customer", "modifiée").text
    desk.say("customer", "Annulez ma commande svp")
    desk.settle()
    asked = card(desk, "sales", "Annulation demandée")
    desk.press("sales", asked.labels[0], message_id=asked.message_id)
    desk.settle()
    desk.say("sales", "le client ferme pour travaux")
    desk.settle()
    order = desk.get(number)
    assert (order.state, order.cancel_reason) == (OrderState.CANCELLED, "le client ferme pour travaux")
    assert "Commande annulée" in card(desk, "sales", "Commande annulée").text


def test_two_orders_that_look_alike_wait_for_one_press(desk: Desk) -> None:
    first = desk.order(customer_reference="4500123")
    desk.clock.forward(hours=1)
    again = desk.order(customer_reference="4500123")
    desk.settle()
    with transaction(desk.app.engine) as session:
        for number in (first, again):
            orders.accept_recap(session, session.get_one(Order, number), by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    seen = card(desk, "sales", desk.get(again).reference)
    assert "Même numéro de bon et mêmes lignes que CMD-2026-0001" in seen.text
    desk.press("sales", "Traiter le point", message_id=seen.message_id)
    desk.settle()
    point = next(m for m in desk.chat("sales") if m.message_id == seen.message_id)
    assert point.labels[:3] == [
        "Doublon, à annuler",
        "Deux commandes, garder",
        "Corrige la première",
    ]
    desk.press("sales", "Doublon, à annuler", message_id=seen.message_id)
    desk.settle()
    assert desk.get(again).state is OrderState.CANCELLED
    assert len([m for m in desk.chat("customer") if "déjà reçue" in m.text]) == 1
