"""Payment reminders: a ladder of levels, one message per customer and step, and promises that pause it.

Practice, not law (facts: order to cash §3.4). Commercial and accounting levels leave by themselves; the legal one
always needs approval. What is due is computed again when a reminder leaves; a level is reached once per document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import disputes, events, journal, papers, payments, refunds, rounds
from core.clock import business_date, is_business_day
from core.db import Base, choice
from core.documents import Document, DocumentKind, OpenAmount
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.journal import SYSTEM, Actor
from core.money import ZERO, Money
from core.parties import Customer, Role
from core.payments import Receivable

if TYPE_CHECKING:
    from core.settings import House

#: D441-5 C. com.: per unpaid invoice, outside VAT.
RECOVERY_FEE = Money.of(40)


@dataclass(frozen=True, slots=True)
class Level:
    """A step of the ladder: days after the due date (negative: before), who owns it, whether a person must approve."""

    number: int
    days: int
    owner: Role
    approval: bool = False


LADDER: tuple[Level, ...] = (
    Level(1, -5, Role.SALES),
    Level(2, 7, Role.ACCOUNTING),
    Level(3, 15, Role.ACCOUNTING),
    Level(4, 30, Role.ACCOUNTING),
    Level(5, 45, Role.LEGAL, approval=True),
)
assert all(a.days < b.days and a.number < b.number for a, b in pairwise(LADDER))  # noqa: S101


class ReminderState(StrEnum):
    """What was decided about a step."""

    SENT = "sent"
    TO_APPROVE = "to_approve"
    APPROVED = "approved"
    DROPPED = "dropped"


class Reminder(Base):
    """One step towards one customer, for every document that reached it."""

    __tablename__ = "reminder"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    level: Mapped[int]
    state: Mapped[ReminderState] = mapped_column(choice(ReminderState))
    on: Mapped[date]
    at: Mapped[datetime]
    customer: Mapped[Customer] = relationship()
    steps: Mapped[list[ReminderStep]] = relationship()

    @property
    def subject(self) -> str:
        """The reminder as the subject of journal lines and outbox rows."""
        return f"reminder:{self.id}"


class ReminderStep(Base):
    """That a document reached a level: once, whatever happens."""

    __tablename__ = "reminder_step"
    __table_args__ = (UniqueConstraint("number", "customer_id", "level"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reminder_id: Mapped[int] = mapped_column(ForeignKey("reminder.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    number: Mapped[str]
    level: Mapped[int]


class PromiseState(StrEnum):
    """What became of a promise."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


class Promise(Base):
    """The customer's word to pay a document by a day; pauses its ladder until then."""

    __tablename__ = "promise"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    number: Mapped[str]
    amount: Mapped[Money]
    day: Mapped[date]
    state: Mapped[PromiseState] = mapped_column(choice(PromiseState), default=PromiseState.OPEN)
    made_at: Mapped[datetime]
    broken_on: Mapped[date | None]
    customer: Mapped[Customer] = relationship()

    @property
    def subject(self) -> str:
        """The promise as the subject of journal lines and outbox rows."""
        return f"promise:{self.id}"


def run(session: Session, *, today: date, at: datetime) -> list[Reminder]:
    """Take every step that is due today: at most one message a customer; nothing on a day that is no business day.

    After an outage only the highest level reached is told, once.
    """
    if not is_business_day(today):
        return []
    broken = _break_promises(session, today=today, at=at)
    made: list[Reminder] = []

    def remind(customer: Customer) -> None:
        steps = [step for step in _steps(session, customer, today=today) if (customer.id, step[0].number) not in broken]
        told_today = select(Reminder.id).where(Reminder.customer_id == customer.id, Reminder.on == today)
        if session.scalar(told_today.limit(1)) is not None:
            return
        # what legal must approve waits for its yes; what leaves by itself does not wait with it
        parts = ([s for s in steps if s[1].approval], [s for s in steps if not s[1].approval])
        made.extend([_take(session, customer, part, today=today, at=at) for part in parts if part])

    customers = session.scalars(select(Customer).where(Customer.active).order_by(Customer.id)).all()
    rounds.each(session, "reminders", customers, remind, at=at)
    return made


