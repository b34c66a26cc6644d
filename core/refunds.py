"""Refunds: money that goes back to a customer, of credits, over-payments and deposits; two people of accounting."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import credit_uses, events, journal, payments
from core.clock import business_date
from core.db import Base, choice
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.invoices import Invoice
from core.journal import Actor, ActorKind
from core.means import PaymentMeans
from core.money import ZERO, Money, total
from core.parties import Customer, Role
from core.payments import Allocation, Payment

MIN_REASON = 10


class RefundState(StrEnum):
    """Where a refund stands."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    EXECUTED = "executed"


NEXT: dict[RefundState, frozenset[RefundState]] = {
    RefundState.ASKED: frozenset({RefundState.APPROVED, RefundState.REFUSED}),
    RefundState.APPROVED: frozenset({RefundState.EXECUTED, RefundState.REFUSED}),
    RefundState.REFUSED: frozenset(),
    RefundState.EXECUTED: frozenset(),
}
assert set(NEXT) == set(RefundState)  # noqa: S101 - the table is complete


class Refund(Base):
    """Money to give back; once executed, `executed_on` and `means` say when and how it left the bank.

    Its `Allocation` rows say whose it was: a part of a payment that settled nothing, or a surplus of an invoice.
    """

    __tablename__ = "refund"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    amount: Mapped[Money]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[RefundState] = mapped_column(choice(RefundState), default=RefundState.ASKED)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    means: Mapped[PaymentMeans | None] = mapped_column(choice(PaymentMeans))
    executed_on: Mapped[date | None]
    executed_at: Mapped[datetime | None]
    customer: Mapped[Customer] = relationship()

    @property
    def subject(self) -> str:
        """The refund as the subject of journal lines and outbox rows."""
        return f"refund:{self.id}"

    def move(self, target: RefundState) -> None:
        """Go to that state; raises where it does not follow from this one."""
        if target not in NEXT[self.state]:
            raise IllegalTransition(thing="refund", state=self.state, target=target)
        self.state = target


def free_credit(session: Session, customer: Customer) -> Money:
    """What may still be asked for: the usable credit less the refunds that are on their way."""
    return max(payments.usable_credit(session, customer) - under_way(session, customer), ZERO)


def under_way(session: Session, customer: Customer) -> Money:
    """What was asked for or approved and has not left."""
    query = select(Refund.amount).where(
        Refund.customer_id == customer.id, Refund.state.in_((RefundState.ASKED, RefundState.APPROVED))
    )
    return total(session.scalars(query))


def ask(session: Session, customer: Customer, amount: Money, *, reason: str, by: Actor, at: datetime) -> Refund:
    """Propose to give money back; somebody else of accounting decides. Never more than the customer's free credit."""
    if by.kind is not ActorKind.STAFF or by.id is None:
        raise Refused("role_missing", role=Role.ACCOUNTING.value)
    if amount <= ZERO:
        raise Refused("amount_not_positive", amount=amount)
    if len(reason.strip()) < MIN_REASON:
        raise Refused("reason_too_short", minimum=MIN_REASON)
    session.execute(select(Customer.id).where(Customer.id == customer.id).with_for_update(key_share=True))
    free = free_credit(session, customer)
    if amount > free:
        raise Refused("refund_above_credit", amount=amount, left=free)
    refund = Refund(
        reference=next_number(session, "RBT", on=business_date(at)), customer=customer, amount=amount,
        reason=reason.strip(), state=RefundState.ASKED, asked_by_id=by.id, asked_at=at,
    )  # fmt: skip
    session.add(refund)
    session.flush()
    journal.write(
        session, "refund_asked", subject=refund.subject, by=by, at=at, reference=refund.reference, amount=amount,
        private=refund.reason,
    )  # fmt: skip
    events.emit(session, "refund_asked", refund, at=at)
    return refund


def _held(session: Session, refund: Refund) -> Refund:
    journal.hold(session)
    query = select(Refund).where(Refund.id == refund.id).with_for_update(of=Refund)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def approve(session: Session, refund: Refund, *, by: Actor, at: datetime) -> None:
    """Accounting's yes; refuses whoever asked, and an amount that is no longer the customer's credit."""
    refund = _held(session, refund)
    _ensure_accounting(by)
    if refund.asked_by_id == by.id:
        raise Refused("own_request")
    usable = payments.usable_credit(session, refund.customer)
    if refund.amount > usable:
        raise Refused("refund_above_credit", amount=refund.amount, left=max(usable, ZERO))
    refund.move(RefundState.APPROVED)
    refund.decided_by_id, refund.decided_at = by.id, at
    journal.write(session, "refund_approved", subject=refund.subject, by=by, at=at, reference=refund.reference)
    events.emit(session, "refund_approved", refund, at=at)


def refuse(session: Session, refund: Refund, *, reason: str, by: Actor, at: datetime) -> None:
    """Accounting's no, also after a yes that was not carried out; who asked is told."""
    refund = _held(session, refund)
    _ensure_accounting(by)
    if not reason.strip():
        raise Refused("reason_missing")
    refund.move(RefundState.REFUSED)
    refund.answer, refund.decided_by_id, refund.decided_at = reason.strip(), by.id, at
    journal.write(
        session, "refund_refused", subject=refund.subject, by=by, at=at, reference=refund.reference, private=reason
    )
    events.emit(session, "refund_refused", refund, at=at)


def execute(
    session: Session, refund: Refund, *, on: date, by: Actor, at: datetime, means: PaymentMeans = PaymentMeans.TRANSFER
) -> None:
    """Record that the money left, on that day and by these means; the customer's credit is less by as much.

    Money that settled nothing goes back first, then what credit notes gave beyond their invoices, oldest first.
    """
    if by.kind is not ActorKind.SYSTEM:  # the bank's own statement says that it left
        _ensure_accounting(by)
    if on > business_date(at):
        raise Refused("date_in_future", date=on)
    customer = refund.customer
    refund = _held(session, refund)  # whoever would use the same credit waits
    sources = _sources(session, customer)
    left, usable = refund.amount, total(amount for _, amount in sources)
    if left > usable:
        raise Refused("refund_above_credit", amount=left, left=usable)
    refund.move(RefundState.EXECUTED)
    for source, amount in sources:
        part = min(left, amount)
        if part <= ZERO:
            break
        if isinstance(source, Payment):
            session.add(Allocation(payment_id=source.id, amount=part, settled_at=at, refund_id=refund.id))
        else:
            session.add(payments.line(source, -part, at, refund_id=refund.id))
        left -= part
    refund.means, refund.executed_on, refund.executed_at = means, on, at
    session.flush()
    journal.write(
        session, "refund_executed", subject=refund.subject, by=by, at=at, reference=refund.reference,
        amount=refund.amount, on=on, means=means,
    )  # fmt: skip
    events.emit(session, "refund_executed", refund, at=at)


def _ensure_accounting(by: Actor) -> None:
    if Role.ACCOUNTING.value not in by.roles:
        raise Refused("role_missing", role=Role.ACCOUNTING.value)


def _sources(session: Session, customer: Customer) -> list[tuple[Payment | Invoice, Money]]:
    session.flush()
    names = [*payments.receipts(session, customer), *payments.surpluses(session, customer)]
    return [(credit_uses.source_by_number(session, customer.id, name), amount) for name, amount in names]
