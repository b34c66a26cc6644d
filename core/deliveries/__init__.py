"""Deliveries: what is prepared, what left, what the customer says he received, what comes back.

Remaining = ordered - shipped - closed, per line, computed from deliveries and never stored.
"""

from __future__ import annotations

from core.deliveries import reserves, returns, substitutes
from core.deliveries.papers import delivery_place, place_of
from core.deliveries.preparation import (
    Parcels,
    announce_backorders,
    cancel,
    close_rest,
    prepare,
    set_batches,
    set_parcels,
    set_prepared,
    waits_for_the_rest,
)
from core.deliveries.receipt import Signature, close_when_done, file_signed_note, keep_file, verify
from core.deliveries.returns import Counted, GoodsReturn, GoodsReturnLine, ReturnState, refuse_delivery
from core.deliveries.shipping import of_batch, ship
from core.deliveries.tables import (
    NEXT,
    Batch,
    Delivery,
    DeliveryFile,
    DeliveryLine,
    DeliveryState,
    FileKind,
    Reserve,
    ReserveDecision,
    ReserveKind,
    by_reference,
    line_of,
    move,
    of_order,
    read_whole,
    remaining_quantities,
    shipped_quantities,
)
from core.deliveries.unanswered import follow_up, presume_received, receipts_due, remind, to_remind

__all__ = [
    "NEXT",
    "Batch",
    "Counted",
    "Delivery",
    "DeliveryFile",
    "DeliveryLine",
    "DeliveryState",
    "FileKind",
    "GoodsReturn",
    "GoodsReturnLine",
    "Parcels",
    "Reserve",
    "ReserveDecision",
    "ReserveKind",
    "ReturnState",
    "Signature",
    "announce_backorders",
    "by_reference",
    "cancel",
    "close_rest",
    "close_when_done",
    "delivery_place",
    "file_signed_note",
    "follow_up",
    "keep_file",
    "line_of",
    "move",
    "of_batch",
    "of_order",
    "place_of",
    "prepare",
    "presume_received",
    "read_whole",
    "receipts_due",
    "refuse_delivery",
    "remaining_quantities",
    "remind",
    "reserves",
    "returns",
    "set_batches",
    "set_parcels",
    "set_prepared",
    "ship",
    "shipped_quantities",
    "substitutes",
    "to_remind",
    "verify",
    "waits_for_the_rest",
]
