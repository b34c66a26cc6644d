"""What becomes of a message that was read: ignored, a draft, a quote, a receipt, a task for a person, or quarantine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from core import automation, deliveries, events, journal, messages, orders, quotes
from core import card_changes as asked_for
from core.clock import business_date
from core.errors import NotUnderstood
from core.journal import SYSTEM, Actor, ActorKind
from core.messages import MACHINE, MAY_BE, PROPOSED, Message, MessageChannel, MessageState
from core.outbox import OutboxRow
from core.parties import Contact, Customer, Staff
from intake import bounces, card_changes, consents, receive
from intake.acknowledgements import all_received
from intake.consents import Consent
from intake.incoming import Incoming
from intake.reading import Kind, kinds
from intake.understand import agreements, answers, completions, drafts, joins, revised, threads
from intake.understand.opened import Desk, Opened, answerable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


#: What of ours accounting answers for.
OF_MONEY = frozenset({
    "reminder", "invoice", "payment", "promise", "dispute", "open_item", "refund", "payment_reversal",
})  # fmt: skip
#: So many receipts a day go to an address for which nobody vouches.
RECEIPTS_A_DAY, DAY = 3, timedelta(days=1)
#: How much of the words that acknowledge a delivery is kept as its proof.
SIGNED = 300
#: What is found of a message that says nothing but in a recording.
SILENT = frozenset({"no_order_found", "order_without_lines"})
#: Files that say nothing of an order: a logo, a signature, a page with a hidden row.
_OF_NO_MATTER = frozenset({"ocr_found_nothing", "kind_not_read", "hidden_text", "mail_hides_text", "hidden_rows"})


def treat(session: Session, message: Message, opened: Opened, desk: Desk) -> None:
    """Say what becomes of the message; what a person must read raises `NotUnderstood`."""
    opened.note(session, message)
    if receive.OVERSIZED in message.flags.split():
        raise NotUnderstood("oversized")
    wanted = messages.WANTED in message.flags.split()
    ignored = None if wanted else _reason_to_ignore(session, message, opened, desk)
    if ignored is not None:
        messages.move(session, message, MessageState.IGNORED, by=SYSTEM, at=desk.at, reason=ignored)
        return
    if message.customer is None:
        _suggest(session, message, opened, desk)
        raise NotUnderstood("customer_ambiguous" if opened.request.who.others else "customer_unknown")
    if opened.request.beside:
        raise NotUnderstood("several_messages")
    if "several_orders" in opened.reading.findings:
        raise NotUnderstood("several_orders")
    try:
        _act(session, message, message.customer, opened, desk)
    except NotUnderstood as reason:
        if opened.unheard and reason.code in SILENT:
            raise NotUnderstood("voice_not_heard") from reason
        raise
    unread = set(opened.reading.findings) - _OF_NO_MATTER
    if opened.unheard or unread:  # what was read became something, and somebody must still see to the rest
        message.flag(automation.PARTLY_READ)
        events.emit(session, "message_for_staff", message, at=desk.at)


def _reason_to_ignore(session: Session, message: Message, opened: Opened, desk: Desk) -> str | None:
    """Why nobody needs to read the message: our own, a machine's, a newsletter; None for one that matters."""
    incoming, reading = opened.incoming, opened.reading
    if incoming.sender.email and incoming.sender.email == desk.settings.mail.address.lower():
        return "own_mail"
    if reading.kind is Kind.BOUNCE:
        _note_bounce(session, message, incoming, desk)
        return "bounce"
    if reading.kind is Kind.AUTO_REPLY:
        return "auto_reply"
    unknown = not opened.request.who.certain
    if unknown and reading.kind is Kind.OTHER and not reading.lines and kinds.bulk(incoming):
        return "not_an_order"
    return None


def _suggest(session: Session, message: Message, opened: Opened, desk: Desk) -> None:
    """Whoever writes to an address that we gave to a customer may be of his house: a colleague decides."""
    row = threads.signed_row(session, opened.incoming, desk)
    customer = session.get(Customer, row.customer_id) if row is not None and row.customer_id is not None else None
    if customer is not None:
        message.flag(f"{MAY_BE}{customer.code}")


