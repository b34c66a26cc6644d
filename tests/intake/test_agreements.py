"""What a customer writes about our terms of sale: kept with its proof, or read by a person."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, select

from core import outbox, sale_terms
from core.clauses import ClauseKind
from core.db import transaction
from core.journal import SYSTEM
from core.messages import MessageState
from core.orders import Order
from core.outbox import OutboxRow, OutboxState
from core.parties import Customer, Point, Requirement
from core.sale_terms import HowAccepted, TermsAcceptance
from tests.intake.test_understand import (  # noqa: F401 - the fixture of its tables
    AT,
    ORDER,
    _supplier,
    mail,
    run,
    store,
    templates_sent,
)


def _terms(engine: Engine, *, sent: bool = True) -> None:
    """Two versions: the one of 2026-11 was sent to the customer with an order, the next was not."""
    with transaction(engine) as session:
        for version, day in (("2026-11", date(2026, 11, 1)), ("2026-12", date(2026, 11, 20))):
            sale_terms.add(
                session, version, b"%PDF-1.7 " + version.encode(), file_name=f"{version}.pdf", in_force_on=day,
                clauses={ClauseKind.PAYMENT: "30 jours"}, by=SYSTEM, at=AT,
            )  # fmt: skip
        customer = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        customer.require({Point.TERMS: Requirement.REQUIRED})
    if not sent:
        return
    store(engine, mail(ORDER), uid=50)
    run(engine)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        sale_terms.send(session, order, by=SYSTEM, at=AT)
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "terms_sent")).one()
        outbox.move(session, row, OutboxState.SENDING, at=AT)
        outbox.move(session, row, OutboxState.SENT, at=AT)
        row.sent_at = AT


def _kept(engine: Engine) -> list[tuple[str, HowAccepted, str, int | None]]:
    with transaction(engine) as session:
        query = select(TermsAcceptance).order_by(TermsAcceptance.id)
        return [(known.terms.version, known.how, known.proof, known.message_id) for known in session.scalars(query)]


def test_a_reply_accepts_the_version_sent_last_and_one_that_names_a_version_accepts_that_one(engine: Engine) -> None:
    _terms(engine)
    with transaction(engine) as session:
        assert session.scalars(select(Order)).one().blocked is False  # not looked at yet
    store(engine, mail("Bonjour,\nNous acceptons vos CGV.\nMerci", identifier="<2@m>"), uid=2)
    accepted = run(engine)[-1]
    assert (accepted.state, accepted.reason) == (MessageState.UNDERSTOOD, "terms_accepted")
    assert _kept(engine) == [("2026-12", HowAccepted.MAIL, "Nous acceptons vos CGV.", accepted.id)]
    assert templates_sent(engine)[-1] == ("customer", "terms_accepted")
    store(engine, mail("Ci-joint vos CGV version 2026-11 signées", identifier="<3@m>"), uid=3)
    run(engine)
    assert [version for version, *_ in _kept(engine)] == ["2026-12", "2026-11"]


def test_an_order_may_bring_the_acceptance_and_a_reserve_is_for_a_person(engine: Engine) -> None:
    _terms(engine)
    store(
        engine,
        mail("Bonjour,\n2 sacs de farine T65\nNous acceptons vos CGV sauf l'article 5.", identifier="<4@m>"),
        uid=4,
    )
    run(engine)
    assert (_kept(engine), templates_sent(engine)[-1]) == ([], ("sales", "customer_message"))
    store(engine, mail("Bonjour,\n5 cartons de beurre doux\nNous acceptons vos CGV.", identifier="<5@m>"), uid=5)
    message = run(engine)[-1]
    assert _kept(engine) == [("2026-12", HowAccepted.ORDER, "Nous acceptons vos CGV.", message.id)]
    with transaction(engine) as session:
        assert len(session.scalars(select(Order)).all()) == 3


def test_nobody_accepts_for_another_nor_what_was_never_sent(engine: Engine) -> None:
    _terms(engine, sent=False)
    store(engine, mail("Nous acceptons vos CGV.", identifier="<6@m>"), uid=6)
    store(engine, mail("Nous acceptons vos CGV version 2026-12.", identifier="<7@m>", verdict=None), uid=7)
    first, forged = run(engine)
    assert (first.state, first.reason) == (MessageState.UNDERSTOOD, first.kind)
    assert "terms_accepted" not in {first.reason, forged.reason}
    assert (_kept(engine), ("sales", "customer_message") in templates_sent(engine)) == ([], True)
