"""Registering an order: both services look at it, then one transaction confirms, freezes and tells.

The only door to CONFIRMED: it examines the order again under the lock, whatever the card showed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Select, select

from core import (
    checks,
    deliveries,
    deposits,
    events,
    facts,
    handovers,
    journal,
    mentions,
    orders,
    papers,
    quotes,
    sale_terms,
    stock,
)
from core.checks import Finding, Service, Severity
from core.checks.findings import accounting
from core.clauses import ClauseChoice
from core.clock import business_date
from core.deliveries import DeliveryState
from core.documents import Document, DocumentKind, DocumentLine
from core.errors import Refused
from core.journal import SYSTEM, Actor
from core.orders import DepositStage, Order, OrderState
from core.parties import Customer
from core.quotes import QuoteState, packed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def examine(session: Session, order: Order, *, house: House, at: datetime) -> tuple[Finding, ...]:
    """What both services find in the order now."""
    return checks.examine(facts.gather(session, order, house=house, at=at))


def confirm(
    session: Session, order_id: int, *, house: House, by: Actor, at: datetime, version: int | None = None
) -> Order:
    """Register the order, or refuse it with the findings that block it; a second press is told who was first."""
    order = orders.lock(session, order_id)
    if order.state is OrderState.CONFIRMED:
        raise Refused("already_confirmed", reference=order.reference, by=order.confirmed_by_id, at=order.confirmed_at)
    # two orders of one customer are not examined at the same time: together they might pass the limit
    held = select(Customer).where(Customer.id == order.customer_id).with_for_update(key_share=True)
    session.scalars(held.execution_options(populate_existing=True)).one()
    if version is not None and order.version != version:
        raise Refused("order_version_changed", reference=order.reference, shown=version, current=order.version)
    # what the checks see of stock stays so until it is reserved
    stock.hold(session, (line.article_id for line in order.kept_lines))
    found = examine(session, order, house=house, at=at)
    blockers = tuple(finding.code for finding in found if finding.blocks)
    if blockers:
        raise Refused("order_blocked", reference=order.reference, findings=blockers)
    orders.accept_shortages(order, {f.position for f in found if f.code == "stock_short" and f.overridden})
    undo = timedelta(seconds=house.undo_seconds)
    quote = session.get(quotes.Quote, order.quote_id) if order.quote_id is not None else None
    if quote is not None and quote.state is QuoteState.SENT:
        gaps = sum(finding.code.startswith("quote_") for finding in found)
        quotes.accept(session, quote, by=by, at=at, how="registered", order=order.reference, differences=gaps)
    paper = papers.freeze(
        session, confirmation(session, order, house, at=at), customer_id=order.customer_id, order_id=order.id, at=at
    )
    orders.confirm(session, order, by=by, at=at, undo=undo, paper=paper)
    order.blocked = False
    events.emit(session, "undo_over", order, at=at, not_before=at + undo)
    if house.invoicing == "erp":
        events.emit(session, "order_handed_over", order, at=at, not_before=at + undo, paper=paper)
        handovers.note(session, order, house=house, at=at, not_before=at + undo)
    if deposits.held_back(session, order, DepositStage.PREPARATION, at=at):
        events.emit(session, "preparation_held", order, at=at, not_before=at + undo)
    elif _promised(session, order) and not deliveries.waits_for_the_rest(session, order):
        deliveries.prepare(session, order, house=house, by=SYSTEM, at=at, not_before=at + undo)
    return order


def _promised(session: Session, order: Order) -> bool:
    return any(session.get(stock.Reservation, line.id) for line in order.kept_lines)


def prepare_held(session: Session, order: Order, *, house: House, at: datetime) -> bool:
    """Start the preparation that waited for its deposit, once nothing is missing; whether it started.

    Nothing of the order was prepared yet, or only before it was made to ask for more: whatever came after that, a
    colleague decides about.
    """
    if order.state is not OrderState.CONFIRMED or order.confirmed_at is None:
        return False
    begins = {DeliveryState.PREPARING} if order.revision else set(DeliveryState) - {DeliveryState.CANCELLED}
    begun = any(d.state in begins for d in deliveries.of_order(session, order))
    if begun or deposits.held_back(session, order, DepositStage.PREPARATION, at=at) or not _promised(session, order):
        return False
    undo_until = order.confirmed_at + timedelta(seconds=house.undo_seconds)
    try:
        with session.begin_nested():  # whatever else holds the goods back, the money that came in is recorded
            deliveries.prepare(session, order, house=house, by=SYSTEM, at=at, not_before=max(at, undo_until))
    except Refused as refusal:
        journal.write(session, "preparation_refused", subject=order.subject, by=SYSTEM, at=at, code=refusal.code)
        events.emit(session, "backorder_ready", order, at=at)
        return False
    return True


def undo(session: Session, order_id: int, *, house: House, by: Actor, at: datetime) -> Order:
    """Take a confirmation back within the undo time: nothing has left, nothing leaves."""
    order = orders.lock(session, order_id)
    if order.state is not OrderState.CONFIRMED:
        raise Refused("order_not_confirmed", reference=order.reference)
    preparing = [d for d in deliveries.of_order(session, order) if d.state is not DeliveryState.CANCELLED]
    if any(delivery.state is not DeliveryState.PREPARING for delivery in preparing):
        raise Refused("undo_too_late", reference=order.reference)
    from core import automation

    automatic = automation.was_automatic(order)
    orders.undo_confirmation(session, order, by=by, at=at, undo=timedelta(seconds=house.undo_seconds))
    for delivery in preparing:
        deliveries.cancel(session, delivery, by=by, at=at)
    if automatic:
        automation.take_away(session, order, reason="undone", by=by, at=at)
    return order


def hold(
    session: Session, customers: Iterable[Customer] | None, *, order_id: int | None = None,
    articles: Iterable[int | None] = (),
) -> None:  # fmt: skip
    """Hold what money of these customers (None: of everybody) may free or stop: orders by id, then stock levels.

    Whoever records money, gives it back or returns goods calls this before the journal, as confirming does, with the
    order and the articles that the act is about; what is held is seen as it is now. Nothing is waited for once the
    journal is held.
    """
    if journal.begun(session):
        return
    theirs = None if customers is None else sorted({customer.id for customer in customers})
    starting = deposits.waiting(theirs)
    wanted = _waiting(theirs) | Order.id.in_(starting) | (Order.id == order_id)
    held = {order.id: order for order in session.scalars(_held(wanted))}
    starting_now = set(session.scalars(starting))
    lines = (line for number, order in held.items() if number in starting_now for line in order.kept_lines)
    stock.hold(session, (*articles, *(line.article_id for line in lines)))


def _waiting(customers: list[int] | None) -> ColumnElement[bool]:
    """Drafts of these customers, and registered orders of which a shipment was refused."""
    waits = (Order.state == OrderState.DRAFT) | ((Order.state == OrderState.CONFIRMED) & Order.blocked)
    return waits if customers is None else waits & Order.customer_id.in_(customers)


def _held(wanted: ColumnElement[bool], *, free_only: bool = False) -> Select[Order]:
    """These orders, held, by id; `free_only` passes those by that somebody else holds."""
    query = select(Order).where(wanted).order_by(Order.id)
    return query.with_for_update(of=Order, key_share=True, skip_locked=free_only).execution_options(
        populate_existing=True
    )


def _waiting_of(session: Session, customer: Customer) -> list[Order]:
    """The customer's orders that money may free or stop, held.

    Who holds the journal waits for none of them: an order that began meanwhile and is in somebody else's hands is
    examined by him.
    """
    hold(session, [customer])
    return list(session.scalars(_held(_waiting([customer.id]), free_only=journal.begun(session))))


def note_verdicts(session: Session, customer: Customer, *, house: House, at: datetime) -> None:
    """Keep on each of the customer's drafts whether it is blocked now, before money comes in."""
    for order in _waiting_of(session, customer):
        note_verdict(session, order, house=house, at=at)


