"""Automatic confirmation as colleagues see it: a customer's figures, on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import texts
from bot.cards import Content
from bot.keyboards import Press
from core import automation, parties
from core.errors import Refused
from core.parties import Customer, Role

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def show(turn: Turn, words: str) -> None:
    """`/auto CUSTOMER`: his figures, and the switch for whoever may press it."""
    if not words:
        turn.say("which_auto")
        return
    found = parties.search_customers(turn.session, words)
    if len(found) != 1:
        names = ", ".join(customer.name for customer in found)
        raise Refused("customer_not_one" if found else "customer_unknown", customer=words, found=names)
    turn.send(_content(turn, found[0]))


def _content(turn: Turn, customer: Customer) -> Content:
    own = automation.figures(turn.session, customer)
    html = texts.render(
        "automation", customer=customer, figures=own, good=own.passes(turn.house),
        reason=texts.word(f"auto_{customer.auto_confirm_reason}") if customer.auto_confirm_reason else "",
        threshold=turn.house.auto_confirm_threshold * 100, wanted=turn.house.auto_confirm_orders,
    )  # fmt: skip
    args, label = {"customer": customer.id}, {"customer": customer.name}
    manager = turn.link.staff is not None and Role.MANAGER in turn.link.staff.roles
    if customer.auto_confirm:
        return Content(html, [[Press("auto_off", args, label)]])
    return Content(html, [[Press("auto_on", args, label)]] if manager and own.passes(turn.house) else ())


def auto_on(turn: Turn, _args: Args, customer: Customer) -> None:
    """Put the customer on automatic confirmation, if his figures still pass."""
    automation.switch_on(turn.session, customer, house=turn.house, by=turn.by, at=turn.at)
    turn.toast = texts.answer("auto_switched_on", customer=customer.name)
    turn.show(_content(turn, customer))


def auto_off(turn: Turn, _args: Args, customer: Customer) -> None:
    """Take the customer off it."""
    automation.switch_off(turn.session, customer, by=turn.by, at=turn.at)
    turn.toast = texts.answer("auto_switched_off", customer=customer.name)
    turn.show(_content(turn, customer))


ACTIONS: dict[str, tuple[str, Any]] = {
    "auto_on": ("customer", auto_on),
    "auto_off": ("customer", auto_off),
}
