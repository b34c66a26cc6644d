"""Credit stories told in the chats: refused, freed by a payment, held back at the shipping dock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import deliveries, invoices, payments, registration, releases
from core.clock import business_date
from core.db import transaction
from core.deliveries import DeliveryState
from core.money import ZERO, Money
from core.orders import Order, OrderState
from core.parties import Customer
from core.payments import OpenItem
from tests.bot.conftest import Desk
from tests.bot.conftest import desk as desk  # noqa: PLC0414 - a fixture is found by its name

INSIDE = ("plafond", "encours", "échu", "limite", "comptabilité")  # what a customer never reads


def owe(desk: Desk, *, amount: str, late: int, limit: str) -> None:
    """The customer's books from before: one open item, and his limit."""
    today = business_date(desk.clock())
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        customer.credit_limit = Money.of(limit)
        session.add(
            OpenItem(
                customer=customer, number="F-77", issue_date=today - timedelta(days=50), gross=Money.of(amount),
                due_date=today - timedelta(days=late), paid=ZERO, as_of=today,
            )
        )  # fmt: skip


def told(desk: Desk, who: str) -> str:
    return "\n".join(message.text for message in desk.chat(who)).replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_chat_order_is_refused_for_credit(desk: Desk) -> None:
    owe(desk, amount="200", late=12, limit="500")
    order_id = desk.order()  # 930.51 with VAT
    desk.settle()
    card = desk.last("sales")
    assert "Confirmer et prévenir" not in card.labels
    assert "Encours 1 130,51 € pour un plafond de 500,00 € : dépassement de 630,51 €" in told(desk, "sales")
    desk.press("sales", "Encours", message_id=card.message_id)
    desk.settle()
    formula = told(desk, "sales")
    for words in ("+ Factures impayées : 200,00 €", "F-77 : 200,00 €", "+ Cette commande : 930,51 €", "= 1 130,51 €"):
        assert words in formula
    desk.press("sales", "Demander un déblocage…", message_id=card.message_id)
    desk.settle()
    desk.say("sales", "Événement samedi, client depuis huit ans")
    desk.settle()
    desk.press("accounting", "Refuser…")
    desk.settle()
    desk.say("accounting", "Trois relances sans réponse")
    desk.settle()
    assert desk.get(order_id).state is OrderState.DRAFT
    assert not any(word in told(desk, "customer").lower() for word in INSIDE)


def test_a_payment_frees_the_order(desk: Desk) -> None:
    owe(desk, amount="200", late=12, limit="500")
    order_id = desk.order()
    desk.settle()
    desk.press("sales", "Demander le paiement")
    desk.settle()
    asked = told(desk, "customer")
    for words in ("merci de régler 630,51 €", "• F-77 : 200,00 €", ": 430,51 €", "FR76 3000 6000 0112 3456 7890 189"):
        assert words in asked
    assert not any(word in asked.lower() for word in INSIDE)
    desk.press("accounting", "Enregistrer ce paiement")
    desk.settle()
    desk.say("accounting", "tout")
    desk.settle()
    assert "Commande libérée" in told(desk, "accounting")
    released = next(m for m in reversed(desk.chat("sales")) if "Commande libérée" in m.text)
    desk.press("sales", "Confirmer et prévenir", message_id=released.message_id)
    desk.settle()
    assert desk.get(order_id).state is OrderState.CONFIRMED
    with transaction(desk.app.engine) as session:
        found = registration.withheld(session, session.get_one(Order, order_id), desk.app.house, desk.clock())
        assert found == ()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_shipment_waits_for_accounting(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    desk.press("sales", "Confirmer et prévenir")
    desk.settle()
    desk.clock.forward(minutes=2)
    desk.settle()
    owe(desk, amount="200", late=12, limit="8000")
    for _ in range(2):
        desk.press("warehouse", "✓ Expédier et envoyer le BL")
        desk.settle()
    assert "ne part pas encore : factures échues" in told(desk, "warehouse")
    assert told(desk, "accounting").count("Expédition retenue") == 1
    assert "Expédition retenue par la comptabilité" in told(desk, "sales")
    held = next(m for m in reversed(desk.chat("accounting")) if "Expédition retenue" in m.text)
    desk.press("accounting", "Laisser partir…", message_id=held.message_id)
    desk.settle()
    desk.say("accounting", "Chèque reçu ce matin, remis en banque")
    desk.settle()
    assert "Expédition libérée" in told(desk, "warehouse")
    slip = next(m for m in desk.chat("warehouse") if "✓ Expédier et envoyer le BL" in m.labels)
    desk.press("warehouse", "✓ Expédier et envoyer le BL", message_id=slip.message_id)
    desk.settle()
    with transaction(desk.app.engine) as session:
        (delivery,) = deliveries.of_order(session, session.get_one(Order, order_id))
        assert delivery.state is DeliveryState.SHIPPED
    assert not any(word in told(desk, "customer").lower() for word in INSIDE)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_asked_is_what_frees_the_order_when_the_message_leaves(desk: Desk) -> None:
    owe(desk, amount="200", late=12, limit="500")
    first = desk.order()
    desk.settle()

    def ask_and_pay(order_id: int, amount: str) -> None:
        with transaction(desk.app.engine) as session:
            order = session.get_one(Order, order_id)
            releases.ask(session, order, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
            item = session.scalars(select(OpenItem)).one()
            payments.record(
                session, order.customer, Money.of(amount), received_on=business_date(desk.clock()),
                by=desk.actor("accounting"), at=desk.clock(), house=desk.app.house, settles=item,
            )  # fmt: skip

    ask_and_pay(first, "150")
    desk.settle()
    assert "merci de régler 480,51 €" in told(desk, "customer")  # 630,51 when it was asked
    assert "630,51" not in told(desk, "customer")
    ask_and_pay(first, "1000")  # more than frees it comes in before the next request has left
    desk.settle()
    assert told(desk, "customer").count("merci de régler") == 1
    assert [row.error for row in desk.rows("payment_asked")] == ["", "nothing is due"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_dispute_frees_an_order_and_its_end_holds_the_next_one(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        order_id = desk.order()
        order = registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
        (delivery,) = deliveries.of_order(session, order)
        deliveries.ship(session, delivery, house=desk.app.house, by=desk.actor("warehouse"), at=desk.clock())
        deliveries.verify(session, delivery, house=desk.app.house, by=desk.actor("customer"), at=desk.clock())
        (invoice,) = invoices.of_order(session, order)
        number = invoice.number
    desk.clock.forward(days=60)
    waiting = desk.order(requested_delivery_date=None)
    desk.settle()
    assert desk.get(waiting).blocked
    assert "Échu : 930,51 €" in told(desk, "sales")
    bill = next(seen for seen in desk.chat("customer") if number in seen.text and "Contester" in seen.labels)
    desk.press("customer", "Contester", message_id=bill.message_id)
    desk.settle()
    desk.say("customer", "Trois sacs arrivés ouverts, photos à l'appui")
    desk.settle()
    assert "Commande libérée" in told(desk, "sales")
    desk.press("accounting", "Clore le litige…")
    desk.settle()
    desk.say("accounting", "pièces fournies, litige non fondé")
    desk.settle()
    assert "clos" in told(desk, "accounting")
    assert desk.get(waiting).blocked
    with transaction(desk.app.engine) as session:
        found = registration.examine(session, session.get_one(Order, waiting), house=desk.app.house, at=desk.clock())
        assert any(finding.code == "overdue" and finding.blocks for finding in found)
