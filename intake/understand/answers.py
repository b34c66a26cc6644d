"""What a customer answers to our quote or to the recap of his order in a few words: yes, no, or a matter for a person.

Only he himself counts: a linked chat, or an authenticated mail from an address of his.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from core import checks, duplicates, events, journal, orders, quotes
from core.clock import business_date
from core.facts import lines as ordered
from core.facts import quote as quoted
from core.journal import Actor, ActorKind
from core.messages import MessageChannel
from core.orders import Order, OrderState
from core.outbox import OutboxRow, OutboxState
from core.quotes import Quote, QuoteState
from intake import consents
from intake.consents import Consent
from intake.understand.opened import answerable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.messages import Message
    from core.parties import Customer
    from intake.understand.opened import Desk, Opened

#: No more open quotes than so many are offered to choose from, the latest first.
SHOWN = 6
#: How much of the customer's words the journal keeps of his answer.
KEPT = 300


def treat(
    session: Session, message: Message, opened: Opened, customer: Customer, desk: Desk, *, answered: str | None
) -> str | None:
    """What the words did: the reason that the message keeps, `person` where somebody must read it, None for no answer.

    `answered` is what of ours a mail answers. What brings files or lines of its own is no plain answer.
    """
    if opened.reading.lines or opened.incoming.attachments or opened.taken_by is not None or not answerable(message):
        return None
    text = opened.incoming.text
    if consents.answer(text, "new_order"):
        return _of_duplicate(session, customer, answered, desk)
    consent = consents.answered(text)
    if consent is None:
        return _plain_yes(session, customer, text, answered, desk)
    quote = _quote(session, customer, opened, answered)
    if quote is not None:
        return _of_quote(session, message, quote, consent, desk)
    order = _recapped(session, customer, answered)
    if order is not None:
        return _of_recap(session, order, consent, desk)
    meant = _unnamed(session, customer, opened, answered) if consent is not Consent.RESERVED else []
    return _ask_which(session, message, meant, consent, desk) if len(meant) > 1 else None


def _quote(session: Session, customer: Customer, opened: Opened, answered: str | None) -> Quote | None:
    """The quote meant: the one whose mail is answered, the one named, else the only one that is open."""
    kind, _, number = (answered or "").partition(":")
    if kind == "quote" and number.isdigit():
        replied = session.get(Quote, int(number))
        return replied if replied is not None and replied.customer_id == customer.id else None
    if kind == "order":
        return None
    if opened.reading.quote_reference:
        named = quotes.by_reference(session, opened.reading.quote_reference)
        known = named is not None and named.customer_id == customer.id and named.sent_on is not None
        return named if known else None
    found = _unnamed(session, customer, opened, answered)
    return found[0] if len(found) == 1 else None


def _unnamed(session: Session, customer: Customer, opened: Opened, answered: str | None) -> list[Quote]:
    """His open quotes, any of which an answer that names none may mean; none where it may be meant for his draft."""
    if (answered or "").partition(":")[0] in {"quote", "order"} or opened.reading.quote_reference:
        return []
    if not consents.names_an_offer(opened.incoming.text) and _waits(session, customer):
        return []  # the yes may be meant for the draft that he has before him
    query = select(Quote).where(Quote.customer_id == customer.id, Quote.state == QuoteState.SENT)
    return list(session.scalars(query.order_by(Quote.id.desc()).limit(SHOWN)))


def _ask_which(session: Session, message: Message, found: list[Quote], consent: Consent, desk: Desk) -> str:
    """Ask the customer which of his open quotes he means, and show sales the same choice: nothing is decided yet."""
    numbers = [quote.id for quote in found]
    by = Actor(ActorKind.CUSTOMER, found[0].customer_id)
    journal.write(
        session, "quote_answer_unclear", subject=message.subject, by=by, at=desk.at, quotes=numbers, said=consent
    )
    events.emit(session, "which_quote", message, at=desk.at, quotes=numbers, consent=consent.value)
    return "which_quote"


def _waits(session: Session, customer: Customer) -> bool:
    """A draft of his waits for his yes."""
    query = select(Order.id).where(
        Order.customer_id == customer.id, Order.state == OrderState.DRAFT, Order.recap_accepted_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def _of_quote(  # noqa: PLR0911 - one line an outcome
    session: Session, message: Message, quote: Quote, consent: Consent, desk: Desk
) -> str:
    """Take the quote up or decline it, once; one that is not open any more is for a person."""
    held = quotes.lock(session, quote.id)
    by, words = Actor(ActorKind.CUSTOMER, held.customer_id), message.extract[:KEPT]
    if held.state is QuoteState.ACCEPTED and consent is Consent.ACCEPTED:
        return "quote_accepted"
    if held.state is QuoteState.REPLACED:
        events.emit(session, "quote_superseded", held, at=desk.at)
        events.emit(session, "message_for_staff", message, at=desk.at)
        return "quote_superseded"
    if held.state is not QuoteState.SENT or consent is Consent.RESERVED:
        return "person"
    if consent is Consent.DECLINED:
        quotes.decline(session, held, reason=" ".join(words.split()), by=by, at=desk.at)
        return "quote_declined"
    if held.expired(business_date(message.received_at)):
        quotes.ask_late(session, held, by=by, at=desk.at)
        return "quote_wanted_late"
    if quotes.ordered_as(session, held) is not None:
        return "person"
    mail = message.channel is MessageChannel.MAIL
    quotes.take_up(
        session, held, channel=message.channel, how="reply", late=True, message_id=message.id, accord=True,
        reply_chat_id=message.chat_id, reply_email=message.reply_email if mail else "",
        thread_message_id=message.message_id if mail else "", thread_subject=message.mail_subject, by=by, at=desk.at,
    )  # fmt: skip
    journal.write(session, "quote_answered", subject=held.subject, by=by, at=desk.at, message=message.id, private=words)
    return "quote_accepted"


def _plain_yes(session: Session, customer: Customer, text: str, answered: str | None, desk: Desk) -> str | None:
    """A bare « oui » accepts the recap that it answers, and nothing else: a quote asks for more words."""
    order = _recapped(session, customer, answered) if consents.answer(text, "yes") else None
    return _of_recap(session, order, Consent.ACCEPTED, desk) if order is not None else None


def _of_duplicate(session: Session, customer: Customer, answered: str | None, desk: Desk) -> str | None:
    """The customer says that the order which looks like an earlier one is another one: both are kept."""
    order = _draft_answered(session, customer, answered)
    if order is None:
        return None
    twins = duplicates.twins(session, order)
    by = Actor(ActorKind.CUSTOMER, customer.id)
    for twin in twins:
        duplicates.keep_both(session, order.id, twin.order_id, by=by, at=desk.at)
    if twins:
        events.emit(session, "duplicate_kept", order, at=desk.at)
    return "new_order" if twins else "person"


def _draft_answered(session: Session, customer: Customer, answered: str | None) -> Order | None:
    """The customer's own draft whose recap the mail answers."""
    kind, _, number = (answered or "").partition(":")
    about = Order.id == int(number) if kind == "order" and number.isdigit() else Order.reference == (answered or "")
    order = session.scalar(select(Order).where(about, Order.state == OrderState.DRAFT)) if answered else None
    mine = order is not None and order.customer_id == customer.id and not order.customer_clue
    return order if mine else None


