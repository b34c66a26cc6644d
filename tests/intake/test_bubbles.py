"""Several chat bubbles, albums and cut texts that make one order, and what a later bubble corrects."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select

from core import messages
from core.catalogue import Article, Packaging
from core.db import transaction
from core.messages import Message, MessageState
from core.orders import Order
from core.parties import ChatLink, Customer
from core.settings import House, Settings
from intake.receive import receive_chat
from intake.understand import understand
from intake.understand.joins import Correction, correction

AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday
SETTINGS = Settings(_env_file=None, house=House(name="Maison Test"))
Say = Callable[..., Message]
ARTICLES = (
    ("BEU-DOU-1", "Beurre doux plaque 1 kg", "plaque", 10), ("FAR-T65-25", "Farine de blé T65 sac 25 kg", "sac", 40),
    ("LEV-FRA-500", "Levure fraîche pain 500 g", "pain", 20),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        martin = Customer(code="C1", name="Boulangerie Martin")
        session.add(martin)
        for sku, name, unit, holds in ARTICLES:
            session.add(
                Article(
                    sku=sku, name=name, unit=unit, price=Decimal(10), vat_percent=Decimal("5.5"),
                    packagings=[Packaging(name="carton", quantity=Decimal(holds))],
                )
            )  # fmt: skip
        session.flush()
        session.add(ChatLink(chat_id=77, customer_id=martin.id, linked_at=AT))


@pytest.fixture
def say(engine: Engine) -> Say:
    """Say something so many seconds after the first word; understood at once unless `later`."""
    numbers = iter(range(1, 100))

    def said(
        text: str, *, after: float = 0, files: tuple[tuple[str, bytes], ...] = (), album: str = "", later: bool = False,
        number: int | None = None,
    ) -> Message:  # fmt: skip
        at = AT + timedelta(seconds=after)
        with transaction(engine) as session:
            message = receive_chat(
                session, chat_id=77, message_id=number or next(numbers), text=text, received_at=at, files=files,
                customer_id=session.scalars(select(Customer.id)).one(), album=album,
            )  # fmt: skip
            made = message.id
        if not later:
            understand(engine, settings=SETTINGS, at=at)
        with transaction(engine) as session:
            return session.get_one(Message, made)

    return said


def drafted(engine: Engine) -> list[tuple[Any, ...]]:
    """The lines of the one draft: article, sales units, certain or not."""
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        return [
            (line.article.sku[:3] if line.article else None, line.quantity, line.confidence >= Decimal("0.9"))
            for line in order.kept_lines
        ]


@pytest.mark.parametrize(
    ("text", "new", "unit", "old"),
    [
        ("4, pas 5", 4, "", 5), ("non 4 cartons, pas 5", 4, "carton", 5), ("pas 5 mais 4", 4, "", 5),
        ("4 sacs au lieu de 5 sacs", 4, "sac", 5), ("pardon, 12 pas 10", 12, "", 10), ("plutôt 6", 6, "", None),
        ("Finalement 3 seulement !", 3, "", None), ("6 finalement svp", 6, "", None),
        ("non, 7 boîtes", 7, "boîte", None),
    ],
)  # fmt: skip
def test_a_bubble_that_does_no_more_than_correct_a_number_is_known(
    text: str, new: int, unit: str, old: int | None
) -> None:
    assert correction(text) == Correction(Decimal(new), unit, None if old is None else Decimal(old))


@pytest.mark.parametrize(
    "text",
    ["4 cartons de beurre", "6", "4 beurre, pas 5 farine", "non 4 beurre", "plutôt jeudi", "pas 5 mais 4 levures"],
)
def test_a_bubble_that_says_more_is_read_as_any_other(text: str) -> None:
    assert correction(text) is None


@pytest.mark.parametrize(
    ("words", "bubble", "quantity"),
    [
        ("5 cartons de beurre doux svp", "plutôt 6", 60), ("5 cartons de beurre doux svp", "4, pas 5", 40),
        ("5 cartons de beurre doux svp", "pardon 12", 120), ("5 cartons de beurre doux svp", "non 7 plaques", 7),
        ("5 sacs de farine T65 svp", "finalement 3", 3), ("5 sacs de farine T65 svp", "3 au lieu de 5", 3),
    ],
)  # fmt: skip
def test_a_bubble_that_is_only_a_number_corrects_the_one_before(
    engine: Engine, say: Say, words: str, bubble: str, quantity: int
) -> None:
    say(words)
    assert say(bubble, after=20).state is MessageState.UNDERSTOOD
    ((_, found, sure),) = drafted(engine)
    assert (found, sure) == (quantity, True)


def test_of_several_lines_the_one_with_the_wrong_number_is_corrected(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux\n8 sacs de farine T65")
    say("4, pas 5", after=20)
    assert drafted(engine) == [("BEU", 40, True), ("FAR", 8, True)]


def test_a_correction_after_two_lines_is_about_the_last_one_and_is_confirmed(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux\n8 sacs de farine T65")
    say("plutôt 6", after=20)
    assert drafted(engine) == [("BEU", 50, True), ("FAR", 6, False)]


def test_a_correction_is_about_the_bubble_just_before_even_when_its_line_is_older(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux\n8 sacs de farine T65")
    say("7 cartons de beurre doux", after=20)
    say("plutôt 6", after=40)
    assert drafted(engine) == [("BEU", 60, True), ("FAR", 8, True)]


def test_a_number_that_nobody_said_is_left_to_a_person(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux\n8 sacs de farine T65")
    assert say("4, pas 3", after=20).reason == "correction_unclear"
    assert drafted(engine) == [("BEU", 50, True), ("FAR", 8, True)]


def test_what_is_no_longer_wanted_is_taken_out(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux\n8 sacs de farine T65")
    say("finalement pas de beurre doux", after=20)
    assert drafted(engine) == [("FAR", 8, True)]


def test_a_draft_is_never_emptied_by_words(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux")
    assert say("finalement pas de beurre doux", after=20).reason != "joined"
    assert drafted(engine) == [("BEU", 50, True)]


def test_t36_a_comment_that_gives_the_day_joins_the_order_it_follows(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux")
    say("livraison jeudi svp", after=5)
    with transaction(engine) as session:
        assert session.scalars(select(Order)).one().requested_delivery_date == datetime(2026, 11, 26).date()  # noqa: DTZ001


def test_half_an_hour_later_a_number_corrects_nothing(engine: Engine, say: Say) -> None:
    say("5 cartons de beurre doux")
    assert say("plutôt 6", after=3600).reason == "correction_unclear"
    assert drafted(engine) == [("BEU", 50, True)]


PAGES = (
    "Référence;Désignation;Quantité\nBEU-DOU-1;Beurre doux plaque 1 kg;20\n",
    "Référence;Désignation;Quantité\nFAR-T65-25;Farine de blé T65 sac 25 kg;8\nBEU-DOU-1;Beurre doux plaque 1 kg;5\n",
)


def page(number: int) -> tuple[tuple[str, bytes], ...]:
    return ((f"page{number}.csv", PAGES[number - 1].encode()),)


def test_t35_an_album_is_one_message_that_waits_for_its_last_part(engine: Engine, say: Say) -> None:
    first = say("notre commande", files=page(1), album="9")
    assert first.state is MessageState.STORED
    second = say("", after=8, files=page(2), album="9")
    assert second.id == first.id
    say("", after=9, files=page(2), album="9", number=2)  # delivered twice
    assert understand(engine, settings=SETTINGS, at=AT + timedelta(seconds=19)) == 0
    understand(engine, settings=SETTINGS, at=AT + timedelta(seconds=22))
    assert drafted(engine) == [("BEU", 20, True), ("FAR", 8, True), ("BEU", 5, True)]


def test_t35_a_part_that_comes_late_is_added_to_the_draft_and_corrects_nothing(engine: Engine, say: Say) -> None:
    say("notre commande", files=page(1), album="9")
    understand(engine, settings=SETTINGS, at=AT + timedelta(seconds=12))
    late = say("", after=30, files=page(2), album="9", later=True)
    understand(engine, settings=SETTINGS, at=AT + timedelta(seconds=43))
    assert drafted(engine) == [("BEU", 20, True), ("FAR", 8, True), ("BEU", 5, True)]
    with transaction(engine) as session:
        assert session.get_one(Message, late.id).reason == "joined"


def test_two_albums_are_two_messages(say: Say) -> None:
    first = say("", files=page(1), album="9")
    assert say("", after=1, files=page(2), album="10").id != first.id


def test_t34_a_text_that_the_client_cut_in_three_is_one_order(engine: Engine, say: Say) -> None:
    first = ["3 cartons de beurre doux pour la boutique du centre-ville"] * 150
    whole = "\n".join(["Bonjour, notre commande :", *first, "8 sacs de farine T65", "Merci"])
    pieces = [whole[start : start + 4096] for start in range(0, len(whole), 4096)]
    assert len(pieces) == 3
    found = [say(piece, after=index / 2, later=True) for index, piece in enumerate(pieces)]
    assert len({message.id for message in found}) == 1
    with transaction(engine) as session:
        raw = messages.content_of(session, session.get_one(Message, found[0].id).raw_sha256 or "")
    assert json.loads(raw)["text"] == whole
    understand(engine, settings=SETTINGS, at=AT + timedelta(seconds=10))
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert [line.quantity for line in order.kept_lines if line.article and line.article.sku == "FAR-T65-25"] == [8]


def test_a_short_text_is_understood_at_once(say: Say) -> None:
    assert say("5 cartons de beurre doux").state is MessageState.UNDERSTOOD
