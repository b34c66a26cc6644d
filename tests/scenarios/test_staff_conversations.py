"""Conversations (c) and (d) of the bar, as staff have them: what each message lets a person do, in how many presses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from email.message import EmailMessage

from sqlalchemy import select

from bot.demo.purchase_order import PurchaseLine, purchase_order_pdf
from bot.sandbox.seen import Seen
from core.catalogue import Article
from core.db import transaction
from core.journal import JournalEntry
from core.money import Money
from core.orders import AskedLine, Order, OrderState
from core.outbox import OutboxRow, OutboxState
from core.parties import Customer, Role, Staff, StaffRole
from core.payments import OpenItem
from core.stock import Reservation, StockLevel
from intake.receive import DatabaseMailStore
from tests.bot.conftest import HOUSE, Desk, desk

__all__ = ["desk"]
LINEN = (
    ("SER-EPO-50", "Serviette éponge 50x90 blanche", "3.10"), ("SER-INV-30", "Serviette invité 30x50 blanche", "1.45"),
    ("DRA-BAI-70", "Drap de bain 70x140 blanc", "2.25"), ("DRA-PLA-140", "Drap plat 140x300 percale", "9.80"),
    ("TAI-50", "Taie d'oreiller 50x70 percale", "2.60"), ("TAP-BAI-B", "Tapis de bain blanc", "4.20"),
    ("PEI-GAU-M", "Peignoir gaufré M", "31.90"), ("PEI-EPO-M", "Peignoir éponge M", "29.50"),
)  # fmt: skip
ORDERED = (
    ("SER-EPO-50", "Serviette éponge 50x90 blanche", 120, "3.10"),
    ("SER-INV-30", "Serviette invité 30x50 blanche", 80, "1.45"),
    ("DRA-BAI-70", "Drap de bain 70x140 blanc", 60, "2.10"),
    ("DRA-PLA-140", "Drap plat 140x300 percale", 24, "9.80"),
    ("TAI-50", "Taie d'oreiller 50x70 percale", 48, "2.60"),
    ("TAP-BAI-B", "Tapis de bain blanc", 20, "4.20"),
    ("HB-990", "Peignoir M", 4, "31.90"),
)


def linen(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        for sku, name, price in LINEN:
            article = Article(sku=sku, name=name, unit="pièce", price=Decimal(price), vat_percent=Decimal(20))
            session.add(article)
            session.flush()
            session.add(StockLevel(article_id=article.id, on_hand=Decimal(500), counted_at=desk.clock()))


def mailed_order(desk: Desk, ordered: tuple[tuple[str, str, int, str], ...], *, number: str, uid: int) -> Order:
    """The hotel's purchase order as a PDF in a mail for which our own server vouches, understood."""
    desk.app.settings = desk.app.settings.model_copy(
        update={"mail": desk.app.settings.mail.model_copy(update={"trusted_authserv_id": "mx.delorme.example"})}
    )
    with transaction(desk.app.engine) as session:
        hotel = session.get_one(Customer, desk.ids["hotel"]).as_party()
    pdf = purchase_order_pdf(
        number=number, on=date(2026, 11, 23), quote_reference="", buyer=hotel, supplier=HOUSE.as_party(),
        deliver_to=hotel, wanted_on=date(2026, 11, 27), signed_by="M. Roche",
        lines=[PurchaseLine(ref, name, Decimal(n), "pièce", Decimal(price)) for ref, name, n, price in ordered],
    )  # fmt: skip
    mail = EmailMessage()
    mail["Authentication-Results"] = "mx.delorme.example; dmarc=pass header.from=hotel-bellevue.example"
    mail["From"], mail["To"], mail["Subject"] = "achats@hotel-bellevue.example", HOUSE.email, f"Commande {number}"
    mail["Message-ID"] = f"<{uid}@hotel-bellevue.example>"
    mail.set_content("Bonjour,\nVeuillez trouver notre bon de commande, à livrer vendredi 27 novembre.\nCordialement")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"BC_{number}.pdf")
    DatabaseMailStore(desk.app.engine, desk.clock).store(
        account="a", folder="INBOX", uidvalidity=1, uid=uid, raw=mail.as_bytes(), fingerprint=str(uid),
        received_at=desk.clock(),
    )  # fmt: skip
    desk.settle()
    with transaction(desk.app.engine) as session:
        return session.scalars(select(Order).where(Order.customer_reference == number)).one()


