"""One order by two doors: a mail to the real mailbox and a message in chat, and the three things it may be."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from bot import texts
from bot.sandbox.mail import MailSandbox
from core import duplicates
from core.db import transaction
from core.duplicates import DuplicateDecision, Outcome
from core.messages import MessageChannel
from core.orders import Order, OrderState
from intake.mailbox import Mailbox
from intake.outgoing import SmtpSender
from intake.receive import DatabaseMailStore
from tests.bot.conftest import HOUSE, Desk
from tests.bot.conftest import desk as desk  # noqa: PLC0414 - a fixture is found by its name

BUYER = "julie@boulangerie-martin.example"


@pytest.fixture
def post(desk: Desk) -> Iterator[MailSandbox]:
    """The desk's mailbox and way out, on real servers of this process."""
    with MailSandbox(HOUSE.email, now=desk.clock) as server:
        desk.app.settings = desk.app.settings.model_copy(update={"mail": server.account()})
        desk.app.smtp = SmtpSender(server.account())
        yield server


def by_mail(desk: Desk, post: MailSandbox, words: str, number: str = "") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = BUYER, HOUSE.email, f"Bon de commande {number}".strip()
    mail["Message-ID"] = f"<{desk.clock().timestamp()}@boulangerie-martin.example>"
    mail.set_content(f"Bonjour,\n{words}\nMerci\n")
    post.send_as(BUYER, mail)
    store = DatabaseMailStore(desk.app.engine, desk.clock)
    assert Mailbox(desk.app.settings.mail, store, desk.clock).poll() == 1
    desk.settle()


def by_chat(desk: Desk, words: str) -> None:
    desk.say("customer", words)
    desk.settle()


def later(desk: Desk) -> None:
    """Long enough that a bubble begins an order of its own."""
    desk.clock.forward(minutes=45)


def latest(desk: Desk) -> tuple[Order, Order]:
    """The two orders that arrived last, the earlier one first."""
    with transaction(desk.app.engine) as session:
        found = list(session.scalars(select(Order).order_by(Order.id)))[-2:]
        for order in found:
            _ = [line.article for line in order.lines]
        return found[0], found[1]


def decided(desk: Desk) -> list[Outcome]:
    with transaction(desk.app.engine) as session:
        return list(session.scalars(select(DuplicateDecision.outcome).order_by(DuplicateDecision.id)))


def told(post: MailSandbox, words: str) -> bool:
    return any(words in raw.decode("utf-8", "replace") for raw in post.received(BUYER))


def settle(desk: Desk, action: str) -> None:
    """The agent opens the points of the later order, and presses."""
    label = texts.label(action)
    points = next(seen for seen in reversed(desk.chat("sales")) if any("Traiter" in name for name in seen.labels))
    treat = next(name for name in points.labels if "Traiter" in name)
    desk.press("sales", treat, message_id=points.message_id)
    desk.settle()
    shown = next(seen for seen in reversed(desk.chat("sales")) if label in seen.labels)
    desk.press("sales", label, message_id=shown.message_id)
    desk.settle()


def test_the_same_order_by_mail_and_by_chat_is_one_two_or_a_correction(desk: Desk, post: MailSandbox) -> None:
    # by mail, then the same in chat: one order
    by_mail(desk, post, "10 cartons de beurre doux 82", "4500123")
    later(desk)
    by_chat(desk, "10 cartons de beurre doux 82")
    first, again = latest(desk)
    assert (first.channel, again.channel) == (MessageChannel.MAIL, MessageChannel.CHAT)
    settle(desk, "duplicate_drop")
    first, again = latest(desk)
    assert (first.state, again.state) == (OrderState.DRAFT, OrderState.CANCELLED)
    assert any(first.reference in seen.text for seen in desk.chat("customer"))
    # in chat, then the same by mail: this time he wants it twice
    later(desk)
    by_chat(desk, "5 sacs de farine T65 25 kg")
    later(desk)
    by_mail(desk, post, "5 sacs de farine T65 25 kg")
    first, again = latest(desk)
    assert (first.channel, again.channel) == (MessageChannel.CHAT, MessageChannel.MAIL)
    settle(desk, "duplicate_keep")
    assert [order.state for order in latest(desk)] == [OrderState.DRAFT, OrderState.DRAFT]
    with transaction(desk.app.engine) as session:
        assert duplicates.twins(session, session.get_one(Order, again.id)) == ()
    # by mail under a number, then in chat under the same number with another quantity: a correction
    later(desk)
    by_mail(desk, post, "3 cartons de levure fraîche de boulanger 500 g", "4500777")
    later(desk)
    by_chat(desk, "Bon de commande 4500777 : 4 cartons de levure fraîche de boulanger 500 g")
    settle(desk, "duplicate_correct")
    first, again = latest(desk)
    assert (first.state, again.state) == (OrderState.CANCELLED, OrderState.DRAFT)
    assert [line.quantity for line in again.kept_lines] == [80]
    assert decided(desk) == [Outcome.DUPLICATE, Outcome.CALL_OFF, Outcome.CORRECTION]
    assert told(post, first.reference)
