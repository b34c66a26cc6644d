"""What a colleague asked the customer about his purchase order, and what the customer answered."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import events, journal
from core.journal import JournalEntry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor
    from core.orders.tables import Order

#: What ends a question beside the customer's own answer: a colleague completed the point himself.
COMPLETED = {
    "order_number_noted": "number", "order_date_noted": "date", "order_buyer_noted": "buyer",
    "order_delivery_address_set": "address",
}  # fmt: skip


def ask(session: Session, order: Order, about: str, *, by: Actor, at: datetime) -> None:
    """Put the question to the customer, by the way his order came."""
    journal.write(session, "customer_asked", subject=order.subject, by=by, at=at, about=about)
    events.emit(session, "order_question", order, at=at, about=about)


def asked_about(session: Session, found: Sequence[Order]) -> list[Order]:
    """Those of the orders about which the customer was ever asked, by one query."""
    query = select(JournalEntry.subject).where(
        JournalEntry.action == "customer_asked", JournalEntry.subject.in_([order.subject for order in found])
    )
    asked = set(session.scalars(query)) if found else set()
    return [order for order in found if order.subject in asked]


def open_about(session: Session, order: Order) -> frozenset[str]:
    """What he was asked and has not answered; what a colleague completed meanwhile is no question any more."""
    asked: set[str] = set()
    for entry in journal.entries_of(session, order.subject):
        if entry.action == "customer_asked":
            asked.add(str(json.loads(entry.data)["about"]))
        elif entry.action == "customer_answered":
            asked -= set(json.loads(entry.data)["about"])
        else:
            asked.discard(COMPLETED.get(entry.action, ""))
    return frozenset(asked)


def note_answers(
    session: Session, order: Order, given: Mapping[str, tuple[str, str]], *, message: int, by: Actor, at: datetime
) -> None:
    """Keep what his answer completed, by point with what was there before and what is now, and tell both sides."""
    journal.write(
        session, "customer_answered", subject=order.subject, by=by, at=at, about=sorted(given), message=message
    )
    told = [[about, before, after] for about, (before, after) in given.items()]
    events.emit(session, "order_completed", order, at=at, given=told)
