"""Deliveries: what is prepared, what left, what the customer says he received.

Remaining = ordered - shipped - closed, per line, computed from deliveries and never stored.
"""

from __future__ import annotations

from core.deliveries.papers import delivery_place, place_of
from core.deliveries.preparation import announce_backorders, cancel, prepare, set_prepared, waits_for_the_rest
from core.deliveries.receipt import close_when_done, verify
from core.deliveries.shipping import ship
from core.deliveries.tables import (
    NEXT,
    Delivery,
    DeliveryLine,
    DeliveryState,
    Reserve,
    ReserveKind,
    by_reference,
    move,
    of_order,
    remaining_quantities,
    shipped_quantities,
)

__all__ = [
    "NEXT",
    "Delivery",
    "DeliveryLine",
    "DeliveryState",
    "Reserve",
    "ReserveKind",
    "announce_backorders",
    "by_reference",
    "cancel",
    "close_when_done",
    "delivery_place",
    "move",
    "of_order",
    "place_of",
    "prepare",
    "remaining_quantities",
    "set_prepared",
    "ship",
    "shipped_quantities",
    "verify",
    "waits_for_the_rest",
]
