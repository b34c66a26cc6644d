"""Purchase orders completed by buttons, clauses decided by whom they concern, terms of sale sent once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from bot import texts
from core import messages, orders, sale_terms
from core.clauses import Clause, ClauseKind
from core.clock import business_date
from core.db import transaction
from core.journal import SYSTEM
from core.messages import MessageChannel
from core.orders import Order, OrderState
from core.parties import Customer, DeliveryAddress, Point, Requirement, Staff
from core.sale_terms import TermsAcceptance
from tests.core.checks import conformity as conformity_rows
from tests.core.checks import sale_terms as terms_rows

Desk = Any
PDF = b"%PDF-1.7 our terms"
CLAUSES = (
    Clause(ClauseKind.PAYMENT, "60 eom", "Règlement : 60 jours fin de mois"),
    Clause(ClauseKind.RETENTION, "no", "Réserve de propriété exclue"),
)


def take_terms(desk: Desk, version: str = "2026-11", on: date = date(2026, 11, 1)) -> None:
    with transaction(desk.app.engine) as session:
        sale_terms.add(
            session, version, PDF + version.encode(), file_name=f"CGV-{version}.pdf", in_force_on=on,
            clauses={ClauseKind.PAYMENT: "30 jours", ClauseKind.RETENTION: "yes"}, by=SYSTEM, at=desk.clock(),
        )  # fmt: skip


def require(desk: Desk, point: Point, *, addresses: int = 0) -> None:
    with transaction(desk.app.engine) as session:
        customer = session.get_one(Customer, desk.ids["customer"])
        customer.require({point: Requirement.REQUIRED})
        for number in range(addresses):
            place = DeliveryAddress(street=f"{number + 1} quai Sud", postcode="69002", city="Lyon")
            customer.addresses.append(place)


@pytest.mark.parametrize("code", sorted({row[0] for row in (*conformity_rows.TABLE, *terms_rows.TABLE)}))
def test_every_finding_of_ours_has_its_sentence(code: str) -> None:
    assert {"text", "short"} <= set(texts.table("findings", "fr")[code])


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("45 eom", "payment", "45 jours fin de mois"), ("eom 45", "payment", "fin de mois + 45 jours"),
        ("30", "payment", "30 jours"), ("0", "payment", "un paiement comptant"), ("60 jours", "payment", "60 jours"),
        ("12.15", "rate", "12,15 % par an"), ("3x", "rate", "3 fois le taux légal"), ("DAP", "named", "DAP"),
        ("siren", "named", "le SIREN"),
    ],
)  # fmt: skip
def test_a_clause_is_said_in_words(value: str, kind: str, said: str) -> None:
    assert texts.shown(value, "fr", kind) == said


def test_an_agent_keeps_one_clause_and_the_manager_accepts_the_other(desk: Desk) -> None:
    take_terms(desk)
    number = desk.order(clauses=CLAUSES)
    desk.settle()
    assert "60 jours fin de mois" in desk.last("sales").text
    desk.press("sales", "Traiter 2 points")
    desk.settle()
    desk.press("sales", "Appliquer nos CGV")
    desk.settle()
    desk.press("sales", "Accepter leur clause…")
    desk.settle()
    desk.say("sales", "client stratégique, accord du directeur")
    desk.settle()
    row = desk.rows("clause_asked")[-1]
    assert row.email == "direction@maison-delorme.example"  # the manager has no chat: he is told by mail
    told = desk.postman.sent[-1].get_body(("plain",)).get_content()
    assert "client stratégique" in told
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, number)
        open_kind = next(clause.kind for clause in order.clauses if clause.settled is None)
        given = {"reason": "accord du directeur", "at": desk.clock()}
        orders.accept_theirs(session, order, open_kind, by=desk_manager(session), **given)
    desk.settle()
    assert any("Confirmer et prévenir" in seen.labels for seen in desk.chat("sales"))


def desk_manager(session: Any) -> Any:
    return session.scalars(select(Staff).where(Staff.name == "Claire")).one().as_actor()


def test_the_recap_names_the_version_and_the_confirmation_brings_it_once(desk: Desk) -> None:
    take_terms(desk)
    desk.order()
    desk.settle()
    assert "version 2026-11" in desk.last("customer").text
    desk.press("customer", "Confirmer")
    confirm(desk)
    with transaction(desk.app.engine) as session:
        kept = session.scalars(select(TermsAcceptance)).one()
        assert (kept.terms.version, kept.how.value) == ("2026-11", "chat")
    desk.order()
    confirm(desk)
    names = [seen.file for seen in desk.chat("customer") if seen.file]
    assert (names.count("CGV-2026-11.pdf"), len(names)) == (1, 3)  # two confirmations, the terms with the first
    take_terms(desk, "2026-12", business_date(desk.clock()))
    desk.order(channel=MessageChannel.MAIL, reply_email="julie@boulangerie-martin.example", reply_chat_id=None)
    confirm(desk)
    [mail] = [mail for mail in desk.postman.sent if "confirmée" in mail["Subject"]]
    attached = [part.get_filename() for part in mail.iter_attachments()]
    assert (len(attached), attached[1]) == (2, "CGV-2026-12.pdf")
    assert "version 2026-12, sont jointes" in mail.get_body(("plain",)).get_content().replace("\u00a0", " ")


def confirm(desk: Desk) -> None:
    desk.settle()
    desk.press("sales", "Confirmer et prévenir")
    desk.settle()
    desk.clock.forward(seconds=61)
    desk.settle()


def test_the_number_and_the_place_are_given_by_the_agent(desk: Desk) -> None:
    require(desk, Point.NUMBER, addresses=2)
    number = desk.order()
    desk.settle()
    assert "Traiter 2 points" in desk.last("sales").labels
    desk.press("sales", "Traiter 2 points")
    desk.settle()
    desk.press("sales", "N° de bon…")
    desk.settle()
    desk.say("sales", "BC-4512")
    desk.settle()
    desk.press("sales", "Choisir l'adresse…")
    desk.settle()
    desk.press("sales", "2 quai Sud Lyon")
    desk.settle()
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, number)
        assert (order.customer_reference, order.state) == ("BC-4512", OrderState.DRAFT)
        assert order.delivery_address is not None
        assert order.delivery_address.street == "2 quai Sud"
    desk.press("sales", "À compléter (1)")
    desk.settle()
    assert "facturation électronique" in desk.last("sales").text
    desk.press("sales", "Adresse électronique")
    desk.settle()
    assert "annuaire de la facturation électronique" in desk.last("customer").text
    assert "Livraison à : 2 quai Sud, 69002 Lyon" in "".join(seen.text for seen in desk.chat("customer")).replace(
        "\u00a0", " "
    )


def test_a_signed_paper_is_noted_with_where_it_is(desk: Desk) -> None:
    take_terms(desk)
    require(desk, Point.TERMS)
    desk.order()
    desk.settle()
    desk.press("sales", "Traiter le point")
    desk.settle()
    desk.press("sales", "CGV signées…")
    desk.settle()
    desk.say("sales", "signées le 12/11, classeur Martin")
    desk.settle()
    with transaction(desk.app.engine) as session:
        kept = session.scalars(select(TermsAcceptance)).one()
        assert (kept.how.value, kept.proof) == ("signed", "signées le 12/11, classeur Martin")
        assert kept.accepted_at == desk.clock()


def test_terms_are_sent_and_accepted_by_a_press_or_noted_from_a_signed_paper(desk: Desk) -> None:
    take_terms(desk)
    require(desk, Point.TERMS)
    number = desk.order()
    desk.settle()
    desk.press("sales", "Traiter le point")
    desk.settle()
    desk.press("sales", "Envoyer nos CGV")
    desk.settle()
    assert any(seen.file == "CGV-2026-11.pdf" for seen in desk.chat("customer"))
    desk.press("customer", "J'accepte ces CGV")
    desk.settle()
    assert "version 2026-11" in desk.last("customer").text
    with transaction(desk.app.engine) as session:
        kept = session.scalars(select(TermsAcceptance)).one()
        assert (kept.how.value, kept.terms.version) == ("chat", "2026-11")
    assert any("Confirmer et prévenir" in seen.labels for seen in desk.chat("sales"))
    photo = b"%PDF-1.7 signed by hand"
    desk.client.send_document(
        desk.chats["sales"], ("signe.pdf", photo), caption="CGV signées Hôtel Bellevue, version 2026-11"
    )
    desk.settle()
    assert "Hôtel Bellevue" in desk.last("sales").text
    with transaction(desk.app.engine) as session:
        signed = session.scalars(select(TermsAcceptance).order_by(TermsAcceptance.id.desc())).first()
        assert (signed.how.value, signed.customer_id) == ("signed", desk.ids["hotel"])
        assert messages.content_of(session, signed.proof_sha256) == photo
    desk.client.send_document(
        desk.chats["sales"], ("signe.pdf", photo), caption="CGV signées Hôtel Bellevue, version 1999"
    )
    desk.settle()
    assert "1999" in desk.last("sales").text
    assert desk.get(number).state.value == "draft"
