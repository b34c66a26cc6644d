"""Mails about an order that is registered, or that give one up: a proposal to an agent, and nothing changed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from bot import letters
from core import messages, orders, registration, stock
from core.catalogue import Article
from core.db import transaction
from core.journal import SYSTEM
from core.messages import MessageState
from core.orders import LineWish, Order, OrderRevision, OrderState, RevisionKind, revisions
from core.outbox import OutboxRow
from core.parties import Customer, Requirement
from tests.intake.test_understand import AT, SETTINGS, _supplier, mail, run, store

__all__ = ["_supplier"]


@pytest.fixture
def registered(engine: Engine, _supplier: None) -> int:
    """An order of 20 plaques of butter and 5 bags of flour, confirmed, under the customer's number 4500123."""
    text = "Bonjour,\nBon de commande n° 4500123\n2 cartons de beurre doux\n5 sacs de farine T65\nMerci"
    store(engine, mail(text, subject="Bon de commande 4500123"))
    run(engine)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        order.customer_reference = "4500123"
        order.customer.recap_policy = Requirement.IGNORED
        for article in session.scalars(select(Article)):
            stock.count(session, article.id, Decimal(100), source="count", at=AT)
        for line in order.lines:
            line.confidence = Decimal(1)
        registration.confirm(session, order.id, house=SETTINGS.house, by=SYSTEM, at=AT)
        return order.id


def wishes(engine: Engine) -> list[tuple[RevisionKind, tuple[LineWish, ...], int]]:
    with transaction(engine) as session:
        found = session.scalars(select(OrderRevision).order_by(OrderRevision.id)).all()
        made = []
        for revision in found:
            wish = revisions.wish_of(session, revision)
            made.append((revision.kind, wish.lines, len(wish.added)))
        return made


@pytest.mark.parametrize(
    ("subject", "text", "lines", "added"),
    [
        (
            "Modification commande 4500123",
            "Bonjour, sur la commande 4500123 merci de passer à 3 cartons de beurre doux",
            (LineWish(1, Decimal(30), "carton", Decimal(3)),), 0,
        ),
        (
            "Commande 4500123",
            "Bonjour, merci d'ajouter 2 sacs de farine T65 à la commande 4500123",
            (LineWish(2, Decimal(7)),), 0,
        ),
    ],
)  # fmt: skip
def test_a_change_of_a_registered_order_is_proposed(
    engine: Engine, registered: int, subject: str, text: str, lines: tuple[LineWish, ...], added: int
) -> None:
    store(engine, mail(text, subject=subject, identifier="<2@martin.example>"), uid=2)
    assert run(engine)[-1].reason == "revision"
    assert wishes(engine) == [(RevisionKind.CHANGE, lines, added)]
    with transaction(engine) as session:
        order = session.get_one(Order, registered)
        assert [line.quantity for line in order.lines] == [20, 5]
        told = session.scalars(select(OutboxRow.template).where(OutboxRow.subject.like("message:%"))).all()
        assert told == ["message_kept"]


def test_a_cancellation_is_proposed_for_a_registered_order_and_for_a_draft(engine: Engine, registered: int) -> None:
    text = "Bonjour, merci d'annuler notre commande 4500123, nous fermons."
    store(engine, mail(text, subject="Annulation", identifier="<2@martin.example>"), uid=2)
    assert run(engine)[-1].reason == "revision"
    assert [kind for kind, _, _ in wishes(engine)] == [RevisionKind.CANCELLATION]
    with transaction(engine) as session:
        order = session.get_one(Order, registered)
        assert order.state is OrderState.CONFIRMED
        registration.undo(session, order.id, house=SETTINGS.house, by=SYSTEM, at=AT)
    store(engine, mail(text, subject="Annulation", identifier="<3@martin.example>"), uid=3)
    run(engine)
    assert [kind for kind, _, _ in wishes(engine)] == [RevisionKind.CANCELLATION] * 2


def test_nobody_else_touches_an_order_and_an_unclear_one_goes_to_a_person(engine: Engine, registered: int) -> None:
    text = "Bonjour, merci d'annuler notre commande 4500123."
    strangers = [
        mail(text, sender="achats@bellevue.example", identifier="<2@b.example>"),  # another customer names it
        mail(text, identifier="<3@martin.example>", verdict=None),  # nobody vouches for this sender
    ]
    for number, raw in enumerate(strangers, start=2):
        store(engine, raw, uid=number)
        run(engine)
    assert wishes(engine) == []
    with transaction(engine) as session:
        martin = session.get_one(Order, registered).customer
        orders.draft(
            session, orders.Asked(martin, messages.MessageChannel.MAIL, ()), by=SYSTEM, at=AT
        )  # two orders are open now
        assert session.scalars(select(Customer)).all()
    unclear = mail("Bonjour, annulez notre commande svp", subject="Annulation", identifier="<4@martin.example>")
    store(engine, unclear, uid=4)
    message = run(engine)[-1]
    assert (message.state, message.reason, wishes(engine)) == (MessageState.UNDERSTOOD, "cancellation", [])


def test_the_difference_of_a_draft_is_told_by_mail_to_whom_corrects_by_mail(engine: Engine) -> None:
    store(engine, mail("Bonjour,\n2 cartons de beurre doux\n5 sacs de farine T65\nMerci"))
    run(engine)
    with transaction(engine) as session:
        reference = session.scalars(select(Order.reference)).one()
    answer = mail("7 sacs au lieu de 5", subject=f"Re: [{reference}] bien reçu", identifier="<2@martin.example>")
    store(engine, answer, uid=2)
    assert run(engine)[-1].reason == "joined"
    with transaction(engine) as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.template == "draft_changed")).all()
        said = [letters.content(session, row, house=SETTINGS.house, at=AT).html for row in rows]
    assert len(said) == 1
    assert "L2 Farine de blé T65 sac 25 kg\u00a0: 5 → <b>7 sacs</b>" in said[0].replace(" :", "\u00a0:")
