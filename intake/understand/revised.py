"""Words about an order that is registered, or that give an order up: proposed to an agent, never applied by themselves.

Which order is meant is said by the card or mail that is answered, by its reference, or by there being only one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from core import deliveries, orders
from core.clock import business_date
from core.deliveries import Delivery
from core.errors import Refused
from core.journal import Actor, ActorKind
from core.messages import ABOUT, Message, MessageChannel
from core.orders import AskedLine, LineWish, Order, OrderRevision, OrderState, RevisionKind, Wanted, revisions
from intake import changes
from intake.reading import Kind, texts
from intake.reading.words import plain, words
from intake.understand import joins
from intake.understand.drafts import lines_of, matcher_for
from intake.understand.opened import answerable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.parties import Customer
    from intake.understand.opened import Desk, Opened

_OURS = re.compile(r"\bCMD-\d{4}-\d{3,}\b", re.IGNORECASE)
_OPEN = (OrderState.DRAFT, OrderState.CONFIRMED)
#: No more open orders than so many are looked through for the one that is meant.
LOOKED_AT = 20


@cache
def _more() -> re.Pattern[str]:
    return re.compile("|".join(words("corrections")["more"]))


def follow(
    session: Session, message: Message, opened: Opened, customer: Customer, desk: Desk, *, answered: str | None
) -> bool:
    """Propose to an agent what the message wants of an order; False when it is about none, or says nothing of it.

    Only the customer himself may: a reference says what a mail is about, never that its sender may act on it.
    """
    states: tuple[OrderState, ...]
    named = _named(session, message, opened, customer, answered)
    if not _speaks_of_one(message, opened, named) or not answerable(message) or opened.taken_by is not None:
        return False
    if opened.reading.kind is Kind.CANCELLATION:
        order = named or _only(session, customer, message, desk, frozenset(), drafts=True)
        states, kind, wish = _OPEN, RevisionKind.CANCELLATION, Wanted()
    else:  # what is not registered yet changes at once
        lines = lines_of(session, customer, opened.reading.lines)
        known = frozenset(line.article.id for line in lines if line.article is not None)
        order = named or _only(session, customer, message, desk, known, drafts=False)
        states, kind = (OrderState.CONFIRMED,), RevisionKind.CHANGE
        wish = _wanted(session, message, opened, order, lines, desk) if order is not None else Wanted()
    if order is None or order.state not in states or not (wish or kind is RevisionKind.CANCELLATION):
        return False
    by = Actor(ActorKind.CUSTOMER, customer.id)
    try:
        revisions.propose(session, order, wish, kind=kind, by=by, at=desk.at, message_id=message.id)
    except Refused as refusal:
        if refusal.code not in {"nothing_to_change", "quantity_not_positive"}:
            raise
        return False  # a person reads what makes no sense to us
    return True


def _speaks_of_one(message: Message, opened: Opened, named: Order | None) -> bool:
    """The message changes or gives up an order: by its kind, as a correction, or in answer to a card."""
    answers = named is not None and message.channel is MessageChannel.CHAT
    corrects = joins.correction(opened.incoming.text) is not None
    by_kind = opened.reading.kind in {Kind.ORDER_CHANGE, Kind.CANCELLATION}
    return by_kind or corrects or bool(answers and joins.unwanted_in(opened))


def _named(
    session: Session, message: Message, opened: Opened, customer: Customer, answered: str | None
) -> Order | None:
    """The customer's order that the message answers or whose number it gives, whatever its state."""
    about = next((flag.removeprefix(ABOUT) for flag in message.flags.split() if flag.startswith(ABOUT)), "")
    order = session.get(Order, int(about)) if about else order_of(session, answered or "")
    said = _OURS.search(f"{opened.incoming.subject}\n{opened.incoming.text}")
    if order is None and said is not None:
        order = orders.by_reference(session, said[0])
    if order is None and opened.reading.order_reference:
        theirs = select(Order).where(
            Order.customer_id == customer.id, Order.state != OrderState.CANCELLED,
            func.lower(Order.customer_reference) == opened.reading.order_reference.lower(),
        )  # fmt: skip
        order = session.scalar(theirs.order_by(Order.id.desc()).limit(1))
    return order if order is not None and order.customer_id == customer.id else None


def order_of(session: Session, subject: str) -> Order | None:
    """The order that a thing of ours is about, by the thing's own name or the order's reference."""
    kind, _, number = subject.partition(":")
    if not number.isdigit():
        return orders.by_reference(session, subject) if subject else None
    if kind == "delivery":
        return session.get_one(Delivery, int(number)).order
    if kind == "order_revision":
        return session.get_one(OrderRevision, int(number)).order
    return session.get(Order, int(number)) if kind == "order" else None


def _only(
    session: Session, customer: Customer, message: Message, desk: Desk, articles: frozenset[int], *, drafts: bool
) -> Order | None:
    """The only open order of the customer, or the only one with what is named; a draft under way is meant first."""
    if message.channel is MessageChannel.CHAT:
        draft = joins.being_written(session, message, customer, desk)
        if draft is not None:
            return draft if drafts else None
    query = select(Order).where(Order.customer_id == customer.id, Order.state.in_(_OPEN))
    found = [
        order
        for order in session.scalars(query.order_by(Order.id.desc()).limit(LOOKED_AT))
        if order.state is OrderState.DRAFT or deliveries.remaining_quantities(session, order)
    ]
    if len(found) > 1 and articles:
        found = [order for order in found if articles <= {line.article_id for line in order.kept_lines}]
    return found[0] if len(found) == 1 else None


def _wanted(
    session: Session, message: Message, opened: Opened, order: Order, lines: tuple[AskedLine, ...], desk: Desk
) -> Wanted:
    if joins.correction(opened.incoming.text) is not None:
        return _corrected(session, message, opened, order, desk)
    return _wish(session, opened, order, lines)


def _corrected(session: Session, message: Message, opened: Opened, order: Order, desk: Desk) -> Wanted:
    """The number that a correction gives to a line; nothing when it is not clear to which one."""
    said = joins.correction(opened.incoming.text)
    today = business_date(message.received_at)
    assert said is not None  # noqa: S101 - asked for by the caller
    line, _ = joins.line_meant(session, message, order, said, desk, today=today)
    counted = joins.counted_anew(session, order, line, said) if line is not None else None
    if line is None or counted is None:
        return Wanted()
    return Wanted((LineWish(line.position, counted.quantity, counted.packaging, counted.packaging_count),))


def _wish(session: Session, opened: Opened, order: Order, lines: tuple[AskedLine, ...]) -> Wanted:
    """The lines, the day and what is not wanted any more; a paper without other words stands for the whole order."""
    reading = opened.reading
    parts = {line.evidence.part for line in reading.lines}
    whole = bool(parts) and not parts & {"body", "subject"}
    adding = not whole and bool(_more().search(plain(opened.incoming.text)))
    wish = changes.wanted(order, lines, reading.requested_delivery_date, adding=adding, whole=whole)
    unwanted = reading.removed or texts.asked(opened.incoming.text).removed
    if not unwanted:
        return wish
    there = {line.article.sku: line for line in order.kept_lines if line.article is not None and not line.given_up}
    matcher = matcher_for(session, order.customer)
    found = [matcher.possible(name) & set(there) for name in unwanted]
    gone = tuple(LineWish(there[sku].position, None) for skus in found if len(skus) == 1 for sku in skus)
    return wish.joined(Wanted(gone))
