"""Conversations by mail, by real SMTP and IMAP: (b) with its variants, and what (a), (e) and (f) say in a mailbox."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import make_msgid

import pytest
import structlog
from pydantic import SecretStr
from pypdf import PdfWriter
from sqlalchemy import select

from bot import logs, push, telegram, texts
from bot.demo.purchase_order import PurchaseLine, purchase_order_pdf
from bot.sandbox.mail import MailSandbox
from core import duplicates, orders, quotes, registration, reminders
from core.clock import business_date
from core.db import transaction
from core.documents import Party
from core.duplicates import DuplicateDecision
from core.errors import TryLater
from core.messages import Message, MessageState
from core.orders import Order, OrderState, PriceChoice
from core.outbox import OutboxRow
from intake.mailbox import Mailbox
from intake.outgoing import SmtpSender
from intake.receive import DatabaseMailStore
from tests.bot.conftest import HOUSE, Desk, application
from tests.bot.conftest import desk as desk  # noqa: PLC0414 - a fixture is found by its name
from tests.typography import EMOJI, badly_set

HOTEL, BAKERY = "achats@hotel-bellevue.example", "julie@boulangerie-martin.example"
NB = "\u00a0"
#: What mails say and how they find their order does not depend on the database.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Post:
    """The desk's mailbox on real servers, and its customers' mail programs."""

    def __init__(self, desk: Desk, server: MailSandbox) -> None:
        self.desk, self.server = desk, server
        self.mailbox = Mailbox(desk.app.settings.mail, DatabaseMailStore(desk.app.engine, desk.clock), desk.clock)
        self.read: dict[str, int] = {}

    def write(self, sender: str, subject: str, text: str, *, to: str = "", pdf: bytes = b"", **fields: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, to or HOUSE.email, subject
        mail["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        if pdf:
            mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="BC_4500123.pdf")
        self.server.send_as(sender, mail)
        self.mailbox.poll()
        self.desk.settle()

    def reply(self, sender: str, text: str, *, bare: bool = False) -> None:
        """Answer the last mail; a `bare` mail program keeps nothing of it but the address to reply to."""
        last = self.last(sender)
        to = str(last["Reply-To"] or last["From"])
        if bare:
            self.write(sender, "Sans objet", text, to=to)
        else:
            answers = {"In_Reply_To": str(last["Message-ID"]), "References": str(last["Message-ID"])}
            self.write(sender, f"Re: {last['Subject']}", f"{text}\n\nLe 23 nov. 2026, Maison Delorme a écrit :\n"
                       + "".join(f"> {line}\n" for line in words(last).splitlines()), to=to, **answers)  # fmt: skip

    def mails(self, to: str) -> list[EmailMessage]:
        return [BytesParser(policy=policy.default).parsebytes(raw) for raw in self.server.received(to)]

    def last(self, to: str) -> EmailMessage:
        return self.mails(to)[-1]

    def news(self, to: str) -> list[EmailMessage]:
        """The mails to this address since they were asked for last."""
        found = self.mails(to)
        fresh, self.read[to] = found[self.read.get(to, 0) :], len(found)
        return fresh


@pytest.fixture
def post(desk: Desk) -> Iterator[Post]:
    with MailSandbox(HOUSE.email, now=desk.clock) as server:
        desk.app.settings = desk.app.settings.model_copy(update={"mail": server.account()})
        desk.app.smtp = SmtpSender(server.account())
        yield Post(desk, server)


def words(mail: EmailMessage) -> str:
    """What a mail says in its plain text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return part.get_content()


def flat(mail: EmailMessage) -> str:
    return words(mail).replace(NB, " ").replace("\u202f", " ")


def latest(desk: Desk) -> Order:
    with transaction(desk.app.engine) as session:
        order = session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()
        _ = [line.article for line in order.lines]
        return order


def reason(desk: Desk) -> tuple[MessageState, str]:
    with transaction(desk.app.engine) as session:
        message = session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
        return message.state, message.reason


def purchase_order(number: str = "4500123") -> bytes:
    lines = (
        PurchaseLine("HB-101", "Beurre doux 82 % MG plaque 1 kg", Decimal(120), "plaque", Decimal("7.90")),
        PurchaseLine("HB-102", "Farine de blé T65 sac 25 kg", Decimal(5), "sac", Decimal("17.20")),
        PurchaseLine("HB-990", "Nappe brodée main ivoire", Decimal(4), "pièce", Decimal("30.00")),
    )
    hotel = Party(name="Hôtel Bellevue", street="8 avenue des Alpes", postcode="74000", city="Annecy")
    return purchase_order_pdf(
        number=number, on=date(2026, 11, 23), quote_reference="", lines=lines, buyer=hotel, deliver_to=hotel,
        supplier=HOUSE.as_party(), wanted_on=date(2026, 11, 27), signed_by="Achats",
    )  # fmt: skip


