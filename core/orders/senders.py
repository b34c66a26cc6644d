"""Whether who wrote an order is who he says he is: a colleague vouches for him, or turns the draft away.

A mail that no server vouched for may still be his: he is rung up. Where it is not, nobody at its address is told
anything, for the customer whose name it bears did not write it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import events, journal, outbox
from core.errors import Refused
from core.orders.tables import Order, OrderState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from core.journal import Actor

#: Stands as the clue of a draft that its customer did not write: he never hears of it.
DISOWNED = "disowned"


def vouch(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """A colleague has made sure that the customer wrote it; refuses what is no draft or needs no vouching."""
    _unsure(order)
    order.sender_authenticated = True
    order.version += 1
    journal.write(session, "sender_vouched", subject=order.subject, by=by, at=at)
    events.emit(session, "order_changed", order, at=at)


def disown(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """The customer did not write it: nothing that waits for its address leaves any more, and the draft may go."""
    _unsure(order)
    outbox.cancel_waiting(session, order.subject, at=at, reason=DISOWNED, audience=events.CUSTOMER)
    order.customer_clue = DISOWNED
    journal.write(session, "sender_disowned", subject=order.subject, by=by, at=at)


def _unsure(order: Order) -> None:
    if order.state is not OrderState.DRAFT:
        raise Refused("order_not_draft", reference=order.reference, state=order.state)
    if order.sender_authenticated:
        raise Refused("sender_already_vouched", reference=order.reference)
