"""What points at something earlier: the last order, last week's, the usual one, lines of a quote."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core import orders, quotes
from core.catalogue import Article, Packaging
from core.db import transaction
from core.journal import SYSTEM
from core.messages import Message, MessageChannel, MessageState
from core.orders import Asked, AskedLine, Order
from core.parties import ChatLink, Customer
from core.settings import House, Settings
from intake import requests
from intake.reading import Kind, Reading
from intake.receive import receive_chat
from intake.understand import understand

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday
SETTINGS = Settings(_env_file=None, house=House(name="Maison Test"))
Say = Callable[..., Message]


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        customer = Customer(code="C1", name="Café des Arts")
        session.add(customer)
        for sku, name, unit in (
            ("CAF-1", "Café en grains arabica 1 kg", "paquet"), ("SUC-1", "Sucre en morceaux 1 kg", "boîte"),
            ("THE-V", "Thé vert 50 sachets", "boîte"),
        ):  # fmt: skip
            session.add(
                Article(
                    sku=sku, name=name, unit=unit, price=Decimal(10), vat_percent=Decimal("5.5"),
                    packagings=[Packaging(name="carton", quantity=Decimal(12))],
                )
            )  # fmt: skip
        session.flush()
        session.add(ChatLink(chat_id=77, customer_id=customer.id, linked_at=AT))


@pytest.fixture
def say(engine: Engine) -> Say:
    numbers = iter(range(1, 100))

    def said(text: str) -> Message:
        with transaction(engine) as session:
            customer = session.scalars(select(Customer)).one()
            receive_chat(
                session, chat_id=77, message_id=next(numbers), text=text, received_at=AT, customer_id=customer.id
            )
        understand(engine, settings=SETTINGS, at=AT)
        with transaction(engine) as session:
            return session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()

    return said


def ordered(engine: Engine, days_ago: int, **quantities: int) -> None:
    """An order of these articles that was registered so many days ago."""
    at = AT - timedelta(days=days_ago)
    with transaction(engine) as session:
        articles = {article.sku: article for article in session.scalars(select(Article))}
        lines = tuple(
            AskedLine(sku, articles[sku.replace("_", "-")], Decimal(count)) for sku, count in quantities.items()
        )
        asked = Asked(customer=session.scalars(select(Customer)).one(), channel=MessageChannel.ORAL, lines=lines)
        order = orders.draft(session, asked, by=SYSTEM, at=at)
        orders.confirm(session, order, by=SYSTEM, at=at, undo=timedelta())


def drafted(engine: Engine) -> list[tuple[Any, ...]]:
    with transaction(engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        return [
            (line.article.sku if line.article else None, line.quantity, line.confidence >= Decimal("0.9"))
            for line in order.kept_lines
        ]


def test_what_three_orders_agree_on_is_the_usual_and_certain(engine: Engine, say: Say) -> None:
    for days in (21, 14, 7):
        ordered(engine, days, CAF_1=6, SUC_1=2)
    say("Comme d'habitude svp")
    assert drafted(engine) == [("CAF-1", 6, True), ("SUC-1", 2, True)]


def test_a_habit_that_varies_is_the_last_order_to_be_confirmed(engine: Engine, say: Say) -> None:
    ordered(engine, 21, CAF_1=6, SUC_1=2)
    ordered(engine, 14, CAF_1=6, SUC_1=4)
    ordered(engine, 7, CAF_1=6, SUC_1=2)
    say("Comme d'habitude svp")
    assert drafted(engine) == [("CAF-1", 6, False), ("SUC-1", 2, False)]


def test_two_orders_are_no_habit(engine: Engine, say: Say) -> None:
    for days in (14, 7):
        ordered(engine, days, CAF_1=6)
    say("comme d'habitude")
    assert drafted(engine) == [("CAF-1", 6, False)]


def test_the_order_of_last_week_is_that_one_and_not_yesterdays(engine: Engine, say: Say) -> None:
    ordered(engine, 8, CAF_1=6)
    ordered(engine, 1, THE_V=1)
    say("même commande que la semaine dernière")
    assert drafted(engine) == [("CAF-1", 6, True)]


def test_of_two_orders_last_week_the_latest_is_proposed(engine: Engine, say: Say) -> None:
    ordered(engine, 8, CAF_1=6)
    ordered(engine, 6, THE_V=1)
    say("même commande que la semaine dernière")
    assert drafted(engine) == [("THE-V", 1, False)]


def test_the_same_again_while_an_order_still_waits_is_to_be_confirmed(engine: Engine, say: Say) -> None:
    ordered(engine, 8, CAF_1=6)
    with transaction(engine) as session:
        tea = session.scalars(select(Article).where(Article.sku == "THE-V")).one()
        customer = session.scalars(select(Customer)).one()
        waiting = Asked(customer=customer, channel=MessageChannel.MAIL, lines=(AskedLine("thé", tea, Decimal(1)),))
        orders.draft(session, waiting, by=SYSTEM, at=AT - timedelta(days=1))
    say("même commande que la dernière fois")
    assert drafted(engine) == [("CAF-1", 6, False)]


def test_the_same_less_what_is_not_wanted(engine: Engine, say: Say) -> None:
    ordered(engine, 7, CAF_1=6, SUC_1=2)
    say("même commande que la dernière fois mais sans le sucre")
    assert drafted(engine) == [("CAF-1", 6, True)]


def test_what_is_not_wanted_and_not_found_makes_the_whole_repeat_a_question(engine: Engine, say: Say) -> None:
    ordered(engine, 7, CAF_1=6, SUC_1=2)
    say("même commande que la dernière fois mais sans les filtres")
    assert drafted(engine) == [("CAF-1", 6, False), ("SUC-1", 2, False)]


def test_an_article_said_anew_beside_a_repeat_has_its_new_quantity_once(engine: Engine, say: Say) -> None:
    ordered(engine, 7, CAF_1=6, SUC_1=2)
    say("même commande que la dernière fois mais 4 boîtes de sucre en morceaux")
    assert drafted(engine) == [("CAF-1", 6, True), ("SUC-1", 4, False)]


def test_an_article_that_is_sold_no_more_is_never_certain(engine: Engine, say: Say) -> None:
    ordered(engine, 7, CAF_1=6)
    with transaction(engine) as session:
        session.scalars(select(Article).where(Article.sku == "CAF-1")).one().active = False
    say("même commande que la dernière fois")
    assert drafted(engine) == [("CAF-1", 6, False)]


def test_nothing_before_means_that_a_person_is_asked(say: Say) -> None:
    message = say("comme d'habitude")
    assert (message.state, message.reason) == (MessageState.QUARANTINED, "no_last_order")


def quoted(engine: Engine, *, send: bool = True) -> str:
    with transaction(engine) as session:
        articles = {article.sku: article for article in session.scalars(select(Article))}
        asked = Asked(
            customer=session.scalars(select(Customer)).one(), channel=MessageChannel.MAIL,
            lines=(
                AskedLine("2 cartons de café", articles["CAF-1"], Decimal(24), "carton", Decimal(2)),
                AskedLine("sucre", articles["SUC-1"], Decimal(5)), AskedLine("thé", articles["THE-V"], Decimal(3)),
            ),
        )  # fmt: skip
        quote = quotes.draft(session, asked, by=SYSTEM, at=AT)
        quote.lines[1].unit_price = Decimal("8.5")
        if send:
            quotes.send(session, quote, house=SETTINGS.house, by=SYSTEM, at=AT)
        return quote.reference


def takes(monkeypatch: pytest.MonkeyPatch, **said: Any) -> None:
    """The reading of the next message takes lines of a quote (how it is read is tested with the reader)."""
    monkeypatch.setattr(requests, "read", lambda *_, **__: Reading(Kind.ORDER, **said))


def test_lines_of_a_named_quote_are_taken_at_its_prices(
    engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = quoted(engine)
    takes(monkeypatch, quote_reference=reference, quote_lines=((1, None), (2, Decimal(4))))
    say("ligne 1 et 2 de votre offre")
    assert drafted(engine) == [("CAF-1", 24, True), ("SUC-1", 4, True)]
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert order.lines[1].unit_price == Decimal("8.5")
        assert order.lines[0].packaging_count == 2
        assert '"part": "quote"' in order.lines[0].evidence


def test_without_a_reference_the_only_open_quote_is_meant(
    engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    quoted(engine)
    takes(monkeypatch, quote_lines=((3, None),))
    say("la ligne 3 de votre offre")
    assert drafted(engine) == [("THE-V", 3, True)]


def test_of_two_open_quotes_the_latest_is_proposed(engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    quoted(engine)
    quoted(engine)
    takes(monkeypatch, quote_lines=((3, None),))
    say("la ligne 3 de votre offre")
    assert drafted(engine) == [("THE-V", 3, False)]


def test_a_number_for_a_line_quoted_in_packs_is_to_be_confirmed(
    engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes(monkeypatch, quote_reference=quoted(engine), quote_lines=((1, Decimal(3)),))
    say("ligne 1 : 3")
    assert drafted(engine) == [("CAF-1", 36, False)]


def test_a_line_that_the_quote_does_not_have_is_kept_for_a_person(
    engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes(monkeypatch, quote_reference=quoted(engine), quote_lines=((2, None), (9, None)))
    say("lignes 2 et 9")
    assert drafted(engine) == [("SUC-1", 5, True), (None, None, False)]


@pytest.mark.parametrize("reference", ["DV-2026-0099", None])
def test_lines_of_a_quote_that_was_never_sent_are_read_by_a_person(
    engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch, reference: str | None
) -> None:
    quoted(engine, send=False)
    takes(monkeypatch, quote_reference=reference, quote_lines=((1, None),))
    assert say("ligne 1 de votre offre").reason == "quote_unknown"


def test_a_quote_taken_up_without_a_word_about_lines_is_all_of_it_to_be_confirmed(
    engine: Engine, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes(monkeypatch, quote_reference=quoted(engine))
    say("commande selon votre devis")
    assert drafted(engine) == [("CAF-1", 24, False), ("SUC-1", 5, False), ("THE-V", 3, False)]


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("Nous prenons les lignes 1 et 3 de votre devis {0}. Merci", [("CAF-1", 24, True), ("THE-V", 3, True)]),
        ("Bonjour, ok pour la ligne 2 de votre offre, merci", [("SUC-1", 5, True)]),
    ],
)
def test_lines_of_a_quote_are_read_and_taken_in_one_go(
    engine: Engine, say: Say, words: str, lines: list[tuple[Any, ...]]
) -> None:
    say(words.format(quoted(engine)))
    assert drafted(engine) == lines


def test_idem_alone_is_the_last_order_to_be_confirmed_and_in_an_order_a_question(engine: Engine, say: Say) -> None:
    ordered(engine, 7, CAF_1=6)
    say("idem svp")
    assert drafted(engine) == [("CAF-1", 6, False)]
    assert say("idem").reason == "correction_unclear"
