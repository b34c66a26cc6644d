"""Goods by chat: what came in, a line that is short, a day that is not possible, each settled by one press."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from core import deliveries, journal, registration, stock
from core.catalogue import Article, Substitute
from core.db import transaction
from core.orders import AskedLine, Order, Shortage
from core.parties import Customer
from core.receipts import ExpectedReceipt
from core.stock import StockMovement


def article(desk: Any, sku: str) -> Article:
    with transaction(desk.app.engine) as session:
        return session.scalars(select(Article).where(Article.sku == sku)).one()


def on_hand(desk: Any, sku: str) -> Decimal:
    number = article(desk, sku).id
    with transaction(desk.app.engine) as session:
        return stock.shelves(session, [number])[number].on_hand


def told(desk: Any, who: str) -> str:
    return str(desk.last(who).text).replace("\u00a0", " ").replace("\u202f", " ")


def paper_order(desk: Any, quantity: str = "60") -> int:
    number: int = desk.order(lines=(AskedLine("papier", article(desk, "PAP-TOI-MJ"), Decimal(quantity)),))
    return number


def test_the_warehouse_notes_what_came_and_sales_hear_of_what_waited(desk: Any) -> None:
    order_id = paper_order(desk)
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
        order = session.get_one(Order, order_id)
        shipped = deliveries.of_order(session, order)[0]
        deliveries.ship(session, shipped, house=desk.app.house, by=desk.actor("warehouse"), at=desk.clock())
    desk.clock.forward(seconds=61)
    desk.settle()
    desk.say("warehouse", "reçu 2 packs PAP-TOI-MJ")
    desk.settle()
    assert "24 rouleaux de PAP-TOI-MJ" in told(desk, "warehouse")
    assert "En stock : 24, disponible : 24" in told(desk, "warehouse")
    assert "CMD-2026-0001 (Boulangerie Martin)" in told(desk, "warehouse")
    assert any("Reliquat disponible" in seen.text for seen in desk.chat("sales"))
    desk.say("warehouse", "/recu 40 cartons BEU-DOU-1\n3 sacs FAR-T65-25")
    desk.settle()
    assert (on_hand(desk, "BEU-DOU-1"), on_hand(desk, "FAR-T65-25")) == (660, 123)
    with transaction(desk.app.engine) as session:
        level = f"stock_level:{article(desk, 'BEU-DOU-1').id}"
        (entry,) = [one for one in journal.entries_of(session, level) if one.action == "goods_received"]
        assert entry.actor == str(desk.actor("warehouse"))


def test_an_article_that_is_not_certain_is_asked_and_a_second_press_adds_nothing(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        for sku, name in (("HUI-OLI-5", "Huile d'olive bidon 5 l"), ("HUI-TOU-5", "Huile de tournesol bidon 5 l")):
            session.add(Article(sku=sku, name=name, unit="bidon", price=Decimal(9), vat_percent=Decimal("5.5")))
    desk.say("warehouse", "reçu 4 bidons huile")
    desk.settle()
    asked = desk.last("warehouse")
    assert "Quel article est arrivé" in asked.text
    label = next(label for row in asked.buttons for label in row if "HUI-TOU-5" in label)
    assert label.replace("\u00a0", " ").startswith("4 bidons")
    desk.press("warehouse", label)
    desk.settle()
    assert on_hand(desk, "HUI-TOU-5") == 4
    assert "4 bidons de HUI-TOU-5" in desk.chat("warehouse")[-1].text.replace("\u00a0", " ")
    with transaction(desk.app.engine) as session:
        assert session.scalar(select(func.count(StockMovement.id)).where(StockMovement.source.like("receipt:%"))) == 1


def test_receipts_that_cannot_be_right_are_refused_in_words_and_nothing_comes_in(desk: Any) -> None:
    for said, why in (
        ("reçu 0 carton BEU-DOU-1", "supérieure à zéro"),
        ("reçu -3 cartons BEU-DOU-1", "supérieure à zéro"),
        ("reçu 1,00001 kg BEU-DOU-1", "décimales"),
        ("reçu 2 palettes BEU-DOU-1", "palette"),
        ("reçu merci", "40 cartons"),
        ("/recu", "40 cartons"),
    ):
        desk.say("warehouse", said)
        desk.settle()
        assert why in told(desk, "warehouse"), said
    assert on_hand(desk, "BEU-DOU-1") == 260
    desk.say("sales", "reçu 40 cartons BEU-DOU-1")
    desk.settle()
    assert on_hand(desk, "BEU-DOU-1") == 260


def test_a_short_line_offers_what_is_possible_and_a_press_settles_it(desk: Any) -> None:
    paper, towels = article(desk, "PAP-TOI-MJ"), article(desk, "BEU-DOU-1")
    with transaction(desk.app.engine) as session:
        session.add(Substitute(article_id=paper.id, other_id=towels.id, rank=0))
        session.add(
            ExpectedReceipt(
                reference="ACH-1", article_id=paper.id, quantity=Decimal(12), received=Decimal(0),
                expected_on=date(2026, 12, 1), noted_at=desk.clock(),
            )
        )  # fmt: skip
    desk.say("warehouse", "/stock papier")
    order_id = paper_order(desk)
    desk.settle()
    assert "48 rouleaux disponibles (48 en stock, 0 promis) · 12 attendus le mar. 1 déc." in told(desk, "warehouse")
    card = desk.last("sales")
    assert [label.replace("\u00a0", " ") for row in card.buttons[:2] for label in row] == [
        "Confirmer et prévenir", "À surveiller (1)",
    ]  # fmt: skip
    desk.press("sales", "À surveiller")
    desk.settle()
    offered = [row[0].replace("\u00a0", " ") for row in desk.last("sales").buttons]
    assert offered == [
        "Livrer 48, reliquat 12", "Tout livrer le mar. 1 déc.", "Remplacer par BEU-DOU-1", "Ramener à 48",
        "Retirer la ligne", "Retour",
    ]  # fmt: skip
    desk.press("sales", "Tout livrer")
    desk.settle()
    order = desk.get(order_id)
    assert (order.requested_delivery_date, order.lines[0].shortage) == (date(2026, 12, 1), Shortage.WAIT)
    assert "mar. 1 déc." in told(desk, "customer")  # the customer is shown the day before anything is registered
    assert "12 attendus" not in told(desk, "sales")
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    desk.settle()
    assert not [seen for seen in desk.chat("warehouse") if "À préparer" in seen.text]  # it leaves as a whole
    desk.say("warehouse", "reçu 1 pack PAP-TOI-MJ")
    desk.settle()
    desk.press("sales", "Préparer le reliquat")
    desk.settle()
    assert any("60 rouleaux" in seen.text.replace("\u00a0", " ") for seen in desk.chat("warehouse"))


def test_less_another_article_and_the_rest_later_are_one_press_each(desk: Any) -> None:
    paper, yeast = article(desk, "PAP-TOI-MJ"), article(desk, "LEV-FRA-500")
    with transaction(desk.app.engine) as session:
        session.add(Substitute(article_id=paper.id, other_id=yeast.id, rank=0))
    for label, expected in (
        ("Ramener à 48", ("PAP-TOI-MJ", Decimal(48), None)),
        ("Remplacer par", ("LEV-FRA-500", None, None)),  # counted in another unit: how many is asked
        ("Livrer 48", ("PAP-TOI-MJ", Decimal(60), Shortage.BACKORDER)),
    ):
        order_id = paper_order(desk)
        desk.settle()
        desk.press("sales", "À surveiller")
        desk.settle()
        desk.press("sales", label)
        desk.settle()
        line = desk.get(order_id).lines[0]
        assert line.article is not None
        assert (line.article.sku, line.quantity, line.shortage) == expected
        assert not any("surveiller" in label for row in desk.last("sales").buttons for label in row)


def test_a_quantity_and_a_day_that_are_not_possible_block_and_are_put_right_by_a_press(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        customer.delivery_weekdays, customer.delivery_cutoff = "25", time(8, 30)
        customer.delivery_lead_days, customer.delivery_strict = 1, True
        session.scalars(select(Article).where(Article.sku == "PAP-TOI-MJ")).one().multiple = Decimal(12)
    order_id = paper_order(desk, "25")  # wanted for Thursday 26 November, ordered on Monday at nine
    desk.settle()
    card = desk.last("sales")
    assert card.buttons[0] == ["Traiter 2 points"]
    assert "Pas de livraison chez ce client le jeu. 26 nov." in told(desk, "sales")
    desk.press("sales", "Traiter 2 points")
    desk.settle()
    for _ in range(2):
        labels = [label for row in desk.last("sales").buttons for label in row]
        wanted = ("Arrondir à 36", "Livrer le ven. 27 nov.")
        desk.press("sales", next(one for one in labels if one.replace("\u00a0", " ") in wanted))
        desk.settle()
    order = desk.get(order_id)
    assert (order.lines[0].quantity, order.requested_delivery_date) == (36, date(2026, 11, 27))
    assert desk.last("sales").buttons[0] == ["Confirmer et prévenir"]


def test_a_count_and_a_loss_are_noted_in_chat_and_what_was_promised_is_told(desk: Any) -> None:
    order_id = paper_order(desk, "40")
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order_id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.settle()
    desk.say("warehouse", "inventaire PAP-TOI-MJ 5 packs")
    desk.settle()
    assert on_hand(desk, "PAP-TOI-MJ") == 60
    desk.say("warehouse", "perte 2 PAP-TOI-MJ casse au quai")
    desk.settle()
    assert (on_hand(desk, "PAP-TOI-MJ"), "58 rouleaux" in told(desk, "warehouse")) == (58, True)
    desk.say("warehouse", "/inventaire PAP-TOI-MJ 38\nBEU-DOU-1 : 12,5")
    desk.settle()
    assert (on_hand(desk, "PAP-TOI-MJ"), on_hand(desk, "BEU-DOU-1")) == (38, Decimal("12.5"))
    warned = [seen.text for seen in desk.chat("warehouse") if "promis" in seen.text]
    assert any("il manque 2" in text.replace("\u00a0", " ") for text in warned)
    assert any("Stock inférieur au promis" in seen.text for seen in desk.chat("sales"))
    with transaction(desk.app.engine) as session:
        shelf = article(desk, "PAP-TOI-MJ").id
        sources = session.scalars(
            select(StockMovement.source).where(StockMovement.article_id == shelf).order_by(StockMovement.id)
        ).all()
        assert [source.partition(":")[0] for source in sources] == ["count", "loss", "count"]
        assert sources[1] == "loss:casse au quai"
        lines = [entry.action for entry in journal.entries_of(session, f"stock_level:{shelf}")]
        assert [line for line in lines if line.startswith("stock")] == [
            "stock_counted",
            "stock_lost",
            "stock_oversold",
            "stock_counted",
        ]


def test_a_count_or_a_loss_that_is_not_clear_changes_nothing(desk: Any) -> None:
    before = on_hand(desk, "PAP-TOI-MJ")
    for words, answer in (
        ("perte 2 PAP-TOI-MJ", "motif"), ("perte 200 PAP-TOI-MJ inondation", "48"), ("inventaire PAP-TOI-MJ", "lu le"),
        ("inventaire PAP-TOI-MJ 3 palettes", "conditionnement"), ("inventaire PAP-TOI-MJ 1,23456", "décimales"),
        ("inventaire BEU-DOU-1 5\nNEANT-9 3", "NEANT-9"),
    ):  # fmt: skip
        desk.say("warehouse", words)
        desk.settle()
        assert answer in told(desk, "warehouse"), words
    desk.say("accounting", "inventaire PAP-TOI-MJ 1")
    desk.settle()
    assert (on_hand(desk, "PAP-TOI-MJ"), on_hand(desk, "BEU-DOU-1")) == (before, 260)


def test_a_customer_who_wants_all_of_it_together_is_asked_before_it_is_split(desk: Any) -> None:
    with transaction(desk.app.engine) as session:
        session.get_one(Customer, desk.ids["customer"]).partial_deliveries = False
    paper_order(desk)
    desk.settle()
    desk.press("sales", "Traiter le point")
    desk.settle()
    assert not any("reliquat" in label for label in desk.last("sales").labels)
    desk.press("sales", "Proposer deux livraisons")
    desk.settle()
    assert "une seule livraison" in told(desk, "customer")
