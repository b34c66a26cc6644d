"""What became of a row: whether it still makes sense to send it, and what each failure of a call means for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter

from bot import delivery_letters, inbox, letters
from bot.limiter import OwnLimit, is_away, never_reached, seconds_of
from core import conversations, events, groups, outbox, payments, releases, reminders
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.errors import Ambiguous, Comptoir, TryLater
from core.orders import Order, OrderState
from core.outbox import OutboxChannel, OutboxRow, OutboxState, Resend
from core.overrides import OverrideRequest, RequestState
from core.parties import ChatLink, Contact, Role
from core.quotes import Quote, QuoteState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

#: How long every chat row rests when the server refuses our token.
TOKEN_CHANGED_AFTER = timedelta(minutes=5)
#: Failures that are themselves told by an event: their own failing tells nobody, or it would never end.
QUIET = frozenset({"send_failed", "send_unsure", "chat_blocked", "address_failed"})


@dataclass(frozen=True, slots=True)
class Named:
    """The subject of an event that is no row of the trade."""

    subject: str


def still_true(  # noqa: PLR0911 - one line a reason
    session: Session, row: OutboxRow, *, house: House, at: datetime
) -> str | None:
    """Why a row need not leave any more, or None."""
    thing = letters.thing_of(session, row.subject)
    kind = row.subject.partition(":")[0]
    if thing is None and kind in letters.KINDS:
        return "subject is gone"
    if row.channel is OutboxChannel.MAIL and _address_is_dead(session, row.email):
        return "address failed"
    if isinstance(thing, Order) and row.template in {"payment_asked", "payment_asked_info"}:
        return None if releases.demand(session, thing, house=house, at=at) is not None else "nothing is due"
    if isinstance(thing, Order):
        return _order_reason(session, row, thing)
    if isinstance(thing, Delivery) and row.template == "delivery_shipped" and thing.state is DeliveryState.CANCELLED:
        return "delivery cancelled"
    if isinstance(thing, Delivery) and row.template == "receipt_reminded" and not _waits(session, row, thing):
        return "delivery was answered"
    if isinstance(thing, Quote) and row.template == "quote_sent" and thing.state is not QuoteState.SENT:
        return "quote is not open"
    if row.chat_id is not None and row.chat_id < 0 and not groups.is_meant(session, row):
        return "the group is another one's now"
    if isinstance(thing, OverrideRequest):
        return _request_reason(session, row, thing, today=business_date(at))
    return _reason_of_the_hour(session, row, thing, house=house, at=at)


def _reason_of_the_hour(session: Session, row: OutboxRow, thing: Any, *, house: House, at: datetime) -> str | None:
    """Why what is true for a while only need not be said any more."""
    match row.template:
        case "reminder" | "formal_notice":
            amounts = reminders.statement(session, thing, today=business_date(at), house=house)
            return None if amounts else "nothing is due"
        case "digest":
            return None if thing.day == business_date(at) else "digest of another day"
        case "still_waiting":
            return None if inbox.open_items(session, row.arguments["items"], at=at) else "nothing waits any more"
    return None


def _request_reason(session: Session, row: OutboxRow, wish: OverrideRequest, *, today: date) -> str | None:
    if row.template == "override_reminder":
        late = payments.receivables(session, wish.order.customer, due_before=today)
        return None if late else "nothing is overdue"
    return None if wish.state is RequestState.OPEN else "request is answered"


def _waits(session: Session, row: OutboxRow, delivery: Delivery) -> bool:
    own = delivery.state is DeliveryState.SHIPPED and delivery.correctable_until is None
    return own or bool(delivery_letters.unanswered(session, row))


def _order_reason(session: Session, row: OutboxRow, order: Order) -> str | None:
    if row.template == "order_recap":
        if row.channel is OutboxChannel.MAIL:
            return None if order.state is not OrderState.CANCELLED else "order cancelled"
        known = row.chat_id is not None and conversations.card_of(session, chat_id=row.chat_id, subject=row.subject)
        return "order cancelled" if order.state is OrderState.CANCELLED and not known else None
    handed = row.template == "order_handed_over" and order.state is not OrderState.CONFIRMED
    if handed or (row.template == "order_confirmed" and order.state not in {OrderState.CONFIRMED, OrderState.CLOSED}):
        return "order is not confirmed"
    if row.template == "parking_over" and (order.state is not OrderState.DRAFT or not _still_parked(row, order)):
        return "order is not put aside"
    if row.template == "order_released" and order.state is not OrderState.DRAFT:
        return "order is no draft"
    return None


def _still_parked(row: OutboxRow, order: Order) -> bool:
    """It was not taken up before, nor put aside for longer."""
    return order.parked_until is not None and order.parked_until.isoformat() == row.arguments.get("until")


def _address_is_dead(session: Session, email: str) -> bool:
    query = select(Contact.id).where(func.lower(Contact.email) == email.lower(), Contact.email_failed_at.is_not(None))
    return session.scalar(query.limit(1)) is not None


def settle(session: Session, row: OutboxRow, error: Exception, *, at: datetime) -> None:
    """Commit what a failed call means: later, never, unknown, or by another way."""
    reason = _said(error)
    match error:
        case RetryAfter():
            wait, own = timedelta(seconds=seconds_of(error)), isinstance(error, OwnLimit)
            _come_back(session, row, at=at, error=reason, after=wait, alone=own)
        case InvalidToken() if row.template == "mailbox_alarm" and _by_mail(session, row, at=at, error=reason):
            pass
        case InvalidToken():  # the token was revoked: nothing is lost, all waits for the new one
            _come_back(session, row, at=at, error=reason, after=TOKEN_CHANGED_AFTER)
        case ChatMigrated():
            outbox.move(session, row, OutboxState.WAITING, at=at, error=reason)
            groups.move(session, row.chat_id or 0, error.new_chat_id, at=at)
            row.chat_id, row.not_before = error.new_chat_id, at  # sent anew in the supergroup, at once (T17)
        case Forbidden():
            _blocked(session, row, at=at, error=reason)
        case BadRequest():
            fail(session, row, at=at, error=reason)
        case NetworkError() if is_away(error) and (row.resend is not Resend.NEVER or never_reached(error)):
            _wait_out(session, row, at=at, error=reason)
        case NetworkError() | Ambiguous():
            outbox.ambiguous(session, row, at=at, error=reason)
            tell_when_resting(session, row, at=at)
        case TryLater():
            _wait_out(session, row, at=at, error=reason, least=error.after)
        case _:
            fail(session, row, at=at, error=reason)


def _said(error: Exception) -> str:
    return error.code if isinstance(error, Comptoir) else f"{type(error).__name__}: {error}"[:200]


def _wait_out(session: Session, row: OutboxRow, *, at: datetime, error: str, least: timedelta = timedelta(0)) -> None:
    """A server that is away is waited for however long, ever less often; a person hears of it once it has lasted."""
    lasted = row.attempt >= outbox.MAX_ATTEMPTS - 1
    row.attempt = min(row.attempt, outbox.MAX_ATTEMPTS - 1)
    outbox.retry(session, row, at=at, error=error, after=max(least, outbox.pause(row.attempt)))
    about = Named(f"outbox:{row.id}")
    if lasted and row.template not in QUIET and not outbox.is_known(session, about.subject):
        events.emit(session, "send_failed", about, at=at, what=row.template, about=row.subject, code=error)


def _come_back(
    session: Session, row: OutboxRow, *, at: datetime, error: str, after: timedelta, alone: bool = False
) -> None:
    """The whole bot is asked to be quiet: every chat row waits, in its order, and none is counted as a failure.

    `alone`: this chat is full by our own counting, which holds nobody else up.
    """
    row.attempt = min(row.attempt, outbox.MAX_ATTEMPTS - 1)
    outbox.retry(session, row, at=at, error=error, after=after)
    if not alone:
        session.flush()
        outbox.hold_chats(session, until=at + after)


def _by_mail(session: Session, row: OutboxRow, *, at: datetime, error: str) -> bool:
    """Let a colleague's row take the mail; False when he has none."""
    link = session.get(ChatLink, row.chat_id) if row.chat_id is not None else None
    email = link.staff.email if link is not None and link.staff is not None else ""
    if email:
        outbox.move(session, row, OutboxState.WAITING, at=at, error=error)
        row.channel, row.email, row.card, row.not_before = OutboxChannel.MAIL, email, False, at
    return bool(email)


