"""What the living cards say, and which buttons they carry, in each state of their thing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import cards, inbox, recaps, texts
from bot.cards import Content
from core import deliveries, orders, overrides, quotes, registration, stock
from core.catalogue import Article
from core.db import transaction
from core.deliveries import ReserveKind
from core.invoices import Invoice, issue_credit_note
from core.messages import Message, MessageChannel, MessageState
from core.money import Money
from core.orders import Asked, AskedLine, Order
from core.parties import Customer, Requirement, Role
from core.payments import OpenItem


def labels(content: Content) -> list[list[str]]:
    return [[press.label(content.language) for press in row] for row in content.rows if row]


def told(content: Content) -> str:
    return texts.plain(content.html).replace("\u00a0", " ").replace("\u202f", " ")


def card(desk: Any, order_id: int) -> Content:
    with transaction(desk.app.engine) as session:
        return cards.order_card(session, session.get_one(Order, order_id), house=desk.app.house, at=desk.clock())


def point(desk: Any, order_id: int, index: int) -> Content | None:
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, order_id)
        return cards.point_view(session, order, index, house=desk.app.house, at=desk.clock())


def article(desk: Any, sku: str) -> Article:
    with transaction(desk.app.engine) as session:
        return session.scalars(select(Article).where(Article.sku == sku)).one()


def two_points(desk: Any) -> int:
    flour = article(desk, "FAR-T65-25")
    return int(
        desk.order(
            lines=(
                AskedLine("L3 farine", flour, Decimal(60), customer_price=Decimal("17.10")),
                AskedLine(
                    "HB-990 - papier", None, Decimal(4), alternatives=("PAP-TOI-MJ", "LEV-FRA-500"),
                    customer_reference="HB-990",
                ),
            )
        )
    )  # fmt: skip


def test_a_clean_draft_offers_to_confirm_it(desk: Any) -> None:
    shown = card(desk, desk.order())
    assert "Prêt à confirmer" in told(shown)
    assert "10 cartons = 100 plaques" in told(shown)
    assert "882,00 € HT · 930,51 € TTC" in told(shown)
    assert "encours 930,51 € / 8 000,00 €" in told(shown)
    assert labels(shown)[0] == ["Confirmer et prévenir"]


def test_points_are_counted_and_treated_one_after_the_other(desk: Any) -> None:
    order_id = two_points(desk)
    shown = card(desk, order_id)
    assert labels(shown)[0] == ["Traiter 2 points"]
    assert "prix du bon 17,10 € ≠ tarif 18,40 €" in told(shown)
    assert len(told(shown).split("\n")) <= 12
    views = [point(desk, order_id, index) for index in (0, 1)]
    assert all(view is not None for view in views)
    unknown, price = sorted((v for v in views if v is not None), key=lambda v: "tarif" in told(v))
    assert labels(price)[:2] == [["Garder 18,40\u00a0€"], ["Accepter 17,10\u00a0€"]]
    assert labels(unknown)[0] == ["PAP-TOI-MJ Papier toile…"]
    assert "PAP-TOI-MJ : Papier toilette mini-jumbo 2 plis rouleau" in told(unknown)
    assert labels(unknown)[-4:] == [["Chercher…"], ["Retirer la ligne"], ["Point suivant"], ["Retour"]]
    assert "Le client a écrit : « HB-990 - papier »" in told(unknown)
    assert labels(unknown)[-1] == ["Retour"]


def test_nothing_left_to_treat_is_no_view(desk: Any) -> None:
    assert point(desk, desk.order(), 0) is None


def late(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        session.add(
            OpenItem(
                customer_id=desk.ids["customer"], number="FA-2026-0871", issue_date=date(2026, 9, 13),
                due_date=date(2026, 10, 13), gross=Money.of(1480), paid=Money.of(0), as_of=date(2026, 11, 23),
            )
        )  # fmt: skip


def test_what_only_accounting_may_lift_is_asked_for_then_shown_as_asked(desk: Any) -> None:
    late(desk)
    order_id = desk.order()
    shown = card(desk, order_id)
    assert "⛔ Comptabilité : à débloquer" in told(shown)
    assert "Échu : 1 480,00 € (FA-2026-0871), le plus ancien depuis 41 j" in told(shown)
    assert labels(shown)[0] == ["Demander un déblocage…"]
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, order_id)
        overrides.request(
            session, order, Role.ACCOUNTING, reason="Événement samedi, client depuis 8 ans", by=desk.actor("sales"),
            at=desk.clock(),
        )  # fmt: skip
    assert "Demande de déblocage envoyée" in told(card(desk, order_id))
    assert ["Demander un déblocage…"] not in labels(card(desk, order_id))
    desk.settle()
    asked = desk.last("accounting")
    assert asked.buttons == [
        ["Débloquer la commande…"], ["Refuser…", "Appeler le client"], ["Voir le compte", "Encours"],
    ]  # fmt: skip
    assert "Événement samedi" in asked.text
    assert "FA-2026-0871" in asked.text


def test_after_the_confirmation_the_card_says_who_and_offers_to_take_it_back(desk: Any) -> None:
    other = desk.order()
    order_id = desk.order()
    assert other != order_id
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    shown = card(desk, order_id)
    assert "Confirmée par Léa à 9 h 00 · part dans 60 s" in told(shown)
    assert labels(shown)[0] == ["Annuler (60 s)", "Suivante (1)"]
    desk.clock.forward(seconds=61)
    desk.settle()
    assert "client prévenu" in told(card(desk, order_id))
    assert "Annuler (60 s)" not in labels(card(desk, order_id))[0]


def test_a_backorder_that_stock_can_serve_offers_to_prepare_the_rest(desk: Any) -> None:
    paper = article(desk, "PAP-TOI-MJ")
    order_id = desk.order(lines=(AskedLine("papier", paper, Decimal(60)),))
    assert "48 en stock pour 60, reliquat 12" in told(card(desk, order_id))
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, order_id)
        deliveries.ship(
            session, deliveries.of_order(session, order)[0], house=desk.app.house, by=desk.actor("warehouse"),
            at=desk.clock(),
        )  # fmt: skip
    desk.settle()
    assert "12 en reliquat" in desk.last("customer").text.replace("\u00a0", " ")
    assert ["Préparer le reliquat"] not in labels(card(desk, order_id))
    with transaction(desk.app.engine) as session:
        stock.count(session, paper.id, Decimal(100), source="count", at=desk.clock())
    assert labels(card(desk, order_id))[0] == ["Préparer le reliquat"]


def recap(desk: Any, session: Session, order: Order) -> Content:
    return recaps.recap_card(session, order, house=desk.app.house, at=desk.clock(), language="fr")


def test_the_recap_follows_the_order_through_its_life(desk: Any) -> None:
    order_id = desk.order()
    with transaction(desk.app.engine) as session:
        order = orders.lock(session, order_id)
        first = recap(desk, session, order)
        orders.accept_recap(session, order, by=desk.actor("customer"), at=desk.clock())
        second = recap(desk, session, order)
        orders.cancel(session, order, reason="test", by=desk.actor("sales"), at=desk.clock())
        third = recap(desk, session, order)
    assert labels(first) == [["Confirmer"], ["Modifier une ligne", "Changer la date"], ["Annuler"]]
    assert "Envoyée à 9 h 00" in told(second)
    assert labels(second) == [["Voir le détail", "Demander un changement"], ["Parler à quelqu'un", "Annuler"]]
    assert "Rien ne sera livré" in told(third)
    assert labels(third) == [["Parler à quelqu'un"]]


def test_the_recap_is_in_english_for_an_english_customer(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).language = "en"
    desk.order()
    desk.settle()
    assert "please check" in desk.last("customer").text
    assert "€882.00 excl. VAT" in desk.last("customer").text
    assert desk.last("customer").buttons[0] == ["Confirm"]
    assert "Prêt à confirmer" in desk.last("sales").text


def test_a_recap_that_is_required_is_a_point_to_treat(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).recap_policy = Requirement.REQUIRED
    order_id = desk.order()
    assert labels(card(desk, order_id))[0] == ["Traiter le point"]
    view = point(desk, order_id, 0)
    assert view is not None
    assert labels(view)[0] == ["Envoyer le récapitulatif"]


def test_a_quote_with_a_line_to_settle_cannot_be_sent(desk: Any) -> None:
    butter = article(desk, "BEU-DOU-1")
    for lines, first in (
        ((AskedLine("beurre", butter, Decimal(100), "carton", Decimal(10)),), ["Envoyer le devis"]),
        ((AskedLine("beurre", None, Decimal(1)),), ["L1\u00a0: chercher…", "Retirer L1"]),
    ):
        with transaction(desk.app.engine) as session:
            asked = Asked(
                customer=session.get_one(Customer, desk.ids["customer"]), channel=MessageChannel.CHAT,
                lines=tuple(
                    AskedLine(line.text, line.article and session.get(Article, line.article.id), line.quantity)
                    for line in lines
                ),
            )  # fmt: skip
            shown = cards.quote_card(
                quotes.draft(session, asked, by=desk.actor("sales"), at=desk.clock()), at=desk.clock()
            )
        assert labels(shown) == [first, ["Validité…", "Abandonner…"]]


def test_a_quarantined_message_says_why_and_what_may_be_done(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        message = Message(
            channel=MessageChannel.MAIL, key="mail:x", received_at=desk.clock(), state=MessageState.QUARANTINED,
            reason="customer_unknown", sender="inconnu@example.com", mail_subject="Commande <urgente>",
            extract="Bonjour, 3 rouleaux du grand & merci",
        )  # fmt: skip
        session.add(message)
        session.flush()
        shown = inbox.message_card(session, message)
    assert "L'expéditeur n'est relié à aucun client." in told(shown)
    assert "« Bonjour, 3 rouleaux du grand & merci »" in told(shown)
    assert labels(shown) == [["Choisir le client…"], ["Je m'en charge"], ["Rejouer", "Ignorer…"], ["Voir l'original"]]


def test_the_warehouse_reads_where_and_how_much_and_ships(desk: Any) -> None:
    order_id = desk.order()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    desk.settle()
    seen = next(one for one in desk.chat("warehouse") if "À préparer" in one.text)
    assert "L1 · B-01-1 · 10 cartons = 100 plaques" in seen.text.replace("\u00a0", " ")
    assert seen.buttons == [
        ["✓ Expédier et envoyer le BL"], ["Colis, transporteur…"],
        ["L1\u00a0: autre quantité…", "L1\u00a0: lot, article…"],
        ["L2\u00a0: autre quantité…", "L2\u00a0: lot, article…"],
    ]  # fmt: skip


def test_a_reserve_is_told_to_both_sides_and_credited_in_words(desk: Any) -> None:
    order_id = desk.order()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, order_id)
        delivery = deliveries.of_order(session, order)[0]
        deliveries.ship(session, delivery, house=desk.app.house, by=desk.actor("warehouse"), at=desk.clock())
        deliveries.verify(
            session, delivery, house=desk.app.house, by=desk.actor("customer"), at=desk.clock(),
            reserves={2: (ReserveKind.DAMAGED, Decimal(1), "1 sac percé sur le côté")},
        )  # fmt: skip
    desk.settle()
    said = " ".join(seen.text for seen in desk.chat("customer"))
    assert "Réserve enregistrée" in said
    assert "1 sac percé sur le côté" in said
    assert any("Réserve" in seen.text and "L2" in seen.text for seen in desk.chat("sales"))
    with transaction(desk.app.engine) as session:
        invoice = session.scalars(select(Invoice)).one()
        issue_credit_note(
            session, invoice, {2: Decimal(1)}, reason="Sac percé", returned=False, house=desk.app.house,
            by=desk.actor("accounting"), at=desk.clock(),
        )  # fmt: skip
    desk.settle()
    assert "Motif : Sac percé" in desk.last("customer").text.replace("\u00a0", " ")
    assert "Reste à payer sur FA-2026-0001 : 911,10 €" in desk.last("customer").text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("unit", "count", "expected"),
    [("carton", 2, "cartons"), ("carton", 1, "carton"), ("kg", 30, "kg"), ("sac", 5, "sacs"), ("bidon", 3, "bidons")],
)
def test_units_are_read_after_a_number(unit: str, count: int, expected: str) -> None:
    assert cards.plural(unit, Decimal(count)) == expected
