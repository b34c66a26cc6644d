"""What became of a row: whether it still makes sense to send it, and what each failure of a call means for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from bot import letters
from bot.limiter import is_away, never_reached, seconds_of
from core import conversations, events, outbox, releases, reminders
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.errors import Ambiguous, Comptoir, TryLater
from core.orders import Order, OrderState
from core.outbox import OutboxChannel, OutboxRow, OutboxState, Resend
from core.overrides import OverrideRequest, RequestState
from core.parties import ChatLink, Contact
from core.quotes import Quote, QuoteState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

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
    if isinstance(thing, Delivery) and row.template == "receipt_reminded" and not _unanswered(thing):
        return "delivery was answered"
    if isinstance(thing, Quote) and row.template == "quote_sent" and thing.state is not QuoteState.SENT:
        return "quote is not open"
    if isinstance(thing, OverrideRequest) and thing.state is not RequestState.OPEN:
        return "request is answered"
    if row.template in {"reminder", "formal_notice"}:
        amounts = reminders.statement(session, thing, today=business_date(at), house=house)
        return None if amounts else "nothing is due"
    return None


def _unanswered(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.SHIPPED and delivery.correctable_until is None


def _order_reason(session: Session, row: OutboxRow, order: Order) -> str | None:
    if row.template == "order_recap":
        if row.channel is OutboxChannel.MAIL:
            return None if order.state is not OrderState.CANCELLED else "order cancelled"
        known = row.chat_id is not None and conversations.card_of(session, chat_id=row.chat_id, subject=row.subject)
        return "order cancelled" if order.state is OrderState.CANCELLED and not known else None
    if row.template == "order_confirmed" and order.state not in {OrderState.CONFIRMED, OrderState.CLOSED}:
        return "order is not confirmed"
    if row.template == "order_released" and order.state is not OrderState.DRAFT:
        return "order is no draft"
    if row.template == "order_handed_over" and order.state is not OrderState.CONFIRMED:
        return "order is not confirmed"
    return None


def _address_is_dead(session: Session, email: str) -> bool:
    query = select(Contact.id).where(func.lower(Contact.email) == email.lower(), Contact.email_failed_at.is_not(None))
    return session.scalar(query.limit(1)) is not None


def settle(session: Session, row: OutboxRow, error: Exception, *, at: datetime) -> None:
    """Commit what a failed call means: later, never, unknown, or by another way."""
    reason = _said(error)
    match error:
        case RetryAfter():
            _come_back(session, row, at=at, error=reason, after=timedelta(seconds=seconds_of(error)))
        case Forbidden():
            _blocked(session, row, at=at, error=reason)
        case BadRequest():
            fail(session, row, at=at, error=reason)
        case NetworkError() if is_away(error) and (row.resend is not Resend.NEVER or never_reached(error)):
            outbox.retry(session, row, at=at, error=reason)
        case NetworkError() | Ambiguous():
            outbox.ambiguous(session, row, at=at, error=reason)
            tell_when_resting(session, row, at=at)
        case TryLater():
            outbox.retry(session, row, at=at, error=reason, after=error.after)
        case _:
            fail(session, row, at=at, error=reason)


def _said(error: Exception) -> str:
    return error.code if isinstance(error, Comptoir) else f"{type(error).__name__}: {error}"[:200]


def _come_back(session: Session, row: OutboxRow, *, at: datetime, error: str, after: timedelta) -> None:
    """The whole bot is asked to be quiet: every chat row waits, in its order, and none is counted as a failure."""
    row.attempt = min(row.attempt, outbox.MAX_ATTEMPTS - 1)
    outbox.retry(session, row, at=at, error=error, after=after)
    session.flush()
    outbox.hold_chats(session, until=at + after)


def _blocked(session: Session, row: OutboxRow, *, at: datetime, error: str) -> None:
    """Nobody can be written to in this chat any more: the row takes the mail, staff hear of it once (T16)."""
    link = session.get(ChatLink, row.chat_id) if row.chat_id is not None else None
    customer = link.customer if link is not None else None
    if link is not None and link.blocked_at is None:
        link.blocked_at = at
        whom = customer or link.staff
        if whom is not None:
            kind = "customer" if customer is not None else "staff"
            events.emit(session, "chat_blocked", Named(f"{kind}:{whom.id}"), at=at, who=whom.name)
    holder: Any = customer if customer is not None else (link.staff if link is not None else None)
    email = str(getattr(holder, "email", ""))
    if not email:
        fail(session, row, at=at, error=error)
        return
    outbox.move(session, row, OutboxState.WAITING, at=at, error=error)
    row.channel, row.email, row.card, row.not_before = OutboxChannel.MAIL, email, False, at


def fail(session: Session, row: OutboxRow, *, at: datetime, error: str) -> None:
    """Give the row up and tell a person, unless the row itself was telling one."""
    outbox.move(session, row, OutboxState.FAILED, at=at, error=error)
    if row.template in QUIET:
        return
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
