"""The model conversations (a), (e) and (f), as a customer plays them in the sandbox.

They hold to what each message lets him do and to what he is told comes next, and not to the wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from core import deliveries, parties, payments, registration, reminders
from core.catalogue import Article
from core.db import transaction
from core.deliveries import DeliveryState
from core.invoices import Invoice
from core.journal import SYSTEM
from core.messages import Message, MessageState
from core.money import Money
from core.orders import Order, OrderState
from core.papers import Paper
from core.parties import ChatLink, Customer
from core.reminders import Promise
from core.stock import StockLevel
from tests.bot.conftest import desk

__all__ = ["desk"]
#: Nothing here is decided by a statement or a lock: PostgreSQL plays it in `make test-long`.
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" "1f15c4890000000d49444154789c6364f8cf500f0003860180"
    "5a347d6b0000000049454e44ae426082"
)  # fmt: skip


class Client:
    """A customer at the telephone: what he writes, presses and reads."""

    def __init__(self, desk: Any, who: str = "customer") -> None:
        self.desk, self.who = desk, who

    def say(self, text: str) -> str:
        self.desk.say(self.who, text)
        return self._settled()

    def press(self, label: str) -> str:
        self.desk.press(self.who, label)
        return self._settled()

    def photo(self, caption: str = "") -> str:
        self.desk.client.send_photo(self.desk.chats[self.who], ("photo.png", PIXEL), caption=caption)
        return self._settled()

    def _settled(self) -> str:
        self.desk.settle()
        return self.last()

    def last(self) -> str:
        return plain(self.desk.last(self.who).text)

    @property
    def buttons(self) -> list[str]:
        return [plain(label) for label in self.desk.last(self.who).labels]

    def card(self, reference: str) -> Any:
        """The living card of an order: the first message of the bot that names it."""
        found = [m for m in self.heard() if reference in m.text]
        return found[0]

    def heard(self) -> list[Any]:
        return [m for m in self.desk.chat(self.who) if m.who == "bot"]


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
def client(desk: Any) -> Iterator[Client]:
    """Julie of Boulangerie Martin: delivered on weekdays, ordered by 14 h the day before."""
    with transaction(desk.app.engine) as session:
        bakery = session.get_one(Customer, desk.ids["customer"])
        bakery.delivery_cutoff, bakery.delivery_lead_days, bakery.delivery_weekdays = time(14), 1, "12345"
    yield Client(desk)
    for seen in desk.chat("customer"):  # U07, U08: whatever was said in the test, it fits a narrow telephone
        if seen.who == "bot":
            assert all(len(label) <= 24 for label in seen.labels), seen.labels
            assert len(seen.text.splitlines()) <= 12 or not seen.labels, seen.text
    assert all(len(toast.text) <= 200 for toast in desk.client.toasts(desk.chats["customer"]))


def the_order(desk: Any) -> Order:
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        _ = [line.article for line in order.lines], order.customer
        return order


def confirm(desk: Any, order: Order) -> None:
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order.id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    desk.settle()


def test_a_an_order_is_written_corrected_confirmed_and_followed(desk: Any, client: Client) -> None:
    client.say("Bonjour, pour jeudi svp 10 cartons beurre doux 82")
    client.say("et 5 sacs farine T65 25kg")
    said = client.say("12 cartons de beurre en fait")
    order = the_order(desk)
    assert [line.quantity for line in order.kept_lines] == [Decimal(120), Decimal(5)]
    card = client.card(order.reference)
    assert [m.message_id for m in client.heard()] == [card.message_id]  # one living card
    assert "12 cartons" in said
    assert "10 → 12" in said
    assert "Modifiable jusqu'à mer. 25 nov., 14 h" in said
    assert "avant 11 h" in said  # U01: who does what next, and by when
    assert client.buttons == ["Confirmer", "Modifier une ligne", "Changer la date", "Annuler"]
    said = client.press("Confirmer")
    assert "Envoyée à 9 h 00" in said
    assert "avant 11 h" in said
    assert {"Voir le détail", "Demander un changement", "Parler à quelqu'un"} <= set(client.buttons)
    desk.clock.forward(minutes=62)
    confirm(desk, order)
    last = desk.last("customer")
    assert (last.kind, "confirmée" in last.text) == ("document", True)
    assert "confirmée" in client.card(order.reference).text  # the card says so too
    about = [m for m in client.heard() if order.reference in m.text or m.kind == "document"]
    assert len(about) <= 4  # U02
    number = order.reference.rpartition("-")[2]
    for words in (order.reference, number, f"« {number} »"):  # U14
        assert "en préparation" in client.say(words)
        assert order.reference in client.last()
    assert order.reference in client.say("/mescommandes")
    assert client.buttons == [order.reference]
    client.press(order.reference)
    before = len(client.heard())
    client.press("Recevoir les documents")
    assert [m.kind for m in client.heard()[before:]] == ["document"]


def test_a_what_is_not_clear_is_asked_and_what_is_not_known_is_kept_for_a_person(desk: Any, client: Client) -> None:
    with transaction(desk.app.engine) as session:
        bag = Article(sku="FAR-T65-BB", name="Farine de blé T65 big-bag 500 kg", unit="big-bag", price=Decimal(350))
        bag.vat_percent = Decimal("5.5")
        session.add(bag)
        session.flush()
        session.add(StockLevel(article_id=bag.id, on_hand=Decimal(5), counted_at=desk.clock()))
    client.say("2 farine T65 pour jeudi")
    assert client.buttons[:2] == ["Farine de blé…sac 25 kg", "Farine de blé T65…500 kg"]
    assert "Confirmer" not in client.buttons
    client.press("500 kg")
    assert the_order(desk).kept_lines[0].article.sku == "FAR-T65-BB"  # type: ignore[union-attr]
    assert "Confirmer" in client.buttons
    said = client.say("3 rouleaux du grand")
    assert "3 rouleaux du grand" in said
    assert "votre commercial s'en occupe avant 11 h" in said
    assert "Parler à quelqu'un" in client.buttons
    client.press("Annuler")
    client.press(f"Annuler {the_order(desk).reference}")
    assert the_order(desk).state is OrderState.CANCELLED
    said = client.say("Auriez-vous un catalogue papier ?")  # no order at all: kept, and a person answers
    assert "gardé votre message" in said
    assert "avant 11 h" in said
    assert client.buttons == ["Préciser", "Parler à quelqu'un"]
    assert desk.rows("quarantine_card") or desk.rows("customer_message")


def test_a_after_the_cut_off_another_day_or_an_exception_is_offered(desk: Any, client: Client) -> None:
    desk.clock.forward(hours=6)
    said = client.say("10 cartons beurre doux 82 pour demain")
    assert "La limite pour mar. 24 nov. était lun. 23 nov. à 14 h" in said
    assert {"Livrer mer. 25 nov.", "Demander une exception"} <= set(client.buttons)
    assert "avant 17 h" in client.press("Demander une exception")
    assert "Exception demandée" in desk.last("sales").text
    client.press("Livrer mer.")
    assert the_order(desk).requested_delivery_date == date(2026, 11, 25)
    client.press("Confirmer")
    confirm(desk, the_order(desk))
    said = client.say("comme d'habitude pour lundi")
    assert the_order(desk).kept_lines[0].quantity == Decimal(100)
    assert "(comme CMD-2026-0001)" in said
    assert "Écrivez votre commande" in client.say("/start")  # who is linked already is told what he can do


@pytest.mark.long
def test_u09_a_stranger_reads_his_own_language_and_papers_keep_that_of_the_record(desk: Any) -> None:
    desk.chats["zoe"] = desk.client.add_user("Zoe", language_code="en-GB").id
    zoe = Client(desk, "zoe")
    said = zoe.say("10 cartons of butter")
    assert "automatic assistant" in said
    assert not re.search(r"\d,\d|€", said)  # nothing is priced for a stranger
    with transaction(desk.app.engine) as session:
        code = parties.make_link_code(session, session.get_one(Customer, desk.ids["hotel"]), by=SYSTEM, at=desk.clock())
    said = zoe.say(f"/start {code}")
    assert all(word in said for word in ("automatic", "one year", "commandes@maison-delorme.example"))
    said = zoe.say("10 cartons beurre doux 82")
    assert "please check" in said
    assert "€790.00" in said
    zoe.press("Confirm")
    confirm(desk, the_order(desk))
    assert "confirmed" in zoe.last()
    with transaction(desk.app.engine) as session:
        assert {paper.document.language for paper in session.scalars(select(Paper))} == {"fr"}
    assert "français" in zoe.say("français")
    assert "en préparation" in zoe.say("0001")


def delivered(desk: Any, client: Client) -> None:
    client.say("12 cartons beurre doux 82 et 5 sacs farine T65 25kg pour jeudi")
    client.press("Confirmer")
    confirm(desk, the_order(desk))
    ship(desk)


def ship(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, the_order(desk).id)
        there = deliveries.of_order(session, order)[-1]
        deliveries.ship(session, there, house=desk.app.house, by=desk.actor("warehouse"), at=desk.clock(), packages=16)
    desk.settle()


def test_e_a_delivery_is_announced_and_a_reserve_stated_with_its_photo(desk: Any, client: Client) -> None:
    delivered(desk, client)
    note = desk.last("customer")
    assert (note.kind, "16 colis" in note.text) == ("document", True)
    assert client.buttons[:2] == ["Tout est reçu", "Signaler un problème"]
    client.press("Signaler un problème")
    assert len(client.buttons) == 2
    client.press("Farine")
    assert client.buttons == ["Manquant", "Abîmé", "Erreur d'article"]
    client.press("Abîmé")
    client.photo()  # U04: a photo before the words keeps the question
    said = client.say("1 sac percé sur le côté, 10 kg environ perdus")
    assert "percé sur le côté" in said
    assert {"C'est complet", "Ajouter une photo"} <= set(client.buttons)
    said = client.press("C'est complet")
    assert "avant 11 h" in said
    assert "L. 133-3" in said
    assert any(label.startswith("Corriger jusqu'à 18 h") for label in client.buttons)
    with transaction(desk.app.engine) as session:
        (there,) = deliveries.of_order(session, session.get_one(Order, the_order(desk).id))
        assert [(one.quantity, len(there.files)) for one in there.reserves] == [(Decimal(1), 1)]
    assert "percé" in desk.last("sales").text


@pytest.mark.long
def test_e_silence_is_asked_about_once_a_day_in_one_message(desk: Any, client: Client) -> None:
    delivered(desk, client)
    client.say("3 sacs farine T65 25kg pour jeudi")
    client.press("Confirmer")
    confirm(desk, the_order(desk))
    ship(desk)
    desk.clock.forward(hours=25)
    for _ in range(2):
        with transaction(desk.app.engine) as session:
            deliveries.follow_up(session, house=desk.app.house, at=desk.clock())
    desk.settle()
    asked = [m for m in client.heard() if "bien reçu votre livraison" in m.text]
    assert len(asked) == 1  # U10
    assert {"BL-2026-0001", "BL-2026-0002"} <= set(re.findall(r"BL-\d{4}-\d{4}", asked[0].text))
    assert "Reçu : BL-2026-0002" in map(plain, asked[0].labels)
    client.press("BL-2026-0002")
    client.press("Tout est reçu")
    with transaction(desk.app.engine) as session:
        assert {one.state for one in session.scalars(select(deliveries.Delivery))} == {DeliveryState.VERIFIED}


def test_f_an_invoice_is_paid_promised_and_contested_in_part(desk: Any, client: Client) -> None:
    delivered(desk, client)
    client.press("Tout est reçu")
    assert client.buttons == ["Payer par virement", "Contester"]
    client.press("Payer par virement")
    picture, block = desk.last("customer"), client.heard()[-2]
    assert picture.kind == "photo"
    said = plain(block.text)
    assert all(word in said for word in ("FR76 3000 6000", "1097.20", "FA-2026-0001", "ne change jamais par message"))
    assert block.labels == ["J'ai payé", "Promesse de paiement", "Contester"]
    assert "mer. 25 nov." in client.press("J'ai payé")
    assert "FA-2026-0001" in desk.last("accounting").text
    client.press("Contester")
    assert client.buttons == ["Prix", "Quantité / réserve", "Non livré", "Autre motif"]
    client.press("Quantité / réserve")
    client.press("Farine")
    said = client.say("1 sac percé")
    assert "19,41 € TTC" in said  # U16: a bag with its VAT, and no more
    assert "1 077,79 € restent dus" in said
    assert client.buttons == ["Accepter l'avoir", "Ajouter une pièce", "Parler à quelqu'un"]
    client.press("Ajouter une pièce")
    assert "LIT-2026-0001" in client.photo()
    client.press("Accepter l'avoir")
    desk.press("accounting", "Accorder l'avoir")
    desk.settle()
    assert "Avoir AV-2026-0001" in client.last()
    assert "1 077,79 €" in client.last()
    client.say("/documents")
    client.press("Payer FA-2026-0001")
    client.press("Promesse de paiement")
    assert (
        client.buttons[:4] == ["ven. 4 déc.", "ven. 11 déc.", "Autre date…", "Payer une partie…"]
        or len(client.buttons) == 4
    )
    client.press("Payer une partie…")
    client.say("400")
    said = client.say("15/12")
    assert "400,00 € pour le mar. 15 déc." in said
    assert "avant le mer. 16 déc." in said
    assert client.buttons == ["Changer la date", "Payer maintenant"]
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(Promise)).one().amount == Money.of(400)
        invoice = session.scalars(select(Invoice).where(Invoice.number == "FA-2026-0001")).one()
        assert payments.amount_due(session, invoice) == Money.of("1077.79")
        assert reminders.run(session, today=date(2026, 12, 1), at=desk.clock()) == []


@pytest.mark.long
def test_u05_u15_in_any_state_a_person_is_reached_and_no_inner_reason_is_told(desk: Any, client: Client) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).credit_limit = Money.of(1)
    client.say("10 cartons beurre doux 82 pour jeudi")
    for open_a_question in ("Modifier une ligne", "Changer la date"):
        client.press(open_a_question)
        said = client.say("Parler à quelqu'un")
        assert "avant 11 h" in said
        assert "04 72 00 12 34" in said
    assert "rien" in client.say("annule").lower()
    client.press("Modifier une ligne")
    client.photo()  # no answer to the question: the draft is as it was (U04)
    assert the_order(desk).kept_lines[0].quantity == Decimal(100)
    client.say("stop")
    client.desk.press("customer", "Confirmer", message_id=client.card("CMD-2026-0001").message_id)
    desk.settle()
    told = " ".join(plain(m.text) for m in client.heard()).lower()
    assert not re.search(r"bloqu|encours|plafond|limite de crédit|impay", told)
    assert "reprendre les messages" in client.say("stop messages")
    with transaction(desk.app.engine) as session:
        assert session.get_one(ChatLink, desk.chats["customer"]).muted
    client.press("Reprendre les messages")
    with transaction(desk.app.engine) as session:
        assert not session.get_one(ChatLink, desk.chats["customer"]).muted
        assert session.scalars(select(Message).where(Message.state == MessageState.STORED)).first() is None
