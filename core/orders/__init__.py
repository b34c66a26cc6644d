"""Orders: the draft that a message became, its lines, and what may be decided about it.

Prepared, delivered and invoiced quantities follow from documents and are stored nowhere here.
"""

from __future__ import annotations

from core.orders.decisions import (
    by_reference,
    cancel,
    confirm,
    lock,
    move,
    open_drafts,
    registered_of,
    undo_confirmation,
)
from core.orders.differences import Change, Difference, DifferenceKind, LineState, last_change
from core.orders.drafts import (
    Asked,
    AskedLine,
    accept_recap,
    add_line,
    append_lines,
    draft,
    line_at,
    remove_line,
    set_article,
    set_customer,
    set_delivery_date,
    set_quantity,
    settle_price,
)
from core.orders.revisions import LineWish, OrderRevision, RevisionKind, RevisionState, Wanted
from core.orders.tables import (
    NEXT,
    Order,
    OrderLine,
    OrderState,
    PriceChoice,
)

__all__ = [
    "NEXT",
    "Asked",
    "AskedLine",
    "Change",
    "Difference",
    "DifferenceKind",
    "LineState",
    "LineWish",
    "Order",
    "OrderLine",
    "OrderRevision",
    "OrderState",
    "PriceChoice",
    "RevisionKind",
    "RevisionState",
    "Wanted",
    "accept_recap",
    "add_line",
    "append_lines",
    "by_reference",
    "cancel",
    "confirm",
    "draft",
    "last_change",
    "line_at",
    "lock",
    "move",
    "open_drafts",
    "registered_of",
    "remove_line",
    "set_article",
    "set_customer",
    "set_delivery_date",
    "set_quantity",
    "settle_price",
    "undo_confirmation",
]