def look_again(session: Session, customer: Customer, *, house: House, at: datetime) -> None:
    """After money, a credit note or a return came in: what was blocked and no longer is, is told as free;
    a preparation that waited for its deposit starts.

    The card of what stays blocked, or is blocked only now, is painted with the new figures.
    """
    for order in _waiting_of(session, customer):
        was_blocked, draft = order.blocked, order.state is OrderState.DRAFT
        free = not (note_verdict(session, order, house=house, at=at) if draft else withheld(session, order, house, at))
        if not was_blocked and free:
            continue
        if free and not draft:
            order.blocked = False
        told = ("order_released" if draft else "delivery_released") if free else "order_rechecked"
        events.emit(session, told, order, at=at)
        if free and draft:
            order.auto_considered = 0  # what held an automatic confirmation up may be gone
    starting = _held(Order.id.in_(deposits.waiting([customer.id])), free_only=journal.begun(session))
    for order in session.scalars(starting).all():
        prepare_held(session, order, house=house, at=at)


@contextmanager
def looking_again(session: Session, *customers: Customer, house: House, at: datetime) -> Iterator[None]:
    """What happens within may change accounting's verdict, such as a dispute: what it frees or holds is told after."""
    hold(session, customers)
    for customer in customers:
        note_verdicts(session, customer, house=house, at=at)
    yield
    session.flush()
    for customer in customers:
        look_again(session, customer, house=house, at=at)


