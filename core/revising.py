"""Changing what is registered: an agent's yes to a revision, in one transaction, or a refusal with its numbers.

The only door by which a confirmed order changes: the order is locked, both services look at what it would become, and
what was delivered or invoiced stays as it is (giving that back is a return and a credit note).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.orm import aliased

from core import (
    automation,
    checks,
    deliveries,
    deposits,
    events,
    facts,
    handovers,
    invoices,
    journal,
    orders,
    outbox,
    papers,
    payments,
    registration,
    stock,
)
from core.checks import Finding
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState
from core.documents import DocumentKind, Reference
from core.errors import Refused
from core.invoices import Invoice, InvoiceLine
from core.journal import Actor, ActorKind
from core.money import ZERO, Money
from core.orders import AskedLine, LineWish, Order, OrderLine, OrderState, Wanted, differences, drafts, revisions
from core.orders.revisions import OrderRevision, RevisionKind, RevisionState
from core.parties import Customer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


#: Why what was revised is not prepared at once: it is a backorder, or waits for its deposit or for the rest.
WAITS = frozenset({"nothing_to_prepare", "deposit_unpaid_for_preparation", "partial_not_wanted"})


@dataclass(frozen=True, slots=True)
class RedLine:
    """A line of the order beside what is wanted of it, in sales units; `line` is None for one that is added."""

    line: OrderLine | None
    added: AskedLine | None
    confirmed: Decimal
    shipped: Decimal
    invoiced: Decimal
    wanted: Decimal | None

    @property
    def changed(self) -> bool:
        """Something else is wanted than what is confirmed."""
        return self.wanted != self.confirmed

    @property
    def impossible(self) -> bool:
        """Less is wanted than has left."""
        return self.wanted is not None and self.wanted < self.shipped


@dataclass(frozen=True, slots=True)
class Redline:
    """What accepting a revision would do: every line, the day, the total without VAT, and what the services find."""

    lines: tuple[RedLine, ...]
    day: date | None
    net: Money
    net_after: Money
    gross_after: Money
    findings: tuple[Finding, ...]
    asks_more: bool

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why it cannot be accepted; who asks for nothing more is not held up by what he already owes."""
        return tuple(f.code for f in self.findings if f.blocks) if self.asks_more else ()

    @property
    def impossible(self) -> bool:
        """It wants back what has left."""
        return any(line.impossible for line in self.lines)


def invoiced_quantities(session: Session, order: Order) -> dict[int, Decimal]:
    """Units invoiced and not credited, by order line."""
    credit = aliased(InvoiceLine)
    credited = (
        select(credit.credits_line_id, func.sum(credit.quantity).label("quantity"))
        .where(credit.credits_line_id.is_not(None)).group_by(credit.credits_line_id).subquery()
    )  # fmt: skip
    query = (
        select(InvoiceLine.order_line_id, InvoiceLine.quantity, credited.c.quantity).join(Invoice)
        .outerjoin(credited, credited.c.credits_line_id == InvoiceLine.id)
        .where(InvoiceLine.order_line_id.in_([line.id for line in order.lines]), Invoice.kind == DocumentKind.INVOICE)
    )  # fmt: skip
    sums: dict[int, Decimal] = {}
    for line_id, quantity, back in session.execute(query):
        if line_id is not None:
            sums[line_id] = sums.get(line_id, Decimal(0)) + quantity - (back or Decimal(0))
    return sums


def asks_more(order: Order, wanted: Wanted) -> bool:
    """Whether a line is added or one grows: only then are both services' blockers in the way."""
    now = {line.position: line.committed or Decimal(0) for line in order.kept_lines}
    return bool(wanted.added) or any(
        wish.quantity is not None and wish.quantity > now.get(wish.position, Decimal(0)) for wish in wanted.lines
    )


def redline(session: Session, revision: OrderRevision, *, house: House, at: datetime) -> Redline:
    """The revision against what is confirmed, delivered and invoiced now, with both checks run on its outcome."""
    order, wanted = revision.order, revisions.wish_of(session, revision)
    if revision.kind is RevisionKind.CANCELLATION:
        wanted = _nothing_more(session, order)
    shipped, invoiced = deliveries.shipped_quantities(session, order), invoiced_quantities(session, order)
    wishes = {wish.position: wish for wish in wanted.lines}
    lines = []
    for line in order.kept_lines:
        if line.given_up and line.position not in wishes:
            continue
        left, confirmed = shipped.get(line.id, Decimal(0)), line.committed or Decimal(0)
        wish = wishes.get(line.position)
        wants = confirmed if wish is None else (left if wish.quantity is None else wish.quantity)
        lines.append(RedLine(line, None, confirmed, left, invoiced.get(line.id, Decimal(0)), wants))
    nothing = Decimal(0)
    lines += [RedLine(None, added, nothing, nothing, nothing, added.quantity) for added in wanted.added]
    net = order.totals.net
    with _trial(session, order, wanted, on=business_date(at)):
        after = order.totals
        found = () if revision.kind is RevisionKind.CANCELLATION else _examine(session, order, house=house, at=at)
    return Redline(
        tuple(lines),
        wanted.day,
        net,
        after.net,
        after.gross,
        found,
        revision.kind is RevisionKind.CHANGE and asks_more(order, wanted),
    )


