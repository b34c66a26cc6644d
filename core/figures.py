"""The figures of a morning: what was ordered, what waits, what is owed, from a few statements over all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, cast, func, select

from core import ageing, waiting
from core.ageing import Band, Owed
from core.clock import PARIS, business_date, is_business_day
from core.deliveries import Delivery, DeliveryState
from core.exposure import line_cents, whole
from core.messages import Message
from core.money import Money, total
from core.orders import Order, OrderLine, OrderState
from core.parties import Role
from core.reminders import Promise, PromiseState, Reminder, ReminderState
from core.waiting import Waiting

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The orders of a day are set against the mean of this many days before.
COMPARED = timedelta(days=28)
#: Working days in the picture of the week, and customers named among those who are late.
WEEK, NAMED = 5, 5


@dataclass(frozen=True, slots=True)
class DayOrders:
    """What was registered on one working day, without VAT; days off before it count with it."""

    day: date
    count: int
    net: Money


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """The last working day's orders beside the mean of the four weeks before it, and the days of the week.

    `change` is in percent, None where nothing was registered before; `delay` is the median from the customer's message
    to the registration.
    """

    last: DayOrders
    change: int | None
    delay: timedelta | None
    week: tuple[DayOrders, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """How many things of a kind wait, and since when the oldest does."""

    kind: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Late:
    """A customer with overdue documents: how much, the oldest's days, and the day he promised to pay."""

    customer_id: int
    name: str
    amount: Money
    days: int
    promised: date | None


@dataclass(frozen=True, slots=True)
class Receivables:
    """What is owed to us by how long it has been due, the customers who are latest, every document."""

    bands: Mapping[Band, Money]
    late: tuple[Late, ...]
    documents: tuple[Owed, ...] = field(repr=False)

    @property
    def total(self) -> Money:
        """Everything that is owed."""
        return total(self.bands.values())

    @property
    def overdue(self) -> Money:
        """What should have been paid by now."""
        return self.total - self.bands[Band.NOT_DUE]


@dataclass(frozen=True, slots=True)
class ReminderFigures:
    """Today's reminders, the promises of the day, and how many of the last working day's were kept."""

    sent: int
    to_approve: int
    promised: int
    amount: Money
    kept: int
    fallen_due: int


@dataclass(frozen=True, slots=True)
class WarehouseFigures:
    """Deliveries to prepare, those of them that should have left by today, and what left on the last working day."""

    to_prepare: int
    due: int
    shipped: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a morning, of which each role is shown its own."""

    day: date
    at: datetime
    orders: OrderFigures
    waiting: tuple[Waiting, ...]
    receivables: Receivables
    reminders: ReminderFigures
    warehouse: WarehouseFigures

    def counts(self, roles: Collection[Role]) -> list[Count]:
        """What waits for these roles by kind; a manager is shown everything."""
        mine = [one for one in self.waiting if Role.MANAGER in roles or one.role in roles or _seen(one, roles)]
        many = Counter(one.kind for one in mine)
        return [
            Count(kind, count, min(one.since for one in mine if one.kind == kind))
            for kind, count in sorted(many.items(), key=lambda known: (-known[1], known[0]))
        ]


def _seen(one: Waiting, roles: Collection[Role]) -> bool:
    """The quarantine is the administrators' business too."""
    return Role.ADMIN in roles and one.subject.startswith("message:")


def gather(session: Session, *, at: datetime) -> Figures:
    """All figures of the morning at this instant."""
    session.flush()
    today = business_date(at)
    return Figures(
        day=today, at=at, orders=_orders(session, today), waiting=tuple(waiting.found(session, before=at)),
        receivables=_receivables(session, today), reminders=_reminders(session, today),
        warehouse=_warehouse(session, today),
    )  # fmt: skip


def working_days(before: date, count: int) -> list[date]:
    """The last working days before a day, oldest first."""
    found: list[date] = []
    while len(found) < count:
        before -= timedelta(days=1)
        if is_business_day(before):
            found.append(before)
    return found[::-1]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), PARIS)


