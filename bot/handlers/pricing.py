"""Prices and discounts by buttons and words: a lower price is the manager's to accept, a missing one is typed in."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import texts
from bot.handlers import sales
from core import clearances, orders
from core.orders import Order
from core.parties import Role

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def accept_price(turn: Turn, args: Args, order: Order) -> None:
    """A manager accepts at once; an agent says why, and the manager is asked."""
    if Role.MANAGER.value not in turn.by.roles:
        turn.ask("price_reason", "why_accept_price", order=order.id)
        return
    clearances.accept_price(turn.session, order, int(args["position"]), by=turn.by, at=turn.at)
    sales.treat_points(turn, {}, order)


def price_reason(turn: Turn, args: Args, text: str) -> None:
    """The reason: the manager is asked, with the numbers."""
    order = orders.lock(turn.session, args["order"])
    clearances.ask(
        turn.session, order, house=turn.house, reason=text, by=turn.by, at=turn.at, only=Role.MANAGER
    )  # fmt: skip
    turn.say("override_asked", reference=order.reference, roles=texts.word(Role.MANAGER.value))


def ask_price(turn: Turn, args: Args, order: Order) -> None:
    """How much? The next text."""
    turn.ask("given_price", "which_price", order=order.id, position=args["position"])


def given_price(turn: Turn, args: Args, text: str) -> None:
    """The price of a line that had none."""
    order = orders.lock(turn.session, args["order"])
    orders.set_price(turn.session, order, int(args["position"]), sales.number(text), by=turn.by, at=turn.at)


def discount(turn: Turn, order: Order, text: str) -> bool:
    """A colleague's words in reply to a card that take a percentage off the order or one line; False for others."""
    found = re.fullmatch(texts.table("menus", "fr")["words"]["discount"], text.strip(), re.IGNORECASE)
    if found is None:
        return False
    percent = Decimal(found["percent"].replace(",", "."))
    position = int(found["line"]) if found["line"] else None
    orders.set_discount(turn.session, order, percent, by=turn.by, at=turn.at, position=position)
    return True


ACTIONS: dict[str, tuple[str, Any]] = {
    "accept_price": ("order", accept_price),
    "ask_price": ("order", ask_price),
}
ANSWERS: dict[str, Any] = {
    "price_reason": price_reason,
    "given_price": given_price,
}
