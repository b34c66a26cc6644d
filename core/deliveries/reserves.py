"""Reserves: what the customer remarks line by line until he is done, and what an agent answers to each remark.

He may add and withdraw remarks until six in the evening; then they count, and what he received is invoiced. An agent's
answer makes them count at once.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events, journal, rounds, stock
from core.clock import PARIS, business_date
from core.deliveries.preparation import prepare
from core.deliveries.receipt import Signature, close_when_done, settle, sign
from core.deliveries.tables import (
    GRANTED,
    NOT_RECEIVED,
    Delivery,
    DeliveryState,
    FileKind,
    Reserve,
    ReserveDecision,
    ReserveKind,
    hold,
    line_of,
    remaining_quantities,
)
from core.errors import IllegalTransition, Refused
from core.journal import SYSTEM, Actor
from core.orders import OrderState

if TYPE_CHECKING:
    from core.settings import House

#: The hour in France until which remarks of the same day may be corrected.
CORRECTED_UNTIL = time(18)
#: How long remarks that could not be settled wait before they are tried again.
RETRY_AFTER = timedelta(minutes=30)
#: A word on what is seen, beside the number and the unit that are counted.
PRECISE = re.compile(r"[^\W\d_]{2,}\W+(?:\w+\W+)*?[^\W\d_]{2,}")
#: Why other goods are not prepared at once: they are a backorder until they can be.
WAITS = frozenset({
    "nothing_to_prepare", "delivery_already_preparing", "partial_not_wanted", "deposit_unpaid_for_preparation",
})  # fmt: skip


def correction_ends(at: datetime) -> datetime:
    """Until when remarks made at that instant may be corrected: 18 h of the day, of the next one after 17 h."""
    ends = datetime.combine(business_date(at), CORRECTED_UNTIL, PARIS)
    return ends if at <= ends - timedelta(hours=1) else ends + timedelta(days=1)


def state(
    session: Session, delivery: Delivery, position: int, kind: ReserveKind, quantity: Decimal, text: str, *, by: Actor,
    at: datetime,
) -> Reserve:  # fmt: skip
    """Note a remark on a line; with what went back, those of one line never add up to more than was delivered.

    Photos that came before its words are kept with it. Refuses damage or a wrong article without a word on what is
    seen: only precise remarks count against a carrier (C. com. L133-3).
    """
    _open(session, delivery)
    line = line_of(delivery, position)
    if line is None or not 0 < quantity <= line.unremarked:
        raise Refused("reserve_not_possible", reference=delivery.reference, position=position)
    if kind is not ReserveKind.MISSING and not PRECISE.search(text):
        raise Refused("reserve_not_precise", reference=delivery.reference, position=position)
    reserve = Reserve(kind=kind, quantity=quantity, text=text.strip(), at=at)
    line.reserves.append(reserve)
    session.flush()
    for file in delivery.files:
        if file.kind is FileKind.PHOTO and file.reserve_id is None:
            file.reserve_id = reserve.id
    session.flush()
    session.expire(reserve, ["files"])
    _begun(delivery, at=at)
    journal.write(
        session, "reserve_noted", subject=delivery.subject, by=by, at=at, position=position, kind=kind,
        quantity=quantity, private=text.strip() or None,
    )  # fmt: skip
    return reserve


def _open(session: Session, delivery: Delivery) -> None:
    hold(session, delivery)
    if delivery.state is not DeliveryState.SHIPPED:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.VERIFIED)


def _begun(delivery: Delivery, *, at: datetime) -> None:
    delivery.stated_at = None
    delivery.correctable_until = delivery.correctable_until or correction_ends(at)


def withdraw(session: Session, reserve: Reserve, *, by: Actor, at: datetime) -> None:
    """Take a remark back while that is possible; its photos stay with the delivery, marked."""
    delivery = session.get_one(Delivery, reserve.line.delivery_id)
    _open(session, delivery)
    position = reserve.line.order_line.position
    for file in reserve.files:
        file.reserve_id, file.kind = None, FileKind.WITHDRAWN
    session.flush()
    reserve.line.reserves.remove(reserve)
    session.delete(reserve)
    session.flush()
    session.expire(delivery, ["files"])
    _begun(delivery, at=at)
    if not delivery.reserves:
        delivery.correctable_until = None
    journal.write(
        session, "reserve_withdrawn", subject=delivery.subject, by=by, at=at, position=position, kind=reserve.kind,
        quantity=reserve.quantity,
    )  # fmt: skip


def finish(
    session: Session, delivery: Delivery, *, by: Actor, at: datetime, signature: Signature | None = None
) -> None:
    """The customer is done with his remarks: he and sales are told what was noted; he may still correct it today."""
    _open(session, delivery)
    if not delivery.reserves:
        raise Refused("no_reserve", reference=delivery.reference)
    if delivery.stated_at is not None:
        return
    delivery.stated_at = at
    if signature is not None:
        sign(session, delivery, signature, by=by, at=at)
    session.flush()
    journal.write(session, "reserves_stated", subject=delivery.subject, by=by, at=at, count=len(delivery.reserves))
    events.emit(session, "reserve_stated", delivery, at=at)


def statements_due(session: Session, *, at: datetime) -> list[Delivery]:
    """The deliveries whose remarks cannot be corrected any more and do not count yet; what failed waits a while."""
    again = Delivery.retry_at.is_(None) | (Delivery.retry_at <= at)
    query = select(Delivery).where(Delivery.state == DeliveryState.SHIPPED, Delivery.correctable_until <= at, again)
    return list(session.scalars(query.order_by(Delivery.id)))


def settle_statements(session: Session, *, house: House, at: datetime) -> list[Delivery]:
    """Let remarks count whose time to correct is over, also those of who never said that he was done."""
    due = statements_due(session, at=at)

    def count(delivery: Delivery) -> None:
        hold(session, delivery)
        if delivery.state is DeliveryState.SHIPPED and delivery.reserves:
            settle(session, delivery, house=house, by=SYSTEM, at=at, told=delivery.stated_at is not None)

    def put_off(delivery: Delivery) -> None:
        delivery.retry_at = at + RETRY_AFTER

    rounds.each(session, "reserves", due, count, at=at, failed=put_off)
    return due


def decide(
    session: Session, reserve: Reserve, decision: ReserveDecision, *, house: House, by: Actor, at: datetime,
    reason: str = "",
) -> None:  # fmt: skip
    """An agent's answer, once: given back (credited where it was invoiced), replaced by other goods, or not accepted.

    What is not accepted needs a reason, which the customer reads; it is invoiced, so it must be said before the invoice
    leaves what is missing or wrong out. Replacing needs an order that is still open.
    """
    from core import disputes, registration

    delivery = session.get_one(Delivery, reserve.line.delivery_id)
    session.flush()
    article = reserve.line.order_line.article_id
    registration.hold(session, [delivery.customer], order_id=delivery.order_id, articles=[article])
    order = delivery.order
    hold(session, delivery)
    session.refresh(reserve, attribute_names=["decision"])
    if reserve.decision is not None:
        raise Refused("reserve_already_decided", reference=delivery.reference, decision=reserve.decision)
    if decision is ReserveDecision.REFUSE and not reason.strip():
        raise Refused("reason_missing")
    if decision is ReserveDecision.REPLACE and order.state is not OrderState.CONFIRMED:
        raise Refused("order_closed", reference=order.reference)
    invoice = disputes.invoice_of(session, delivery)
    invoiced = disputes.was_invoiced(reserve, invoice)
    if decision is ReserveDecision.REFUSE and invoice is not None and reserve.kind in NOT_RECEIVED and not invoiced:
        raise Refused("reserve_already_invoiced", reference=delivery.reference, number=invoice.number)
    reserve.decision, reserve.answer = decision, reason.strip()
    reserve.decided_at, reserve.decided_by_id = at, by.id
    session.flush()
    journal.write(
        session, "reserve_decided", subject=delivery.subject, by=by, at=at, decision=decision, kind=reserve.kind,
        position=reserve.line.order_line.position, quantity=reserve.quantity, private=reason.strip() or None,
    )  # fmt: skip
    events.emit(session, "reserve_decided", delivery, at=at, reserve=reserve.id)
    if delivery.state is DeliveryState.SHIPPED:
        settle(session, delivery, house=house, by=by, at=at, told=delivery.stated_at is not None)
    if invoice is not None and invoiced:
        with registration.looking_again(session, order.customer, house=house, at=at):
            disputes.answer(session, reserve, invoice, given=decision in GRANTED, house=house, by=by, at=at)
    if decision is ReserveDecision.REPLACE:
        _replace(session, reserve, house=house, by=by, at=at)
    close_when_done(session, order, by=by, at=at)


def _replace(session: Session, reserve: Reserve, *, house: House, by: Actor, at: datetime) -> None:
    """Other goods are promised and prepared, as far as the shelf allows; the rest is a backorder."""
    line, order = reserve.line.order_line, session.get_one(Delivery, reserve.line.delivery_id).order
    assert line.article_id is not None  # noqa: S101 - only lines with an article are delivered
    stock.trim(session, line.id, line.article_id, remaining_quantities(session, order).get(line.id, Decimal(0)))
    try:
        with session.begin_nested():
            prepare(session, order, house=house, by=by, at=at)
    except Refused as refusal:
        if refusal.code not in WAITS:
            raise