def _act(session: Session, message: Message, customer: Customer, opened: Opened, desk: Desk) -> None:
    """Do what a customer's message asks for, or hand it to a person."""
    thread = threads.answered(session, message, opened.incoming, desk)
    if threads.of_another(thread, message) and opened.taken_by is None:
        raise NotUnderstood("token_of_another")
    answered = thread.about if thread is not None else None
    if _asks_for_another_card(session, message, customer, opened, desk):
        messages.move(session, message, MessageState.UNDERSTOOD, by=SYSTEM, at=desk.at, reason="card_change")
        acknowledge(session, message, at=desk.at)
        return
    agreed = agreements.keep(session, message, opened, customer, desk)
    if agreed is not None and agreements.alone(message, opened):
        reason = "terms_accepted" if agreed is Consent.ACCEPTED else None
    elif answered is not None and _acknowledged(session, message, opened, answered, desk):
        reason = "receipt"
    else:
        reason = _followed(session, message, customer, opened, desk, answered=answered)
        if reason is None:
            reason = _begun(session, message, customer, opened, desk, answered=answered)
    if reason is None or reason == "person":
        _for_staff(session, message, desk, answered=answered)
        return
    messages.move(session, message, MessageState.UNDERSTOOD, by=SYSTEM, at=desk.at, reason=reason)
    if agreed is Consent.RESERVED:  # whatever else it is, a person reads what is said about our terms
        message.flag(automation.PARTLY_READ)
        events.emit(session, "message_for_staff", message, at=desk.at)


def _asks_for_another_card(
    session: Session, message: Message, customer: Customer, opened: Opened, desk: Desk
) -> bool:  # fmt: skip
    """Show what of his card the customer wants changed; True when the message is about nothing else."""
    if opened.taken_by is not None:
        return False
    points = card_changes.asked(f"{opened.incoming.subject}\n{opened.incoming.text}")
    for point in points:
        asked_for.ask(session, message, customer, point, at=desk.at)
    orders_too = bool(opened.reading.lines) or opened.reading.repeat_of_last_order
    return bool(points) and not orders_too and not opened.incoming.attachments


def _followed(
    session: Session, message: Message, customer: Customer, opened: Opened, desk: Desk, *, answered: str | None
) -> str | None:
    """What the words did to what he has with us, `person` where somebody must read them; None for something new."""
    himself = message.taken_by_id is None
    words = opened.incoming.text.strip() or opened.incoming.subject
    if message.channel is MessageChannel.MAIL and consents.answer(words, "stop"):
        return "person"  # whoever wants no more mails gives up no order by it
    if completions.complete(session, message, opened, customer, desk, answered=answered):
        return "completed"
    if himself and revised.follow(session, message, opened, customer, desk, answered=answered):
        events.emit(session, "message_kept", message, at=desk.at)
        return "revision"
    said = answers.treat(session, message, opened, customer, desk, answered=answered)
    if said is not None:
        return said
    if himself and joins.join(session, message, opened, customer, desk, answered=answered):
        joins.tell(session, message, opened, customer, desk, answered=answered or "")
        return "joined"
    return None


def _begun(
    session: Session, message: Message, customer: Customer, opened: Opened, desk: Desk, *, answered: str | None
) -> str | None:
    """Make a draft or a quote of what is new; None where a person must read it."""
    reading = opened.reading
    if answered is not None and reading.kind is not Kind.ORDER:
        return None
    if reading.kind is Kind.ORDER:
        _draft_order(session, message, customer, opened, desk, answered=answered)
    elif reading.kind is Kind.QUOTE_REQUEST and reading.lines:
        _draft_quote(session, message, customer, opened, desk)
    elif reading.kind is Kind.OTHER:
        raise NotUnderstood(drafts.unread(reading) or "no_order_found")
    else:
        return None
    return ""


def _draft_quote(session: Session, message: Message, customer: Customer, opened: Opened, desk: Desk) -> None:
    if not opened.request.who.certain and opened.taken_by is None:
        raise NotUnderstood("customer_to_confirm")  # our prices go to nobody of whom we are not sure
    wanted = drafts.asked(session, message, customer, opened, today=business_date(message.received_at))
    quotes.draft(session, wanted, by=author(customer), at=desk.at)