@ON_SQLITE
def test_conversation_b_a_pdf_is_acknowledged_corrected_and_confirmed_in_its_thread(desk: Desk, post: Post) -> None:
    post.write(HOTEL, "Bon de commande 4500123", "Bonjour, ci-joint notre bon.\n", pdf=purchase_order())
    (mail,) = post.news(HOTEL)
    order = latest(desk)
    assert mail["Subject"] == f"Re: Bon de commande 4500123 — bien reçu [{order.reference}]"
    assert (mail["Auto-Submitted"], mail["In-Reply-To"]) == ("auto-replied", order.thread_message_id)
    assert str(mail["References"]) == order.thread_message_id
    assert desk.clock() == order.created_at  # within two minutes: at once
    told = flat(mail)
    assert "votre bon de commande 4500123 (BC_4500123.pdf, 3 lignes lues)" in told
    assert "Ce message n'est pas une confirmation : un commercial vérifie" in told
    assert "vous recevez sa réponse avant 11 h" in told
    assert "1 | HB-101 | Beurre doux 82 % MG plaque 1 kg | 120 plaques | 7,90 €/plaque" in told
    assert "« Nappe brodée main ivoire » : non reconnu, à préciser | 4" in told
    assert "ligne 2 : votre bon indique 17,20 €, votre tarif en vigueur est 18,40 €" in told
    assert "Répondez simplement à ce message" in told
    # a mail program that keeps nothing but the address: the token finds the order
    post.reply(HOTEL, "Bonjour,\n140 au lieu de 120 pour la ligne 1.\nCordialement\nL'hôtel", bare=True)
    (mail,) = post.news(HOTEL)
    assert reason(desk) == (MessageState.UNDERSTOOD, "joined")
    assert [line.quantity for line in latest(desk).kept_lines] == [140, 5, 4]
    assert f"[{order.reference}]" in mail["Subject"]
    assert "140" in flat(mail)
    assert "Ce message n'est pas une confirmation" in flat(mail)
    with transaction(desk.app.engine) as session:  # the agent treats his two points and confirms
        by = desk.actor("sales")
        orders.settle_price(session, session.get_one(Order, order.id), 2, PriceChoice.OURS, by=by, at=desk.clock())
        orders.remove_line(session, session.get_one(Order, order.id), 3, by=by, at=desk.clock())
        registration.confirm(session, order.id, house=desk.app.house, by=by, at=desk.clock())
    desk.settle()
    assert post.news(HOTEL) == []
    desk.clock.forward(seconds=61)
    desk.settle()
    (mail,) = post.news(HOTEL)
    assert f"Commande {order.reference} confirmée [{order.reference}]" in mail["Subject"]
    assert mail["In-Reply-To"] == order.thread_message_id
    (paper,) = mail.iter_attachments()
    assert (paper.get_content_type(), paper.get_content()[:5]) == ("application/pdf", b"%PDF-")
    assert order.reference in str(paper.get_filename())
    assert [fault for sent in post.mails(HOTEL) for fault in badly_set(words(sent))] == []
    assert all(same_numbers(sent) for sent in post.mails(HOTEL))


@ON_SQLITE
def test_conversation_b_whom_nobody_vouches_for_a_locked_pdf_and_an_order_sent_twice(desk: Desk, post: Post) -> None:
    post.server.unauthenticated.add(HOTEL)
    post.write(HOTEL, "Commande", "10 plaques de beurre doux 82\n")
    (mail,) = post.news(HOTEL)
    assert "Par sécurité, un conseiller vérifie son origine" in flat(mail)
    assert not re.search(r"[Bb]eurre|€|plaque", words(mail))
    post.write(HOTEL, "Notre commande", "Bonjour, voir le fichier joint.\n", pdf=locked())
    (mail,) = post.news(HOTEL)  # nothing of what we could not read is told to him either
    assert "Par sécurité" in flat(mail)
    post.server.unauthenticated.clear()
    post.write(HOTEL, "Notre commande", "Bonjour, voir le fichier joint, merci.\n", pdf=locked())
    (mail,) = post.news(HOTEL)
    assert reason(desk) == (MessageState.QUARANTINED, "pdf_locked")
    assert "protégée par un mot de passe. Merci de la renvoyer sans protection" in flat(mail)
    assert "répondre avec les lignes dans le texte" in flat(mail)
    post.write(HOTEL, "Bon de commande 4500777", "Bon de commande 4500777\n3 sacs de farine T65 25 kg\n")
    first = latest(desk)
    desk.clock.forward(days=1)
    post.write(HOTEL, "Bon de commande 4500777", "Bon de commande 4500777\n3 sacs de farine T65 25 kg\nMerci\n")
    mail = post.news(HOTEL)[-1]
    assert f"Ce bon nous est déjà parvenu le lun. 23 nov. ({first.reference}, en cours de vérification)" in flat(mail)
    again = latest(desk)
    assert again.id != first.id
    post.reply(HOTEL, "NOUVELLE", bare=True)
    (mail,) = post.news(HOTEL)
    assert f"{again.reference} (votre bon 4500777) est une nouvelle commande" in flat(mail)
    with transaction(desk.app.engine) as session:
        assert duplicates.twins(session, session.get_one(Order, again.id)) == ()
        assert session.scalars(select(DuplicateDecision.decided_by_id)).all() == [None]


