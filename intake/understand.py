"""Understanding what was stored: a job that can be run again at will, one message at a time.

An attempt is counted and committed before the message is touched, so that one that kills the process is counted too
(E20). What cannot be understood is a row in quarantine with its reason, shown to staff; one bad message never holds
the next one up (E15).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import deliveries, events, messages, orders, parties, quotes
from core.clock import business_date
from core.db import transaction
from core.errors import NotUnderstood
from core.journal import SYSTEM, Actor, ActorKind
from core.messages import Message, MessageChannel, MessageState
from core.orders import Asked, AskedLine, Order, OrderState
from core.outbox import OutboxRow
from core.parties import Contact, Customer, Staff
from core.settings import Settings
from intake import changes, mime, receive, replies
from intake.acknowledgements import all_received
from intake.catalogues import article_matcher
from intake.incoming import Address, Attachment, Authentication, Channel, Incoming
from intake.mime.parts import sniff
from intake.reading import Kind, Reading, read

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from intake.catalogues import ArticleMatcher

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What understanding needs beside the message."""

    settings: Settings
    at: datetime


def understand(
    engine: Engine, *, settings: Settings, at: datetime, checkpoint: Callable[[str], None] = lambda _name: None
) -> int:  # fmt: skip
    """Treat every stored message that is due, in the order in which they arrived; returns how many were tried."""
    with transaction(engine) as session:
        waiting = [message.id for message in messages.unfinished(session, at=at)]
    for message_id in waiting:
        _one(engine, message_id, Desk(settings, at), checkpoint)
    return len(waiting)


def _one(engine: Engine, message_id: int, desk: Desk, checkpoint: Callable[[str], None]) -> None:
    with transaction(engine) as session:
        message = _held(session, message_id)
        if message is None:
            return
        message.attempts += 1
        message.next_try = desk.at + messages.RETRY_AFTER * message.attempts
        if message.attempts > messages.MAX_ATTEMPTS:
            _quarantine(session, message, "gave_up", desk)
            return
    checkpoint("attempt_counted")
    try:
        with transaction(engine) as session:
            message = _held(session, message_id)
            if message is not None:
                _treat(session, message, desk)
    except NotUnderstood as reason:
        _set_aside(engine, message_id, reason.code, desk)
    except Exception:
        log.exception("understanding_failed message=%s", message_id)
        with transaction(engine) as session:
            tried = session.get_one(Message, message_id).attempts
        if tried >= messages.MAX_ATTEMPTS:
            _set_aside(engine, message_id, "processing_failed", desk)
    checkpoint("understood")


def _held(session: Session, message_id: int) -> Message | None:
    """The message, locked, when it still waits to be understood."""
    query = select(Message).where(Message.id == message_id).with_for_update(of=Message)
    message = session.scalar(query)
    return message if message is not None and message.state is MessageState.STORED else None


def _set_aside(engine: Engine, message_id: int, reason: str, desk: Desk) -> None:
    with transaction(engine) as session:
        message = _held(session, message_id)
        if message is not None:
            _describe(session, message, desk)
            _quarantine(session, message, reason, desk)


def _quarantine(session: Session, message: Message, reason: str, desk: Desk) -> None:
    """Keep it for a person, tell staff, and tell the customer when we know that it is him."""
    messages.move(session, message, MessageState.QUARANTINED, by=SYSTEM, at=desk.at, reason=reason)
    events.emit(session, "message_quarantined", message, at=desk.at)
    if message.customer_id is not None and "authenticated" in message.flags.split():
        events.emit(session, "message_kept", message, at=desk.at)


def _describe(session: Session, message: Message, desk: Desk) -> None:
    """Fill in, as far as it can be read, who wrote a message that was not understood."""
    try:
        incoming = incoming_of(session, message, settings=desk.settings)
        _note_sender(session, message, incoming)
    except Exception:  # noqa: BLE001 - the message may be in quarantine because of exactly this
        log.warning("message_not_described message=%s", message.id)


