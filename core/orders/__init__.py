"""Orders: the draft that a message became, its lines, and what may be decided about it.

Prepared, delivered and invoiced quantities follow from documents and are stored nowhere here.
"""

from __future__ import annotations

from core.orders.clauses import OrderClause, accept_theirs, ask_for_theirs, keep_ours
from core.orders.conformity import set_buyer, set_delivery_address, set_order_date, set_order_number
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
    set_quantity,
    settle_price,
)
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
    "Order",
    "OrderClause",
    "OrderLine",
    "OrderState",
    "PriceChoice",
    "accept_recap",
    "accept_theirs",
    "add_line",
    "append_lines",
    "ask_for_theirs",
    "by_reference",
    "cancel",
    "confirm",
    "draft",
    "keep_ours",
    "line_at",
    "lock",
    "move",
    "open_drafts",
    "registered_of",
    "remove_line",
    "set_article",
    "set_buyer",
    "set_customer",
    "set_delivery_address",
    "set_delivery_date",
    "set_order_date",
    "set_order_number",
    "set_quantity",
    "settle_price",
    "undo_confirmation",
]
