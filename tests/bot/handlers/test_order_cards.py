"""One living card of an order in a chat: found again, changed by words after a look, its pages, its original."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from bot import sheets
from bot.handlers import edits
from bot.sandbox.faults import FaultKind
from bot.sandbox.seen import Seen
from core import orders
from core.catalogue import Article
from core.clock import PARIS
from core.conversations import Card
from core.db import transaction
from core.journal import JournalEntry
from core.orders import AskedLine, Order
from core.parties import Customer
from intake.receive import DatabaseMailStore
from tests.bot.conftest import Desk


def flat(seen: Seen) -> str:
    return seen.text.replace("\u00a0", " ").replace("\u202f", " ")


def card(desk: Desk, order_id: int) -> Seen:
    """The message that is the order's card in the agent's chat."""
    with transaction(desk.app.engine) as session:
        found = session.scalars(
            select(Card).where(Card.subject == f"order:{order_id}", Card.chat_id == desk.chats["sales"])
        ).one()
        message_id = found.telegram_message_id
    return next(seen for seen in desk.chat("sales") if seen.message_id == message_id)


def said(desk: Desk, text: str, *, reply_to: int | None = None) -> Seen:
    desk.say("sales", text, reply_to=reply_to)
    desk.settle()
    return desk.last("sales")


def press(desk: Desk, label: str, *, message_id: int | None = None) -> None:
    desk.press("sales", label, message_id=message_id)
    desk.settle()


def toast(desk: Desk) -> str:
    text = desk.client.toasts(desk.chats["sales"])[-1].text or ""
    assert len(text) <= 200  # U08
    return text


def journal_length(desk: Desk) -> int:
    with transaction(desk.app.engine) as session:
        return len(session.scalars(select(JournalEntry.seq)).all())


def test_words_about_a_draft_show_the_difference_and_a_press_applies_exactly_that(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    before, rows = journal_length(desk), len(desk.rows())
    shown = said(desk, "L2 7, retire L1; ajoute 2 PAP-TOI-MJ; remise 5 %", reply_to=card(desk, order_id).message_id)
    for part in (
        "L1 retirée : 10 cartons Beurre doux", "L2 Farine de blé T65 sac 25 kg : 5 → 7 sacs", "L3 ajoutée : 2 rouleaux",
        "18,40 € → 17,48 €", "Remise : 0 % → 5 %", "Total 882,00 € → 126,07 € HT",
    ):  # fmt: skip
        assert part in flat(shown), flat(shown)
    assert shown.buttons == [["Appliquer"], ["Laisser"]]
    assert len(shown.text.splitlines()) <= 12
    assert (journal_length(desk), len(desk.rows())) == (before, rows)  # nothing was written, nobody was told
    assert desk.get(order_id).version == 1
    press(desk, "Laisser")
    assert "n'a pas changé" in desk.last("sales").text
    assert desk.get(order_id).version == 1

    shown = said(desk, "L2 : 8\nlivraison mercredi", reply_to=card(desk, order_id).message_id)
    assert "5 → 8 sacs" in flat(shown)
    assert "→ mer. 25 nov." in flat(shown)
    assert "ajoutée" not in shown.text
    refused = said(desk, "L2 beaucoup de 140", reply_to=card(desk, order_id).message_id)
    assert refused.text.startswith("Je n'ai rien trouvé à changer")
    shown = said(desk, "livraison lundi", reply_to=card(desk, order_id).message_id)
    assert "jeu. 26 nov. → lun. 30 nov." in flat(shown)
    desk.clock.forward(days=7)  # « lundi » stays the Monday that was meant
    press(desk, "Appliquer")
    assert desk.get(order_id).requested_delivery_date == date(2026, 11, 30)
    assert not desk.last("sales").buttons
    assert "30 nov." in flat(card(desk, order_id))


def test_t29_a_difference_of_an_older_version_is_refused_and_the_card_painted(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    shown = said(desk, "L2 7", reply_to=card(desk, order_id).message_id)
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, order_id)
        orders.set_quantity(session, order, 2, Decimal(9), by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    press(desk, "Appliquer", message_id=shown.message_id)
    told = toast(desk).replace("\u00a0", " ")
    assert "Le client a modifié CMD-2026-0001 entre-temps (L2 Farine de blé T65 sac 25 kg : 5 → 9 sacs)" in told
    assert "Voici la version à jour" in told
    assert desk.get(order_id).lines[1].quantity == 9
    assert "Le client à 9 h 00 : L2 Farine de blé T65 sac 25 kg : 5 → 9 sacs" in flat(card(desk, order_id))


def test_words_without_a_reply_mean_the_one_open_card_else_it_is_asked_which(desk: Desk) -> None:
    first = desk.order()
    desk.settle()
    assert "5 → 7 sacs" in said(desk, "L2 7").text.replace("\u00a0", " ")
    press(desk, "Laisser")
    second = desk.order()
    desk.settle()
    asked = said(desk, "livraison vendredi")
    assert [row[0] for row in asked.buttons] == ["CMD-2026-0002 Boulanger…", "CMD-2026-0001 Boulanger…"]
    press(desk, "CMD-2026-0001")
    press(desk, "Appliquer")
    friday = date(2026, 11, 27)
    assert [desk.get(n).requested_delivery_date for n in (first, second)] == [friday, date(2026, 11, 26)]
    assert "Une commande par téléphone" in said(desk, "bonjour à tous").text


def test_a_lower_price_than_an_agent_may_give_is_refused_with_the_way_to_ask(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    assert "L2 remise … %" in flat(said(desk, "L2 à 15 €", reply_to=card(desk, order_id).message_id))
    assert "18,40 € → 18,00 €" in flat(said(desk, "L2 à 18 €", reply_to=card(desk, order_id).message_id))
    press(desk, "Appliquer")
    assert desk.get(order_id).lines[1].unit_price == 18
    said(desk, "L2 9", reply_to=card(desk, order_id).message_id)
    press(desk, "Appliquer")
    assert desk.get(order_id).lines[1].unit_price == 18  # what was agreed does not follow the quantity


def test_u14_a_reference_its_figures_or_the_customers_number_bring_the_one_card(desk: Desk) -> None:
    order_id = desk.order(customer_reference="4500123")
    other = desk.order()
    desk.settle()
    for words in ("CMD-2026-0001", "0001", "4500123", "cherche 0001", "/commande 0001"):
        desk.say("sales", "bonjour")
        desk.settle()
        found = said(desk, words)
        assert found.message_id == card(desk, order_id).message_id
        assert "CMD-2026-0001" in found.text
        assert [seen for seen in desk.chat("sales") if "CMD-2026-0001" in seen.text and seen.buttons] == [found]
    assert any("la carte est plus bas" in flat(seen) for seen in desk.chat("sales"))
    press(desk, "Toutes les lignes")
    with transaction(desk.app.engine) as session:
        orders.set_delivery_date(
            session, orders.lock(session, order_id), date(2026, 11, 27), by=desk.actor("customer"), at=desk.clock()
        )  # fmt: skip
    desk.settle()
    assert card(desk, order_id).buttons == [["Retour"]]  # what was open on it stays open when it is painted again
    press(desk, "Retour", message_id=card(desk, order_id).message_id)
    press(desk, "Suivante (1)", message_id=card(desk, order_id).message_id)
    assert desk.last("sales").message_id == card(desk, other).message_id
    desk.say("accounting", "0001")
    desk.settle()
    assert desk.last("accounting").buttons == [["Voir le compte"]]
    assert "882,00 € HT" in flat(desk.last("accounting"))


def test_articles_and_customers_are_found_by_words(desk: Desk) -> None:
    found = said(desk, "cherche farine")
    assert "FAR-T65-25 Farine de blé T65 sac 25 kg : 120 sacs disponibles" in flat(found)
    assert "BEU-DOU-1" in said(desk, "cherche plaques de beurres doux").text  # as a customer would say it
    found = said(desk, "cherche boulangerie martin")
    assert found.buttons == [["MARTIN Boulangerie Mart…"]]
    press(desk, "MARTIN")
    assert "Boulangerie Martin" in desk.last("sales").text
    assert "Hôtel Bellevue" in said(desk, "/client hotel bellevu").text  # no accent, a letter missing
    assert "Aucun résultat" in said(desk, "cherche xylophone").text


def test_a_telephone_order_asks_whose_it_is_where_the_name_does_not_say(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        for code, name in (("BELLE2", "Hôtel Bellevue Plage"), ("MARTIN2", "Fournil Martin")):
            session.add(Customer(code=code, name=name, payment_terms="30 jours"))
    asked = said(desk, "commande hotel : 12 sacs farine T65, pour vendredi")
    assert [row[0] for row in asked.buttons] == ["BELLEVUE Hôtel Bellevue", "BELLE2 Hôtel Bellevue P…", "Autre client…"]
    press(desk, "BELLE2")
    with transaction(desk.app.engine) as session:
        made = session.scalars(select(Order)).one()
        assert (made.customer.code, made.requested_delivery_date) == ("BELLE2", date(2026, 11, 27))
        assert made.taken_by_id == desk.actor("sales").id
    assert not next(seen for seen in desk.chat("sales") if "Sa carte suit" in seen.text).buttons
    asked = said(desk, "/commande Zygomar (Mme Roy) : 5 sacs farine T65")
    assert "Aucun client ne s'appelle « Zygomar »" in flat(asked)
    assert asked.buttons == [["Autre client…"]]
    press(desk, "Autre client…")
    said(desk, "hotel bellevue plage")
    assert "Prise par Léa, de Mme Roy" in flat(desk.last("sales"))
    said(desk, "commande Fournil Martin 3 sacs farine T65")  # without its colon
    with transaction(desk.app.engine) as session:
        codes = [order.customer.code for order in session.scalars(select(Order).order_by(Order.id))]
    assert codes == ["BELLE2", "BELLE2", "MARTIN2"]


def test_a_draft_is_put_aside_and_comes_back_at_its_hour(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    press(desk, "Mettre en attente")
    offered = [row[0].replace("\u00a0", " ") for row in card(desk, order_id).buttons]
    assert offered == ["lun. 23 nov. à 10 h 00", "mar. 24 nov. à 8 h 00", "mer. 25 nov. à 8 h 00", "Retour"]
    press(desk, "mar.")
    assert "Mise de côté jusqu'au mar. 24 nov. à 8 h 00" in flat(card(desk, order_id))
    assert "Aucun autre brouillon" in said(desk, "/brouillons").text
    desk.clock.at = (desk.clock() + timedelta(days=1)).astimezone(PARIS).replace(hour=8, minute=0)
    desk.settle()
    assert "Elle attend de nouveau une décision" in desk.last("sales").text
    assert desk.last("sales").buttons == [["Voir la commande"]]
    assert "Prêt à confirmer" in card(desk, order_id).text
    press(desk, "Voir la commande")
    assert desk.last("sales").message_id == card(desk, order_id).message_id


def test_a_line_is_changed_by_buttons(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    press(desk, "Modifier une ligne")
    assert [row[0] for row in card(desk, order_id).buttons] == [
        "L1 Beurre doux 82\u00a0% MG…",
        "L2 Farine de blé T65 sa…",
        "Retour",
    ]
    press(desk, "L2 Farine")
    press(desk, "Indiquer la quantité")
    said(desk, "8")
    assert desk.get(order_id).lines[1].quantity == 8
    press(desk, "Autre prix…")
    said(desk, "18,00")
    assert desk.get(order_id).lines[1].unit_price == 18
    press(desk, "Retirer la ligne")
    assert [line.position for line in desk.get(order_id).kept_lines] == [1]


def test_t18_eighty_lines_are_turned_page_by_page_and_the_card_stays_short(desk: Desk) -> None:
    with transaction(desk.app.engine) as session:
        flour = session.scalars(select(Article).where(Article.sku == "FAR-T65-25")).one()
        lines = tuple(AskedLine(f"ligne {n} <b>", flour, Decimal(1)) for n in range(80))
    order_id = desk.order(lines=lines)
    desk.settle()
    assert len(card(desk, order_id).text.splitlines()) <= 12
    press(desk, "Toutes les lignes")
    seen = []
    for turn in range(10):
        page = card(desk, order_id)
        assert len(page.text.splitlines()) <= 12
        assert sheets.length(page.html) < sheets.TEXT
        seen += [line.partition(".")[0] for line in page.text.splitlines() if line.partition(".")[0].isdigit()]
        if turn < 9:
            press(desk, f"Page {turn + 2}/10", message_id=page.message_id)
    assert seen == [str(n) for n in range(1, 81)]


def test_t25_an_edit_that_was_answered_not_modified_is_painted_by_the_next_event(desk: Desk) -> None:
    order_id = desk.order()
    desk.settle()
    desk.client.fault("editMessageText", FaultKind.BAD_REQUEST, text="message is not modified", times=2)
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, order_id)
        orders.set_quantity(session, order, 2, Decimal(9), by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    assert "9 sacs" not in card(desk, order_id).text.replace("\u00a0", " ")  # accepted as done, and shown by nobody
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, order_id)
        orders.set_quantity(session, order, 1, Decimal(50), by=desk.actor("customer"), at=desk.clock())
    desk.settle()
    assert "9 sacs" in card(desk, order_id).text.replace("\u00a0", " ")
    assert len([seen for seen in desk.chat("sales") if seen.buttons]) == 1  # never a second card


def test_the_words_of_a_mail_are_marked_line_by_line(desk: Desk) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "achats@hotel-bellevue.example", desk.app.house.email, "Commande"
    mail["Message-ID"] = "<1@x.example>"
    mail.set_content("Bonjour,\nMerci de livrer :\n- 4 sacs de farine T65\n- 3 bidules <du> fournil & co\nMerci")
    DatabaseMailStore(desk.app.engine, desk.clock).store(
        account="a", folder="INBOX", uidvalidity=1, uid=1, raw=mail.as_bytes(), fingerprint="1",
        received_at=desk.clock(),
    )  # fmt: skip
    desk.settle()
    with transaction(desk.app.engine) as session:
        order_id = session.scalars(select(Order.id)).one()
    press(desk, "Voir le mail", message_id=card(desk, order_id).message_id)
    original = desk.last("sales")
    assert "[L1] <u><b>4 sacs de farine T65</b></u>" in original.html
    assert "[L2] <u><b>3 bidules &lt;du&gt; fournil &amp; co" in original.html
    press(desk, "Traiter", message_id=card(desk, order_id).message_id)
    press(desk, "Voir l'original", message_id=card(desk, order_id).message_id)
    assert "[L1]" not in desk.last("sales").text
    assert "[L2]" in desk.last("sales").text


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("L2 140", ["L2 140"]),
        ("L2 140, L3 12", ["L2 140", "L3 12"]),
        ("ajoute 2 PEI-EPO-M, 3 TAP-BAI-B", ["ajoute 2 PEI-EPO-M, 3 TAP-BAI-B"]),
        ("remise 2,5 %; livraison lundi", ["remise 2,5 %", "livraison lundi"]),
        ("retire L3\nL1 à 2,10 €", ["retire L3", "L1 à 2,10 €"]),
    ],
)
def test_words_are_taken_apart_where_each_part_is_a_change_of_its_own(text: str, clauses: list[str]) -> None:
    assert edits.parts(text) == clauses
