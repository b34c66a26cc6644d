"""Everything that waits for a person of the house: who owes the answer, since when; one statement a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Select, String, cast, func, literal, select

from core.bank import BankEntry, BankStatement, EntryState
from core.calls import Call
from core.deliveries import Delivery, DeliveryLine, GoodsReturn, Reserve, ReturnState
from core.disputes import Dispute, DisputeState
from core.messages import Message, MessageState
from core.orders import Order, OrderClause, OrderRevision, OrderState
from core.orders.revisions import RevisionState
from core.outbox import OutboxRow
from core.overrides import OverrideRequest, RequestState
from core.parties import Customer, Role
from core.quotes import Quote, QuoteState
from core.refunds import Refund, RefundState
from core.reminders import Reminder, ReminderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: Why a message is in quarantine, where only its customer is missing.
WHOSE = frozenset({"customer_unknown", "customer_ambiguous", "customer_to_confirm"})

FAMILY = {"draft_customer": "draft", "draft_sender": "draft", "message_customer": "message"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits: its kind, its own name (`order:12`), the role that answers, what people call it."""

    kind: str
    subject: str
    role: Role
    since: datetime
    name: str = ""
    customer: str = ""

    @property
    def family(self) -> str:
        """The kind, whatever is still missing: a draft whose sender was verified is the same draft."""
        return FAMILY.get(self.kind, self.kind)

    @property
    def key(self) -> tuple[str, str, datetime]:
        """What tells this wait from an earlier one of the same thing."""
        return self.family, self.subject, self.since


def found(session: Session, *, before: datetime) -> list[Waiting]:
    """What has waited since that instant or earlier, the longest wait first."""
    session.flush()
    waiting = [one for source in SOURCES for one in source(session, before)]
    return sorted(waiting, key=lambda one: (one.since, one.kind, one.subject))


def _drafts(session: Session, before: datetime) -> Iterator[Waiting]:
    """Drafts that nobody confirmed; one that waits for another role's yes is that role's."""
    asked = select(OverrideRequest.id).where(
        OverrideRequest.order_id == Order.id, OverrideRequest.state == RequestState.OPEN
    )
    query = (
        select(
            Order.id, Order.created_at, Order.reference, Customer.name, Order.customer_clue, Order.sender_authenticated
        )
        .join(Customer, Customer.id == Order.customer_id)
        .where(Order.state == OrderState.DRAFT, Order.created_at <= before, ~asked.exists())
    )
    for number, since, reference, name, clue, vouched in session.execute(query):
        kind = "draft_customer" if clue else "draft" if vouched else "draft_sender"
        yield Waiting(kind, f"order:{number}", Role.SALES, since, reference, name)


def _quarantine(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(Message.id, Message.received_at, Message.reason, Message.sender, Customer.name)
        .outerjoin(Customer, Customer.id == Message.customer_id)
        .where(Message.state == MessageState.QUARANTINED, Message.received_at <= before)
    )
    for number, since, reason, sender, name in session.execute(query):
        kind = "message_customer" if reason in WHOSE else "message"
        yield Waiting(kind, f"message:{number}", Role.SALES, since, "", name or sender)


def _overrides(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(OverrideRequest.id, OverrideRequest.role, OverrideRequest.requested_at, Order.reference, Customer.name)
        .join(Order, Order.id == OverrideRequest.order_id)
        .join(Customer, Customer.id == Order.customer_id)
        .where(OverrideRequest.state == RequestState.OPEN, OverrideRequest.requested_at <= before)
    )
    for number, role, since, reference, name in session.execute(query):
        yield Waiting("override", f"override_request:{number}", role, since, reference, name)


def _each(
    session: Session, query: Select[int, datetime, str, str], kind: str, thing: str, role: Role
) -> Iterator[Waiting]:
    """The rows of a question that gives a number, since when it waits, a reference and a customer's name."""
    for number, since, reference, name in session.execute(query):
        yield Waiting(kind, f"{thing}:{number}", role, since, reference, name)


def _clauses(session: Session, before: datetime) -> Iterator[Waiting]:
    """A clause does not keep when it was put to the manager; the row that told him does."""
    told = func.max(OutboxRow.created_at)
    query = (
        select(Order.id, told, Order.reference, Customer.name)
        .join(OrderClause, OrderClause.order_id == Order.id)
        .join(Customer, Customer.id == Order.customer_id)
        .join(OutboxRow, OutboxRow.subject == literal("order:") + cast(Order.id, String))
        .where(
            OrderClause.asked_by_id.is_not(None), OrderClause.settled.is_(None), OutboxRow.template == "clause_asked",
            Order.state == OrderState.DRAFT,
        )
        .group_by(Order.id, Order.reference, Customer.name)
        .having(told <= before)
    )  # fmt: skip
    yield from _each(session, query, "clause", "order", Role.MANAGER)