def kept_waiting(session: Session) -> list[Customer]:
    """The customers who have an order that money may free or stop."""
    theirs = select(Order.customer_id).where(_waiting(None) | Order.id.in_(deposits.waiting(None)))
    return list(session.scalars(select(Customer).where(Customer.id.in_(theirs)).order_by(Customer.id)))


def note_verdict(session: Session, order: Order, *, house: House, at: datetime) -> bool:
    """Keep on the draft whether it is blocked now, and return it: what `look_again` compares with.

    On a registered order the mark says that a shipment was refused: only that refusal and its end change it.
    """
    if order.state is not OrderState.DRAFT:
        return order.blocked
    return mark(order, examine(session, order, house=house, at=at))


def mark(order: Order, found: tuple[Finding, ...]) -> bool:
    """Keep on a draft whether these findings block it, and return it; a registered order's mark stays."""
    if order.state is OrderState.DRAFT:
        order.blocked = any(finding.blocks for finding in found)
    return order.blocked


def withheld(session: Session, order: Order, house: House, at: datetime) -> tuple[Finding, ...]:
    """What accounting has against letting goods of a registered order leave now; empty when they may."""
    found = examine(session, order, house=house, at=at)
    return tuple(finding for finding in found if finding.blocks and finding.service is Service.ACCOUNTING)


def blockers(session: Session, order: Order, *, house: House, at: datetime) -> tuple[Finding, ...]:
    """What must be let through before the order goes on; of a registered one, what holds its goods back."""
    if order.state is not OrderState.CONFIRMED:
        return tuple(finding for finding in examine(session, order, house=house, at=at) if finding.blocks)
    unpaid = (
        accounting(code, Severity.BLOCK, missing=left) for code, left in deposits.holding(session, order, at=at).items()
    )
    return (*withheld(session, order, house, at), *unpaid)


def ensure_may_ship(session: Session, order: Order, *, house: House, at: datetime) -> None:
    """Refuse a shipment to a customer whom accounting blocks today, naming what it found."""
    found = withheld(session, order, house, at)
    if found:
        raise Refused("delivery_blocked", reference=order.reference, findings=tuple(f.code for f in found))


def tell_withheld(session: Session, order: Order, *, by: Actor, at: datetime, findings: tuple[str, ...]) -> None:
    """Tell sales and accounting, once, that a shipment of the order was refused; a release is told when it comes."""
    if order.blocked:
        return
    order.blocked = True
    journal.write(session, "delivery_blocked", subject=order.subject, by=by, at=at, findings=list(findings))
    events.emit(session, "delivery_blocked", order, at=at)


def _kept_clauses(order: Order, version: str, *, on: date) -> tuple[str, ...]:
    """What the confirmation says where the customer's purchase terms were not accepted (C. civ. 1119)."""
    kept = [clause for clause in order.clauses if clause.settled is ClauseChoice.OURS]
    language = order.customer.language
    return tuple(
        mentions.wording("our_terms_apply" if version else "our_usual_terms_apply", on=on, language=language,
                         version=version, words=clause.words)
        for clause in kept
    )  # fmt: skip


def confirmation(session: Session, order: Order, house: House, *, at: datetime) -> Document:
    """What the order confirmation of the order says now: nothing is written."""
    today = business_date(at)
    version = sale_terms.version_on(session, house, on=today)
    return Document(
        kind=DocumentKind.ORDER_CONFIRMATION, number=order.reference, issue_date=today, seller=house.as_party(),
        accent=house.accent, logo=house.emblem,
        buyer=order.customer.as_party(), deliver_to=deliveries.delivery_place(order),
        language=order.customer.language,
        requested_delivery_date=order.requested_delivery_date, payment_terms=order.payment_terms,
        terms_version=version, notes=_kept_clauses(order, version, on=today),
        deposit_percent=order.deposit_percent, order_reference=order.reference,
        buyer_order_number=order.customer_reference, buyer_order_date=order.customer_reference_date,
        lines=tuple(
            DocumentLine(
                position=line.position, sku=line.article.sku, name=line.article.name, quantity=line.quantity,
                unit=line.article.unit, packaging=packed(line.packaging, line.packaging_count),
                unit_price=line.unit_price, net=line.net, vat=order.customer.vat_on(line.article),
                buyer_reference=line.customer_reference, gtin=line.article.gtin, list_price=line.gross_price,
                nature=line.article.nature,
            )
            for line in order.kept_lines
            if line.article is not None and line.quantity is not None and line.unit_price is not None
        ),
    )  # fmt: skip
