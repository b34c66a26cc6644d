"""Deliveries of which nobody says anything: one reminder, then a noted fact that no legal effect is claimed from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, journal, rounds
from core.clock import PARIS, add_business_days, business_date, is_business_day
from core.deliveries.receipt import close_when_done
from core.deliveries.reserves import settle_statements, statements_due
from core.deliveries.tables import Delivery, DeliveryState, hold
from core.journal import SYSTEM

if TYPE_CHECKING:
    from core.settings import House

#: How long after it left the customer is asked once whether it arrived, and between which hours in France.
REMIND_AFTER = timedelta(hours=24)
ASKING_HOURS = range(8, 19)


def to_remind(session: Session, *, at: datetime) -> list[Delivery]:
    """The deliveries whose customer is to be asked now; none at night, on weekends and on holidays."""
    if not is_business_day(business_date(at)) or at.astimezone(PARIS).hour not in ASKING_HOURS:
        return []
    query = select(Delivery).where(
        Delivery.state == DeliveryState.SHIPPED, Delivery.asked_again_at.is_(None), Delivery.presumed_at.is_(None),
        Delivery.correctable_until.is_(None), Delivery.shipped_at <= at - REMIND_AFTER,
    )  # fmt: skip
    return list(session.scalars(query.order_by(Delivery.id)))


def remind(session: Session, *, at: datetime) -> list[Delivery]:
    """Ask each customer, once, whether all arrived: one message about all that he has not answered (U10)."""
    due = to_remind(session, at=at)
    together: dict[int, list[Delivery]] = {}
    for delivery in due:
        delivery.asked_again_at = at
        journal.write(session, "receipt_reminded", subject=delivery.subject, by=SYSTEM, at=at)
        together.setdefault(delivery.customer.id, []).append(delivery)
    for first, *others in together.values():
        events.emit(session, "receipt_reminded", first, at=at, others=[other.id for other in others])
    return due


def presume_received(session: Session, *, at: datetime) -> list[Delivery]:
    """Note as received without remark what nobody answered within the customer's business days after it left.

    Never on the day of the reminder or without one. The customer may still say what is wrong.
    """
    today = business_date(at)
    query = select(Delivery).where(
        Delivery.state == DeliveryState.SHIPPED, Delivery.asked_again_at.is_not(None), Delivery.presumed_at.is_(None),
        Delivery.correctable_until.is_(None),
    )  # fmt: skip
    presumed: list[Delivery] = []

    def presume(delivery: Delivery) -> None:
        assert delivery.shipped_at is not None and delivery.asked_again_at is not None  # noqa: S101, PT018 - asked for
        last = add_business_days(business_date(delivery.shipped_at), delivery.customer.receipt_days)
        if today <= last or business_date(delivery.asked_again_at) >= today:
            return
        hold(session, delivery)
        if delivery.state is not DeliveryState.SHIPPED:
            return
        delivery.presumed_at = at
        journal.write(
            session, "delivery_presumed_received", subject=delivery.subject, by=SYSTEM, at=at,
            reference=delivery.reference, days=delivery.customer.receipt_days,
        )  # fmt: skip
        events.emit(session, "delivery_presumed", delivery, at=at)
        close_when_done(session, delivery.order, by=SYSTEM, at=at)
        presumed.append(delivery)

    rounds.each(session, "receipts", session.scalars(query.order_by(Delivery.id)).all(), presume, at=at)
    return presumed


def receipts_due(session: Session, *, at: datetime) -> bool:
    """A customer is to be asked now, or remarks begin to count."""
    return bool(to_remind(session, at=at) or statements_due(session, at=at))


def follow_up(session: Session, *, house: House, at: datetime) -> None:
    """Ask who has not answered for a day; let remarks count whose time to correct is over."""
    settle_statements(session, house=house, at=at)
    remind(session, at=at)