def _orders(session: Session, today: date) -> OrderFigures:
    days = working_days(today, WEEK)
    last = days[-1]
    rows = _registered(session, since=min(last - COMPARED, days[0]), until=today)
    week = tuple(
        _day(day, [row for row in rows if day <= row.day < later])
        for day, later in zip(days, [*days[1:], today], strict=True)
    )
    before = [row for row in rows if last - COMPARED <= row.day < last]
    worked = sum(is_business_day(last - timedelta(days=back)) for back in range(1, COMPARED.days + 1))
    mean = total(row.net for row in before).amount / worked
    change = round((week[-1].net.amount / mean - 1) * 100) if mean else None
    waits = [max(row.waited, timedelta()).total_seconds() for row in rows if row.day >= last]
    return OrderFigures(week[-1], change, timedelta(seconds=median(waits)) if waits else None, week)


@dataclass(frozen=True, slots=True)
class _Registered:
    day: date
    net: Money
    waited: timedelta


def _day(day: date, rows: Sequence[_Registered]) -> DayOrders:
    return DayOrders(day, len(rows), total(row.net for row in rows))


def _registered(session: Session, *, since: date, until: date) -> list[_Registered]:
    """The orders registered in these days and not cancelled, each with what its lines come to."""
    quantity = whole(OrderLine.quantity) - whole(OrderLine.closed_quantity)
    cents = cast(func.coalesce(func.sum(line_cents(quantity, whole(OrderLine.unit_price))), 0), BigInteger)
    came = func.coalesce(Message.received_at, Order.taken_at, Order.created_at)
    query = (
        select(Order.confirmed_at, came, cents)
        .outerjoin(Message, Message.id == Order.message_id)
        .outerjoin(
            OrderLine,
            (OrderLine.order_id == Order.id) & OrderLine.removed.is_(False) & OrderLine.quantity.is_not(None)
            & OrderLine.unit_price.is_not(None),
        )
        .where(
            Order.state.in_([OrderState.CONFIRMED, OrderState.CLOSED]), Order.confirmed_at >= _midnight(since),
            Order.confirmed_at < _midnight(until),
        )
        .group_by(Order.id, Order.confirmed_at, Message.received_at, Order.taken_at, Order.created_at)
    )  # fmt: skip
    return [
        _Registered(business_date(confirmed), Money.from_cents(net), confirmed - reached)
        for confirmed, reached, net in session.execute(query)
        if confirmed is not None
    ]


def _receivables(session: Session, today: date) -> Receivables:
    owed = ageing.documents(session)
    overdue: dict[int, list[Owed]] = {}
    for one in owed:
        if one.days_late(today) > 0:
            overdue.setdefault(one.customer_id, []).append(one)
    promised = select(Promise.customer_id, func.max(Promise.day)).where(Promise.state == PromiseState.OPEN)
    days = dict(session.execute(promised.group_by(Promise.customer_id)).all())
    late = [
        Late(
            customer, theirs[0].name, total(one.due for one in theirs), max(one.days_late(today) for one in theirs),
            days.get(customer),
        )
        for customer, theirs in overdue.items()
    ]  # fmt: skip
    late.sort(key=lambda one: (-one.amount.cents, one.name))
    return Receivables(ageing.summed(owed, today=today), tuple(late[:NAMED]), tuple(owed))


def _reminders(session: Session, today: date) -> ReminderFigures:
    last = working_days(today, 1)[0]
    states = Counter(session.scalars(select(Reminder.state).where(Reminder.on == today)))
    open_today = list(
        session.scalars(select(Promise.amount).where(Promise.day == today, Promise.state == PromiseState.OPEN))
    )
    fallen = Counter(session.scalars(select(Promise.state).where(Promise.day >= last, Promise.day < today)))
    return ReminderFigures(
        sent=states[ReminderState.SENT], to_approve=states[ReminderState.TO_APPROVE], promised=len(open_today),
        amount=total(open_today), kept=fallen[PromiseState.KEPT],
        fallen_due=fallen.total(),
    )  # fmt: skip


def _warehouse(session: Session, today: date) -> WarehouseFigures:
    wanted = select(Order.requested_delivery_date).join(Delivery, Delivery.order_id == Order.id)
    days = list(session.scalars(wanted.where(Delivery.state == DeliveryState.PREPARING)))
    last = working_days(today, 1)[0]
    left = select(func.count(Delivery.id)).where(
        Delivery.shipped_at >= _midnight(last), Delivery.shipped_at < _midnight(today)
    )
    return WarehouseFigures(
        len(days), sum(day is not None and day <= today for day in days), session.scalar(left) or 0
    )  # fmt: skip
