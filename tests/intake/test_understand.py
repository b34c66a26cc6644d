"""What becomes of a stored message: a draft, a quote, a task for a person, quarantine, or nothing with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from bot import inbox
from core import messages, registration
from core.catalogue import Article, Packaging
from core.db import transaction
from core.messages import MailReceipt, Message, MessageState
from core.orders import Order, OrderState
from core.outbox import OutboxRow
from core.parties import Contact, Customer, Role, Staff, StaffRole
from core.quotes import Quote
from core.settings import House, MailAccount, Settings
from intake import requests
from intake.receive import DatabaseMailStore, receive_chat
from intake.understand import understand

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    _env_file=None, secret_key=SecretStr("k"), house=House(name="Maison Test"),
    mail=MailAccount(address="commandes@maison-test.example", trusted_authserv_id="mx.maison-test.example"),
)  # fmt: skip
PASSED = "mx.maison-test.example; dmarc=pass header.from={domain}"


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        martin = Customer(code="C1", name="Boulangerie Martin", contacts=[Contact(email="achats@martin.example")])
        session.add_all(
            [
                martin,
                Customer(code="C2", name="Hôtel Bellevue", contacts=[Contact(email="achats@bellevue.example")]),
                Staff(name="Claire", email="claire@maison-test.example", grants=[StaffRole(role=Role.SALES)]),
                Article(
                    sku="BEU-DOU-1", name="Beurre doux plaque 1 kg", unit="plaque", price=Decimal("7.90"),
                    vat_percent=Decimal("5.5"), packagings=[Packaging(name="carton", quantity=Decimal(10))],
                ),
                Article(
                    sku="FAR-T65-25", name="Farine de blé T65 sac 25 kg", unit="sac", price=Decimal("18.40"),
                    vat_percent=Decimal("5.5"),
                ),
            ]
        )  # fmt: skip


def mail(
    text: str, *, sender: str = "achats@martin.example", subject: str = "Commande",
    identifier: str = "<1@martin.example>",
    verdict: str | None = PASSED, **headers: str,
) -> bytes:  # fmt: skip
    message = EmailMessage()
    if verdict is not None:
        message["Authentication-Results"] = verdict.format(domain=sender.partition("@")[2])
    message["From"], message["To"], message["Subject"] = sender, "commandes@maison-test.example", subject
    if identifier:
        message["Message-ID"] = identifier
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def store(engine: Engine, raw: bytes, *, uid: int = 1, account: str = "commandes", oversized: bool = False) -> None:
    DatabaseMailStore(engine, lambda: AT).store(
        account=account, folder="INBOX", uidvalidity=7, uid=uid, raw=raw, fingerprint=f"{len(raw)}:{uid}",
        received_at=AT, oversized=oversized,
    )  # fmt: skip


def run(engine: Engine, at: datetime = AT) -> list[Message]:
    understand(engine, settings=SETTINGS, at=at)
    with transaction(engine) as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def count(engine: Engine, table: type) -> int:
    with transaction(engine) as session:
        return len(session.scalars(select(table)).all())


def templates_sent(engine: Engine) -> list[tuple[str, str]]:
    with transaction(engine) as session:
        return [(row.audience, row.template) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


ORDER = "Bonjour,\n\nMerci de livrer 3 cartons de beurre doux.\n\nBoulangerie Martin\n"


def test_a_mail_order_becomes_a_draft_with_its_acknowledgement_and_its_card(engine: Engine) -> None:
    store(engine, mail(ORDER))
    (message,) = run(engine)
    assert message.state is MessageState.UNDERSTOOD
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert order.state is OrderState.DRAFT
        assert [(line.article.sku, line.quantity) for line in order.kept_lines if line.article] == [
            ("BEU-DOU-1", Decimal(30))
        ]
        assert order.thread_message_id == "<1@martin.example>"
    assert templates_sent(engine) == [("customer", "order_recap"), ("sales", "order_card")]


def test_e08_a_mail_without_message_id_fetched_twice_is_one_message(engine: Engine) -> None:
    raw = mail(ORDER, identifier="")
    store(engine, raw, uid=1)
    store(engine, raw, uid=2)
    assert len(run(engine)) == 1
    assert count(engine, MailReceipt) == 2
    assert count(engine, Order) == 1


def test_e07_two_mails_with_one_message_id_are_two_orders_and_flagged(engine: Engine) -> None:
    store(engine, mail(ORDER), uid=1)
    store(engine, mail(ORDER.replace("3 cartons", "5 cartons")), uid=2)
    first, second = run(engine)
    assert (first.flags.split(), "id_reuse" in second.flags.split()) == (["authenticated"], True)
    assert count(engine, Order) == 2


def test_e11_one_mail_in_two_mailboxes_is_one_order_with_both_receipts(engine: Engine) -> None:
    store(engine, b"Delivered-To: a@maison-test.example\r\n" + mail(ORDER), account="a")
    store(engine, b"Delivered-To: b@maison-test.example\r\n" + mail(ORDER), account="b")
    assert len(run(engine)) == 1
    assert count(engine, MailReceipt) == 2
    assert count(engine, Order) == 1


def test_e05_a_message_understood_twice_is_one_draft(engine: Engine) -> None:
    store(engine, mail(ORDER))
    run(engine)
    with transaction(engine) as session:
        message = session.scalars(select(Message)).one()
        message.state, message.next_try = MessageState.STORED, None
    run(engine)
    assert count(engine, Order) == 1


def test_e16_a_store_that_fails_halfway_leaves_no_bytes_behind(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the queue is away")

    monkeypatch.setattr("intake.receive.jobs.ring", broken)
    with pytest.raises(RuntimeError):
        store(engine, mail(ORDER))
    assert (count(engine, messages.Blob), count(engine, Message), count(engine, MailReceipt)) == (0, 0, 0)


def test_e19_an_order_sent_again_on_purpose_is_kept_and_shown_as_a_possible_duplicate(engine: Engine) -> None:
    text = ORDER.replace("Bonjour,", "Bonjour, voici notre bon de commande 4500123.")
    store(engine, mail(text), uid=1)
    store(engine, mail(f"Je renvoie.\n{text}", identifier="<2@martin.example>"), uid=2)
    run(engine)
    with transaction(engine) as session:
        first, second = session.scalars(select(Order).order_by(Order.id))
        found = registration.examine(session, second, house=SETTINGS.house, at=AT)
        assert {first.customer_reference, second.customer_reference} == {"4500123"}
        assert "possible_duplicate" in {finding.code for finding in found}


def test_e15_an_exception_in_one_mail_does_not_hold_the_next_one_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = requests.read

    def breaks(incoming: object, **options: object) -> object:
        if "PIÈGE" in incoming.text:  # type: ignore[attr-defined]
            raise RuntimeError("a parser died")
        return read(incoming, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(requests, "read", breaks)
    store(engine, mail("PIÈGE", identifier="<bad@martin.example>"), uid=1)
    store(engine, mail(ORDER), uid=2)
    bad, good = run(engine)
    assert (bad.state, good.state) == (MessageState.STORED, MessageState.UNDERSTOOD)


def test_e20_a_mail_that_always_breaks_the_parser_is_in_quarantine_after_three_tries(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> object:
        raise RuntimeError("a parser died")

    monkeypatch.setattr(requests, "read", breaks)
    store(engine, mail("PIÈGE"))
    for hour in range(5):
        (message,) = run(engine, AT + timedelta(hours=hour))
    assert (message.state, message.reason, message.attempts) == (MessageState.QUARANTINED, "processing_failed", 3)
    assert ("sales", "quarantine_card") in templates_sent(engine)


def test_e20_a_mail_that_kills_the_process_is_counted_and_given_up(engine: Engine) -> None:
    store(engine, mail(ORDER))
    with transaction(engine) as session:
        session.scalars(select(Message)).one().attempts = messages.MAX_ATTEMPTS
    (message,) = run(engine)
    assert (message.state, message.reason) == (MessageState.QUARANTINED, "gave_up")


def test_e29_an_oversized_mail_is_a_task_and_its_sender_is_told(engine: Engine) -> None:
    store(engine, mail("corps absent"), oversized=True)
    (message,) = run(engine)
    assert (message.state, message.reason) == (MessageState.QUARANTINED, "oversized")
    assert templates_sent(engine) == [("sales", "quarantine_card"), ("customer", "message_kept")]


def test_e51_an_automatic_reply_is_ignored_and_never_answered(engine: Engine) -> None:
    store(engine, mail("Je suis absente", subject="Réponse automatique : Commande", Auto_Submitted="auto-replied"))
    (message,) = run(engine)
    assert (message.state, message.reason) == (MessageState.IGNORED, "auto_reply")
    assert templates_sent(engine) == []


def test_e12_our_own_mail_that_comes_back_is_ignored(engine: Engine) -> None:
    store(engine, mail(ORDER, sender="commandes@maison-test.example"))
    (message,) = run(engine)
    assert (message.state, message.reason) == (MessageState.IGNORED, "own_mail")


def test_what_nobody_can_understand_is_shown_to_staff_and_its_customer_knows(engine: Engine) -> None:
    store(engine, mail("Voir avec Jean pour le machin de la dernière fois.", subject="suite"))
    (message,) = run(engine)
    assert message.state is MessageState.QUARANTINED
    assert templates_sent(engine) == [("sales", "quarantine_card"), ("customer", "message_kept")]


def test_s24_a_file_that_is_not_read_is_the_reason_that_staff_sees(engine: Engine) -> None:
    message = message_from_bytes(mail("Bonjour,\n\nCi-joint notre commande.\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    hostile = (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><Order xmlns="urn:oasis:names:specification:ubl:schema"/>'
    )
    message.add_attachment(hostile, maintype="application", subtype="xml", filename="commande.xml")
    store(engine, message.as_bytes())
    (kept,) = run(engine)
    assert (kept.state, kept.reason) == (MessageState.QUARANTINED, "xml_doctype")
    with transaction(engine) as session:
        assert "XML refusé" in inbox.message_card(session, session.get_one(Message, kept.id)).html


def edifact(*numbers: str) -> bytes:
    """An interchange of orders, one message each."""
    asked = "DTM+137:20261123:102'NAD+BY+3017800000017::9'LIN+1++FAR-T65-25:SA'QTY+21:4'UNS+S'UNT+8+{0}'"
    orders = "".join(f"UNH+{n}+ORDERS:D:96A:UN'BGM+220+{n}+9'{asked.format(n)}" for n in numbers)
    return f"UNB+UNOC:3+A+B+261123:0900+1'{orders}UNZ+{len(numbers)}+1'".encode()


def with_file(content: bytes, name: str, text: str = "Ci-joint.") -> bytes:
    message = message_from_bytes(mail(f"Bonjour,\n\n{text}\n"), policy=policy.default)
    assert isinstance(message, EmailMessage)
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def test_several_orders_of_one_interchange_are_for_a_person_to_part(engine: Engine) -> None:
    store(engine, with_file(edifact("4501", "4502"), "commandes.edi"))
    (kept,) = run(engine)
    assert (kept.state, kept.reason) == (MessageState.QUARANTINED, "several_orders")


def test_a_file_that_is_not_read_beside_lines_that_are_is_shown_to_staff(engine: Engine) -> None:
    store(engine, with_file(b"MZ" + b"\x00" * 200, "commande.exe", "Merci de livrer 3 cartons de beurre doux."))
    (message,) = run(engine)
    assert message.state is MessageState.UNDERSTOOD
    assert ("sales", "customer_message") in templates_sent(engine)


def test_an_unknown_sender_is_in_quarantine_and_gets_no_answer(engine: Engine) -> None:
    store(engine, mail("Bonjour,\n\nMerci de livrer 3 cartons de beurre doux.\n", sender="qui@ailleurs.example"))
    (message,) = run(engine)
    assert (message.state, message.reason) == (MessageState.QUARANTINED, "customer_unknown")
    assert templates_sent(engine) == [("sales", "quarantine_card")]


def test_s05_an_unauthenticated_sender_gets_a_draft_that_says_so(engine: Engine) -> None:
    store(engine, mail(ORDER, verdict=None))
    run(engine)
    with transaction(engine) as session:
        assert session.scalars(select(Order)).one().sender_authenticated is False


def test_a_price_request_becomes_a_draft_quote(engine: Engine) -> None:
    store(
        engine,
        mail("Bonjour,\nPouvez-vous nous faire un devis pour :\n- 20 sacs de farine T65\nMerci", subject="Devis"),
    )
    run(engine)
    with transaction(engine) as session:
        quote = session.scalars(select(Quote)).one()
        assert [(line.article.sku, line.quantity) for line in quote.lines if line.article] == [
            ("FAR-T65-25", Decimal(20))
        ]


def test_e60_a_colleague_who_forwards_an_order_orders_for_the_inner_sender(engine: Engine) -> None:
    text = (
        "Pour saisie, merci.\n\n---------- Forwarded message ---------\nDe : Achats <achats@bellevue.example>\n"
        "Date: lun. 23 nov. 2026 à 08:10\nSubject: commande\nTo: <claire@maison-test.example>\n\n"
        "Bonjour,\nMerci de livrer 4 sacs de farine T65.\n"
    )
    store(engine, mail(text, sender="claire@maison-test.example", subject="Fwd: commande"))
    run(engine)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert order.customer.code == "C2"
        assert order.taken_by_id is not None


def chat(engine: Engine, number: int, text: str, at: datetime = AT) -> None:
    with transaction(engine) as session:
        martin = session.scalars(select(Customer).where(Customer.code == "C1")).one()
        receive_chat(
            session, chat_id=77, message_id=number, text=text, received_at=at, customer_id=martin.id, sender="Paul"
        )


def test_t02_t07_a_bubble_delivered_twice_is_one_draft(engine: Engine) -> None:
    chat(engine, 1, "10 cartons de beurre doux svp")
    chat(engine, 1, "10 cartons de beurre doux svp")
    assert len(run(engine)) == 1
    assert count(engine, Order) == 1


def test_t34_a_later_bubble_is_added_and_a_correction_replaces(engine: Engine) -> None:
    chat(engine, 1, "10 cartons de beurre doux svp")
    run(engine)
    chat(engine, 2, "12 cartons de beurre doux")
    chat(engine, 3, "et 5 sacs de farine T65")
    run(engine)
    with transaction(engine) as session:
        order = session.scalars(select(Order)).one()
        assert [(line.article.sku, line.quantity) for line in order.kept_lines if line.article] == [
            ("BEU-DOU-1", Decimal(120)),
            ("FAR-T65-25", Decimal(5)),
        ]
