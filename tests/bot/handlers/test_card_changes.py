"""S07: what a message asks to change on its customer's card is called back and approved by another, never automatic."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from core import card_changes
from core.card_changes import CardChange, CardChangeState, CardPoint
from core.db import transaction
from core.errors import IllegalTransition, Refused
from core.orders import Order
from core.parties import DeliveryAddress, Staff
from intake.card_changes import asked


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("Veuillez noter notre nouvelle adresse de livraison : 12 rue Neuve, 69003 Lyon", ["delivery_address"]),
        ("Nous avons déménagé, livrez désormais au 3 quai Rambaud", ["delivery_address"]),
        ("Ci-joint notre nouveau RIB pour vos remboursements", ["bank"]),
        ("Suite à un changement de coordonnées bancaires, merci d\u2019utiliser cet IBAN", ["bank"]),
        ("Merci de noter ma nouvelle adresse e-mail : julie@ailleurs.example", ["email"]),
        ("Our new IBAN is below, and a new delivery address too", ["delivery_address", "bank"]),
        ("Merci de livrer à l'adresse habituelle, 10 cartons de beurre", []),
        ("Nouvelle commande : 5 sacs de farine", []),
        ("Quel est votre IBAN ?", []),
    ],
)
def test_s07_the_words_that_want_another_card_are_known(text: str, points: list[str]) -> None:
    assert [point.value for point in asked(text)] == points


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_s07_a_new_delivery_address_waits_for_a_call_back_and_a_second_person(desk: Any) -> None:
    desk.say("customer", "Bonjour, notre adresse de livraison change : 12 rue Neuve, 69003 Lyon")
    desk.settle()
    assert "nous vous rappelons avant 11 h au numéro que nous connaissons déjà" in plain(desk.last("customer").text)
    card = desk.last("sales")
    assert "Nouvelle adresse de livraison demandée par message" in plain(card.text)
    assert "Rien n'a été modifié. Appelez le client" in plain(card.text)
    desk.press("sales", "Rappelé au n° connu")
    desk.settle()
    assert "Rappel fait par Léa" in plain(desk.last("sales").text)
    assert desk.last("sales").message_id == card.message_id
    desk.press("sales", "Approuver")
    desk.settle()
    assert "une autre personne doit approuver" in desk.client.toasts(desk.chats["sales"])[-1].text
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(DeliveryAddress)).all() == []
        (change,) = session.scalars(select(CardChange))
        claire = session.scalars(select(Staff).where(Staff.name == "Claire")).one().as_actor()
        card_changes.approve(session, change.id, by=claire, at=desk.clock())
    desk.settle()
    assert "Approuvée par Claire, rappel fait par Léa. Inscrit sur la fiche : 12 rue Neuve, 69003, Lyon" in plain(
        desk.last("sales").text
    )
    with transaction(desk.app.engine) as session:
        (place,) = session.scalars(select(DeliveryAddress))
        assert (place.street, place.postcode, place.city) == ("12 rue Neuve", "69003", "Lyon")
        (change,) = session.scalars(select(CardChange))
        with pytest.raises(IllegalTransition):
            card_changes.refuse(session, change.id, by=claire, at=desk.clock())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_s07_an_order_that_brings_a_new_bank_is_drafted_and_the_bank_stays(desk: Any) -> None:
    iban = "FR7630006000011234567890189"
    desk.say("customer", f"10 cartons de beurre doux 82 pour jeudi. Et notez notre nouveau RIB : {iban}")
    desk.settle()
    with transaction(desk.app.engine) as session:
        (change,) = session.scalars(select(CardChange))
        assert (change.point, change.state) == (CardPoint.BANK, CardChangeState.ASKED)
        assert len(session.scalars(select(Order)).all()) == 1
        with pytest.raises(IllegalTransition):  # nobody approves what nobody called back about
            card_changes.approve(session, change.id, by=desk.actor("sales"), at=desk.clock())
        card_changes.call_back(session, change.id, by=desk.actor("sales"), at=desk.clock())
        with pytest.raises(Refused, match="own_call_back"):
            card_changes.approve(session, change.id, by=desk.actor("sales"), at=desk.clock())
        card_changes.refuse(session, change.id, by=desk.actor("accounting"), at=desk.clock())
        assert card_changes.proposed(change) == ""
