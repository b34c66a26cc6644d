"""What our own database knows of a message: what an agent finally confirmed for it, or that it was no order."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import orders
from core.messages import Message, MessageState
from core.orders import Order, OrderState
from core.parties import Customer
from intake.evaluate_truths import Given, Truth, Wanted
from intake.mime import canonical_hash, message_id
from intake.reading import Kind
from intake.understand.drafts import line_taker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from intake.reading import AskedLine

#: Reasons for which a rule of the reader's own ignored a message: that proves nothing about the reader.
BY_RULE = frozenset({"own_mail", "bounce", "auto_reply", "not_an_order"})
REGISTERED = (OrderState.CONFIRMED, OrderState.CLOSED)


def confirmed_truth(session: Session, raw: bytes) -> Truth | None:
    """The truth of a mail: the registered order that it became, or that a person found no order in it."""
    message = _message(session, raw) if raw else None
    if message is None:
        return None
    order = session.scalar(select(Order).where(Order.message_id == message.id))
    if order is not None and order.state in REGISTERED:
        lines = tuple(_wanted(line.article.sku if line.article else None, line.quantity) for line in order.kept_lines)
        return Truth(frozenset({Kind.ORDER.value}), frozenset({order.customer.code}), lines)
    if order is None and message.state is MessageState.IGNORED and message.reason not in BY_RULE:
        kinds = frozenset(kind.value for kind in Kind if kind is not Kind.ORDER)
        return Truth(kinds, frozenset({message.customer.code if message.customer is not None else None}), ())
    return None


def _wanted(sku: str | None, quantity: Decimal | None) -> Wanted:
    return Wanted(frozenset([sku] if sku else []), frozenset([quantity]), open=sku is None)


def _message(session: Session, raw: bytes) -> Message | None:
    """The stored message that these bytes are; by its Message-ID where a relay changed its form."""
    known = session.scalar(select(Message).where(Message.key == f"mail:{canonical_hash(raw)}"))
    identifier = message_id(raw)
    if known is not None or not identifier:
        return known
    same = list(session.scalars(select(Message).where(Message.message_id == identifier).limit(2)))
    return same[0] if len(same) == 1 else None  # a reused one says nothing (E07)


def taken(session: Session, customer: str | None, lines: Sequence[AskedLine]) -> tuple[Given, ...]:
    """The lines as the running desk would take them of this customer."""
    found = session.scalar(select(Customer).where(Customer.code == customer)) if customer is not None else None
    take = line_taker(session, found)
    return tuple(_given(take(line), line) for line in lines)


def _given(line: orders.AskedLine, said: AskedLine) -> Given:
    return Given(line.article.sku if line.article is not None else None, line.quantity, line.confidence, said.quantity)
