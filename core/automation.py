"""Automatic confirmation: off by default, customer by customer, and gone with the first correction.

An order is registered by the system only when nothing of it is left to anybody's judgement: the customer is certain
and authenticated, every line is, no check blocks or asks to be watched (not even one that was let through), the order
is what its quote says, nothing else he wrote waits for a person, and his own figures pass the threshold of the house.

His figures are the shadow rates of `comptoir evaluate`, counted where they cost nothing: of his last registered orders
that we read ourselves, how many were registered as they were read. Whatever a colleague changed counts against the
reader, whatever his reason; what the customer changed himself does not. The threshold is compared with the lower end
of the one-sided exact interval (95 %): with the usual 0.95 it takes 59 untouched orders in a row, whatever
`auto_confirm_orders` says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import checks, events, facts, journal, orders, overrides, quotes, registration
from core.bounds import lower_bound
from core.checks import SURE, Severity
from core.db import transaction
from core.errors import Comptoir, Refused
from core.journal import SYSTEM, Actor, ActorKind, JournalEntry
from core.messages import Message, MessageState
from core.orders import Order, OrderState
from core.overrides import OverrideRequest, RequestState
from core.parties import Customer, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from core.settings import House

#: So many of the latest orders tell how well a customer is read today.
LOOKED_AT = 300
#: What a colleague does to a draft that shows that it was not read as it was meant.
CORRECTIONS = (
    "order_article_set", "order_quantity_changed", "order_line_removed", "order_lines_added", "order_customer_set",
    "order_delivery_date_changed", "order_price_settled", "auto_confirm_corrected",
)  # fmt: skip
#: Mark of a message of which something was not read: a person sees to it.
PARTLY_READ = "partly_read"
#: Why a message that was understood asks for nobody's attention.
SETTLED = frozenset({"", "joined", "receipt", "completed", "terms_accepted"})
#: Notes that hold nobody up, but that a person must have seen.
TO_BE_SEEN = frozenset({"total_differs", "vat_differs", "price_accepted"})


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a customer's last orders read by us: so many of so many were registered untouched."""

    right: int
    total: int

    @property
    def bound(self) -> Decimal:
        """The lower end of the share in percent, rounded down to a tenth."""
        return Decimal(int(lower_bound(self.right, self.total) * 1000)) / 10

    def passes(self, house: House) -> bool:
        """Enough orders, and the true share is above the threshold but for a risk of 5 %."""
        enough = self.total >= max(house.auto_confirm_orders, 1)
        return enough and lower_bound(self.right, self.total) >= float(house.auto_confirm_threshold)


def figures(session: Session, customer: Customer) -> Figures:
    """The customer's own figures today, in two queries.

    What was registered automatically and never corrected says nothing: no colleague compared it with the words.
    """
    read_by_us = (
        select(Order.id, Order.confirmed_by_id)
        .where(
            Order.customer_id == customer.id, Order.message_id.is_not(None), Order.taken_by_id.is_(None),
            Order.confirmed_at.is_not(None),
        )
        .order_by(Order.confirmed_at.desc(), Order.id.desc())
        .limit(LOOKED_AT)
    )  # fmt: skip
    seen = {f"order:{number}": colleague is not None for number, colleague in session.execute(read_by_us)}
    touched = select(JournalEntry.subject).where(
        JournalEntry.subject.in_(seen), JournalEntry.action.in_(CORRECTIONS),
        or_(JournalEntry.actor.startswith(f"{ActorKind.STAFF}:"), JournalEntry.action == "auto_confirm_corrected"),
    )  # fmt: skip
    wrong = set(session.scalars(touched))
    counted = {subject for subject, compared in seen.items() if compared or subject in wrong}
    return Figures(len(counted - wrong), len(counted))


def due(session: Session, *, house: House, at: datetime) -> list[int]:
    """The drafts of customers on automatic confirmation that were not considered as they now stand, oldest first."""
    query = select(Order.id).join(Customer).where(
        Customer.auto_confirm, Order.state == OrderState.DRAFT, Order.message_id.is_not(None),
        Order.auto_considered < Order.version, Order.created_at <= at - _wait(house),
    )  # fmt: skip
    return [number for number in session.scalars(query.order_by(Order.id)) if not _fresh(session, number, house, at)]


def _wait(house: House) -> timedelta:
    """People write in several bubbles: the next one must still find a draft."""
    return timedelta(seconds=house.auto_confirm_wait_seconds)


