"""Presses: the token says what, the table of access who, the verbs decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot import cards, changes, texts
from bot.access import allowed
from bot.handlers import (
    agreements,
    automation,
    card_changes,
    conformity,
    credit,
    customers,
    deliveries,
    deposits,
    disputes,
    duplicates,
    goods,
    invoices,
    learning,
    payments,
    platforms,
    pricing,
    quotes,
    receipts,
    returns,
    revisions,
    sales,
    staff,
    statements,
)
from core import conversations, orders
from core.errors import Comptoir
from core.orders import Order, OrderRevision
from core.parties import Staff

if TYPE_CHECKING:
    from bot.turns import Turn

#: Refusals after which the card that was pressed shows what is true now.
REPAINTED = frozenset({
    "order_version_changed", "order_blocked", "already_confirmed", "revision_already_decided",
    "duplicate_already_settled",
})  # fmt: skip
Act = Callable[["Turn", dict[str, Any], Any], None]

#: action -> what it acts on (the kind of thing its arguments name), and the act.
ACTIONS: dict[str, tuple[str, Act]] = {
    **customers.ACTIONS,
    **sales.ACTIONS,
    **learning.ACTIONS,
    **staff.ACTIONS,
    **credit.ACTIONS,
    **goods.ACTIONS,
    **pricing.ACTIONS,
    **card_changes.ACTIONS,
    **deposits.ACTIONS,
    **automation.ACTIONS,
    **revisions.ACTIONS,
    **duplicates.ACTIONS,
    **conformity.ACTIONS,
    **quotes.ACTIONS,
    **invoices.ACTIONS,
    **deliveries.ACTIONS,
    **receipts.ACTIONS,
    **returns.ACTIONS,
    **payments.ACTIONS,
    **platforms.ACTIONS,
    **statements.ACTIONS,
    **agreements.ACTIONS,
    **disputes.ACTIONS,
}


def press(turn: Turn, token: str) -> None:
    """One press: forged, foreign and expired buttons are answered too (T31 to T33); rights are read now (S12)."""
    found = conversations.pressed(turn.session, token, chat_id=turn.chat_id, at=turn.at)
    if found is None:
        turn.toast = texts.answer("button_unknown", turn.language)
        return
    button, args = found
    kind, act = ACTIONS.get(button.action, ("", None))
    if act is None:
        turn.toast = texts.answer("button_unknown", turn.language)
        return
    thing = _thing(turn, kind, args, button.order_id)
    if not allowed(turn.link, button.action, thing):
        turn.not_allowed(button.action)
        return
    act(turn, args | {"version": button.version}, thing)


def _thing(turn: Turn, kind: str, args: dict[str, Any], order_id: int | None) -> Any:
    """What the button is about, locked when it is an order; None when it names nothing."""
    if kind == "order":
        number = order_id or args.get("order")
        return orders.lock(turn.session, int(number)) if number else None
    if kind == "document":
        return customers.document(turn, str(args["number"])) if turn.link.customer is not None else None
    if kind and kind in args:
        from bot.letters import thing_of

        return thing_of(turn.session, f"{kind if kind != 'request' else 'override_request'}:{args[kind]}")
    return None


def refusal_text(turn: Turn, refusal: Comptoir) -> str:
    """The sentence of a refusal, with the colleague's name where it names one."""
    who = turn.session.get(Staff, refusal.data["by"]) if isinstance(refusal.data.get("by"), int) else None
    more = {"name": who.name} if who is not None else {}
    if refusal.code == "already_confirmed" and who is None:
        more = {"name": texts.word("system", turn.language)}
    return texts.refusal(refusal, turn.language, **more)


def repaint(turn: Turn, refusal: Comptoir, token: str) -> None:
    """Show the order as it now is when a press was refused because it had changed (T29)."""
    found = conversations.pressed(turn.session, token, chat_id=turn.chat_id, at=turn.at)
    if found is None or refusal.code not in REPAINTED:
        return
    order = turn.session.get(Order, found[0].order_id) if found[0].order_id is not None else None
    if order is None:
        return
    if turn.link.staff is not None and "order_revision" in found[1]:
        revision = turn.session.get_one(OrderRevision, found[1]["order_revision"])
        turn.show(changes.revision_card(turn.session, revision, house=turn.house, at=turn.at))
    elif turn.link.staff is not None:
        turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))
    elif order.customer_id == turn.link.customer_id:
        turn.show(cards.recap_card(order))