def _steps(session: Session, customer: Customer, *, today: date) -> list[tuple[Receivable, Level]]:
    if payments.is_unmatched(session, customer):
        return []  # money is there that nobody has matched yet: never remind before it is
    promised = {promise.number for promise in open_promises(session, customer)}
    reached = levels(session, customer)
    steps = []
    for receivable in claimed(session, customer):
        late = receivable.days_late(today)
        level = next((step for step in reversed(LADDER) if late >= step.days), None)
        too_late_for_courtesy = level is not None and level.days < 0 <= late
        if level is None or too_late_for_courtesy or receivable.number in promised:
            continue
        if level.number > reached.get(receivable.number, 0):
            steps.append((receivable, level))
    return steps


def claimed(session: Session, customer: Customer) -> list[Receivable]:
    """What may be claimed from the customer now: what is due less what he contests, and less the credit he has.

    Credit that nobody has used yet is counted against the oldest documents; what a refund was asked of is not.
    """
    owed = disputes.claimable(session, customer)
    credit = refunds.free_credit(session, customer) if owed else ZERO
    left = []
    for receivable in owed:
        taken = min(credit, receivable.due)
        credit -= taken
        if taken < receivable.due:
            left.append(replace(receivable, due=receivable.due - taken))
    return left


def _take(
    session: Session, customer: Customer, steps: Sequence[tuple[Receivable, Level]], *, today: date, at: datetime
) -> Reminder:
    level = max((step for _, step in steps), key=lambda step: step.number)
    state = ReminderState.TO_APPROVE if level.approval else ReminderState.SENT
    reminder = Reminder(customer=customer, level=level.number, state=state, on=today, at=at)
    session.add(reminder)
    session.flush()
    for receivable, step in steps:
        session.add(
            ReminderStep(reminder_id=reminder.id, customer_id=customer.id, number=receivable.number, level=step.number)
        )
    session.flush()
    journal.write(
        session, "reminder_due", subject=reminder.subject, by=SYSTEM, at=at, level=level.number,
        documents=[receivable.number for receivable, _ in steps],
    )  # fmt: skip
    events.emit(session, "legal_handover" if level.approval else "reminder_due", reminder, at=at)
    return reminder


def levels(session: Session, customer: Customer) -> dict[str, int]:
    """The highest step that each of the customer's documents has reached, by document number."""
    query = select(ReminderStep.number, func.max(ReminderStep.level)).where(ReminderStep.customer_id == customer.id)
    return {row[0]: row[1] for row in session.execute(query.group_by(ReminderStep.number))}


def statement(session: Session, reminder: Reminder, *, today: date, house: House) -> tuple[OpenAmount, ...]:
    """All that the customer must pay at this instant and has passed or nears its date; empty when nothing is left.

    Documents under a live promise are not claimed.
    """
    horizon = today + timedelta(days=-LADDER[0].days)
    promised = {promise.number for promise in open_promises(session, reminder.customer)}
    return tuple(
        OpenAmount(
            number=receivable.number, date=receivable.issue_date, due_date=receivable.due_date,
            gross=receivable.gross, due=receivable.due, days_late=max(receivable.days_late(today), 0),
            interest=interest(receivable, today=today, house=house),
        )
        for receivable in claimed(session, reminder.customer)
        if receivable.due_date <= horizon and receivable.number not in promised
    )  # fmt: skip


def interest(receivable: Receivable, *, today: date, house: House) -> Money:
    """Late interest to date at the contract's yearly rate on the unpaid amount, 365 days; zero when no rate is set."""
    late = receivable.days_late(today)
    if house.penalty_rate is None or late <= 0:
        return ZERO
    return Money.of(receivable.due.amount * house.penalty_rate / 100 * late / Decimal(365))


