"""What accounting reads and presses when a platform refuses an invoice, and what the customer's own copy says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core import deliveries, invoices, registration
from core.db import transaction
from core.invoices import Invoice
from core.orders import Order
from core.parties import Customer

Desk = Any
COURTESY = "Copie de courtoisie ; l'original vous parvient par votre plateforme agréée."


def invoiced(desk: Desk) -> str:
    order_id = desk.order()
    house, at = desk.app.house, desk.clock()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=house, by=desk.actor("sales"), at=at)
        delivery = deliveries.of_order(session, session.get_one(Order, order_id))[0]
        deliveries.ship(session, delivery, house=house, by=desk.actor("warehouse"), at=at)
        deliveries.verify(session, delivery, house=house, by=desk.actor("customer"), at=at)
        number: str = session.scalars(select(Invoice.number)).one()
    desk.settle()
    return number


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_refused_invoice_is_corrected_and_made_again_by_one_press(desk: Desk) -> None:
    desk.app.settings.house = desk.app.house.model_copy(update={"platform": "folder"})
    number = invoiced(desk)
    assert COURTESY in plain(desk.last("customer").text)
    desk.say("accounting", f"/statut {number} 210 Il faut l'adresse du siège")
    desk.settle()
    assert "demande un motif codé" in plain(desk.last("accounting").text)
    desk.say("accounting", f"/statut {number} 210 ADR_ERR Il faut l'adresse du siège")
    desk.settle()
    noted = next(seen for seen in desk.chat("accounting") if "Plateforme" in seen.text)
    assert "210 Refusée · adresse erronée — Il faut l'adresse du siège" in plain(noted.text)
    card = next(seen for seen in desk.chat("accounting") if "Refusée (210)" in plain(seen.text))
    assert "Motif : adresse erronée — Il faut l'adresse du siège" in plain(card.text)
    assert card.buttons == [["Corriger et refaire"]]
    before = len(desk.chat("customer"))
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).street = "1 rue du Siège"
    desk.press("accounting", "Corriger et refaire", message_id=card.message_id)
    desk.settle()
    said = " ".join(plain(seen.text) for seen in desk.chat("accounting"))
    assert f"{number} est annulée en interne par AVI-2026-0001 (jamais transmis). La nouvelle facture est" in said
    with transaction(desk.app.engine) as session:
        note = invoices.internal_note(session, invoices.by_number(session, number))
        assert note is not None
        again = session.scalars(select(Invoice).where(Invoice.kind == "invoice").order_by(Invoice.id.desc())).first()
        assert again is not None
        assert again.paper.document.buyer.street == "1 rue du Siège"
    heard = [plain(seen.text) for seen in desk.chat("customer")][before:]
    assert any(again.number in text and COURTESY in text for text in heard)
    assert not any("AVI-" in text for text in heard)