def incoming_of(session: Session, message: Message, *, settings: Settings) -> Incoming:
    """The stored message, decoded again from its raw bytes."""
    raw = messages.content_of(session, message.raw_sha256) if message.raw_sha256 else b""
    if message.channel is MessageChannel.MAIL:
        authserv = settings.mail.trusted_authserv_id or None
        return mime.parse(raw, received_at=message.received_at, trusted_authserv_id=authserv)
    said = json.loads(raw)
    customer = message.customer
    return Incoming(
        channel=Channel.CHAT, sender=Address(email="", name=message.sender), received_at=message.received_at,
        text=said["text"], authentication=Authentication.LINKED,
        customer_code=customer.code if customer is not None else None,
        attachments=tuple(_file(session, kept["name"], kept["sha256"]) for kept in said["files"]),
    )  # fmt: skip


def _file(session: Session, name: str, sha256: str) -> Attachment:
    content = messages.content_of(session, sha256)
    return Attachment(name=name, media_type=sniff(content, "", name), content=content)


def _note_sender(session: Session, message: Message, incoming: Incoming) -> None:
    message.extract = (incoming.text or incoming.quoted)[: receive.EXTRACT]
    if message.channel is not MessageChannel.MAIL:
        message.flag("authenticated")
        return
    message.sender, message.mail_subject = incoming.sender.email, incoming.subject
    known = parties.customers_by_email(session, incoming.sender.email)
    if len(known) == 1:
        message.customer, message.reply_email = known[0], incoming.sender.email
    if incoming.authentication is not Authentication.NONE:
        message.flag("authenticated")


def _treat(session: Session, message: Message, desk: Desk) -> None:
    """Say what becomes of the message: ignored, a draft, a quote, a receipt, a task for a person, or quarantine."""
    incoming = incoming_of(session, message, settings=desk.settings)
    _note_sender(session, message, incoming)
    if receive.OVERSIZED in message.flags.split():
        raise NotUnderstood("oversized")
    taken_by = _forwarding_colleague(session, incoming)
    asked_in = incoming.forwarded[-1] if taken_by is not None and incoming.forwarded else incoming
    reading = read(asked_in, today=business_date(desk.at))
    message.kind = reading.kind.value
    ignored = _reason_to_ignore(session, message, incoming, reading, desk)
    if ignored is not None:
        messages.move(session, message, MessageState.IGNORED, by=SYSTEM, at=desk.at, reason=ignored)
        return
    message.customer = message.customer if taken_by is None else _customer_of_inner(session, asked_in)
    if message.customer is None:
        raise NotUnderstood("customer_unknown")
    _act(session, message, incoming, reading, taken_by, desk)


def _reason_to_ignore(
    session: Session, message: Message, incoming: Incoming, reading: Reading, desk: Desk
) -> str | None:
    """Why nobody needs to read the message: our own, a machine's, a newsletter; None for one that matters."""
    if incoming.sender.email and incoming.sender.email == desk.settings.mail.address.lower():
        return "own_mail"
    if reading.kind is Kind.BOUNCE:
        _note_bounce(session, message, incoming, desk)
        return "bounce"
    if reading.kind is Kind.AUTO_REPLY:
        return "auto_reply"
    known = message.customer is not None
    if not known and reading.kind is Kind.OTHER and not reading.lines and _machine(incoming):
        return "not_an_order"
    return None