def _fresh(session: Session, number: int, house: House, at: datetime) -> bool:
    latest = select(JournalEntry.at).where(JournalEntry.subject == f"order:{number}").order_by(JournalEntry.seq.desc())
    changed = session.scalar(latest.limit(1))
    return changed is not None and changed > at - _wait(house)


def consider_again(session: Session, customer: Customer | None = None) -> int:
    """Let drafts that were not registered be considered once more as they stand; returns how many.

    What held one up may be gone although nobody touched it: money came in, goods did, its day is allowed now.
    """
    trusted = select(Customer.id).where(Customer.auto_confirm)
    if customer is not None:
        trusted = trusted.where(Customer.id == customer.id)
    waiting = (
        select(Order)
        .where(
            Order.state == OrderState.DRAFT, Order.message_id.is_not(None), Order.auto_considered > 0,
            Order.customer_id.in_(trusted),
        )
        .with_for_update(of=Order, key_share=True)
    )  # fmt: skip
    found = list(session.scalars(waiting.order_by(Order.id)))
    for order in found:
        order.auto_considered = 0
    return len(found)


def run(engine: Engine, *, house: House, at: datetime) -> int:
    """Consider every draft that is due, each in a transaction of its own; returns how many were registered."""
    with transaction(engine) as session:
        waiting = due(session, house=house, at=at)
    done = 0
    for number in waiting:
        try:
            with transaction(engine) as session:
                done += consider(session, number, house=house, at=at)
        except Comptoir as refusal:  # a person confirms it, or is told why not: it is considered once as it stands
            with transaction(engine) as session:
                order = orders.lock(session, number)
                order.auto_considered = order.version
                journal.write(
                    session, "auto_confirm_refused", subject=order.subject, by=SYSTEM, at=at, code=refusal.code
                )
    return done


def consider(session: Session, order_id: int, *, house: House, at: datetime) -> bool:
    """Register the draft when nothing of it is left to judge; whether it was. Otherwise it waits for a colleague."""
    order = orders.lock(session, order_id)
    if order.state is not OrderState.DRAFT:
        return False
    order.auto_considered = order.version
    # whoever takes the rule away from him waits for us, or we see that he has
    customer = session.scalars(
        select(Customer).where(Customer.id == order.customer_id).with_for_update(key_share=True).execution_options(
            populate_existing=True
        )
    ).one()  # fmt: skip
    if not customer.auto_confirm or next(_doubts(session, order, house=house, at=at), None) is not None:
        return False
    own = figures(session, customer)
    if not own.passes(house):
        return False
    registration.confirm(session, order.id, house=house, by=SYSTEM, at=at, version=order.version)
    order.auto_considered = order.version
    journal.write(
        session, "auto_confirmed", subject=order.subject, by=SYSTEM, at=at, right=own.right, total=own.total,
        threshold=house.auto_confirm_threshold,
    )  # fmt: skip
    return True


def _doubts(session: Session, order: Order, *, house: House, at: datetime) -> Iterator[str]:
    """Why a person must look at the draft, if he must."""
    if order.message_id is None or order.taken_by_id is not None:
        yield "not_read_by_us"
    if not order.sender_authenticated or order.customer_clue:
        yield "customer_not_certain"
    if not order.kept_lines or any(not line.complete or line.confidence < SURE for line in order.kept_lines):
        yield "line_not_certain"
    found = checks.examine(facts.gather(session, order, house=house, at=at))
    if any(f.severity is not Severity.NOTE or f.overridden or f.code in TO_BE_SEEN for f in found):
        yield "not_all_green"
    asked = select(OverrideRequest.id).where(
        OverrideRequest.order_id == order.id, OverrideRequest.state == RequestState.OPEN
    )
    if session.scalar(asked.limit(1)) is not None or overrides.standing(session, order, at=at):
        yield "override"
    if any(term.agreed for term in order.deposit_terms):
        yield "deposit_agreed"
    if order.parked_until is not None:
        yield "parked"
    if not _as_quoted(session, order):
        yield "differs_from_quote"
    if _wrote_something_else(session, order):
        yield "message_waits"


