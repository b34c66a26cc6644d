"""A machine is never answered: bounces, automatic replies, mailings, whoever seems to send them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from zlib import crc32

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select

from core import events
from core.catalogue import Article
from core.db import transaction
from core.journal import SYSTEM
from core.messages import Message, MessageChannel, MessageState
from core.orders import Asked, AskedLine, Order, draft
from core.outbox import OutboxRow
from core.parties import Contact, Customer, Role, Staff, StaffRole
from core.settings import House, MailAccount, Settings
from intake import bounces, mime
from intake.receive import DatabaseMailStore
from intake.understand import understand

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SETTINGS = Settings(
    _env_file=None, secret_key=SecretStr("k"), house=House(name="Maison Test"),
    mail=MailAccount(address="commandes@maison-test.example", trusted_authserv_id="mx.maison-test.example"),
)  # fmt: skip
Receive = Callable[[bytes], Message]


@pytest.fixture(autouse=True)
def _supplier(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add_all(
            [
                Customer(
                    code="C1", name="Boulangerie Martin",
                    contacts=[Contact(email="achats@martin.example"), Contact(email="compta@martin.example")],
                ),
                Staff(name="Claire", email="claire@maison-test.example", grants=[StaffRole(role=Role.SALES)]),
                Article(
                    sku="FAR-T65-25", name="Farine de blé T65 sac 25 kg", unit="sac", price=Decimal("18.40"),
                    vat_percent=Decimal("5.5"),
                ),
            ]
        )  # fmt: skip


@pytest.fixture
def receive(engine: Engine) -> Receive:
    numbers = iter(range(1, 1000))

    def stored(raw: bytes) -> Message:
        uid = next(numbers)
        DatabaseMailStore(engine, lambda: AT).store(
            account="a", folder="INBOX", uidvalidity=1, uid=uid, raw=raw, fingerprint=str(uid), received_at=AT
        )  # fmt: skip
        understand(engine, settings=SETTINGS, at=AT)
        with transaction(engine) as session:
            return session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()

    return stored


def told(engine: Engine) -> list[tuple[str, str]]:
    with transaction(engine) as session:
        return [(row.audience, row.template) for row in session.scalars(select(OutboxRow).order_by(OutboxRow.id))]


ORDER = "Bonjour,\nMerci de livrer 4 sacs de farine T65.\n"


def mail(sender: str, text: str = ORDER, *, subject: str = "Commande", **fields: str) -> bytes:
    message = EmailMessage()
    message["Authentication-Results"] = f"mx.maison-test.example; dmarc=pass header.from={sender.partition('@')[2]}"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message["From"], message["To"], message["Subject"] = sender, "commandes@maison-test.example", subject
    message["Message-ID"] = f"<{crc32((sender + text + subject).encode())}@x.example>"
    message.set_content(text)
    return message.as_bytes()


@pytest.mark.parametrize("sender", ["achats@martin.example", "qui@ailleurs.example"])
@pytest.mark.parametrize(
    "marks",
    [
        {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated; x=y"}, {"X_Autoreply": "yes"},
        {"X_Auto_Response": "1"}, {"Precedence": "auto_reply"}, {"Return_Path": "<>"},
        {"subject": "Réponse automatique : Commande"}, {"subject": "Absence du bureau"},
        {"subject": "Out of Office: order"},
    ],
)  # fmt: skip
def test_e51_what_a_machine_answers_is_no_order_and_gets_no_answer(
    engine: Engine, receive: Receive, sender: str, marks: dict[str, str]
) -> None:
    message = receive(mail(sender, **marks))
    assert (message.state, message.reason) == (MessageState.IGNORED, "auto_reply")
    assert told(engine) == []


@pytest.mark.parametrize("precedence", ["bulk", "list", "junk"])
def test_e51_a_mailing_of_a_stranger_is_nobodys_business(engine: Engine, receive: Receive, precedence: str) -> None:
    message = receive(mail("promo@annonces.example", Precedence=precedence))
    assert (message.state, message.reason) == (MessageState.IGNORED, "not_an_order")
    assert told(engine) == []


def test_e51_a_mailing_of_a_customer_is_seen_by_a_person_and_gets_no_answer(engine: Engine, receive: Receive) -> None:
    receive(mail("achats@martin.example", List_Id="<clients.martin.example>"))
    assert told(engine) == [("sales", "quarantine_card")]


def report(
    recipient: str, *, status: str = "5.1.1", action: str = "failed", returned: str = "<x@y.example>", words: str = "",
    subject: str = "Undelivered Mail Returned to Sender",
) -> bytes:  # fmt: skip
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: commandes@maison-test.example\r\n"
        f"Subject: {subject}\r\nMessage-ID: <{crc32((recipient + status + returned).encode())}@mx.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered. {words}\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: commandes@maison-test.example\r\nTo: {recipient}\r\n"
        f"Cc: compta@martin.example\r\nMessage-ID: {returned}\r\nSubject: Facture\r\n\r\nVoici.\r\n--b--\r\n"
    ).encode()


def failed(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        dead = select(Contact.email).where(Contact.email_failed_at.is_not(None)).order_by(Contact.id)
        return list(session.scalars(dead))


def test_e52_a_dead_address_is_marked_and_becomes_a_task_and_gets_no_answer(engine: Engine, receive: Receive) -> None:
    message = receive(report("achats@martin.example"))
    assert (message.state, message.reason) == (MessageState.IGNORED, "bounce")
    assert failed(engine) == ["achats@martin.example"]  # whoever was copied is not dead
    assert told(engine) == [("sales", "address_failed")]
    receive(report("achats@martin.example", returned="<another@y.example>"))
    assert told(engine) == [("sales", "address_failed")]


@pytest.mark.parametrize(("status", "action"), [("4.4.1", "delayed"), ("4.2.2", "failed"), ("2.0.0", "delivered")])
def test_e55_what_is_tried_again_by_its_server_kills_no_address(
    engine: Engine, receive: Receive, status: str, action: str
) -> None:
    receive(report("achats@martin.example", status=status, action=action))
    assert (failed(engine), told(engine)) == ([], [])


@pytest.mark.parametrize("status", ["5.7.129", "5.7.133", "5.0.0"])
def test_e55_every_permanent_status_counts_known_or_not(engine: Engine, receive: Receive, status: str) -> None:
    receive(report("achats@martin.example", status=status))
    assert failed(engine) == ["achats@martin.example"]


def test_e53_a_notice_to_a_colleague_that_comes_back_is_told_to_nobody(engine: Engine, receive: Receive) -> None:
    receive(report("claire@maison-test.example"))
    assert told(engine) == []


def test_e54_a_bounce_with_our_reference_is_no_answer_of_the_customer(engine: Engine, receive: Receive) -> None:
    message = receive(report("nobody@martin.example", subject="Undelivered: Re: commande [CMD-2026-0001]"))
    assert (message.state, message.reason) == (MessageState.IGNORED, "bounce")
    assert told(engine) == []


def test_e57_what_comes_back_of_a_mail_to_a_customer_is_seen_even_where_its_address_is_on_no_card(
    engine: Engine, receive: Receive
) -> None:
    with transaction(engine) as session:
        flour = session.scalars(select(Article)).one()
        martin = session.scalars(select(Customer)).one()
        draft(
            session,
            Asked(
                customer=martin, channel=MessageChannel.MAIL, reply_email="perso@ailleurs.example",
                lines=(AskedLine("farine", flour, Decimal(4)),),
            ),
            by=SYSTEM, at=AT,
        )  # fmt: skip
        (row,) = session.scalars(select(OutboxRow).where(OutboxRow.audience == events.CUSTOMER))
        number = row.id
    before = len(told(engine))
    receive(report("perso@ailleurs.example", returned=f"<outbox.{number}@maison-test.example>"))
    assert told(engine)[before:] == [("sales", "address_failed")]


def test_no_bounce_of_the_public_collection_becomes_an_order_or_is_answered(
    engine: Engine, receive: Receive, shared_case: Callable[[str], Path]
) -> None:
    files = sorted((shared_case("mail-bounces") / "bsd").glob("*.eml"))[::12]
    assert len(files) > 20
    for path in files:
        receive(path.read_bytes())
    with transaction(engine) as session:
        assert session.scalars(select(Order)).all() == []
    assert [row for row in told(engine) if row[0] == "customer"] == []


def test_e52_the_recipients_of_public_delivery_reports_are_found(shared_case: Callable[[str], Path]) -> None:
    reports = [path.read_bytes() for path in sorted((shared_case("mail-bounces") / "bsd").glob("*.eml"))]
    permanent = [
        raw for raw in reports
        if (status := BytesParser().parsebytes(raw)) and any(
            part.get_content_type() == "message/delivery-status"
            and "status: 5" in part.as_string().lower() and "final-recipient" in part.as_string().lower()
            and "@" in part.as_string().lower().partition("final-recipient")[2].partition("\n")[0]
            for part in status.walk()
        )
    ]  # fmt: skip
    found = [raw for raw in permanent if bounces.read(mime.parse(raw, received_at=AT), domain="us.example").dead]
    assert len(permanent) > 100
    assert len(found) >= 0.95 * len(permanent)


def test_e56_an_autoresponder_that_marks_nothing_is_answered_three_times_and_no_more(
    engine: Engine, receive: Receive
) -> None:
    with transaction(engine) as session:
        martin = session.scalars(select(Customer)).one()
        for number in range(6):
            session.add(Contact(customer=martin, email=f"auto{number}@martin.example"))
    for number in range(6):
        receive(mail(f"auto{number}@martin.example", "Nous avons bien noté votre envoi.", subject="Merci"))
    assert [row for row in told(engine) if row[0] == "customer"] == [("customer", "message_kept")] * 3
    assert len([row for row in told(engine) if row[0] == "sales"]) == 6