def _act(
    session: Session, message: Message, incoming: Incoming, reading: Reading, taken_by: Staff | None, desk: Desk
) -> None:
    """Do what a known customer's message asks for, or hand it to a person."""
    customer = message.customer
    assert customer is not None  # noqa: S101 - the caller refuses an unknown one
    answered = _answers(session, message, incoming, desk)
    done, reason = True, ""
    if answered is not None and _acknowledged(session, message, incoming, answered, desk):
        reason = "receipt"
    elif answered is not None and reading.kind is not Kind.ORDER:
        done = False
    elif message.channel is MessageChannel.CHAT and _join(session, message, reading, customer, desk):
        reason = "joined"
    elif reading.kind is Kind.ORDER:
        _draft_order(session, message, incoming, reading, customer, taken_by, desk)
    elif reading.kind is Kind.QUOTE_REQUEST and reading.lines:
        quotes.draft(session, _asked(session, message, incoming, reading, customer), by=_author(customer), at=desk.at)
    elif reading.kind is Kind.OTHER:
        raise NotUnderstood("no_order_found")
    else:
        done = False
    if done:
        messages.move(session, message, MessageState.UNDERSTOOD, by=SYSTEM, at=desk.at, reason=reason)
    else:
        _for_staff(session, message, desk)


def _author(customer: Customer) -> Actor:
    return Actor(ActorKind.CUSTOMER, customer.id)


def _machine(incoming: Incoming) -> bool:
    """The mail says that it was sent to many: a newsletter needs no person."""
    bulk = incoming.headers.get("precedence", "").lower() in {"bulk", "list", "junk"}
    return bulk or "list-unsubscribe" in incoming.headers or "list-id" in incoming.headers


def _for_staff(session: Session, message: Message, desk: Desk) -> None:
    """A question, a payment notice, a change of something registered: a person answers, the customer knows."""
    messages.move(session, message, MessageState.UNDERSTOOD, by=SYSTEM, at=desk.at, reason=message.kind)
    events.emit(session, "message_for_staff", message, at=desk.at)
    if "authenticated" in message.flags.split():
        events.emit(session, "message_kept", message, at=desk.at)


def _note_bounce(session: Session, message: Message, incoming: Incoming, desk: Desk) -> None:
    """A dead address of a customer is marked and becomes a task; nothing is sent there again (E52)."""
    text = f"{incoming.text}\n{incoming.quoted}".lower()
    for contact in session.scalars(select(Contact).where(Contact.email != "")):
        if contact.email.lower() in text and contact.email_failed_at is None:
            contact.email_failed_at = desk.at
            message.customer = contact.customer
            events.emit(session, "address_failed", message, at=desk.at, email=contact.email)


def _forwarding_colleague(session: Session, incoming: Incoming) -> Staff | None:
    """The colleague who forwards a customer's mail; only an authenticated one counts (E60)."""
    if not incoming.forwarded or incoming.authentication is Authentication.NONE or not incoming.sender.email:
        return None
    return session.scalar(select(Staff).where(Staff.email == incoming.sender.email, Staff.active))


def _customer_of_inner(session: Session, inner: Incoming) -> Customer | None:
    known = parties.customers_by_email(session, inner.sender.email)
    return known[0] if len(known) == 1 else None


def _answers(session: Session, message: Message, incoming: Incoming, desk: Desk) -> str | None:
    """What of ours the mail answers: the subject of the row it replies to, else the reference it names."""
    if message.channel is not MessageChannel.MAIL:
        return None
    for identifier in incoming.in_reply_to:
        subject = session.scalar(select(OutboxRow.subject).where(OutboxRow.provider_id == identifier).limit(1))
        if subject is not None:
            return subject
    return replies.order_of(
        incoming, secret=desk.settings.secret_key.get_secret_value(), by_message_id=lambda _identifier: None
    )


def _acknowledged(session: Session, message: Message, incoming: Incoming, answered: str, desk: Desk) -> bool:
    """The customer's plain « tout est reçu » to a delivery counts as its receipt, when we know that it is him."""
    kind, _, number = answered.partition(":")
    if kind != "delivery" or incoming.authentication is Authentication.NONE or not all_received(incoming.text):
        return False
    delivery = session.get(deliveries.Delivery, int(number))
    if delivery is None or message.customer is not delivery.customer:
        return False
    if delivery.state is not deliveries.DeliveryState.SHIPPED:
        return False
    deliveries.verify(session, delivery, house=desk.settings.house, by=_author(delivery.customer), at=desk.at)
    return True