def _as_quoted(session: Session, order: Order) -> bool:
    """The order is what its quote says, line for line; an order without a quote is what it is."""
    quote = session.get(quotes.Quote, order.quote_id) if order.quote_id is not None else None
    if quote is None:
        return True
    quoted = sorted((q.article_id or 0, q.quantity or 0, q.unit_price or 0) for q in quote.lines)
    return quoted == sorted((k.article_id or 0, k.quantity or 0, k.unit_price or 0) for k in order.kept_lines)


def _wrote_something_else(session: Session, order: Order) -> bool:
    """Something in his message was not read, or a person has to read what he wrote since: it may change everything."""
    first = session.get_one(Message, order.message_id)
    his = Message.customer_id == order.customer_id
    if first.chat_id is not None:
        his |= Message.chat_id == first.chat_id
    since = session.scalars(select(Message).where(his, Message.received_at >= first.received_at))
    return any(
        PARTLY_READ in message.flags.split() or message.state in {MessageState.STORED, MessageState.QUARANTINED}
        or (message.state is MessageState.UNDERSTOOD and message.reason not in SETTLED)
        for message in {first, *since}
    )  # fmt: skip


def figures_at(session: Session, order: Order) -> Figures | None:
    """The figures with which the order was registered automatically; None for one that a colleague registered."""
    if not was_automatic(order):
        return None
    query = select(JournalEntry.data).where(
        JournalEntry.subject == order.subject, JournalEntry.action == "auto_confirmed"
    )
    data = session.scalar(query.order_by(JournalEntry.seq.desc()).limit(1))
    told = json.loads(data) if data is not None else {}
    return Figures(int(told["right"]), int(told["total"])) if told else None


def was_automatic(order: Order) -> bool:
    """The order was registered by the system: no colleague did."""
    return order.confirmed_at is not None and order.confirmed_by_id is None


def corrected(session: Session, order: Order, *, reason: str, by: Actor, at: datetime) -> bool:
    """A colleague corrected an automatically registered order, or its customer got another article than he meant.

    The rule is taken off this customer at once, sales and the manager are told; whether it was on. An order that a
    colleague registered himself proves nothing here. `reason` is one of the words `auto_…` of the templates.
    """
    return was_automatic(order) and take_away(session, order, reason=reason, by=by, at=at)


def take_away(session: Session, order: Order, *, reason: str, by: Actor, at: datetime) -> bool:
    """What `corrected` does, for an order of which the caller knew that the system had registered it."""
    journal.write(session, "auto_confirm_corrected", subject=order.subject, by=by, at=at, reason=reason)
    customer = _held(session, order.customer_id)
    if not customer.auto_confirm:
        return False
    customer.auto_confirm, customer.auto_confirm_reason = False, reason
    journal.write(
        session, "auto_confirm_off", subject=customer.subject, by=by, at=at, reason=reason, order=order.reference
    )
    # about the customer: what waits to leave about an order given up or taken back is dropped
    events.emit(session, "auto_confirm_stopped", customer, at=at, reason=reason, reference=order.reference)
    return True


def _held(session: Session, customer_id: int) -> Customer:
    query = select(Customer).where(Customer.id == customer_id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def switch_on(session: Session, customer: Customer, *, house: House, by: Actor, at: datetime) -> Figures:
    """Put the customer on automatic confirmation: a manager's act, refused while the figures do not pass."""
    if Role.MANAGER.value not in by.roles:
        raise Refused("role_missing", role=Role.MANAGER.value)
    held, own = _held(session, customer.id), figures(session, customer)
    if not own.passes(house):
        raise Refused(
            "auto_confirm_figures_low", customer=customer.name, right=own.right, total=own.total, bound=own.bound,
            threshold=house.auto_confirm_threshold * 100, wanted=house.auto_confirm_orders,
        )  # fmt: skip
    held.auto_confirm, held.auto_confirm_reason = True, ""
    journal.write(
        session, "auto_confirm_on", subject=customer.subject, by=by, at=at, right=own.right, total=own.total,
        threshold=house.auto_confirm_threshold,
    )  # fmt: skip
    return own


def switch_off(session: Session, customer: Customer, *, by: Actor, at: datetime) -> None:
    """Take the customer off automatic confirmation; doing it twice changes nothing."""
    held = _held(session, customer.id)
    if held.auto_confirm:
        held.auto_confirm, held.auto_confirm_reason = False, "by_hand"
        journal.write(session, "auto_confirm_off", subject=customer.subject, by=by, at=at, reason="by_hand")
