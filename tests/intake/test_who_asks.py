"""Who asks, in the running desk: what proves it, what only proposes it, what nobody hears before it is confirmed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from core import aliases, orders, registration
from core.aliases import SenderKind
from core.catalogue import Article
from core.db import transaction
from core.journal import SYSTEM, JournalEntry
from core.messages import ASSIGNED, Message, MessageState
from core.orders import Order
from core.outbox import OutboxRow
from core.parties import Contact, Customer, Role, Staff, StaffRole
from core.quotes import Quote
from core.settings import House, MailAccount, Settings
from intake import replies
from intake.receive import DatabaseMailStore, replay
from intake.understand import understand

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    _env_file=None, secret_key=SecretStr("k"), house=House(name="Maison Test"),
    mail=MailAccount(address="commandes@maison-test.example", trusted_authserv_id="mx.maison-test.example"),
)  # fmt: skip
ASK = "Bonjour,\n\nMerci de livrer 4 sacs de farine T65.\n"
Receive = Callable[..., Message]


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add_all(
            [
                Customer(
                    code="C1", name="Boulangerie Martin", siren="732829320",
                    contacts=[Contact(email="achats@martin.example", phone="04 72 11 22 33")],
                ),
                Customer(code="C2", name="Hôtel Bellevue", contacts=[Contact(email="achats@bellevue.example")]),
                Customer(code="C3", name="Groupe Alpes Nord", contacts=[Contact(email="nord@alpes.example")]),
                Customer(code="C4", name="Groupe Alpes Sud", contacts=[Contact(email="sud@alpes.example")]),
                Staff(name="Claire", email="claire@maison-test.example", grants=[StaffRole(role=Role.SALES)]),
                Article(
                    sku="FAR-T65-25", name="Farine de blé T65 sac 25 kg", unit="sac", price=Decimal("18.40"),
                    vat_percent=Decimal("5.5"),
                ),
            ]
        )  # fmt: skip


@pytest.fixture
def receive(engine: Engine) -> Receive:
    """Store a mail and understand it; `vouched` False leaves out what our own server would have stamped."""
    numbers = iter(range(1, 100))

    def stored(
        text: str, *, sender: str, subject: str = "Commande", vouched: bool = True,
        to: str = "commandes@maison-test.example", **fields: str,
    ) -> Message:  # fmt: skip
        mail, uid = EmailMessage(), next(numbers)
        if vouched:
            domain = sender.rstrip(">").partition("@")[2]
            mail["Authentication-Results"] = f"mx.maison-test.example; dmarc=pass header.from={domain}"
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = f"<{uid}@x.example>"
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        DatabaseMailStore(engine, lambda: AT).store(
            account="a", folder="INBOX", uidvalidity=1, uid=uid, raw=mail.as_bytes(), fingerprint=str(uid),
            received_at=AT,
        )  # fmt: skip
        understand(engine, settings=SETTINGS, at=AT)
        with transaction(engine) as session:
            found = session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
            _ = found.customer
            return found

    return stored


def last_order(engine: Engine) -> Order:
    with transaction(engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        _ = order.customer, order.lines
        return order


def told(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return [row.template for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


def told_customers(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        return [row.template for row in session.scalars(select(OutboxRow)) if row.audience == "customer"]


@pytest.mark.parametrize(
    ("sender", "text", "customer", "clue"),
    [
        ("comptoir@martin.example", ASK, "C1", "domain"),
        ("qui@gmail.com", f"{ASK}\nP. Martin\nSIREN 732 829 320\n", "C1", "number"),
        ("qui@gmail.com", f"{ASK}\nTél. 04 72 11 22 33\n", "C1", "number"),
        ("qui@gmail.com", f"{ASK}\nLa réception de l'Hôtel Bellevue\n", "C2", "name"),
        ("qui@alpes.example", f"{ASK}\nGroupe Alpes Sud\n", "C4", "name"),
    ],
)
def test_a_customer_whom_only_clues_name_is_proposed_and_hears_nothing(
    engine: Engine, receive: Receive, sender: str, text: str, customer: str, clue: str
) -> None:
    message = receive(text, sender=sender)
    assert message.state is MessageState.UNDERSTOOD
    order = last_order(engine)
    assert (order.customer.code, order.customer_clue, order.sender_authenticated) == (customer, clue, False)
    assert told(engine) == ["order_card"]
    with transaction(engine) as session:
        found = registration.examine(session, session.get_one(Order, order.id), house=SETTINGS.house, at=AT)
        assert "customer_to_confirm" in {finding.code for finding in found if finding.blocks}


def test_a_proposed_customer_who_is_confirmed_hears_of_his_order(engine: Engine, receive: Receive) -> None:
    receive(ASK, sender="comptoir@martin.example")
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        orders.set_customer(session, order, order.customer, authenticated=True, by=SYSTEM, at=AT)
    assert told_customers(engine) == ["order_recap"]


def test_two_customers_behind_one_domain_are_asked_about_and_never_guessed(engine: Engine, receive: Receive) -> None:
    message = receive(ASK, sender="qui@alpes.example")
    assert (message.state, message.reason, message.customer) == (
        MessageState.QUARANTINED,
        "customer_ambiguous",
        None,
    )
    assert {flag for flag in message.flags.split() if flag.startswith("may_be:")} == {"may_be:C3", "may_be:C4"}
    assert told(engine) == ["quarantine_card"]


def test_e60_a_forwarding_colleague_orders_for_the_inner_sender_who_hears_nothing_until_confirmed(
    engine: Engine, receive: Receive
) -> None:
    text = (
        "Pour saisie, merci.\n\n---------- Forwarded message ---------\nDe : Achats <achats@bellevue.example>\n"
        "Date: lun. 23 nov. 2026 à 08:10\nSubject: commande\nTo: <claire@maison-test.example>\n\n" + ASK
    )
    receive(text, sender="claire@maison-test.example", subject="Fwd: commande")
    order = last_order(engine)
    assert (order.customer.code, order.customer_clue) == ("C2", "forward")
    assert order.taken_by_id is not None
    assert told_customers(engine) == []


def test_a_colleagues_note_of_a_telephone_order_is_for_the_customer_it_names(engine: Engine, receive: Receive) -> None:
    note = "Commande prise par téléphone pour la Boulangerie Martin :\n- 6 sacs de farine T65\nClaire\n"
    receive(note, sender="Claire <claire@maison-test.example>", subject="commande tél")
    order = last_order(engine)
    assert (order.customer.code, order.taken_by_id is not None, order.sender_authenticated) == ("C1", True, True)
    assert [line.quantity for line in order.lines] == [Decimal(6)]


def test_s05_who_only_claims_to_be_a_colleague_takes_no_order(engine: Engine, receive: Receive) -> None:
    note = "Commande prise par téléphone pour la Boulangerie Martin :\n- 6 sacs de farine T65\nClaire\n"
    receive(note, sender="claire@maison-test.example", vouched=False)
    order = last_order(engine)
    assert (order.taken_by_id, order.sender_authenticated) == (None, False)
    assert told_customers(engine) == []


def test_our_prices_go_to_nobody_of_whom_we_are_not_sure(engine: Engine, receive: Receive) -> None:
    text = "Bonjour,\nPouvez-vous nous faire un devis pour :\n- 20 sacs de farine T65\nHôtel Bellevue"
    message = receive(text, sender="qui@gmail.com", subject="Demande de devis")
    assert (message.state, message.reason) == (MessageState.QUARANTINED, "customer_to_confirm")
    with transaction(engine) as session:
        assert session.scalars(select(Quote)).all() == []
    assert told(engine) == ["quarantine_card"]


@pytest.mark.parametrize(
    ("kind", "text", "certain"),
    [
        (SenderKind.ADDRESS, "bruno@gmail.com", True),
        (SenderKind.DOMAIN, "atelier-bruno.example", True),
        (SenderKind.SIGNATURE, "Chez Bruno", False),
    ],
)
def test_a_sender_that_was_taught_is_known_and_can_be_forgotten(
    engine: Engine, receive: Receive, kind: SenderKind, text: str, certain: bool
) -> None:
    sender = {"domain": "cuisine@atelier-bruno.example"}.get(kind.value, "bruno@gmail.com")
    with transaction(engine) as session:
        bellevue = session.scalars(select(Customer).where(Customer.code == "C2")).one()
        aliases.learn_sender(session, bellevue, kind, text, by=SYSTEM, at=AT)
    receive(f"{ASK}\nChez Bruno\n", sender=sender)
    order = last_order(engine)
    assert (order.customer.code, not order.customer_clue, order.sender_authenticated) == ("C2", certain, certain)
    with transaction(engine) as session:
        bellevue = session.scalars(select(Customer).where(Customer.code == "C2")).one()
        (known,) = aliases.learned(session, bellevue)
        aliases.forget(session, bellevue, known.kind, known.id, by=SYSTEM, at=AT)
    assert receive(f"{ASK}\nencore\nChez Bruno\n", sender=sender).reason == "customer_unknown"


def test_a_newsletter_that_names_a_customer_is_nobodys_order_and_gets_no_answer(
    engine: Engine, receive: Receive
) -> None:
    message = receive(
        "Nos offres du mois : 4 sacs de farine T65 achetés, le 5e offert ! Boulangerie Martin les adore.",
        sender="promo@annonces.example", subject="Newsletter", List_Unsubscribe="<https://annonces.example/u>",
    )  # fmt: skip
    assert (message.state, message.reason) == (MessageState.IGNORED, "not_an_order")
    assert told(engine) == []


def test_e51_a_known_customers_mailing_is_shown_to_a_person_and_never_answered(
    engine: Engine, receive: Receive
) -> None:
    message = receive("Nos horaires d'été changent.", sender="achats@martin.example", Precedence="bulk")
    assert message.state is MessageState.QUARANTINED
    assert told_customers(engine) == []


def test_a_message_that_is_read_again_days_later_keeps_its_own_thursday(engine: Engine, receive: Receive) -> None:
    message = receive(f"{ASK}\nLivraison jeudi svp.", sender="qui@gmail.com")
    assert message.reason == "customer_unknown"
    later = AT + timedelta(days=4)
    with transaction(engine) as session:
        waiting = session.get_one(Message, message.id)
        waiting.customer = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        waiting.flag(ASSIGNED)
        replay(session, waiting, at=later)
    understand(engine, settings=SETTINGS, at=later)
    assert last_order(engine).requested_delivery_date == date(2026, 11, 26)


def test_what_an_earlier_reading_found_does_not_stick(engine: Engine, receive: Receive) -> None:
    text = "Bonjour,\nQuels sont vos horaires ?\nHôtel Bellevue"
    message = receive(text, sender="bruno@gmail.com", subject="question")
    assert "proposed" in message.flags.split()
    with transaction(engine) as session:
        bellevue = session.scalars(select(Customer).where(Customer.code == "C2")).one()
        aliases.learn_sender(session, bellevue, SenderKind.ADDRESS, "bruno@gmail.com", by=SYSTEM, at=AT)
        replay(session, session.get_one(Message, message.id), at=AT)
    assert told_customers(engine) == []
    understand(engine, settings=SETTINGS, at=AT)
    with transaction(engine) as session:
        again = session.get_one(Message, message.id)
        assert (again.reply_email, "proposed" in again.flags.split()) == ("bruno@gmail.com", False)
    assert told_customers(engine) == ["message_kept"]


def test_a_colleague_who_passes_a_question_on_is_not_answered_as_a_customer(engine: Engine, receive: Receive) -> None:
    text = (
        "---------- Forwarded message ---------\nDe : Achats <achats@bellevue.example>\n"
        "Date: lun. 23 nov. 2026 à 08:10\nSubject: question\nTo: <claire@maison-test.example>\n\n"
        "Bonjour, quels sont vos horaires ?\n"
    )
    receive(text, sender="claire@maison-test.example", subject="Fwd: question")
    assert told_customers(engine) == []


RECAP = {"In_Reply_To": "<outbox.1@maison-test.example>"}


def recap_was_sent(engine: Engine) -> None:
    """The recap of the last order left as the mail that a reply may name."""
    with transaction(engine) as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_recap")).one()
        row.provider_id = "<outbox.1@maison-test.example>"


def counts(engine: Engine) -> list[list[Decimal | None]]:
    with transaction(engine) as session:
        found = session.scalars(select(Order).order_by(Order.id))
        return [[line.quantity for line in order.kept_lines] for order in found]


def test_a_reply_to_the_recap_changes_the_draft_as_the_recap_says_it_does(engine: Engine, receive: Receive) -> None:
    receive(ASK, sender="achats@martin.example")
    recap_was_sent(engine)
    message = receive("Plutôt 6 svp", sender="achats@martin.example", subject="Re: Commande", **RECAP)
    assert (message.state, message.reason) == (MessageState.UNDERSTOOD, "joined")
    assert counts(engine) == [[6]]
    receive("Merci de livrer 8 sacs de farine T65.", sender="achats@martin.example", subject="Re: Commande", **RECAP)
    assert counts(engine) == [[8]]


@pytest.mark.parametrize(
    ("sender", "vouched"), [("achats@martin.example", False), ("achats@bellevue.example", True), ("x@gmail.com", True)]
)
def test_s05_nobody_else_changes_a_draft_by_answering_its_recap(
    engine: Engine, receive: Receive, sender: str, vouched: bool
) -> None:
    receive(ASK, sender="achats@martin.example")
    recap_was_sent(engine)
    text = "Merci de livrer 8 sacs de farine T65.\nBoulangerie Martin"
    receive(text, sender=sender, vouched=vouched, subject="Re: Commande", **RECAP)
    assert counts(engine)[0] == [4]


def test_e62_an_order_that_was_registered_is_never_changed_by_a_reply(engine: Engine, receive: Receive) -> None:
    receive(ASK, sender="achats@martin.example")
    recap_was_sent(engine)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        orders.confirm(session, order, by=SYSTEM, at=AT, undo=timedelta())
    receive("Merci de livrer 8 sacs de farine T65.", sender="achats@martin.example", subject="Re: Commande", **RECAP)
    assert counts(engine) == [[4], [8]]
    with transaction(engine) as session:  # the new draft names the order that it follows
        (line,) = session.scalars(select(JournalEntry).where(JournalEntry.action == "order_follows"))
        assert line.subject == "order:2"
        assert "CMD-2026-0001" in line.data


def test_e61_a_mail_that_names_us_only_where_a_server_took_it_in_is_read_and_its_token_too(
    engine: Engine, receive: Receive
) -> None:
    ours = SETTINGS.mail.address
    receive(ASK, sender="achats@martin.example", to="achats-tous@martin.example", Delivered_To=ours)
    order = last_order(engine)
    assert (order.customer.code, order.sender_authenticated) == ("C1", True)
    with transaction(engine) as session:
        recap = session.scalars(select(OutboxRow).where(OutboxRow.template == "order_recap")).one()
        token = replies.reply_address(SETTINGS.mail.address, recap, secret="k")
    message = receive("Plutôt 6 svp", sender="achats@martin.example", to="liste@martin.example", X_Original_To=token)
    assert (message.reason, counts(engine)) == ("joined", [[6]])


def test_e58_our_own_notice_that_comes_back_to_us_is_ignored(engine: Engine, receive: Receive) -> None:
    receive(ASK, sender="achats@martin.example")
    before = told(engine)
    message = receive(
        "Commande CMD-2026-0001 : 4 sacs de farine T65", sender="Maison Test <commandes@maison-test.example>",
        subject="Commande CMD-2026-0001", Auto_Submitted="auto-generated",
    )  # fmt: skip
    assert (message.state, message.reason) == (MessageState.IGNORED, "own_mail")
    assert told(engine) == before


def test_s08_we_answer_the_address_that_was_vouched_for_and_never_another_that_the_mail_names(
    engine: Engine, receive: Receive
) -> None:
    receive(ASK, sender="achats@martin.example", Reply_To="voleur@evil.example")
    receive("Une question ?", sender="achats@martin.example", Reply_To="voleur@evil.example")
    with transaction(engine) as session:
        mails = session.scalars(select(OutboxRow.email).where(OutboxRow.audience == "customer")).all()
    assert set(mails) == {"achats@martin.example"}
    assert len(mails) == 2


def test_who_forges_a_customers_address_does_not_fill_his_mailbox(engine: Engine, receive: Receive) -> None:
    for day in ("lundi", "mardi", "mercredi", "jeudi", "vendredi"):
        receive(f"Bonjour, êtes-vous ouverts {day} ?", sender="achats@martin.example", vouched=False)
    assert told_customers(engine) == ["receipt_only"] * 3
