"""Deliveries by chat, from the shelf to the signed note: what the warehouse, the customer and sales press and write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import deliveries, registration
from core.catalogue import Article, Substitute
from core.db import transaction
from core.deliveries import Delivery, DeliveryState, FileKind, GoodsReturn, ReserveDecision, reserves
from core.invoices import Invoice
from core.orders import Order, OrderState
from core.parties import Customer
from core.stock import StockLevel

PHOTO = ("sac.jpg", b"\xff\xd8\xff\xe0 a torn bag")


@pytest.fixture
def order_id(desk: Any) -> int:
    """A registered order of which the warehouse has its card: 100 plaques of butter in 10 cartons, 5 bags of flour."""
    number: int = desk.order()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, number, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    desk.settle()
    return number


def delivery_of(desk: Any, order_id: int) -> Delivery:
    with transaction(desk.app.engine) as session:
        delivery = deliveries.of_order(session, session.get_one(Order, order_id))[-1]
        _ = delivery.order, delivery.files, [(one.files, one.line.order_line) for one in delivery.reserves]
        _ = [(line.batches, line.order_line) for line in delivery.lines]
        return delivery


def ship(desk: Any, order_id: int) -> Delivery:
    desk.press("warehouse", "Expédier")
    desk.settle()
    return delivery_of(desk, order_id)


def said(desk: Any, who: str) -> str:
    return str(desk.last(who).text).replace("\u00a0", " ").replace("\u202f", " ")


def heard(desk: Any, who: str, words: str) -> bool:
    return any(words in seen.text.replace("\u00a0", " ") for seen in desk.chat(who))


def label(desk: Any, who: str, words: str) -> str:
    labels = [one for seen in reversed(desk.chat(who)) for row in seen.buttons for one in row]
    return str(next(one for one in labels if words in one.replace("\u00a0", " ")))


def steps(desk: Any, who: str, *pressed: str) -> None:
    """Press and write in turn: what begins with `>` is written."""
    for one in pressed:
        if one.startswith(">"):
            desk.say(who, one[1:].strip())
        else:
            desk.press(who, label(desk, who, one))
        desk.settle()


def test_what_is_short_what_batch_and_how_it_leaves_is_noted_in_words(desk: Any, order_id: int) -> None:
    steps(desk, "warehouse", "L1 : autre quantité", "> 90")
    assert "L1 : les 10 restants ?" in said(desk, "warehouse")
    steps(desk, "warehouse", "Annuler le reste")
    steps(desk, "warehouse", "L1 : lot, article", "L1 : lot…", "> A123 60, B77 30")
    assert heard(desk, "warehouse", "L1 : lots notés.")
    steps(desk, "warehouse", "L2 : autre quantité", "> 7")
    assert "L2 : la commande dit 5. Pour 7" in said(desk, "warehouse")
    steps(desk, "warehouse", "Proposer 7")
    assert any("Modification demandée" in seen.text or "7 sacs" in seen.text for seen in desk.chat("sales"))
    card = next(seen for seen in desk.chat("warehouse") if "À préparer" in seen.text)
    assert "LOT A123 (60), B77 (30) reste annulé au départ" in card.text
    desk.say("warehouse", "expédier 16 colis, Chronopost 12345")
    desk.settle()
    delivery = delivery_of(desk, order_id)
    assert (delivery.state, delivery.packages, delivery.carrier, delivery.tracking) == (
        DeliveryState.SHIPPED, 16, "Chronopost", "12345",
    )  # fmt: skip
    told = next(seen.text for seen in desk.chat("customer") if "Votre livraison part" in seen.text)
    assert "16 colis" in told
    assert "Chronopost · suivi 12345" in told
    assert "sous 3 jours" in told
    assert "L. 133-3" in told
    assert desk.get(order_id).lines[0].closed_quantity == 10
    desk.say("sales", "/lot b77")
    desk.settle()
    assert "Boulangerie Martin" in said(desk, "sales")
    assert "30 plaques · BEU-DOU-1" in said(desk, "sales")
    desk.say("customer", "/lot b77")
    desk.settle()
    assert "BEU-DOU-1" not in said(desk, "customer")


def test_the_customer_says_yes_to_another_article(desk: Any, order_id: int) -> None:
    with transaction(desk.app.engine) as session:
        articles = {one.sku: one for one in session.scalars(select(Article))}
        other = Article(
            sku="FAR-T80-25", name="Farine T80 sac 25 kg", unit="sac", price=Decimal(16), vat_percent=Decimal("5.5")
        )
        session.add(other)
        session.flush()
        session.add(StockLevel(article_id=other.id, on_hand=Decimal(20), counted_at=desk.clock()))
        session.add(Substitute(article_id=articles["FAR-T65-25"].id, other_id=other.id, rank=0))
    steps(desk, "warehouse", "L2 : lot, article", "Remplacer par FAR-T80-25")
    assert "FAR-T80-25 proposé, réponse attendue" in next(
        seen.text for seen in desk.chat("warehouse") if "À préparer" in seen.text
    )
    desk.press("warehouse", "Expédier")
    desk.settle()
    assert delivery_of(desk, order_id).state is DeliveryState.PREPARING
    assert "Proposé : FAR-T80-25 Farine T80 sac 25 kg à 16,00 €" in said(desk, "sales")
    steps(desk, "sales", "Demander au client")
    assert "au moins cher des deux prix : 16,00 € HT" in said(desk, "customer")
    steps(desk, "customer", "Accepter le remplacement")
    delivery = ship(desk, order_id)
    assert (delivery.state, delivery.lines[1].unit_price) == (DeliveryState.SHIPPED, 16)
    assert heard(desk, "customer", "Farine T80 sac 25 kg (à la place de Farine de blé T65 sac 25 kg)")


def test_the_customer_remarks_line_by_line_with_photos_and_corrects_until_six(desk: Any, order_id: int) -> None:
    ship(desk, order_id)
    steps(desk, "customer", "Signaler un problème", "Farine", "Abîmé")
    desk.client.send_photo(desk.chats["customer"], PHOTO)  # the photo first, then the words
    desk.settle()
    assert "Photo gardée. Combien" in said(desk, "customer")
    steps(desk, "customer", "> 1 sac percé sur le côté")
    assert "jusqu'à 18 h 00" in said(desk, "customer")
    steps(desk, "customer", "Ajouter une ligne", "Beurre", "Manquant", "> 2 cartons jamais arrivés")
    assert [(one.kind.value, one.quantity, len(one.files)) for one in delivery_of(desk, order_id).reserves] == [
        ("missing", 20, 0), ("damaged", 1, 1),
    ]  # fmt: skip
    steps(desk, "customer", "C'est complet")
    assert heard(desk, "customer", "Réserve enregistrée")
    assert heard(desk, "sales", "jamais arrivés")
    steps(desk, "customer", "Corriger", "Beurre")
    steps(desk, "customer", "Signer", "> Julie Martin")
    delivery = delivery_of(desk, order_id)
    assert (delivery.signed_name, delivery.state) == ("Julie Martin", DeliveryState.SHIPPED)
    desk.press("sales", label(desk, "sales", "Voir les photos"))
    desk.settle()
    photo = next(seen for seen in reversed(desk.chat("sales")) if seen.kind == "document")
    assert desk.client.download(photo) == PHOTO[1]
    steps(desk, "sales", "L2 : avoir 1")
    delivery = delivery_of(desk, order_id)
    assert (delivery.state, [one.decision for one in delivery.reserves]) == (
        DeliveryState.VERIFIED, [ReserveDecision.CREDIT],
    )  # fmt: skip
    assert heard(desk, "customer", "Cette quantité ne vous est pas facturée")
    with transaction(desk.app.engine) as session:
        (invoice,) = session.scalars(select(Invoice)).all()
        assert [line.quantity for line in invoice.lines] == [100, 4]  # answered before it was invoiced: no credit note


def test_a_name_signs_and_figures_do_not(desk: Any, order_id: int) -> None:
    ship(desk, order_id)
    steps(desk, "customer", "Signer", "> 12 cartons de beurre doux")
    assert delivery_of(desk, order_id).state is DeliveryState.SHIPPED
    steps(desk, "customer", "Signer", "> Julie Martin")
    delivery = delivery_of(desk, order_id)
    assert (delivery.state, delivery.signed_name, delivery.signed_text) == (
        DeliveryState.VERIFIED, "Julie Martin", "Julie Martin",
    )  # fmt: skip
    assert delivery.signed_via.startswith(f"chat:{desk.chats['customer']}:")
    assert delivery.verified_at == desk.clock()
    assert heard(desk, "customer", "sans remarque, signée par Julie Martin")


def test_the_driver_posts_the_signed_note_and_any_other_word_is_asked_about(desk: Any, order_id: int) -> None:
    delivery = ship(desk, order_id)
    who = desk.chats["warehouse"]
    desk.client.send_photo(who, PHOTO, caption=f"{delivery.reference} 1 sac percé")
    desk.settle()
    assert "Porte-t-il des réserves ?" in said(desk, "warehouse")
    assert delivery_of(desk, order_id).state is DeliveryState.SHIPPED
    desk.client.send_photo(who, PHOTO, caption=f"BL signé {delivery.reference.lower()}")
    desk.settle()
    delivery = delivery_of(desk, order_id)
    assert (delivery.state, [one.kind for one in delivery.files]) == (
        DeliveryState.VERIFIED, [FileKind.SIGNED_NOTE] * 2,
    )  # fmt: skip
    assert delivery.signed_via == f"delivery_file:{delivery.files[1].id}"
    assert heard(desk, "warehouse", "est vérifiée avec cette preuve")
    desk.client.send_photo(desk.chats["accounting"], PHOTO, caption=delivery.reference)
    desk.settle()
    assert len(delivery_of(desk, order_id).files) == 2


def test_a_refused_delivery_is_called_back_and_counted_in(desk: Any, order_id: int) -> None:
    ship(desk, order_id)
    steps(desk, "customer", "Tout refuser", "> palette renversée à l'arrivée")
    assert heard(desk, "customer", "Rien n'est facturé")
    assert heard(desk, "sales", "Livraison refusée")
    steps(desk, "warehouse", "Compter", "> L1 98 bons, 2 à jeter L2 4 bons 1 à isoler")
    assert "compté, le stock est à jour" in " ".join(
        seen.text.replace("\u00a0", " ") for seen in desk.chat("warehouse")
    )
    with transaction(desk.app.engine) as session:
        (back,) = session.scalars(select(GoodsReturn)).all()
        assert [(line.good, line.scrapped, line.quarantined) for line in back.lines] == [(98, 2, 0), (4, 0, 1)]
        assert session.scalars(select(Invoice)).all() == []
        assert session.get_one(Order, order_id).state is OrderState.CONFIRMED
        flour = session.get_one(StockLevel, back.lines[1].delivery_line.article.id)
        before = flour.on_hand
    # what was set apart is looked at later: it goes on the shelf once, whoever presses
    apart = desk.last("warehouse")
    assert "À l'écart" in apart.text
    desk.say("customer", "/isoles")
    desk.say("warehouse", "/isoles")
    steps(desk, "warehouse", "Une partie", "> 2 bons")
    assert "Il n'en reste que 1 à l'écart" in said(desk, "warehouse")
    desk.press("warehouse", "Remettre en stock", message_id=apart.message_id)
    desk.press("warehouse", "Tout jeter", message_id=apart.message_id)
    desk.settle()
    desk.say("warehouse", "/isoles")
    desk.settle()
    assert "Aucun retour n'est à l'écart" in said(desk, "warehouse")
    with transaction(desk.app.engine) as session:
        assert session.get_one(StockLevel, flour.article_id).on_hand == before + 1


def test_a_return_is_asked_agreed_counted_and_credited(desk: Any, order_id: int) -> None:
    ship(desk, order_id)
    steps(desk, "customer", "Tout est reçu", "Retourner un article", "Farine", "> 2, erreur de commande")
    assert heard(desk, "customer", "Demande de retour RET-2026-0001 notée")
    assert "« erreur de commande »" in said(desk, "sales")
    steps(desk, "sales", "Accepter le retour")
    assert heard(desk, "customer", "Retour accepté")
    # the same goods are not given back twice: what is announced is credited when it is counted
    with transaction(desk.app.engine) as session:
        number = session.scalars(select(Invoice.number)).one()
    desk.say("accounting", f"/avoir {number} L2 2 retour, erreur de commande")
    desk.settle()
    assert "annoncé et pas encore compté" in said(desk, "accounting")
    steps(desk, "warehouse", "Tout en bon état")
    with transaction(desk.app.engine) as session:
        note = session.scalars(select(Invoice).where(Invoice.refers_to_id.is_not(None))).one()
        assert [(line.quantity, note.reason) for line in note.lines] == [(2, "erreur de commande")]
    assert heard(desk, "customer", "L'avoir vous parvient")
    desk.say("sales", f"/retour {delivery_of(desk, order_id).reference} L2 4 trop")
    desk.settle()
    assert "3 au plus peuvent revenir" in said(desk, "sales")


def test_the_customer_gives_up_what_is_still_to_come(desk: Any, order_id: int) -> None:
    steps(desk, "warehouse", "L1 : autre quantité", "> 60", "Reliquat")
    ship(desk, order_id)
    steps(desk, "customer", "Annuler le reliquat", "Annuler 4 ca")
    assert heard(desk, "customer", "est annulé, il ne sera ni livré ni facturé")
    assert desk.get(order_id).lines[0].closed_quantity == 40


def test_remarks_of_who_never_says_that_he_is_done_count_at_six(desk: Any, order_id: int) -> None:
    ship(desk, order_id)
    steps(desk, "customer", "Signaler un problème", "Farine", "Manquant", "> 1 sac")
    desk.clock.forward(hours=10)
    with transaction(desk.app.engine) as session:
        assert deliveries.receipts_due(session, at=desk.clock())
        deliveries.follow_up(session, house=desk.app.house, at=desk.clock())
        assert not deliveries.receipts_due(session, at=desk.clock())
    desk.settle()
    assert heard(desk, "customer", "Réserve enregistrée")
    steps(desk, "sales", "L2 : remplacer")
    again = delivery_of(desk, order_id)
    assert [(line.order_line.position, line.quantity) for line in again.lines] == [(2, 1)]
    assert heard(desk, "customer", "Nous vous livrons à nouveau cette quantité")


def test_an_english_customer_is_asked_once_and_told_what_is_presumed(desk: Any, order_id: int) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).language = "en"
    ship(desk, order_id)
    desk.clock.forward(days=1, hours=1)
    with transaction(desk.app.engine) as session:
        deliveries.follow_up(session, house=desk.app.house, at=desk.clock())
    desk.settle()
    asked = said(desk, "customer")
    assert "Has your delivery arrived?" in asked
    assert "as received without remarks Fri 27 Nov" in asked
    desk.clock.forward(days=3)
    with transaction(desk.app.engine) as session:
        assert len(deliveries.presume_received(session, at=desk.clock())) == 1
    desk.settle()
    told = " ".join(seen.text for seen in desk.chat("customer"))
    assert "takes none of your rights away" in told
    assert heard(desk, "sales", "réputée reçue, sans réponse")
    steps(desk, "customer", "Report a problem", "Beurre", "Missing", "> 10, never came")
    assert reserves.correction_ends(desk.clock()) == delivery_of(desk, order_id).correctable_until