def to_let_through(session: Session, order: Order, *, house: House, at: datetime) -> tuple[tuple[Finding, ...], Money]:
    """What both services find in the change that waits of a registered order, and the gross amount that comes of it."""
    revision = revisions.open_of(session, order) if order.state is OrderState.CONFIRMED else None
    if revision is None:
        return (), order.totals.gross
    seen = redline(session, revision, house=house, at=at)
    return seen.findings if seen.asks_more else (), seen.gross_after


@contextmanager
def _trial(session: Session, order: Order, wanted: Wanted, *, on: date) -> Iterator[None]:
    """The order as it would be, undone at the end; what it holds of the shelf counts as free for itself."""
    session.flush()
    trial = session.begin_nested()
    try:
        _apply(session, order, wanted, on=on)
        own = [line.id for line in order.lines]
        for table in (stock.Reservation, stock.Backorder):
            session.execute(delete(table).where(table.order_line_id.in_(own)))
        session.flush()
        yield
    finally:
        trial.rollback()
        session.expire(order)
        for line in order.lines:
            session.expire(line)


def _examine(session: Session, order: Order, *, house: House, at: datetime) -> tuple[Finding, ...]:
    """What both services find in what is still to ship; nothing when nothing is."""
    left = deliveries.remaining_quantities(session, order)
    unknown = [line.position for line in order.kept_lines if line.quantity is None or line.article is None]
    by_position = {line.position: left[line.id] for line in order.kept_lines if line.id in left}
    if not by_position and not unknown:
        return ()
    known = facts.gather(session, order, house=house, at=at)
    lines = tuple(
        replace(line, quantity=by_position.get(line.position, line.quantity), needed=None)
        for line in known.lines
        if line.position in by_position or line.position in unknown
    )
    return checks.examine(replace(known, lines=lines, deposit=known.deposit.of_registered()))


def _apply(session: Session, order: Order, wanted: Wanted, *, on: date) -> None:
    """Make the order what is wanted; prices of lines that were confirmed stay, new lines have the day's price."""
    more, shipped = asks_more(order, wanted), deliveries.shipped_quantities(session, order)
    for wish in wanted.lines:
        line = drafts.line_at(order, wish.position)
        if wish.quantity is None:
            line.closed_quantity = (line.quantity or Decimal(0)) - shipped.get(line.id, Decimal(0))
        else:
            line.quantity, line.closed_quantity = wish.quantity, Decimal(0)
            line.packaging, line.packaging_count = wish.packaging, wish.packaging_count
    for asked in wanted.added:
        drafts.add_line(session, order, asked, on=on)
    if wanted.day is not None:
        order.requested_delivery_date = wanted.day
    session.flush()
    if more:  # a rule may ask from an amount on that is only now reached
        deposits.ask(session, order, on=on)


def _nothing_more(session: Session, order: Order) -> Wanted:
    left = deliveries.remaining_quantities(session, order)
    return Wanted(tuple(LineWish(line.position, None) for line in order.kept_lines if line.id in left))


def accept(
    session: Session, revision_id: int, *, house: House, by: Actor, at: datetime, version: int | None = None,
    reason: str = "",
) -> Order:  # fmt: skip
    """Make the order what the revision wants, or refuse with the numbers; a second press is told who was first."""
    revision, order = _held(session, revision_id, version=version)
    if revision.kind is RevisionKind.CANCELLATION:
        return cancel(session, order.id, reason=reason or revision.reason, house=house, by=by, at=at, wish=revision)
    _change(session, order, revision, house=house, by=by, at=at)
    return order


def _held(session: Session, revision_id: int, *, version: int | None) -> tuple[OrderRevision, Order]:
    """The revision and its order, locked; refuses one that was decided, and an order that changed since it was seen."""
    session.flush()
    order = orders.lock(session, session.get_one(OrderRevision, revision_id).order_id)
    revision = session.get_one(OrderRevision, revision_id, with_for_update=True, populate_existing=True)
    if revision.state is not RevisionState.PROPOSED:
        raise Refused(
            "revision_already_decided", reference=order.reference, state=revision.state, by=revision.decided_by_id,
            at=revision.decided_at,
        )  # fmt: skip
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    return revision, order