def _blocked(session: Session, row: OutboxRow, *, at: datetime, error: str) -> None:
    """Nobody can be written to in this chat any more: the row takes the mail, staff hear of it once (T16)."""
    group = session.get(groups.ChatGroup, row.chat_id) if row.chat_id is not None else None
    if group is not None:
        _out_of_group(session, row, group, at=at, error=error)
        return
    link = session.get(ChatLink, row.chat_id) if row.chat_id is not None else None
    customer = link.customer if link is not None else None
    if link is not None:
        stopped(session, link, at=at)
    holder: Any = customer if customer is not None else (link.staff if link is not None else None)
    email = str(getattr(holder, "email", ""))
    if not email:
        fail(session, row, at=at, error=error)
        return
    outbox.move(session, row, OutboxState.WAITING, at=at, error=error)
    row.channel, row.email, row.card, row.not_before = OutboxChannel.MAIL, email, False, at


def stopped(session: Session, link: ChatLink, *, at: datetime) -> None:
    """Note that somebody stopped the bot: staff hear of it, once."""
    if link.blocked_at is not None:
        return
    link.blocked_at = at
    whom = link.customer or link.staff
    if whom is not None:
        kind = "customer" if link.customer is not None else "staff"
        events.emit(session, "chat_blocked", Named(f"{kind}:{whom.id}"), at=at, who=whom.name)


