"""Which other orders of the customer may be this one again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from core.orders import Order, OrderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class DuplicateFacts:
    """The references of the customer's other orders that carry the same purchase order number."""

    same_reference: tuple[str, ...] = ()


def gather(session: Session, order: Order) -> DuplicateFacts:
    """What the order resembles."""
    if not order.customer_reference:
        return DuplicateFacts()
    query = select(Order.reference).where(
        Order.customer_id == order.customer_id, Order.customer_reference == order.customer_reference,
        Order.id != order.id, Order.state != OrderState.CANCELLED,
    )  # fmt: skip
    return DuplicateFacts(tuple(session.scalars(query.order_by(Order.id))))
