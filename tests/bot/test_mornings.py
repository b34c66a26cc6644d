"""Conversation (g): the morning digest by chat and by mail, and the messages that wait, played through the sandbox."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from PIL import Image
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from bot import digests
from bot.sandbox.mail import MailSandbox
from bot.sandbox.seen import Seen
from core import backups, escalations, events, figures, messages, registration, rendering
from core.ageing import Band
from core.db import transaction
from core.digests import Section
from core.journal import SYSTEM
from core.messages import MailboxHealth, Message, MessageChannel, MessageState
from core.money import Money, total
from core.orders import OrderState
from core.parties import ChatLink, Customer, Role, Staff
from core.payments import OpenItem
from core.reminders import Promise
from intake.mailbox import Mailbox
from intake.outgoing import SmtpSender
from intake.receive import DatabaseMailStore
from tests.bot.conftest import HOUSE, Desk
from tests.bot.conftest import desk as desk  # noqa: PLC0414 - a fixture is found by its name

TODAY = date(2026, 11, 30)


@pytest.fixture
def post(desk: Desk) -> Iterator[MailSandbox]:
    """The desk's mailbox and way out, on real servers of this process."""
    with MailSandbox(HOUSE.email, now=desk.clock) as server:
        desk.app.settings = desk.app.settings.model_copy(update={"mail": server.account()})
        desk.app.smtp = SmtpSender(server.account())
        yield server


def plain(seen: Seen) -> str:
    return seen.text.replace("\u00a0", " ").replace("\u202f", " ")


def link_manager(desk: Desk) -> None:
    user = desk.client.add_user("Claire", language_code="fr")
    desk.client.say(user.id, "/start")
    desk.chats["manager"] = user.id
    with transaction(desk.app.engine) as session:
        boss = session.scalars(select(Staff).where(Staff.name == "Claire")).one()
        session.add(ChatLink(chat_id=user.id, staff_id=boss.id, linked_at=desk.clock()))


def monday_morning(desk: Desk) -> None:
    """A Friday with orders, debts of every age, promises and a message nobody could read; then Monday at eight."""
    desk.clock.forward(days=4)  # Friday 27 November, 9:00 in Paris
    for minutes in (20, 38, 90):
        number = desk.order()
        desk.clock.forward(minutes=minutes)
        with transaction(desk.app.engine) as session:
            registration.confirm(session, number, house=desk.app.house, by=desk.actor("sales"), at=desk.clock())
    draft = desk.order()
    with transaction(desk.app.engine) as session:
        hotel = session.get_one(Customer, desk.ids["hotel"])
        hotel.name = "=HYPERLINK(1) Hôtel Bellevue"
        for customer, late, gross in (
            (desk.ids["customer"], -10, "39090"), (desk.ids["customer"], 12, "5280"), (desk.ids["hotel"], 46, "2310"),
            (desk.ids["hotel"], 75, "1100"), (desk.ids["hotel"], 130, "450"),
        ):  # fmt: skip
            due = TODAY - timedelta(days=late)
            session.add(
                OpenItem(customer_id=customer, number=f"FA-{late}", issue_date=due - timedelta(days=30), due_date=due,
                         gross=Money.of(gross), paid=Money.of("0"), as_of=date(2026, 11, 1))
            )  # fmt: skip
        for amount, day in (("2310", TODAY), ("580", TODAY), ("100", date(2026, 11, 27))):
            session.add(
                Promise(customer_id=hotel.id, number="FA-46", amount=Money.of(amount), day=day, made_at=desk.clock())
            )
        odd = Message(
            channel=MessageChannel.MAIL, key="mail:x", received_at=desk.clock(), sender="inconnu@example.com",
            mail_subject="Commande", extract="3 rouleaux du grand",
        )  # fmt: skip
        session.add(odd)
        session.flush()
        messages.move(session, odd, MessageState.QUARANTINED, by=SYSTEM, at=desk.clock(), reason="customer_unknown")
        session.add(MailboxHealth(account=desk.app.settings.mail.address, last_ok=desk.clock(), alarm=""))
        backups.note_made(session, at=desk.clock())
    desk.settle()
    assert desk.get(draft).reference
    desk.clock.at = desk.clock.at.replace(day=30, hour=7, minute=0)
    with transaction(desk.app.engine) as session:
        session.get_one(MailboxHealth, desk.app.settings.mail.address).last_ok = desk.clock() - timedelta(minutes=2)


