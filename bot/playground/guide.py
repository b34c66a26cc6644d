"""The guide of the playground: which of its steps happened, read from the tables and never from the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import payments
from core.deliveries import Delivery, DeliveryState
from core.documents import DocumentKind
from core.invoices import Invoice
from core.messages import MessageChannel
from core.money import ZERO
from core.orders import Order, OrderState
from core.outbox import OutboxRow, OutboxState

CONFIRMED = (OrderState.CONFIRMED, OrderState.CLOSED)


def _any(query: Select[Any]) -> Callable[[Session], bool]:
    return lambda session: session.scalar(query.limit(1)) is not None


def _paid(session: Session) -> bool:
    issued = session.scalars(select(Invoice).where(Invoice.kind == DocumentKind.INVOICE))
    return any(payments.amount_due(session, invoice) == ZERO for invoice in issued)


#: What must be true for a step to be done; the words of the steps stand in templates/page.
STEPS: dict[str, Callable[[Session], bool]] = {
    "ordered": _any(select(Order.id)),
    "accepted": _any(select(Order.id).where(Order.recap_accepted_at.is_not(None))),
    "confirmed": _any(select(Order.id).where(Order.state.in_(CONFIRMED))),
    "informed": _any(
        select(OutboxRow.id).where(
            OutboxRow.template == "order_confirmed", OutboxRow.state == OutboxState.SENT,
            OutboxRow.customer_id.is_not(None),
        )
    ),
    "shipped": _any(
        select(Delivery.id).where(Delivery.state.in_((DeliveryState.SHIPPED, DeliveryState.VERIFIED)))
    ),
    "received": _any(select(Delivery.id).where(Delivery.state == DeliveryState.VERIFIED)),
    "paid": _paid,
    "mailed": _any(select(Order.id).where(Order.channel == MessageChannel.MAIL)),
}  # fmt: skip


def done(session: Session) -> list[str]:
    """The keys of the steps that happened, in the guide's order."""
    return [key for key, happened in STEPS.items() if happened(session)]


def to_pay(session: Session) -> dict[str, str]:
    """Number and amount of the first invoice that waits for its payment; empty when none does."""
    for invoice in session.scalars(select(Invoice).where(Invoice.kind == DocumentKind.INVOICE).order_by(Invoice.id)):
        due = payments.amount_due(session, invoice)
        if due > ZERO:
            return {"number": invoice.number, "amount": str(due).replace(".", ",")}
    return {}
