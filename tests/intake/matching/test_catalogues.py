"""The catalogue in the database, as the matching sees it: never a stale one, and each customer's own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.catalogue import Article, ArticleAlias, Packaging, remember_alias
from core.db import transaction
from core.messages import MessageChannel
from core.orders import Order, OrderLine, OrderState
from core.parties import Customer
from intake.catalogues import article_matcher
from intake.matching import DOUBTFUL
from intake.reading import texts
from tests.core.builders import AT


@pytest.fixture(autouse=True)
def _catalogue(engine: Engine) -> None:
    names = {
        "PEI-M": "Peignoir éponge blanc taille M", "PEI-L": "Peignoir éponge blanc taille L",
        "SAV-5": "Savon mains neutre bidon 5 l", "GAN-L": "Gants latex longs taille 8",
    }  # fmt: skip
    with transaction(engine) as session:
        session.add_all(
            Article(sku=sku, name=name, unit="pièce", price=Decimal(10), vat_percent=Decimal(20))
            for sku, name in names.items()
        )
        session.add_all([Customer(code="C1", name="Hôtel Bellevue"), Customer(code="C2", name="Hôtel du Port")])


def customer(session: Session, code: str = "C1") -> Customer:
    return session.query(Customer).filter_by(code=code).one()


def article(session: Session, sku: str) -> Article:
    return session.query(Article).filter_by(sku=sku).one()


def asked(session: Session, said: str, *, code: str = "C1") -> tuple[str | None, Decimal | None, Decimal]:
    (line,) = texts.lines(said)
    found = article_matcher(session, customer(session, code)).asked(line)
    return found.article.sku if found.article is not None else None, found.quantity, found.confidence


def order(session: Session, sku: str, state: OrderState, *, code: str = "C1", removed: bool = False) -> None:
    lines = [OrderLine(position=1, article_id=article(session, sku).id, quantity=Decimal(1), removed=removed)]
    session.add(
        Order(
            reference=f"CMD-{sku}-{state}-{code}", state=state, customer_id=customer(session, code).id, lines=lines,
            channel=MessageChannel.CHAT, created_at=AT,
        )
    )  # fmt: skip
    session.flush()


def test_the_index_is_built_once_for_a_state_of_the_catalogue(engine: Engine) -> None:
    with transaction(engine) as session:
        first = article_matcher(session, customer(session)).index
    with transaction(engine) as session:
        assert article_matcher(session, customer(session, "C2")).index is first


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE article SET price = price + 1 WHERE sku = 'SAV-5'",
        "UPDATE article SET name = 'Savon mains amande bidon 5 l' WHERE sku = 'SAV-5'",
        "UPDATE article SET active = false WHERE sku = 'SAV-5'",
        "UPDATE article SET gtin = '2003625530448' WHERE sku = 'SAV-5'",
        "INSERT INTO packaging (article_id, name, quantity) SELECT id, 'carton', 40000 FROM article WHERE id = 1",
        "INSERT INTO article_alias (article_id, text) SELECT id, 'savon rose' FROM article WHERE sku = 'SAV-5'",
    ],
)
def test_a_change_by_anybody_is_seen_at_once(engine: Engine, change: str) -> None:
    with transaction(engine) as session:
        before = article_matcher(session, None).index
    with transaction(engine) as session:
        session.execute(text(change))
    with transaction(engine) as session:
        assert article_matcher(session, None).index is not before


def test_two_prices_that_change_places_are_seen(engine: Engine) -> None:
    with transaction(engine) as session:
        article(session, "SAV-5").price = Decimal(20)
    with transaction(engine) as session:
        before = article_matcher(session, None).index
        article(session, "SAV-5").price, article(session, "PEI-M").price = Decimal(10), Decimal(20)
        rows = article_matcher(session, None).index.rows
        assert {row.sku: row.price for row in rows} == {
            "PEI-M": 20, "PEI-L": 10, "SAV-5": 10, "GAN-L": 10,
        } != {row.sku: row.price for row in before.rows}  # fmt: skip


def test_a_pack_and_an_alias_added_between_two_messages_count_at_once(engine: Engine) -> None:
    with transaction(engine) as session:
        assert asked(session, "2 cartons de savon mains")[1] is None
        assert asked(session, "2 lavettes magiques")[0] is None
    with transaction(engine) as session:
        soap = article(session, "SAV-5")
        soap.packagings.append(Packaging(name="carton", quantity=Decimal(4)))
        soap.aliases.append(ArticleAlias(text="lavettes magiques"))
    with transaction(engine) as session:
        assert asked(session, "2 cartons de savon mains")[:2] == ("SAV-5", 8)
        assert asked(session, "2 lavettes magiques")[0] == "SAV-5"


def test_a_customers_own_name_is_his_alone_and_needs_no_new_index(engine: Engine) -> None:
    with transaction(engine) as session:
        before = article_matcher(session, customer(session)).index
        remember_alias(session, article(session, "PEI-L"), customer_id=customer(session).id, text="HB-990")
    with transaction(engine) as session:
        assert article_matcher(session, customer(session)).index is before
        assert asked(session, "4 HB-990")[0] == "PEI-L"
        assert asked(session, "4 HB-990", code="C2")[0] is None


@pytest.mark.parametrize("state", [OrderState.CONFIRMED, OrderState.CLOSED])
def test_of_two_equal_articles_the_one_he_bought_is_taken_with_less_confidence(
    engine: Engine, state: OrderState
) -> None:
    with transaction(engine) as session:
        assert asked(session, "4 peignoirs éponge blancs")[0] is None
        order(session, "PEI-L", state)
        sku, quantity, confidence = asked(session, "4 peignoirs éponge blancs")
        assert (sku, quantity) == ("PEI-L", 4)
        assert DOUBTFUL < confidence < Decimal("0.9")
        assert asked(session, "4 peignoirs éponge blancs", code="C2")[0] is None


def test_what_he_bought_never_weighs_against_what_he_says(engine: Engine) -> None:
    with transaction(engine) as session:
        order(session, "PEI-L", OrderState.CONFIRMED)
        sku, _, confidence = asked(session, "4 peignoirs éponge blancs taille M")
        assert sku == "PEI-M"
        assert confidence >= Decimal("0.9")
        assert asked(session, "4 peignoirs éponge blancs taille XS")[2] < Decimal("0.9")


def test_when_he_bought_both_or_none_was_registered_it_stays_a_question(engine: Engine) -> None:
    with transaction(engine) as session:
        order(session, "PEI-L", OrderState.DRAFT)
        order(session, "PEI-L", OrderState.CANCELLED)
        order(session, "PEI-L", OrderState.CONFIRMED, removed=True)
        assert asked(session, "4 peignoirs éponge blancs")[0] is None
        order(session, "PEI-L", OrderState.CLOSED)
        order(session, "PEI-M", OrderState.CLOSED)
        assert asked(session, "4 peignoirs éponge blancs")[0] is None