def _draft_order(
    session: Session, message: Message, customer: Customer, opened: Opened, desk: Desk, *, answered: str | None
) -> None:
    taken_by = session.get(Staff, opened.taken_by) if opened.taken_by is not None else None
    by = taken_by.as_actor() if taken_by is not None else author(customer)
    wanted = drafts.asked(session, message, customer, opened, today=business_date(message.received_at))
    order = orders.draft(session, wanted, by=by, at=desk.at)
    earlier = revised.order_of(session, answered or "")
    if earlier is not None and earlier.customer_id == customer.id:  # delivered long ago, it stays as it is (E62)
        journal.write(session, "order_follows", subject=order.subject, by=by, at=desk.at, earlier=earlier.reference)
    answers.conforms(session, order, desk)


def author(customer: Customer) -> Actor:
    """The customer as who asks."""
    return Actor(ActorKind.CUSTOMER, customer.id)


def _for_staff(session: Session, message: Message, desk: Desk, *, answered: str | None) -> None:
    """A question, a payment notice, a change of something registered: a person answers, the customer knows.

    What answers a mail about money goes to those who wrote it.
    """
    messages.move(session, message, MessageState.UNDERSTOOD, by=SYSTEM, at=desk.at, reason=message.kind)
    of_money = (answered or "").partition(":")[0] in OF_MONEY
    events.emit(session, "message_for_accounting" if of_money else "message_for_staff", message, at=desk.at)
    acknowledge(session, message, at=desk.at, reader="accounting" if of_money else "sales")


def acknowledge(session: Session, message: Message, *, at: datetime, reader: str = "sales") -> None:
    """Tell who wrote that a person reads it; one whose origin nobody vouches for learns no more than that it came."""
    if answerable(message):
        events.emit(session, "message_kept", message, at=at, reader=reader)
    elif message.reply_email and not {MACHINE, PROPOSED} & set(message.flags.split()):
        told = select(func.count(OutboxRow.id)).where(
            OutboxRow.template == "receipt_only", OutboxRow.email == message.reply_email,
            OutboxRow.created_at > at - DAY,
        )  # fmt: skip
        if (session.scalar(told) or 0) < RECEIPTS_A_DAY:  # whoever forges his address must not fill his mailbox
            events.emit(session, "receipt_only", message, at=at)


def _note_bounce(session: Session, message: Message, incoming: Incoming, desk: Desk) -> None:
    """A dead address of a customer is marked and becomes a task; nothing is sent there again (E52).

    What came back of a mail to a customer is told even when its address is on no card (E57); of a mail to a colleague
    nothing is told, or the telling would come back too (E53).
    """
    found = bounces.read(incoming, domain=desk.settings.mail.address.rpartition("@")[2])
    told: set[str] = set()
    for contact in session.scalars(select(Contact).where(func.lower(Contact.email).in_(found.dead))):
        if contact.email_failed_at is None:
            contact.email_failed_at = desk.at
            message.customer = contact.customer
            events.emit(session, "address_failed", message, at=desk.at, email=contact.email)
        told.add(contact.email.lower())
    given = threads.signed_row(session, incoming, desk)
    numbers = {*found.rows, *((given.id,) if given is not None else ())}
    for row in session.scalars(select(OutboxRow).where(OutboxRow.id.in_(numbers)).order_by(OutboxRow.id)):
        email = row.email.lower()
        # who reports to the address that we gave in one mail alone reports about that mail
        dead = email in found.dead or (row is given and not found.reported and not found.temporary)
        if row.audience == events.CUSTOMER and dead and email not in told:
            message.customer = session.get(Customer, row.customer_id) if row.customer_id is not None else None
            events.emit(session, "address_failed", message, at=desk.at, email=row.email)
            told.add(email)


def _acknowledged(session: Session, message: Message, opened: Opened, answered: str, desk: Desk) -> bool:
    """The customer's plain « tout est reçu » to a delivery counts as its receipt, when we know that it is him."""
    kind, _, number = answered.partition(":")
    if kind != "delivery" or not answerable(message) or not all_received(opened.incoming.text):
        return False
    delivery = session.get(deliveries.Delivery, int(number))
    if delivery is None or message.customer is not delivery.customer:
        return False
    if delivery.state is not deliveries.DeliveryState.SHIPPED or delivery.reserves:
        return False
    signed = deliveries.Signature(
        message.sender, f"mail:{message.message_id or message.id}", opened.incoming.text.strip()[:SIGNED]
    )
    deliveries.verify(
        session, delivery, house=desk.settings.house, by=author(delivery.customer), at=desk.at, signature=signed
    )
    return True