def _revisions(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(OrderRevision.id, OrderRevision.proposed_at, Order.reference, Customer.name)
        .join(Order, Order.id == OrderRevision.order_id)
        .join(Customer, Customer.id == Order.customer_id)
        .where(OrderRevision.state == RevisionState.PROPOSED, OrderRevision.proposed_at <= before)
    )
    yield from _each(session, query, "revision", "order_revision", Role.SALES)


def _quotes(session: Session, before: datetime) -> Iterator[Waiting]:
    """Quotes that a customer asked for; one that a colleague prepares by himself keeps nobody waiting."""
    query = (
        select(Quote.id, Quote.created_at, Quote.reference, Customer.name)
        .join(Customer, Customer.id == Quote.customer_id)
        .where(Quote.state == QuoteState.DRAFT, Quote.message_id.is_not(None), Quote.created_at <= before)
    )
    yield from _each(session, query, "quote", "quote", Role.SALES)


def _reserves(session: Session, before: datetime) -> Iterator[Waiting]:
    since = func.min(Reserve.at)
    query = (
        select(Delivery.id, since, Delivery.reference, Customer.name)
        .join(Customer, Customer.id == Delivery.customer_id)
        .join(DeliveryLine, DeliveryLine.delivery_id == Delivery.id)
        .join(Reserve, Reserve.delivery_line_id == DeliveryLine.id)
        .where(Reserve.decision.is_(None))
        .group_by(Delivery.id, Delivery.reference, Customer.name)
        .having(since <= before)
    )
    yield from _each(session, query, "reserve", "delivery", Role.SALES)


def _returns(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(GoodsReturn.id, GoodsReturn.requested_at, GoodsReturn.reference, Customer.name)
        .join(Delivery, Delivery.id == GoodsReturn.delivery_id)
        .join(Customer, Customer.id == Delivery.customer_id)
        .where(GoodsReturn.state == ReturnState.REQUESTED, GoodsReturn.requested_at <= before)
    )
    yield from _each(session, query, "return", "goods_return", Role.SALES)


def _refunds(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(Refund.id, Refund.asked_at, Refund.reference, Customer.name)
        .join(Customer, Customer.id == Refund.customer_id)
        .where(Refund.state == RefundState.ASKED, Refund.asked_at <= before)
    )
    yield from _each(session, query, "refund", "refund", Role.ACCOUNTING)


def _bank_entries(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(BankEntry.id, BankStatement.imported_at, BankEntry.payer_name)
        .join(BankStatement, BankStatement.id == BankEntry.statement_id)
        .where(BankEntry.state == EntryState.ASKED, BankStatement.imported_at <= before)
    )
    for number, since, payer in session.execute(query):
        yield Waiting("bank_entry", f"bank_entry:{number}", Role.ACCOUNTING, since, "", payer)


def _disputes(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(Dispute.id, Dispute.owner, Dispute.opened_at, Dispute.reference, Customer.name)
        .join(Customer, Customer.id == Dispute.customer_id)
        .where(Dispute.state == DisputeState.OPEN, Dispute.opened_at <= before)
    )
    for number, role, since, reference, name in session.execute(query):
        yield Waiting("dispute", f"dispute:{number}", role, since, reference, name)


def _notices(session: Session, before: datetime) -> Iterator[Waiting]:
    query = (
        select(Reminder.id, Reminder.at, Customer.name)
        .join(Customer, Customer.id == Reminder.customer_id)
        .where(Reminder.state == ReminderState.TO_APPROVE, Reminder.at <= before)
    )
    for number, since, name in session.execute(query):
        yield Waiting("notice", f"reminder:{number}", Role.LEGAL, since, "", name)


def _calls(session: Session, before: datetime) -> Iterator[Waiting]:
    query = select(Call).where(Call.taken_at.is_(None), Call.opened_at <= before)
    for call in session.scalars(query):
        yield Waiting(call.template, call.subject, call.role, call.opened_at)


SOURCES: tuple[Callable[[Session, datetime], Iterator[Waiting]], ...] = (
    _drafts, _quarantine, _overrides, _clauses, _revisions, _quotes, _reserves, _returns, _refunds, _bank_entries,
    _disputes, _notices, _calls,
)  # fmt: skip
