"""Duplicates: which other orders of the customer ask for the same thing, and what an agent decided about each.

By content, never by wording. The same purchase order number counts for a year. The same files count for five days, for
an order form may be sent unchanged each week. The same articles and quantities count when both orders name the same
day (within a fortnight), or when one names none and they came within two days; a customer who takes the same again and
again is asked only when they came within half a day. Two different numbers, or two different days, are two orders.
An order that was made by a button of ours repeats nobody's words and is no duplicate by its lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Row, Select, UniqueConstraint, bindparam, select, union
from sqlalchemy.orm import Mapped, mapped_column

from core import events, journal, orders
from core.db import Base, choice
from core.errors import Refused
from core.journal import ActorKind
from core.orders import AskedLine, LineWish, Order, OrderLine, OrderRevision, OrderState, Wanted, revisions

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.journal import Actor

SAME_NUMBER, SAME_FILES = timedelta(days=365), timedelta(days=5)
SAME_DAY_WANTED, UNDATED, HABITUAL = timedelta(days=14), timedelta(days=2), timedelta(hours=12)
#: So many earlier orders of the same contents are a habit.
HABIT = 3
#: No more than so many of each kind are looked at, the latest first.
LOOKED_AT = 20


class Likeness(StrEnum):
    """Why an order is taken for another one, the strongest first."""

    NUMBER = "number"
    FILES = "files"
    LINES = "lines"


class Outcome(StrEnum):
    """What an agent made of two orders that look alike."""

    DUPLICATE = "duplicate"
    CALL_OFF = "call_off"
    CORRECTION = "correction"


class DuplicateDecision(Base):
    """An agent's word on two orders, or the customer's own where nobody decided; it is not asked for again."""

    __tablename__ = "duplicate_decision"
    __table_args__ = (UniqueConstraint("order_id", "other_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"))
    other_id: Mapped[int] = mapped_column(ForeignKey("order.id"), index=True)
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Twin:
    """An earlier order that looks like this one; `same_lines` when it also asks for the same."""

    order_id: int
    reference: str
    state: OrderState
    likeness: Likeness
    created_at: datetime
    day: date | None
    same_lines: bool


def twins(session: Session, order: Order) -> tuple[Twin, ...]:
    """The customer's earlier orders that a draft may be again, undecided, the likest first.

    Each kind of likeness is one look into an index, so that the size of the customer's history does not count.
    """
    if order.state is not OrderState.DRAFT:
        return ()
    contents = order.fingerprint()
    keys = {"number": order.customer_reference, "source": order.source_hash, "contents": contents}
    if not any(keys.values()):
        return ()
    # what is empty is like nothing
    likes = {key: value or None for key, value in keys.items()}
    rows = session.execute(_looks(), {"customer": order.customer_id, "before": order.id, **likes}).all()
    if not rows:
        return ()
    decided = select(DuplicateDecision.other_id).where(DuplicateDecision.order_id == order.id)
    settled = set(session.scalars(decided))
    habitual = sum(row.contents == contents and row.state is not OrderState.CANCELLED for row in rows) >= HABIT
    framework = _is_framework(session, order)
    found = []
    for row in rows:
        same_lines = bool(contents) and row.contents == contents
        likeness = _likeness(order, row, same_lines=same_lines, habitual=habitual)
        if likeness is Likeness.NUMBER and framework and not same_lines:
            continue  # a blanket order: what is called off under it has the same number
        if likeness is not None and row.id not in settled:
            found.append(
                Twin(
                    row.id, row.reference, row.state, likeness, row.created_at, row.requested_delivery_date, same_lines
                )
            )
    order_of = list(Likeness)
    return tuple(sorted(found, key=lambda twin: (order_of.index(twin.likeness), -twin.order_id)))


@cache
def _looks() -> Select[*tuple[Any, ...]]:
    looks = [
        select(Order.id)
        .where(Order.customer_id == bindparam("customer"), column == bindparam(key), Order.id < bindparam("before"))
        .order_by(Order.id.desc())
        .limit(LOOKED_AT)
        .subquery()
        for column, key in (
            (Order.customer_reference, "number"), (Order.source_hash, "source"), (Order.contents, "contents"),
        )
    ]  # fmt: skip
    found = union(*(select(look.c.id) for look in looks))
    columns = (
        Order.id, Order.reference, Order.state, Order.created_at, Order.requested_delivery_date,
        Order.customer_reference, Order.contents, Order.source_hash,
    )  # fmt: skip
    return select(*columns).where(Order.id.in_(found)).order_by(Order.id.desc())


def _likeness(order: Order, other: Row[*tuple[Any, ...]], *, same_lines: bool, habitual: bool) -> Likeness | None:
    """Why the earlier order may be the same; None when it is another one."""
    apart = order.created_at - other.created_at
    number, before = order.customer_reference, other.customer_reference
    if number and number == before:
        return Likeness.NUMBER if apart <= SAME_NUMBER else None
    if number and before:
        return None
    day, then = order.requested_delivery_date, other.requested_delivery_date
    if day and then and day != then:
        return None
    if order.source_hash and order.source_hash == other.source_hash and apart <= SAME_FILES:
        return Likeness.FILES
    if order.message_id is None and order.taken_by_id is None:
        return None  # made by a button of ours, such as the one that accepts a quote: nothing was sent twice
    within = SAME_DAY_WANTED if day and then else (HABITUAL if habitual else UNDATED)
    return Likeness.LINES if same_lines and apart <= within else None


def _is_framework(session: Session, order: Order) -> bool:
    """An agent has said of this number that it covers several orders."""
    if not order.customer_reference:
        return False
    query = (
        select(DuplicateDecision.id).join(Order, Order.id == DuplicateDecision.order_id)
        .where(Order.customer_id == order.customer_id, Order.customer_reference == order.customer_reference,
               DuplicateDecision.outcome == Outcome.CALL_OFF)
    )  # fmt: skip
    return session.scalar(query.limit(1)) is not None


def _both(session: Session, order_id: int, other_id: int, *, version: int | None) -> tuple[Order, Order]:
    """The draft and the earlier order, locked in the order of their ids; refuses what is decided or not alike."""
    session.flush()
    first, second = (orders.lock(session, number) for number in sorted((order_id, other_id)))
    order, other = (second, first) if second.id == order_id else (first, second)
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    if other.id not in {twin.order_id for twin in twins(session, order)}:
        raise Refused("duplicate_already_settled", reference=order.reference, other=other.reference)
    return order, other


def _decide(session: Session, order: Order, other: Order, outcome: Outcome, *, by: Actor, at: datetime) -> None:
    session.add(
        DuplicateDecision(
            order_id=order.id, other_id=other.id, outcome=outcome, decided_at=at,
            decided_by_id=by.id if by.kind is ActorKind.STAFF else None,
        )
    )  # fmt: skip
    session.flush()
    journal.write(
        session, "duplicate_settled", subject=order.subject, by=by, at=at, other=other.reference, outcome=outcome
    )


def drop(
    session: Session, order_id: int, other_id: int, *, reason: str, by: Actor, at: datetime, version: int | None = None
) -> Order:
    """The same order twice: the draft is cancelled with the other one's reference, and the customer told once."""
    order, other = _both(session, order_id, other_id, version=version)
    _decide(session, order, other, Outcome.DUPLICATE, by=by, at=at)
    orders.cancel(session, order, reason=reason, by=by, at=at, event="duplicate_dropped", other=other.reference)
    return order