def approve_formal_notice(
    session: Session, reminder: Reminder, *, house: House, by: Actor, at: datetime
) -> papers.Paper:
    """Legal's yes: the formal notice is frozen with what is due now, and leaves."""
    if reminder.state is not ReminderState.TO_APPROVE:
        raise IllegalTransition(thing="reminder", state=reminder.state, target=ReminderState.APPROVED)
    today = business_date(at)
    amounts = tuple(a for a in statement(session, reminder, today=today, house=house) if a.days_late > 0)
    if not amounts:
        raise Refused("nothing_due", customer=reminder.customer.code)
    reminder.state = ReminderState.APPROVED
    number = next_number(session, "MED", on=today)
    document = Document(
        kind=DocumentKind.FORMAL_NOTICE, number=number, issue_date=today, seller=house.as_party(), accent=house.accent,
        logo=house.emblem,
        buyer=reminder.customer.as_party(), language=reminder.customer.language, open_amounts=amounts,
        reminder_level=reminder.level, recovery_fee=RECOVERY_FEE * len(amounts), penalty_rate=house.penalty_rate,
        due_date=today + timedelta(days=8),
    )  # fmt: skip
    paper = papers.freeze(session, document, customer_id=reminder.customer_id, order_id=None, at=at)
    journal.write(session, "formal_notice_approved", subject=reminder.subject, by=by, at=at, number=number)
    events.emit(session, "formal_notice", reminder, at=at, paper=paper)
    return paper


def drop(session: Session, reminder: Reminder, *, reason: str, by: Actor, at: datetime) -> None:
    """Legal's no, with its reason: nothing is sent, and these documents are not handed over again."""
    if reminder.state is not ReminderState.TO_APPROVE:
        raise IllegalTransition(thing="reminder", state=reminder.state, target=ReminderState.DROPPED)
    if not reason.strip():
        raise Refused("reason_missing")
    reminder.state = ReminderState.DROPPED
    journal.write(session, "formal_notice_dropped", subject=reminder.subject, by=by, at=at, private=reason)


def promise(
    session: Session, customer: Customer, number: str, *, day: date, by: Actor, at: datetime,
    amount: Money | None = None,
) -> Promise:  # fmt: skip
    """Note the customer's word; it replaces an earlier open one on the same document. The day must be ahead."""
    document = payments.document_by_number(session, customer, number)
    due = payments.amount_due(session, document)
    if day < business_date(at):
        raise Refused("date_in_past", date=day)
    if due == ZERO or (amount is not None and not ZERO < amount <= due):
        raise Refused("promise_not_possible", number=document.number, due=due)
    for earlier in open_promises(session, customer):
        if earlier.number == document.number:
            session.delete(earlier)
    made = Promise(
        customer=customer, number=document.number, amount=due if amount is None else amount, day=day, made_at=at
    )
    session.add(made)
    session.flush()
    journal.write(
        session, "promise_made", subject=made.subject, by=by, at=at, number=made.number, amount=made.amount, day=day
    )
    events.emit(session, "promise_made", made, at=at)
    return made


def open_promises(session: Session, customer: Customer) -> list[Promise]:
    """The customer's promises that are neither kept nor broken."""
    query = select(Promise).where(Promise.customer_id == customer.id, Promise.state == PromiseState.OPEN)
    return list(session.scalars(query.order_by(Promise.day)))


def keep_promises(session: Session, customer: Customer, *, by: Actor, at: datetime) -> None:
    """Mark as kept the promises whose document is settled or whose amount came in; called when money comes in."""
    for made in open_promises(session, customer):
        document = payments.document_by_number(session, customer, made.number)
        paid = payments.allocated(session, document, since=made.made_at)
        if paid >= made.amount or payments.amount_due(session, document) == ZERO:
            made.state = PromiseState.KEPT
            journal.write(session, "promise_kept", subject=made.subject, by=by, at=at, number=made.number)


def _break_promises(session: Session, *, today: date, at: datetime) -> set[tuple[int, str]]:
    """Promises whose day has passed unpaid: a person hears of it, and the ladder says nothing that day."""
    overdue = select(Promise).where(Promise.state == PromiseState.OPEN, Promise.day < today).order_by(Promise.id)
    for made in list(session.scalars(overdue)):
        keep_promises(session, made.customer, by=SYSTEM, at=at)  # a credit note may have settled the document
        if made.state is not PromiseState.OPEN:
            continue
        made.state, made.broken_on = PromiseState.BROKEN, today
        journal.write(session, "promise_broken", subject=made.subject, by=SYSTEM, at=at, number=made.number)
        events.emit(session, "promise_broken", made, at=at)
    return {
        (made.customer_id, made.number) for made in session.scalars(select(Promise).where(Promise.broken_on == today))
    }