def flat(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def shown(seen: Seen) -> str:
    return flat(seen.text)


def rows(seen: Seen) -> list[list[str]]:
    return [[flat(label) for label in row] for row in seen.buttons]


def cards_of(desk: Desk, reference: str, who: str = "sales") -> list[Seen]:
    return [seen for seen in desk.chat(who) if reference in seen.text and seen.buttons]


def narrow(seen: Seen) -> None:
    """U07: twelve lines at most, labels of twenty-four characters at most."""
    assert len(seen.text.splitlines()) <= 12, seen.text
    assert all(len(label) <= 24 for row in seen.buttons for label in row), seen.buttons


def pressed(desk: Desk, label: str, who: str = "sales") -> Seen:
    """Press it on the card, and look at the card again."""
    desk.press(who, label)
    desk.settle()
    seen = desk.last(who)
    narrow(seen)
    return seen


def test_c_a_sales_agent_settles_two_points_on_one_card_and_confirms(desk: Desk) -> None:
    linen(desk)
    order = mailed_order(desk, ORDERED, number="4500123", uid=1)
    waiting = desk.order()  # another draft waits
    desk.settle()
    (card,) = cards_of(desk, order.reference)
    narrow(card)
    said = shown(card)
    wanted = [
        "Hôtel Bellevue", "e-mail", "BC_4500123.pdf, 1 p.", "expéditeur authentifié ✓", "Serviette éponge",
        "ven. 27 nov.", "7 lignes, dont 6 sûres", "Total", "prix du bon 2,10 € ≠ tarif 2,25 €", "article non reconnu",
    ]  # fmt: skip
    assert [part for part in wanted if part not in said] == [], said
    places = [said.index(part) for part in wanted]
    assert places == sorted(places)
    assert card.buttons[0] == ["Traiter 2 points"]
    assert card.buttons[1] == ["Voir le PDF", "Toutes les lignes", "Encours"]
    assert any("Rejeter…" in row for row in card.buttons)

    desk.press("sales", "Voir le PDF", message_id=card.message_id)  # the page, with the lines' places, and the file
    desk.settle()
    page, paper = desk.chat("sales")[-2:]
    assert "BC_4500123.pdf, page 1" in shown(page)
    assert desk.client.download(page).startswith(b"\xff\xd8")
    assert desk.client.download(paper).startswith(b"%PDF")

    desk.press("sales", "Traiter 2 points", message_id=card.message_id)
    desk.settle()
    (point,) = cards_of(desk, order.reference)
    narrow(point)
    assert "Point 1/2" in point.text
    assert "Écart : -9,00 € sur la ligne" in shown(point).replace("\u2212", "-")
    assert [row[0] for row in rows(point)[:3]] == ["Garder 2,25 €", "Accepter 2,10 €", "Autre prix…"]

    desk.press("sales", "Garder 2,25", message_id=card.message_id)
    desk.settle()
    (point,) = cards_of(desk, order.reference)
    narrow(point)
    assert "HB-990" in point.text
    offered = [label for row in point.buttons for label in row]
    assert {"PEI-GAU-M Peignoir gauf…", "PEI-EPO-M Peignoir épon…", "Chercher…", "Retirer la ligne"} <= set(offered)
    assert "PEI-GAU-M : Peignoir gaufré M" in shown(point)

    desk.press("sales", "PEI-GAU-M", message_id=card.message_id)
    desk.settle()
    (asked,) = cards_of(desk, order.reference)
    assert "Retenir HB-990 = PEI-GAU-M pour Hôtel Bellevue ?" in shown(asked)
    assert asked.buttons == [["Oui, retenir"], ["Cette fois seulement"]]
    desk.press("sales", "Oui, retenir", message_id=card.message_id)
    desk.settle()
    (ready,) = cards_of(desk, order.reference)
    narrow(ready)
    assert "Prêt à confirmer" in ready.text
    assert ready.buttons[0] == ["Confirmer et prévenir"]
    assert ["Modifier une ligne", "Mettre en attente"] in ready.buttons

    desk.press("sales", "Confirmer et prévenir", message_id=card.message_id)  # the fifth press, for two points
    desk.settle()
    (done,) = cards_of(desk, order.reference)
    narrow(done)
    assert "Confirmée par Léa à 9 h 00 · e-mail à achats@hotel-bellevue.example : part dans 60 s" in shown(done)
    assert rows(done)[0] == ["Annuler (60 s)", "Suivante (1)"]
    assert not [mail for mail in desk.postman.sent if "confirmée" in str(mail["Subject"]).lower()]

    # « Annuler (60 s) » is true
    undo = done.data[0][0]
    assert undo is not None
    desk.clock.forward(seconds=30)
    desk.press("sales", "Annuler (60", message_id=card.message_id)
    desk.settle()
    with transaction(desk.app.engine) as session:
        again = session.get_one(Order, order.id)
        assert (again.state, again.confirmed_at) == (OrderState.DRAFT, None)
        told = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_confirmed")).all()
        assert {row.state for row in told} == {OutboxState.MOOT}
        assert not session.scalars(select(Reservation)).all()
        actions = session.scalars(select(JournalEntry.action).where(JournalEntry.subject == again.subject)).all()
        assert "order_draft" in actions
    desk.press("sales", "Confirmer et prévenir", message_id=card.message_id)
    desk.settle()
    desk.clock.forward(seconds=61)
    desk.settle()
    (left,) = cards_of(desk, order.reference)
    assert "client prévenu à 9 h 01" in shown(left)
    assert not any(label.startswith("Annuler (") for row in left.buttons for label in row)
    late = desk.client.press_data(desk.chats["sales"], card.message_id, undo)
    desk.settle()
    assert "Trop tard" in desk.client.toasts(desk.chats["sales"])[-1].text, late
    with transaction(desk.app.engine) as session:
        assert session.get_one(Order, order.id).state is OrderState.CONFIRMED

    desk.press("sales", "Suivante (1)", message_id=card.message_id)  # its one card, brought down here
    desk.settle()
    following = desk.get(waiting).reference
    assert following in desk.last("sales").text
    assert len(cards_of(desk, following)) == 1


def test_c_a_clean_order_takes_one_press_and_one_point_three(desk: Desk) -> None:
    clean = desk.order()
    desk.settle()
    assert rows(pressed(desk, "Confirmer et prévenir"))[0][0] == "Annuler (60 s)"
    with transaction(desk.app.engine) as session:
        flour = session.scalars(select(Article).where(Article.sku == "FAR-T65-25")).one()
        line = AskedLine("5 sacs farine T65 à 17 €", flour, Decimal(5), customer_price=Decimal(17))
    pointed = desk.order(lines=(line,))
    desk.settle()
    for label in ("Traiter le point", "Garder 18,40", "Confirmer et prévenir"):
        pressed(desk, label)
    for order in (desk.get(clean), desk.get(pointed)):
        assert order.state is OrderState.CONFIRMED
        assert len([seen for seen in desk.chat("sales") if order.reference in seen.text]) == 1


LEBRUN = (("FA-2026-0871", date(2026, 10, 13), 1480), ("FA-2026-0902", date(2026, 11, 11), 830))


def in_arrears(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        customer.credit_limit = Money.of(3000)
        customer.contacts[0].phone = "04 78 00 00 01"
        session.add_all(
            OpenItem(
                customer_id=customer.id, number=number, issue_date=date(2026, 9, 13), due_date=due,
                gross=Money.of(gross), paid=Money.of(0), as_of=date(2026, 11, 23),
            )
            for number, due, gross in LEBRUN
        )  # fmt: skip


def test_d_accounting_lets_an_order_through_sales_confirms_it_and_accounting_is_reminded(desk: Desk) -> None:
    in_arrears(desk)
    order_id = desk.order()
    reference = desk.get(order_id).reference
    desk.settle()
    (card,) = cards_of(desk, reference)
    narrow(card)
    assert "⛔ Comptabilité : à débloquer" in shown(card)
    assert "FA-2026-0871" in card.text
    assert card.buttons[0] == ["Demander un déblocage…"]
    assert ["Demander le paiement"] in card.buttons
    pressed(desk, "Demander un déblocage…")
    desk.say("sales", "Événement samedi, virement promis lundi, client depuis 8 ans")
    desk.settle()
    wish = desk.last("accounting")
    narrow(wish)
    said = shown(wish)
    for part in (
        "Demande de déblocage", "FA-2026-0871 : 1 480,00 € (41 j)", "FA-2026-0902 : 830,00 € (12 j)",
        "Encours après commande : 3 240,51 € / 3 000,00 €", "Demandé par Léa : « Événement samedi",
    ):  # fmt: skip
        assert part in said
    assert wish.buttons == [
        ["Débloquer la commande…"], ["Refuser…", "Appeler le client"], ["Voir le compte", "Encours"],
    ]  # fmt: skip
    assert "Demande de déblocage envoyée (la comptabilité)" in shown(cards_of(desk, reference)[0])

    desk.press("accounting", "Appeler le client", message_id=wish.message_id)
    desk.settle()
    assert "04 78 00 00 01" in desk.last("accounting").text
    desk.press("accounting", "Débloquer la commande…", message_id=wish.message_id)
    desk.settle()
    desk.say("accounting", "Accord dirigeant, virement du 30/11 à surveiller, jusqu'à 1000 €")
    desk.settle()
    decided = next(seen for seen in desk.chat("accounting") if seen.message_id == wish.message_id)
    for part in ("Débloquée par Karim à 9 h 00", "Cette commande seulement, plafond 1 000,00 €",
                 "Rappel programmé le mar. 1 déc."):  # fmt: skip
        assert part in shown(decided)
    assert not decided.buttons
    answer = next(seen for seen in desk.chat("sales") if "débloquée par la comptabilité" in shown(seen))
    assert answer.buttons[0] == ["Confirmer au client"]
    desk.press("sales", "Confirmer au client", message_id=answer.message_id)
    desk.settle()
    assert desk.get(order_id).state is OrderState.CONFIRMED
    assert not any("bloqu" in seen.text or "comptabilité" in seen.text for seen in desk.chat("customer"))
    desk.clock.forward(days=8)
    desk.settle()
    reminded = [seen for seen in desk.chat("accounting") if "À surveiller" in seen.text]
    assert len(reminded) == 1
    assert "virement du 30/11" in reminded[0].text
    assert reference in reminded[0].text


def test_d_only_another_person_of_accounting_lets_through_and_others_hear_whose_it_is(desk: Desk) -> None:
    in_arrears(desk)
    with transaction(desk.app.engine) as session:
        karim = session.scalars(select(Staff).where(Staff.name == "Karim")).one()
        karim.grants.append(StaffRole(role=Role.SALES))
    desk.order()
    desk.settle()
    desk.press("accounting", "Demander un déblocage…")
    desk.settle()
    desk.say("accounting", "Événement samedi, client depuis 8 ans")
    desk.settle()
    desk.press("accounting", "Débloquer la commande…")
    desk.settle()
    desk.say("accounting", "Je me l'accorde, c'est moi")
    desk.settle()
    assert "une autre personne de la comptabilité doit valider" in shown(desk.last("accounting"))
    with transaction(desk.app.engine) as session:
        karim = session.scalars(select(Staff).where(Staff.name == "Karim")).one()
        karim.grants[:] = [grant for grant in karim.grants if grant.role is Role.SALES]
    desk.press("accounting", "Débloquer la commande…")
    desk.settle()
    toast = desk.client.toasts(desk.chats["accounting"])[-1].text
    assert "Réservé à la comptabilité" in toast
    assert len(toast) <= 200
    with transaction(desk.app.engine) as session:
        assert session.scalars(select(JournalEntry).where(JournalEntry.action == "press_refused")).all()