def _out_of_group(session: Session, row: OutboxRow, group: groups.ChatGroup, *, at: datetime, error: str) -> None:
    """The bot may not write in the group any more: the row goes where it would have gone without it."""
    if group.left_at is None:
        groups.left(session, group, at=at)
    thing = letters.thing_of(session, row.subject)
    theirs = row.audience == events.CUSTOMER
    if theirs:
        found = events.address_of_customer(session, thing, row.template) if thing is not None else None
    else:
        found = next(iter(events.staff_addresses(session, Role(row.audience))), None)
    if found is None:
        fail(session, row, at=at, error=error)
        return
    outbox.move(session, row, OutboxState.WAITING, at=at, error=error)
    row.channel, row.chat_id, row.email, row.not_before = found.channel, found.chat_id, found.email, at
    row.card = row.card and found.channel is OutboxChannel.CHAT


def fail(session: Session, row: OutboxRow, *, at: datetime, error: str) -> None:
    """Give the row up and tell a person, unless the row itself was telling one."""
    outbox.move(session, row, OutboxState.FAILED, at=at, error=error)
    if row.template in QUIET:
        return
    tell_card(session, row, at=at)
    if row.channel is OutboxChannel.MAIL and row.audience == "customer" and error == "smtp_refused":
        thing = letters.thing_of(session, row.subject)
        contacts = select(Contact).where(func.lower(Contact.email) == row.email.lower())
        for contact in session.scalars(contacts):
            contact.email_failed_at = contact.email_failed_at or at
        if thing is not None:
            events.emit(session, "address_failed", thing, at=at, email=row.email)
            return
    events.emit(
        session, "send_failed", Named(f"outbox:{row.id}"), at=at, what=row.template, about=row.subject, code=error
    )


def tell_card(session: Session, row: OutboxRow, *, at: datetime) -> None:
    """What became of a confirmation stands on its order's card."""
    order = letters.thing_of(session, row.subject) if row.template == "order_confirmed" else None
    if isinstance(order, Order):
        events.emit(session, "order_rechecked", order, at=at)


def tell_when_resting(session: Session, row: OutboxRow, *, at: datetime) -> None:
    """Tell a person of a row that may have left and is not sent again: nothing is silent."""
    if row.state is OutboxState.AMBIGUOUS and row.template not in QUIET:
        about = Named(f"outbox:{row.id}")
        events.emit(session, "send_unsure", about, at=at, what=row.template, about=row.subject, code=row.error)


def not_modified(error: BadRequest) -> bool:
    """The card already shows this (T24)."""
    return "message is not modified" in str(error).lower()


def cannot_edit(error: BadRequest) -> bool:
    """The message is gone or too old (T28)."""
    said = str(error).lower()
    return "message to edit not found" in said or "can't be edited" in said or "message_id_invalid" in said


def bad_markup(error: BadRequest) -> bool:
    """The server could not read our tags (T21): the same words go once without them."""
    return "can't parse entities" in str(error).lower()