def _change(session: Session, order: Order, revision: OrderRevision, *, house: House, by: Actor, at: datetime) -> None:
    if order.state is not OrderState.CONFIRMED:
        raise Refused("order_not_confirmed", reference=order.reference)
    # two orders of one customer are not examined at the same time: together they might pass the limit
    held = select(Customer).where(Customer.id == order.customer_id).with_for_update(key_share=True)
    session.scalars(held.execution_options(populate_existing=True)).one()
    preparing = _preparing(session, order)
    wanted = revisions.wish_of(session, revision)
    new = (asked.article.id for asked in wanted.added if asked.article is not None)
    stock.hold(session, (*(line.article_id for line in order.kept_lines), *new))
    if revision.kind is RevisionKind.CANCELLATION:
        wanted = _nothing_more(session, order)
    _possible(session, order, wanted)
    seen = redline(session, revision, house=house, at=at)
    if seen.blockers:
        raise Refused("order_blocked", reference=order.reference, findings=seen.blockers)
    before = differences.snapshot(order)
    _apply(session, order, wanted, on=business_date(at))
    order.revision += 1
    order.version += 1
    order.contents = order.fingerprint()
    revision.before = json.dumps(differences.plain(before))
    revision.after = json.dumps(differences.plain(differences.snapshot(order)))
    revision.index = order.revision
    revisions.move(session, revision, RevisionState.ACCEPTED, by=by, at=at)
    revisions.set_aside(session, order, by=by, at=at, but=revision)
    for delivery in preparing:
        deliveries.cancel(session, delivery, by=by, at=at)
    _promise_again(session, order)
    _tell(session, order, revision, house=house, by=by, at=at)
    if seen.asks_more:
        deposits.ask_again(session, order, by=by, at=at)
    if preparing or seen.asks_more:
        _prepare_again(session, order, house=house, by=by, at=at)
    deliveries.close_when_done(session, order, by=by, at=at)
    if by.kind is ActorKind.STAFF and revision.message_id is None:
        automation.corrected(session, order, reason="revised", by=by, at=at)
    if _is_over(order):  # no invoice will deduct what is left of its deposits
        deposits.tell_of_cancelled(session, order, at=at)


def _is_over(order: Order) -> bool:
    return order.state is OrderState.CLOSED


def _preparing(session: Session, order: Order) -> list[Delivery]:
    """The deliveries that have not left, held so that none leaves meanwhile."""
    held = []
    for delivery in deliveries.of_order(session, order):
        if delivery.state is DeliveryState.PREPARING:
            session.refresh(delivery, attribute_names=["state"], with_for_update=True)
        if delivery.state is DeliveryState.PREPARING:
            held.append(delivery)
    return held


def _possible(session: Session, order: Order, wanted: Wanted) -> None:
    """Refuse to want back what has left, and an order of which nothing would remain."""
    shipped = deliveries.shipped_quantities(session, order)
    after = {line.position: line.committed or Decimal(0) for line in order.kept_lines}
    for wish in wanted.lines:
        line = drafts.line_at(order, wish.position)
        gone = shipped.get(line.id, Decimal(0))
        if wish.quantity is not None and wish.quantity < gone:
            raise Refused(
                "revision_below_shipped", reference=order.reference, position=wish.position, wanted=wish.quantity,
                shipped=gone, back=gone - wish.quantity,
            )  # fmt: skip
        after[wish.position] = gone if wish.quantity is None else wish.quantity
    if not wanted.added and not any(after.values()):
        raise Refused("revision_leaves_nothing", reference=order.reference)


def _promise_again(session: Session, order: Order) -> None:
    """Give back to the shelf what is wanted no more, then promise what is wanted more."""
    left, missing = deliveries.remaining_quantities(session, order), []
    for line in sorted(order.lines, key=lambda known: (known.article_id or 0, known.id)):
        if line.article_id is None:
            continue
        stock.trim(session, line.id, line.article_id, left.get(line.id, Decimal(0)))
        held = session.get(stock.Reservation, line.id)
        short = left.get(line.id, Decimal(0)) - (held.quantity if held is not None else Decimal(0))
        if short > 0:
            missing.append((line.id, line.article_id, short))
    stock.reserve(session, missing)


def _prepare_again(session: Session, order: Order, *, house: House, by: Actor, at: datetime) -> None:
    """Have the warehouse prepare what is left now, as far as the shelf can promise it."""
    try:
        with session.begin_nested():
            deliveries.prepare(session, order, house=house, by=by, at=at)
    except Refused as refusal:
        if refusal.code not in WAITS:
            raise


