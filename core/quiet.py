"""When a customer's chat is left in peace, and what a customer who wants no messages is spared.

Quiet are 20 h to 7 h in France, Sundays and public holidays. What answers him, what happens to a delivery on its day
and a card that is painted again in silence do not wait. Mails ring nowhere: they leave at any time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.clock import PARIS, business_date, is_holiday, next_business_day
from core.conversations import card_of
from core.messages import ChatUpdate
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

EVENING, MORNING = time(20), time(7)
#: Who wrote or pressed so short ago is awake, and waits for what follows.
AWAKE = timedelta(minutes=15)
#: A second reminder of one day waits until this hour of the next one.
REMINDERS_AT = time(8)
#: What happens to a delivery on the day itself.
DELIVERY_DAY = frozenset({"delivery_shipped", "substitute_asked", "delivery_refused"})
#: Of these a customer is told at most one a day.
REMINDERS = frozenset({"reminder", "receipt_reminded"})
#: What is neither about an order under way nor owed to him by law: who wants no messages does not get it in the chat.
SPARED = frozenset({"reminder_due", "payment_recorded", "statement_issued", "quote_superseded", "quote_sent"})


def peaceful(day: date) -> bool:
    """A Sunday or a public holiday."""
    return day.isoweekday() == 7 or is_holiday(day)


def earliest(at: datetime) -> datetime:
    """The first instant, from `at` on, at which a phone may ring."""
    local = at.astimezone(PARIS)
    day = local.date()
    if not peaceful(day) and MORNING <= local.time() < EVENING:
        return at
    if local.time() >= MORNING:
        day += timedelta(days=1)
    while peaceful(day):
        day += timedelta(days=1)
    return datetime.combine(day, MORNING, PARIS).astimezone(UTC)


def awake(session: Session, chat_id: int, *, at: datetime) -> bool:
    """Somebody wrote or pressed a button in that chat a moment ago."""
    query = select(ChatUpdate.update_id).where(ChatUpdate.chat_id == chat_id, ChatUpdate.received_at > at - AWAKE)
    return session.scalar(query.limit(1)) is not None


def spares(session: Session, event: str, chat_id: int, *, at: datetime) -> bool:
    """The owner of that chat wants no messages, and this is one of those he can do without."""
    link = session.get(ChatLink, chat_id)
    return link is not None and link.muted and event in SPARED and not awake(session, chat_id, at=at)


def not_before(
    session: Session, event: str, subject: str, chat_id: int, *, card: bool, delivered_on: date | None, at: datetime
) -> datetime:
    """When a row of that event may leave for a customer's chat; `delivered_on` is the day of the order it is about."""
    allowed = earliest(at)
    if allowed <= at or event in DELIVERY_DAY or delivered_on == business_date(at):
        return at
    if card and card_of(session, chat_id=chat_id, subject=subject) is not None:
        return at
    return at if awake(session, chat_id, at=at) else allowed


def reminded_from(session: Session, customer_id: int, template: str, *, at: datetime) -> datetime:
    """When a reminder may leave: at once, or on the business day after the last one that already has one for him."""
    if template not in REMINDERS:
        return at
    query = select(OutboxRow.not_before).where(
        OutboxRow.customer_id == customer_id, OutboxRow.template.in_(REMINDERS), OutboxRow.state != OutboxState.MOOT,
        OutboxRow.not_before > at - timedelta(days=1),
    )  # fmt: skip
    taken, day, first = {business_date(moment) for moment in session.scalars(query)}, business_date(at), at
    while day in taken:
        day = next_business_day(day + timedelta(days=1))
        first = datetime.combine(day, REMINDERS_AT, PARIS).astimezone(UTC)
    return first