def test_u11_conversation_g_each_role_has_its_own_figures_in_words_picture_and_tables(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "pdf", lambda *_: b"%PDF-1.7")  # no paper is looked at here
    link_manager(desk)
    monday_morning(desk)
    with transaction(desk.app.engine) as session:
        accountant = session.scalars(select(ChatLink).where(ChatLink.chat_id == desk.chats["accounting"])).one()
        session.delete(accountant)  # he is told by mail
        found = figures.gather(session, at=desk.clock())
    owed = found.receivables.bands
    # a group reads no price and no debt
    said = digests.words(found, (), frozenset(Role), amounts=False)
    assert "Commandes vendredi : <b>3</b>" in said.replace("\u00a0", " ")
    assert not any(word in said for word in ("€", "Encours", "Top retards"))
    assert digests.picture(found, {Section.RECEIVABLES}, amounts=False) is None
    assert digests.run(desk.app, at=desk.clock()) == 5
    assert digests.run(desk.app, at=desk.clock()) == 0  # a restart, a second tick
    desk.clock.forward(minutes=1)
    desk.settle()
    words = desk.last("manager")
    assert (words.kind, Image.open(io.BytesIO(desk.client.download(words))).width) == ("photo", 800)
    text = plain(words)
    for line in (
        "Lundi 30 novembre 2026",
        "Commandes vendredi : 3 · 2 646,00 € HT · délai médian réception → confirmation 38 min",
        "1 brouillon (depuis 2 j) · 1 message au client à identifier (depuis 2 j)",
        "Encours clients : 48 230,00 €, dont échu 9 140,00 €",
        "non échu 39 090,00 € · 1\u201330 j 5 280,00 € · 31\u201360 j 2 310,00 € · 61\u201390 j 1 100,00 €",
        "> 90 j 450,00 €",
        "Boulangerie Martin 5 280,00 € (12 j)",
        "Promesses du jour : 2 (2 890,00 €) · tenues vendredi 0/1",
        "Telegram ✓ · mail ✓ (7 h 58) · sauvegarde ✓ (ven. 27 nov., ",
        "journal vérifié ✓",
    ):
        assert line in text
    assert words.buttons == [["Brouillons", "Quarantaine"], ["Relances du jour"], ["Détail XLSX"]]
    # behind the figures: the same totals, and no text that a spreadsheet calculates
    desk.press("manager", "Détail XLSX", message_id=words.message_id)
    desk.settle()
    aged, week = desk.chat("manager")[-2:]
    assert (aged.file, week.file) == ("balance-agee-2026-11-30.xlsx", "commandes-2026-11-30.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(desk.client.download(aged))).get_sheet_by_index(0).to_python()
    assert rows[-1][0] == "Total"
    assert [Money.of(str(cell)) for cell in rows[-1][6:]] == [total(owed.values()), *owed.values()]
    assert owed[Band.TO_90] == Money.of(1100)
    assert any(row[1] == "=HYPERLINK(1) Hôtel Bellevue" for row in rows)
    orders = CalamineWorkbook.from_filelike(io.BytesIO(desk.client.download(week))).get_sheet_by_index(0).to_python()
    assert (orders[-1][0], orders[-1][1], Money.of(str(orders[-1][2]))) == ("Total", 3, Money.of(2646))
    # every button answers
    for label, expected in (("Brouillons", "CMD-2026-0004"), ("Quarantaine", "3 rouleaux du grand"),
                            ("Relances du jour", "Relances du")):  # fmt: skip
        desk.press("manager", label, message_id=words.message_id)
        desk.settle()
        assert any(expected in plain(seen) for seen in desk.chat("manager")[-2:])
    # each role sees only its business
    sales, depot, legal = (plain(desk.last(who)) for who in ("sales", "warehouse", "legal"))
    assert "Commandes vendredi" in sales
    assert not any(word in sales for word in ("Encours", "Santé", "Promesses", "Dépôt"))
    assert "Dépôt : 3 à préparer" in depot
    assert not any(word in depot for word in ("€", "Encours", "Commandes", "Santé"))
    assert "Relances du jour" in legal
    assert "€" not in legal
    mail = next(one for one in desk.postman.sent if one["To"] == "accounting@maison-delorme.example")
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Encours clients : 48 230,00 €" in body.get_content().replace("\u00a0", " ").replace("\u202f", " ")
    assert [part.get_filename() for part in mail.iter_attachments()] == [
        "point-2026-11-30.png", "balance-agee-2026-11-30.xlsx"
    ]  # fmt: skip


def by_mail(
    desk: Desk, post: MailSandbox, sender: str, subject: str, words: str, *, claims: str = "", **headers: str
) -> None:  # fmt: skip
    """A mail of that sender, who may claim to be another one."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = claims or sender, HOUSE.email, subject
    mail["Message-ID"] = f"<{desk.clock().timestamp()}.{len(words)}@elsewhere.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words)
    post.send_as(sender, mail)
    store = DatabaseMailStore(desk.app.engine, desk.clock)
    assert Mailbox(desk.app.settings.mail, store, desk.clock).poll() == 1
    desk.settle()


def card(desk: Desk, who: str, label: str) -> Seen:
    """The last message with that button."""
    return next(seen for seen in reversed(desk.chat(who)) if label in seen.labels)


def press(desk: Desk, who: str, label: str) -> Seen:
    """Press the last button of that name; what the bot shows then."""
    desk.press(who, label, message_id=card(desk, who, label).message_id)
    desk.settle()
    return desk.last(who)


def state_of(desk: Desk, subject: str) -> tuple[MessageState, str]:
    with transaction(desk.app.engine) as session:
        found = session.scalars(select(Message).where(Message.mail_subject == subject)).one()
        return found.state, found.reason


def test_u03_each_message_that_waits_has_its_reason_its_original_and_a_way_out(desk: Desk, post: MailSandbox) -> None:
    # nobody knows the sender: who he is is said by button, the order follows, the sender is remembered
    by_mail(desk, post, "nouveau@martin.example", "Commande 77", "Bonjour,\n5 sacs de farine T65 25 kg\nMerci\n")
    shown = card(desk, "sales", "Choisir le client…")
    assert "Client à identifier" in plain(shown)
    assert "L'expéditeur n'est relié à aucun client." in plain(shown)
    assert "gardé entier" in plain(shown)
    assert "5 sacs de farine T65 25 kg" in plain(press(desk, "sales", "Voir l'original"))
    press(desk, "sales", "Choisir le client…")
    desk.say("sales", "martin")
    desk.settle()
    press(desk, "sales", next(label for label in desk.last("sales").labels if "Martin" in label))
    assert state_of(desk, "Commande 77")[0] is MessageState.UNDERSTOOD
    now = next(seen for seen in desk.chat("sales") if seen.message_id == shown.message_id)
    assert now.labels == ["Voir l'original"]  # no button is left that leads nowhere
    assert "Devenu CMD-2026-0001" in plain(now)
    # a message without an order: one takes it, and the others see who
    by_mail(desk, post, "julie@boulangerie-martin.example", "Divers", "Bonjour,\nbla bla du matin.\n")
    assert state_of(desk, "Divers") == (MessageState.QUARANTINED, "no_order_found")
    press(desk, "sales", "Je m'en charge")
    assert state_of(desk, "Divers") == (MessageState.UNDERSTOOD, "taken")
    assert "Léa s'en charge" in plain(next(seen for seen in desk.chat("sales") if "Divers" in seen.text))
    # a newsletter: « why is my mail not here »
    by_mail(
        desk, post, "info@annuaire.example", "Nos offres de la semaine", "3 rouleaux offerts pour tout achat !\n",
        List_Unsubscribe="<mailto:stop@annuaire.example>", Precedence="bulk",
    )  # fmt: skip
    assert state_of(desk, "Nos offres de la semaine") == (MessageState.IGNORED, "not_an_order")
    desk.say("sales", "/quarantaine")
    desk.settle()
    listed = desk.last("sales")
    assert "Nos offres de la semaine" in plain(listed)
    assert "publicité d'un expéditeur inconnu" in plain(listed)
    press(desk, "sales", next(label for label in listed.labels if "annuaire" in label))
    press(desk, "sales", "Traiter quand même")
    state, reason = state_of(desk, "Nos offres de la semaine")
    assert (state, reason) != (MessageState.IGNORED, "not_an_order")
    assert state is MessageState.QUARANTINED
    press(desk, "sales", "Ignorer…")
    desk.say("sales", "Publicité")
    desk.settle()
    assert state_of(desk, "Nos offres de la semaine") == (MessageState.IGNORED, "Publicité")


def test_u03_a_sender_nobody_vouched_for_is_verified_or_turned_away_and_a_duplicate_shows_the_other(
    desk: Desk, post: MailSandbox
) -> None:
    buyer, thief = "julie@boulangerie-martin.example", "voleur@ailleurs.example"
    by_mail(desk, post, thief, "Commande", "Bonjour\n5 sacs de farine T65 25 kg\n", claims=buyer)
    shown = press(desk, "sales", "À surveiller (1)")
    assert f"Expéditeur non authentifié ({buyer})" in plain(shown)
    assert shown.labels == ["C'est bien lui, vérifié", "Ce n'est pas lui…", "Autre client…", "Retour"]
    press(desk, "sales", "Ce n'est pas lui…")
    press(desk, "sales", "Oui, abandonner")
    assert desk.get(1).state is OrderState.CANCELLED
    assert len(post.received(buyer)) == 1  # the receipt without lines, and nothing since
    desk.clock.forward(minutes=45)
    by_mail(desk, post, thief, "Commande 2", "Bonjour\n5 sacs de farine T65 25 kg\n", claims=buyer)
    press(desk, "sales", "À surveiller (1)")
    assert "non authentifié" not in plain(press(desk, "sales", "C'est bien lui, vérifié"))
    assert desk.get(2).sender_authenticated
    # the same again in chat: the agent looks at the first before he says what it is
    desk.clock.forward(minutes=45)
    desk.say("customer", "5 sacs de farine T65 25 kg")
    desk.settle()
    press(desk, "sales", "Traiter le point")
    assert plain(press(desk, "sales", "Voir CMD-2026-0002")).startswith("Prêt à confirmer · CMD-2026-0002")


def test_a_manager_opens_what_others_left_and_an_agent_takes_a_call(desk: Desk) -> None:
    link_manager(desk)
    number = desk.order()
    with transaction(desk.app.engine) as session:
        events.emit(session, "human_wanted", session.get_one(Customer, desk.ids["customer"]), at=desk.clock())
    desk.settle()
    desk.clock.forward(minutes=16)
    with transaction(desk.app.engine) as session:
        escalations.run(session, hours=desk.app.house.hours, at=desk.clock())
    desk.settle()
    told = desk.last("manager")
    reference = desk.get(number).reference
    assert f"Brouillon · {reference} · Boulangerie Martin · depuis 9 h 00 (le commercial)" in plain(told)
    assert "Message de client · Boulangerie Martin · depuis 9 h 00" in plain(told)
    assert reference in plain(press(desk, "manager", reference))
    press(desk, "manager", "Boulangerie Martin")
    assert "Je m'en occupe" in desk.last("manager").labels
    assert "Léa s'en occupe depuis 9 h 16" in plain(press(desk, "sales", "Je m'en occupe"))
    desk.press("manager", "Je m'en occupe", message_id=card(desk, "manager", "Je m'en occupe").message_id)
    desk.settle()
    assert "Léa s'en occupe déjà" in desk.client.toasts(desk.chats["manager"])[-1].text.replace("\u00a0", " ")