def _tell(session: Session, order: Order, revision: OrderRevision, *, house: House, by: Actor, at: datetime) -> None:
    """The journal, the new confirmation, and everybody whom it concerns."""
    journal.write(
        session, "order_revised", subject=order.subject, by=by, at=at, index=order.revision, revision=revision.id,
        net=order.totals.net, lines=[str(d.kind) for d in revision.differences],
    )  # fmt: skip
    outbox.cancel_waiting(session, order.subject, at=at, reason="order revised", audience=events.CUSTOMER)
    paper = _new_confirmation(session, order, house=house, at=at)
    events.emit(session, "order_revised", revision, at=at, paper=paper)
    events.emit(session, "revision_decided", revision, at=at)
    if house.invoicing == "erp":
        events.emit(session, "order_handed_over", order, at=at, paper=paper)
        handovers.note(session, order, house=house, at=at, not_before=at)


def _new_confirmation(session: Session, order: Order, *, house: House, at: datetime) -> papers.Paper:
    """The order confirmation of the order as it stands, with its revision and what it replaces."""
    document = registration.confirmation(session, order, house, at=at)
    earlier = papers.latest(session, DocumentKind.ORDER_CONFIRMATION, order.reference)
    by_position = {line.position: line for line in order.kept_lines}
    lines = tuple(
        replace(line, quantity=known.committed, packaging="") if known.closed_quantity and known.committed else line
        for line in document.lines
        if not (known := by_position[line.position]).given_up
    )
    document = replace(
        document, lines=lines, revision=order.revision,
        replaces=Reference(order.reference, business_date(earlier.issued_at)) if earlier is not None else None,
    )  # fmt: skip
    return papers.freeze(session, document, customer_id=order.customer_id, order_id=order.id, at=at)


def refuse(session: Session, revision_id: int, *, reason: str, by: Actor, at: datetime) -> OrderRevision:
    """Say no to a revision, for a reason that the customer reads; the order stays as it is."""
    if not reason.strip():
        raise Refused("reason_missing")
    revision, order = _held(session, revision_id, version=None)
    revisions.move(session, revision, RevisionState.REFUSED, by=by, at=at, answer=reason.strip())
    events.emit(session, "revision_refused", revision, at=at)
    events.emit(session, "revision_decided", revision, at=at)
    assert order.id == revision.order_id  # noqa: S101 - both were held
    return revision


def close_line(
    session: Session, order_id: int, position: int, *, house: House, by: Actor, at: datetime,
    version: int | None = None, reason: str = "",
) -> Order:  # fmt: skip
    """Give up what is left of one line of a confirmed order; the customer is told."""
    session.flush()
    order = orders.lock(session, order_id, version=version)
    line = drafts.line_at(order, position)
    if line.id not in deliveries.remaining_quantities(session, order):
        raise Refused("line_complete", reference=order.reference, position=position)
    wanted = Wanted((LineWish(position, None),))
    revision = revisions.record(session, order, wanted, kind=RevisionKind.CHANGE, reason=reason, by=by, at=at)
    _change(session, order, revision, house=house, by=by, at=at)
    return order


def deposits_to_return(session: Session, order: Order) -> list[tuple[Invoice, Money]]:
    """The order's deposit invoices that are not credited in full, and what was paid on each."""
    return [
        (deposit, payments.allocated(session, deposit))
        for deposit in invoices.deposits_of(session, order)
        if deposit.gross - payments.credited(session, deposit) - invoices.deducted(session, deposit) > ZERO
    ]


def cancel(
    session: Session, order_id: int, *, reason: str, house: House, by: Actor, at: datetime,
    version: int | None = None, wish: OrderRevision | None = None,
) -> Order:  # fmt: skip
    """Cancel a draft or a confirmed order, for a reason; of one that left in part, the rest is closed short.

    Accounting hears of every deposit that must be given back.
    """
    if not reason.strip():
        raise Refused("reason_missing")
    session.flush()
    order = orders.lock(session, order_id, version=version)
    _preparing(session, order)
    if order.state is OrderState.CONFIRMED and deliveries.shipped_quantities(session, order):
        if not deliveries.remaining_quantities(session, order):
            raise Refused("order_already_shipped", reference=order.reference)
        kind = RevisionKind.CANCELLATION
        if wish is None:
            wish = revisions.record(session, order, Wanted(), kind=kind, reason=reason, by=by, at=at)
        _change(session, order, wish, house=house, by=by, at=at)
        return order
    to_return = deposits_to_return(session, order)
    orders.cancel(
        session, order, reason=reason.strip(), by=by, at=at, but=wish, deposits=[d.number for d, _ in to_return]
    )
    if wish is not None:
        revisions.move(session, wish, RevisionState.ACCEPTED, by=by, at=at)
        events.emit(session, "revision_decided", wish, at=at)
    return order
