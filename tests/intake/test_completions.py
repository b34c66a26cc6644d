"""What customers answer to our questions about a purchase order, and the clauses that later words bring."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, select

from core import journal, orders
from core.clauses import ClauseKind
from core.db import transaction
from core.journal import SYSTEM
from core.messages import MessageState
from core.orders import Order, questions
from core.outbox import OutboxRow
from core.parties import ChatLink, Customer, DeliveryAddress
from intake.receive import receive_chat
from intake.understand import understand
from intake.understand.completions import issued_on, number_in
from tests.intake.test_understand import (  # noqa: F401 - the fixture of its tables
    AT,
    ORDER,
    SETTINGS,
    _supplier,
    mail,
    run,
    store,
    templates_sent,
)

TODAY = date(2026, 11, 23)


#: An answer, the number that it gives, and the date.
ANSWERS = [
    ("Bonjour, voici notre numéro de bon de commande : 4500123. Merci", "4500123", None),
    ("c'est le BC-2026-118", "BC-2026-118", None),
    ("4500123 du 12/11/2026", "4500123", date(2026, 11, 12)),
    (
        "Bon de commande n° A12 daté du 12 novembre 2026\n\nCordialement,\nMme Roy\n03 22 11 22 33",
        "A12",
        date(2026, 11, 12),
    ),
    ("Je vous rappelle au 0322112233 pour en parler", "", None),
    ("commande CMD-2026-0001", "", None),
    ("on n'en a pas", "", None),
]


def test_a_number_and_a_date_are_read_only_where_they_are_certain() -> None:
    for text, number, day in ANSWERS:
        assert (number_in(text), issued_on(text, today=TODAY)) == (number, day), text


def _asked(engine: Engine, *about: str) -> None:
    store(engine, mail(ORDER))
    run(engine)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        order.customer.addresses.append(
            DeliveryAddress(name="Quai", street="4 quai Sud", postcode="69002", city="Lyon")
        )
        for point in about:
            questions.ask(session, order, point, by=SYSTEM, at=AT)
        session.flush()
        rows = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_question")).all()
        for number, row in enumerate(rows):
            row.provider_id = f"<q{number}@maison-test.example>"


def _answer(engine: Engine, text: str, *, uid: int = 2, **headers: str) -> object:
    headers.setdefault("In_Reply_To", "<q0@maison-test.example>")
    raw = mail(text, identifier=f"<a{uid}@martin.example>", subject="Re: Une précision", **headers)
    store(engine, raw, uid=uid)
    return run(engine)[-1]


def test_a_reply_fills_what_was_asked_and_shows_the_difference(engine: Engine) -> None:
    _asked(engine, "number", "date", "address")
    message = _answer(
        engine, "Bonjour,\nBon de commande 4500123 du 12/11/2026, livraison : 4 quai Sud 69002 Lyon.\nMerci"
    )
    assert (message.state, message.reason) == (MessageState.UNDERSTOOD, "completed")
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert (order.customer_reference, order.customer_reference_date) == ("4500123", date(2026, 11, 12))
        assert order.delivery_address is not None
        assert order.delivery_address.street == "4 quai Sud"
        assert questions.open_about(session, order) == frozenset()
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_completed_info")).one()
        assert row.arguments["given"][0] == ["number", "", "4500123"]
        answered = [e for e in journal.entries_of(session, order.subject) if e.action == "customer_answered"]
        assert len(answered) == 1
    assert ("customer", "order_completed") in templates_sent(engine)
    assert ("sales", "customer_message") not in templates_sent(engine)


def test_what_was_not_asked_or_cannot_be_read_goes_to_a_person(engine: Engine) -> None:
    _asked(engine, "number")
    vague = _answer(engine, "Bonjour, je demande au service achats et reviens vers vous.")
    assert vague.reason != "completed"
    asks = _answer(engine, "Numéro 4500124, et quand livrez-vous ?", uid=3)
    assert (asks.reason, templates_sent(engine)[-1]) == ("completed", ("sales", "customer_message"))
    again = _answer(engine, "Numéro 4500999", uid=4)  # the question is answered: a change of the number is for a person
    assert again.reason != "completed"
    other = mail(
        "4500555", sender="achats@bellevue.example", identifier="<o@b>", In_Reply_To="<q0@maison-test.example>"
    )
    store(engine, other, uid=5)
    run(engine)
    with transaction(engine) as session:
        assert session.scalars(select(Order)).one().customer_reference == "4500124"


def test_in_a_chat_the_only_open_question_is_answered_and_later_bubbles_bring_clauses(engine: Engine) -> None:
    def say(number: int, text: str) -> None:
        with transaction(engine) as session:
            customer = session.scalars(select(Customer).where(Customer.code == "C1")).one()
            receive_chat(
                session, chat_id=5, message_id=number, text=text, received_at=AT, customer_id=customer.id
            )  # fmt: skip
        understand(engine, settings=SETTINGS, at=AT)

    with transaction(engine) as session:
        customer = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        session.add(ChatLink(chat_id=5, customer_id=customer.id, linked_at=AT))
    say(1, "3 cartons de beurre doux")
    say(2, "Règlement : 60 jours fin de mois.")
    say(3, "et 2 sacs de farine T65. Règlement : 45 jours.")
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert [(c.kind, c.value, c.words) for c in order.clauses] == [
            (ClauseKind.PAYMENT, "45", "Règlement : 45 jours")
        ]
        assert len(order.kept_lines) == 2
        orders.keep_ours(session, order, ClauseKind.PAYMENT, by=SYSTEM, at=AT)
        questions.ask(session, order, "number", by=SYSTEM, at=AT)
    say(4, "Règlement : 60 jours.")
    say(5, "BC 778899")
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert (order.clauses[0].value, order.clauses[0].settled) == ("60", None)
        assert (order.customer_reference, len(order.kept_lines)) == ("778899", 2)