def keep_both(
    session: Session, order_id: int, other_id: int, *, by: Actor, at: datetime, version: int | None = None
) -> Order:
    """Two orders after all, a further call-off: noted, and not asked again."""
    order, other = _both(session, order_id, other_id, version=version)
    _decide(session, order, other, Outcome.CALL_OFF, by=by, at=at)
    events.emit(session, "duplicate_settled", order, at=at)
    return order


def correct(
    session: Session, order_id: int, other_id: int, *, reason: str, replaced: str, by: Actor, at: datetime,
    version: int | None = None,
) -> Order | OrderRevision:  # fmt: skip
    """The later order corrects the earlier one: a draft is replaced, a confirmed one gets a revision to accept.

    `replaced` is why the earlier draft is cancelled, `reason` why the later one is when it lives on as a revision.
    """
    order, other = _both(session, order_id, other_id, version=version)
    _decide(session, order, other, Outcome.CORRECTION, by=by, at=at)
    if other.state is OrderState.DRAFT:
        orders.cancel(session, other, reason=replaced, by=by, at=at, event="order_replaced", other=order.reference)
        events.emit(session, "duplicate_settled", order, at=at)
        return order
    if other.state is not OrderState.CONFIRMED:
        raise Refused("order_not_confirmed", reference=other.reference)
    wanted = corrected(other, order)
    if not wanted:
        raise Refused("nothing_to_change", reference=other.reference)
    orders.cancel(session, order, reason=reason, by=by, at=at, event="order_replaced", other=other.reference)
    return revisions.propose(session, other, wanted, by=by, at=at, message_id=order.message_id)


def corrected(registered: Order, later: Order) -> Wanted:
    """What makes the registered order the same as the later one: articles that it leaves out are given up."""
    asked: dict[int | None, OrderLine] = {line.article_id: line for line in later.kept_lines if line.article_id}
    lines: list[LineWish] = []
    there: set[int | None] = set()
    for line in registered.kept_lines:
        known = line.article_id is not None and line.article_id not in there
        wish = asked.get(line.article_id) if known else None
        if line.given_up and wish is None:
            continue
        there.add(line.article_id)
        if wish is None:
            lines.append(LineWish(line.position, None))
        elif wish.quantity != line.committed:
            lines.append(LineWish(line.position, wish.quantity, wish.packaging, wish.packaging_count))
    added = tuple(
        AskedLine(
            text=line.text, article=line.article, quantity=line.quantity, packaging=line.packaging,
            packaging_count=line.packaging_count, customer_price=line.customer_price,
            customer_reference=line.customer_reference, confidence=line.confidence,
            alternatives=tuple(line.other_skus),
        )
        for line in later.kept_lines
        if line.article_id is None or line.article_id not in there
    )  # fmt: skip
    day = later.requested_delivery_date
    return Wanted(tuple(lines), added, day if day != registered.requested_delivery_date else None)
