"""The sides of an order's card: what a colleague has open on it in his chat stays open when it is painted again.

A card that an event repaints while an agent treats its points would otherwise fall back under his thumb.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards.changing import change_view, line_view_of
from bot.cards.contents import Content
from bot.cards.orders import order_card, order_lines
from bot.cards.points import notes_view, point_view
from bot.keyboards import Press
from core.orders import Order, OrderState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

#: Sides that make sense whatever became of the order.
LASTING = frozenset({"lines"})


def kept(content: Content) -> Content:
    """A question about the order, put on its card, which stays as it was put until it is answered."""
    order = content.order
    assert order is not None  # noqa: S101 - a card is an order's
    html = f"<code>{order.reference}</code> · {texts.escape(order.customer.name)}\n{content.html}"
    rows = [
        [{"action": press.action, "args": press.args, "label": press.label(content.language)} for press in row]
        for row in content.rows
    ]
    return replace(content, html=html, view=json.dumps(["kept", {"html": html, "rows": rows}]))


def order_view(session: Session, order: Order, showing: str, *, house: House, at: datetime) -> Content:
    """The side of the card that is open, with what is true now; the card itself once there is nothing on that side."""
    name, data = json.loads(showing) if showing else ("", {})
    if name and (order.state is OrderState.DRAFT or name in LASTING):
        found = _side(session, order, name, data, house=house, at=at)
        if found is not None:
            return replace(found, view=showing)
    return order_card(session, order, house=house, at=at)


def _side(
    session: Session, order: Order, name: str, data: dict[str, Any], *, house: House, at: datetime
) -> Content | None:
    if name in {"points", "watched"}:
        return point_view(session, order, data["index"], house=house, at=at, watch=name == "watched")
    if name == "notes":
        return notes_view(session, order, house=house, at=at)
    if name == "kept":
        return Content(data["html"], [[_again(press) for press in row] for row in data["rows"]], order)
    return SIDES[name](order, **data)


def _again(press: dict[str, Any]) -> Press:
    return Press(press["action"], press["args"], {"label": press["label"]}, "as_it_was")


#: Sides that the order alone tells.
SIDES: dict[str, Callable[..., Content | None]] = {"lines": order_lines, "change": change_view, "line": line_view_of}
