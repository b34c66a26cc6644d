"""Calls that nobody took and that need nobody any more: what they were about was settled by other means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from core import calls, invoices, payments
from core.calls import Call
from core.deliveries import Delivery
from core.handovers import Handover, HandoverState
from core.invoices import Invoice
from core.journal import SYSTEM
from core.messages import MailboxHealth
from core.outbox import OutboxRow, OutboxState
from core.payments import OpenItem
from core.quotes import Quote, QuoteState
from core.reminders import Promise

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


def close(session: Session, *, at: datetime) -> None:
    """Close every open call whose thing is settled; a later trouble with the same thing is another call."""
    for call in calls.unanswered(session):
        if _settled(session, call):
            calls.close(session, call.template, call.subject, by=SYSTEM, at=at)


def _settled(session: Session, call: Call) -> bool:  # noqa: PLR0911 - one line a kind of call
    kind, _, name = call.subject.partition(":")
    match call.template, kind:
        case "send_failed" | "send_unsure", "outbox":
            row = session.get(OutboxRow, int(name))
            return row is not None and row.state not in {OutboxState.FAILED, OutboxState.AMBIGUOUS}
        case "mailbox_alarm", "mailbox":
            health = session.get(MailboxHealth, name)
            return health is not None and not health.alarm and not _about_a_mail(session, call)
        case "payment_claimed", "invoice":
            return not payments.amount_due(session, session.get_one(Invoice, int(name)))
        case "payment_claimed", "open_item":
            return not payments.amount_due(session, session.get_one(OpenItem, int(name)))
        case "promise_broken", "promise":
            promise = session.get_one(Promise, int(name))
            document = payments.document_by_number(session, promise.customer, promise.number)
            return not payments.amount_due(session, document)
        case "invoice_held", "delivery":
            return invoices.invoice_of(session, session.get_one(Delivery, int(name))) is not None
        case "handover_failed", "order":
            waits = (Handover.order_id == int(name)) & (Handover.state == HandoverState.WAITING)
            return session.scalar(select(Handover.id).where(waits, Handover.error != "").limit(1)) is None
        case "quote_late", "quote":
            return session.get_one(Quote, int(name)).state is not QuoteState.SENT
    return False


def _about_a_mail(session: Session, call: Call) -> bool:
    """The alarm was about one mail that cannot be read: the mailbox being well again does not help it."""
    rows = select(OutboxRow).where(OutboxRow.template == call.template, OutboxRow.subject == call.subject)
    row = session.scalar(rows.order_by(OutboxRow.id.desc()).limit(1))
    return row is not None and "uid" in row.arguments
