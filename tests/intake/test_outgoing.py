"""Mail out, over real SMTP: what leaves is well formed, and every way of failing says who must act."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.mail import MailSandbox
from core.errors import Ambiguous, Refused, TryLater
from intake.incoming import Address, Attachment
from intake.mime import parse
from intake.outgoing import OutgoingMail, SmtpSender, as_bytes, build

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
US = Address("commandes@comptoir.example", "Comptoir")
CUSTOMER = Address("cli@c.example", "Épicerie « Le Coin »")
MAIL = OutgoingMail(
    to=(CUSTOMER,),
    subject="[CMD-2026-0412] Votre commande à 1 234,50 €",
    text="Bonjour,\n.point\nMerci — à bientôt\n",
    message_id="<outbox.97.1@comptoir.example>",
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[MailSandbox]:
    with MailSandbox(US.email) as server:
        yield server


def sender(sandbox: MailSandbox) -> SmtpSender:
    return SmtpSender(sandbox.account(), connect_timeout=5, answer_timeout=5)


def sent_after(sandbox: MailSandbox, before: int) -> list[bytes]:
    return [sent.raw for sent in sandbox.all_sent()[before:]]


def test_a_mail_arrives_as_it_was_written(sandbox: MailSandbox) -> None:
    pdf = Attachment("Facture n° 12.pdf", "application/pdf", b"%PDF-1.7\r\n\x00\xff\n.\r\n")
    mail = replace(MAIL, html="<p>Merci — à bientôt</p>", attachments=(pdf,))
    before = len(sandbox.all_sent())
    sender(sandbox).send(build(mail, US, at=NOW))
    (raw,) = sent_after(sandbox, before)
    incoming = parse(raw, received_at=NOW)
    assert incoming.sender == US
    assert incoming.recipients == (CUSTOMER,)
    assert (incoming.subject, incoming.text) == (mail.subject, mail.text.strip("\n"))
    assert incoming.message_id == mail.message_id
    assert incoming.attachments == (pdf,)
    assert incoming.headers["date"] == "Tue, 24 Nov 2026 10:00:00 +0000"
    assert raw.isascii()


def test_an_answer_says_that_a_machine_wrote_it_and_what_it_answers() -> None:
    references = tuple(f"<{'x' * 80}.{n}@mail.c.example>" for n in range(3))
    mail = replace(MAIL, in_reply_to=references[-1], references=references)
    raw = as_bytes(build(mail, US, at=NOW))
    incoming = parse(raw, received_at=NOW)
    assert incoming.headers["auto-submitted"] == "auto-replied"
    assert incoming.headers["x-auto-response-suppress"] == "All"
    assert incoming.headers["references"].split() == list(references)
    assert b"=?" not in raw.partition(b"References:")[2].partition(b"Auto-Submitted")[0]


def test_a_mail_of_a_person_does_not_claim_to_be_a_machines() -> None:
    incoming = parse(as_bytes(build(replace(MAIL, auto_submitted=False), US, at=NOW)), received_at=NOW)
    assert "auto-submitted" not in incoming.headers
    assert parse(as_bytes(build(MAIL, US, at=NOW)), received_at=NOW).headers["auto-submitted"] == "auto-generated"


def test_a_repeat_is_the_same_bytes() -> None:
    mail = replace(MAIL, html="<p>é</p>", attachments=(Attachment("a.pdf", "application/pdf", b"%PDF"),))
    assert as_bytes(build(mail, US, at=NOW)) == as_bytes(build(mail, US, at=NOW))


BREAKS = ["\r\nBcc: x@evil.example", "\nBcc: x@evil.example", "\rBcc: x", "a\x00b", "a\x0bb", "a\x85b", "a\u2028b"]


@pytest.mark.parametrize("text", BREAKS)
@pytest.mark.parametrize(
    "where", ["subject", "name", "email", "reply_to", "message_id", "references", "header", "file"]
)
def test_s23_a_line_break_in_a_header_is_refused(where: str, text: str) -> None:
    spoilt = {
        "subject": {"subject": f"Commande{text}"},
        "name": {"to": (Address("cli@c.example", f"Martin{text}"),)},
        "email": {"to": (Address(f"cli@c.example{text}"),)},
        "reply_to": {"reply_to": Address("cde@comptoir.example", text)},
        "message_id": {"message_id": f"<a@b>{text}"},
        "references": {"references": (f"<a@b>{text}",)},
        "header": {"headers": {"X-Commande": text}},
        "file": {"attachments": (Attachment(f"a{text}.pdf", "application/pdf", b""),)},
    }[where]
    with pytest.raises(Refused, match="mail_header_injection"):
        build(replace(MAIL, **spoilt), US, at=NOW)  # type: ignore[arg-type]


@given(subject=st.text(), name=st.text())
def test_s23_no_text_at_all_adds_a_header(subject: str, name: str) -> None:
    mail = replace(MAIL, subject=subject, to=(Address("cli@c.example", name),))
    try:
        raw = as_bytes(build(mail, US, at=NOW))
    except Refused:
        return
    written = message_from_bytes(raw, policy=default)
    assert set(map(str.lower, written.keys())) <= {
        *("from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress"),
        *("mime-version", "content-type", "content-transfer-encoding"),
    }


@pytest.mark.parametrize(
    "email", ["", "sans-arobase", "é@c.example", "a b@c.example", "a@", "@c.example", "a@b@c.example"]
)
def test_an_address_that_cannot_be_written_is_refused(email: str) -> None:
    with pytest.raises(Refused):
        build(replace(MAIL, to=(Address(email),)), US, at=NOW)


def test_a_domain_with_accents_is_written_in_its_ascii_form() -> None:
    message = build(replace(MAIL, to=(Address("cli@épicerie.example"),)), US, at=NOW)
    assert str(message["To"]) == "cli@xn--picerie-9xa.example"


def test_a_mail_to_nobody_is_refused() -> None:
    with pytest.raises(Refused, match="mail_without_recipient"):
        build(replace(MAIL, to=()), US, at=NOW)


def message() -> EmailMessage:
    return build(MAIL, US, at=NOW)


def test_a_temporary_refusal_is_tried_later_and_nothing_left(sandbox: MailSandbox) -> None:
    before = len(sandbox.all_sent())
    sandbox.fail_next("451")
    with pytest.raises(TryLater, match="smtp_busy"):
        sender(sandbox).send(message())
    assert sent_after(sandbox, before) == []


def test_a_permanent_refusal_is_final(sandbox: MailSandbox) -> None:
    sandbox.fail_next("550")
    with pytest.raises(Refused, match="smtp_refused") as caught:
        sender(sandbox).send(message())
    assert "550" in str(caught.value.data["reply"])


def test_whether_the_server_takes_plus_addresses_is_asked_without_a_mail(sandbox: MailSandbox) -> None:
    local, _, domain = sandbox.address.partition("@")
    before = len(sandbox.all_sent())
    assert sender(sandbox).takes(f"{local}+check@{domain}")
    sandbox.takes_plus_addresses = False
    assert not sender(sandbox).takes(f"{local}+check@{domain}")
    assert sender(sandbox).takes(sandbox.address)
    sandbox.takes_plus_addresses = True
    assert len(sandbox.all_sent()) == before


@pytest.mark.parametrize(("fault", "arrived"), [("drop_before", 0), ("drop_after", 1)])
def test_a_lost_answer_is_ambiguous_whether_the_mail_left_or_not(
    sandbox: MailSandbox, fault: str, arrived: int
) -> None:
    before = len(sandbox.all_sent())
    sandbox.fail_next(fault)  # type: ignore[arg-type]
    with pytest.raises(Ambiguous):
        sender(sandbox).send(message())
    assert len(sent_after(sandbox, before)) == arrived


def test_an_answer_that_does_not_come_in_time_is_ambiguous(sandbox: MailSandbox) -> None:
    before = len(sandbox.all_sent())
    sandbox.fail_next("slow")
    with pytest.raises(Ambiguous):
        SmtpSender(sandbox.account(), answer_timeout=0.1).send(message())
    assert len(sent_after(sandbox, before)) == 1


def test_a_slow_server_is_waited_for(sandbox: MailSandbox) -> None:
    sandbox.fail_next("slow")
    sender(sandbox).send(message())


def test_a_server_that_is_down_is_tried_later(sandbox: MailSandbox) -> None:
    with sandbox.smtp_down(), pytest.raises(TryLater, match="smtp_unreachable"):
        sender(sandbox).send(message())
    sender(sandbox).send(message())


def test_a_server_that_says_nothing_is_tried_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, MailSandbox() as sandbox:
        account = sandbox.account(smtp_port=silent.getsockname()[1])
        with pytest.raises(TryLater, match="smtp_unreachable"):
            SmtpSender(account, connect_timeout=0.1).send(message())


def test_a_refused_password_is_our_business_and_not_the_customers(sandbox: MailSandbox) -> None:
    account = sandbox.account(password="faux")
    with pytest.raises(TryLater, match="smtp_credentials_refused"):
        SmtpSender(account).send(message())