@ON_SQLITE
@pytest.mark.long
def test_conversations_a_e_and_f_by_mail_from_the_first_words_to_the_reminder(desk: Desk, post: Post) -> None:
    post.write(HOTEL, "Pour jeudi", "Bonjour,\npour jeudi svp 10 cartons de beurre doux 82, 5 sacs farine T65 25kg\n")
    (mail,) = post.news(HOTEL)
    assert "1 | Beurre doux 82 % MG plaque 1 kg | 10 cartons = 100 plaques | 7,90 €/plaque" in flat(mail)
    assert "Livraison demandée : jeu. 26 nov." in flat(mail)
    post.reply(HOTEL, "12 cartons de beurre en fait")
    (mail,) = post.news(HOTEL)
    assert "12 cartons" in flat(mail)
    assert latest(desk).kept_lines[0].quantity == 120
    post.reply(HOTEL, "Oui, c'est bon, merci.", bare=True)
    order = latest(desk)
    assert reason(desk) == (MessageState.UNDERSTOOD, "recap_accepted")
    assert order.recap_accepted_at == desk.clock()
    with transaction(desk.app.engine) as session:
        registration.confirm(session, order.id, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    desk.clock.forward(seconds=61)
    desk.settle()
    (mail,) = post.news(HOTEL)
    assert "confirmée" in mail["Subject"]
    desk.press("warehouse", "Expédier")
    desk.settle()
    (mail,) = post.news(HOTEL)
    assert re.match(r"BL-2026-\d+\.pdf", next(iter(mail.iter_attachments())).get_filename() or "")
    assert "répondez « tout est reçu » à cet e-mail" in flat(mail)
    post.reply(HOTEL, "Bonjour, tout est bien reçu, merci")
    noted, invoiced = post.news(HOTEL)
    assert "sans remarque" in flat(noted)
    assert re.match(r"FA-2026-\d+\.pdf", next(iter(invoiced.iter_attachments())).get_filename() or "")
    assert "Notre IBAN ne change jamais par message" in flat(invoiced)
    desk.clock.forward(days=77)  # a Monday
    with transaction(desk.app.engine) as session:
        assert reminders.run(session, today=business_date(desk.clock()), at=desk.clock())
    desk.settle()
    (mail,) = post.news(HOTEL)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert not EMOJI.search(words(mail) + mail["Subject"])
    before = len(desk.chat("accounting"))
    post.reply(HOTEL, "STOP", bare=True)
    (mail,) = post.news(HOTEL)
    assert "La comptabilité le lit et vous répond" in flat(mail)
    assert any("« STOP »" in seen.text.replace(NB, " ") for seen in desk.chat("accounting")[before:])
    assert latest(desk).state is OrderState.CLOSED
    assert all(same_numbers(mail) for mail in post.mails(HOTEL))  # U13
    assert [fault for mail in post.mails(HOTEL) for fault in badly_set(words(mail))] == []  # U06


@ON_SQLITE
def test_a_token_gives_nobody_access_and_a_bounce_to_it_finds_its_mail(desk: Desk, post: Post) -> None:
    post.write(HOTEL, "Commande", "10 plaques de beurre doux 82\n")
    (mail,) = post.news(HOTEL)
    token = str(mail["Reply-To"].addresses[0].addr_spec)
    before = latest(desk)
    post.write(BAKERY, "Re: Commande", "140 au lieu de 10 pour la ligne 1\n", to=token)  # another customer's
    assert reason(desk) == (MessageState.QUARANTINED, "token_of_another")
    assert post.news(HOTEL) == []
    post.write("qui@ailleurs.example", "Re: Commande", "140 au lieu de 10 pour la ligne 1\n", to=token)  # a stranger
    assert reason(desk) == (MessageState.QUARANTINED, "customer_unknown")
    assert post.mails("qui@ailleurs.example") == []
    forged = re.sub(r"\.\w{16}@", ".aaaaaaaaaaaaaaaa@", token)
    post.write(BAKERY, "Sans objet", "12 plaques de beurre doux 82\n", to=forged)  # judged by who he is: his own order
    assert latest(desk).id != before.id
    post.server.unauthenticated.add(HOTEL)
    post.write(HOTEL, "Re: Commande", "140 au lieu de 10 pour la ligne 1\n", to=token)  # who only claims to be him
    post.server.unauthenticated.clear()
    with transaction(desk.app.engine) as session:
        order = session.get_one(Order, before.id)
        assert (order.version, [line.quantity for line in order.kept_lines]) == (before.version, [10])
    post.news(HOTEL)
    post.server.deliver(bounce(token).encode())
    post.mailbox.poll()
    desk.settle()
    assert reason(desk) == (MessageState.IGNORED, "bounce")
    with transaction(desk.app.engine) as session:
        (row,) = session.scalars(select(OutboxRow).where(OutboxRow.template == "address_failed"))
        assert row.arguments == {"email": HOTEL}
    assert post.news(HOTEL) == []


def bounce(to: str) -> str:
    """A bounce in words alone, which names neither the address nor our mail."""
    return (
        f"From: MAILER-DAEMON@mx.hotel-bellevue.example\r\nTo: {to}\r\nSubject: Undelivered Mail\r\n"
        "Auto-Submitted: auto-replied\r\nMessage-ID: <b1@mx.hotel-bellevue.example>\r\n\r\n"
        "550 5.1.1 User unknown\r\n"
    )


def locked() -> bytes:
    """A page that opens only with a password."""
    writer = PdfWriter()
    writer.add_blank_page(width=200, height=200)
    writer.encrypt("secret", algorithm="AES-256")
    with io.BytesIO() as buffer:
        writer.write(buffer)
        return buffer.getvalue()


def same_numbers(mail: EmailMessage) -> bool:
    """U13: the same numbers in text and in HTML, no resource from elsewhere, no colour that dark mode hides."""
    page = mail.get_body(("html",))
    assert page is not None
    markup = page.get_content()
    assert not re.search(r"<img|<link|<script|url\(|https?:|cid:|(?<!-)color:|background", markup)
    assert '<meta name="color-scheme" content="light dark">' in markup
    shown = texts.plain(markup.split("<body", 1)[1])
    return re.findall(r"\d+", shown.partition(">")[2]) == re.findall(r"\d+", words(mail))


@ON_SQLITE
def test_s32_s35_at_debug_no_secret_no_address_and_no_words_of_a_mail_are_logged(
    desk: Desk, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    settings = desk.app.settings
    canaries = [*logs.secrets_of(settings), HOTEL, BAKERY, "canari-du-corps", "FR7630006000011234567890189"]
    try:
        logs.set_up(level=logging.DEBUG, secrets=logs.secrets_of(settings), stream=out)
        post.write(HOTEL, "canari-du-corps", "10 plaques de beurre doux 82, canari-du-corps\n")
        monkeypatch.setattr(quotes, "draft", lambda *_, **__: (_ for _ in ()).throw(ValueError(" ".join(canaries[:5]))))
        for _ in range(3):
            post.write(HOTEL, "Devis", "Merci de nous faire un devis pour 10 plaques de beurre doux 82\n")
            desk.clock.forward(minutes=5)
        with post.server.smtp_down():
            desk.order()
            desk.settle()
        desk.postman.failures.append(TryLater("smtp_busy", about=BAKERY))
        desk.settle()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    written = out.getvalue()
    assert "understanding_failed" in written
    assert "Traceback" in written
    assert logs.hashed(HOTEL) in written  # the records of one customer are still found together
    assert [canary for canary in canaries if canary and canary in written] == []


@ON_SQLITE
def test_s34_a_revoked_token_is_told_by_mail_once_and_nothing_that_waits_is_lost(desk: Desk, post: Post) -> None:
    desk.order()
    good = desk.app.settings.telegram
    revoked = good.model_copy(update={"token": SecretStr("1234567:" + "x" * 35)})
    desk.app.settings = desk.app.settings.model_copy(update={"telegram": revoked})
    old, desk.app.application = desk.app.application, application(desk.app.settings)
    for _ in range(2):
        with pytest.raises(TryLater, match="chat_refused"):
            telegram.fetch(desk.app, timeout=0)
    push.deliver(desk.app)
    push.deliver(desk.app)
    (mail,) = post.mails("direction@maison-delorme.example")
    assert "Telegram refuse le jeton de ce bot" in flat(mail)
    assert {row.state.value for row in desk.rows("order_card")} == {"waiting"}
    desk.app.settings = desk.app.settings.model_copy(update={"telegram": good})
    desk.app.application = old
    desk.clock.forward(minutes=6)
    desk.settle()
    assert {row.state.value for row in desk.rows("order_card")} == {"sent"}
