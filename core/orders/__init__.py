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
    set_discount,
    set_price,
    set_quantity,
    settle_price,
)
from core.orders.shortages import (
    accept_shortages,
    cap_line,
    choose_substitute,
    round_quantity,
    settle_shortage,
    wait_until,
)
from core.orders.tables import (
    NEXT,
    DepositStage,
    DepositTerm,
    DiscountBy,
    Order,
    OrderLine,
    OrderState,
    PriceChoice,
    Shortage,
)

__all__ = [
    "NEXT",
    "Asked",
    "AskedLine",
    "DepositStage",
    "DepositTerm",
    "DiscountBy",
    "Order",
    "OrderLine",
    "OrderState",
    "PriceChoice",
    "Shortage",
    "accept_recap",
    "accept_shortages",
    "add_line",
    "append_lines",
    "by_reference",
    "cancel",
    "cap_line",
    "choose_substitute",
    "confirm",
    "draft",
    "line_at",
    "lock",
    "move",
    "open_drafts",
    "registered_of",
    "remove_line",
    "round_quantity",
    "set_article",
    "set_customer",
    "set_delivery_date",
    "set_discount",
    "set_price",
    "set_quantity",
    "settle_price",
    "settle_shortage",
    "undo_confirmation",
    "wait_until",
]