def _join(session: Session, message: Message, reading: Reading, customer: Customer, desk: Desk) -> bool:
    """Add a later bubble to the draft that the same chat has just begun; False when there is none, or another kind."""
    if reading.kind not in {Kind.ORDER, Kind.ORDER_CHANGE}:
        return False
    order = session.scalar(
        select(Order)
        .where(
            Order.customer_id == customer.id, Order.reply_chat_id == message.chat_id,
            Order.state == OrderState.DRAFT, Order.recap_accepted_at.is_(None),
            Order.created_at > desk.at - changes.SAME_ORDER,
        )
        .order_by(Order.id.desc())
        .limit(1)
    )  # fmt: skip
    if order is None:
        return False
    lines = _lines(article_matcher(session, customer), reading)
    return changes.merge(session, order, lines, reading.requested_delivery_date, by=_author(customer), at=desk.at)


def _draft_order(
    session: Session, message: Message, incoming: Incoming, reading: Reading, customer: Customer,
    taken_by: Staff | None, desk: Desk,
) -> None:  # fmt: skip
    if not reading.lines and not reading.repeat_of_last_order:
        raise NotUnderstood("order_without_lines")
    asked = _asked(session, message, incoming, reading, customer, taken_by=taken_by)
    if not asked.lines:
        raise NotUnderstood("no_last_order")
    by = taken_by.as_actor() if taken_by is not None else _author(customer)
    orders.draft(session, asked, by=by, at=desk.at)


def _asked(
    session: Session, message: Message, incoming: Incoming, reading: Reading, customer: Customer,
    taken_by: Staff | None = None,
) -> Asked:  # fmt: skip
    lines = _lines(article_matcher(session, customer), reading)
    if reading.repeat_of_last_order:
        lines = (*_again(session, customer, without=reading.removed), *lines)
    quote = quotes.by_reference(session, reading.quote_reference) if reading.quote_reference else None
    by_mail = message.channel is MessageChannel.MAIL
    return Asked(
        customer=customer,
        channel=message.channel,
        lines=lines,
        message_id=message.id,
        quote_id=quote.id if quote is not None and quote.customer_id == customer.id else None,
        reply_chat_id=message.chat_id,
        reply_email=(message.reply_email if taken_by is None else customer.email) if by_mail else "",
        thread_message_id=incoming.message_id if taken_by is None else "",
        thread_subject=incoming.subject,
        sender_authenticated=incoming.authentication is not Authentication.NONE,
        customer_reference=reading.order_reference or "",
        customer_reference_date=reading.order_date if reading.order_reference else None,
        customer_total=reading.total_net,
        accord=reading.accord,
        requested_delivery_date=reading.requested_delivery_date,
        taken_by_id=taken_by.id if taken_by is not None else None,
    )


def _lines(matcher: ArticleMatcher, reading: Reading) -> tuple[AskedLine, ...]:
    return tuple(matcher.asked(line) for line in reading.lines)


def _again(session: Session, customer: Customer, *, without: tuple[str, ...] = ()) -> tuple[AskedLine, ...]:
    """The lines of the customer's last registered order, less what he says he does not want this time."""
    last = orders.last_confirmed(session, customer)
    matcher = article_matcher(session, customer)
    unwanted = {sku for name in without for sku in matcher.possible(name)}
    return tuple(
        AskedLine(
            text=line.text, article=line.article, quantity=line.quantity, packaging=line.packaging,
            packaging_count=line.packaging_count, confidence=Decimal("0.9"),
        )
        for line in (last.kept_lines if last is not None else [])
        if line.article is None or line.article.sku not in unwanted
    )  # fmt: skip