def _recapped(session: Session, customer: Customer, answered: str | None) -> Order | None:
    """The same draft, locked."""
    order = _draft_answered(session, customer, answered)
    return orders.lock(session, order.id) if order is not None else None


def _of_recap(session: Session, order: Order, consent: Consent, desk: Desk) -> str:
    """Accept the recap as it was mailed: one that changed since, or has a line to settle, is for a person."""
    mailed = order.version == _version_mailed(session, order)
    settled = bool(order.kept_lines) and all(line.complete for line in order.kept_lines)
    if order.recap_accepted_at is not None and consent is Consent.ACCEPTED:
        return "recap_accepted"
    if consent is not Consent.ACCEPTED or not mailed or not settled:
        return "person"
    by = Actor(ActorKind.CUSTOMER, order.customer_id)
    orders.accept_recap(session, order, by=by, at=desk.at)
    return "recap_accepted"


def _version_mailed(session: Session, order: Order) -> int:
    """The version of the draft that the customer has read: the first, or that of his last correction that we noted."""
    query = select(OutboxRow).where(
        OutboxRow.subject == order.subject, OutboxRow.template == "draft_changed", OutboxRow.state == OutboxState.SENT
    )
    told = session.scalar(query.order_by(OutboxRow.id.desc()).limit(1))
    return int(told.arguments.get("version", 0)) if told is not None else 1


def conforms(session: Session, order: Order, desk: Desk) -> None:
    """A purchase order that asks for exactly what its open quote offers accepts it; any gap leaves it to a person."""
    quote = session.get(Quote, order.quote_id) if order.quote_id is not None else None
    if quote is None or quote.state is not QuoteState.SENT or order.customer_clue or not order.sender_authenticated:
        return
    held = quotes.lock(session, quote.id)
    if held.state is not QuoteState.SENT or held.expired(business_date(desk.at)):
        return
    asked = ordered.gather(session, order, today=business_date(desk.at))
    sure = all(line.complete and line.confidence >= checks.SURE for line in order.kept_lines)
    if not sure or quotes.compare(quoted.lines_of(session, held), asked):
        return
    by = Actor(ActorKind.CUSTOMER, order.customer_id)
    how = "purchase_order" if order.accord else "order"
    quotes.accept(
        session, held, by=by, at=desk.at, how=how, order=order.reference, customer_reference=order.customer_reference
    )
