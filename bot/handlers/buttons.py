"""Presses: the token says what, the table of access who, the verbs decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot import cards, changes, folding, recaps, texts
from bot.access import allowed
from bot.handlers import (
    agreements,
    automation,
    card_changes,
    changing,
    conformity,
    contesting,
    credit,
    customers,
    deliveries,
    deposits,
    disputes,
    duplicates,
    edits,
    evidence,
    following,
    goods,
    groups,
    help_pages,
    identities,
    inbox,
    invoices,
    late,
    learning,
    payments,
    people,
    platforms,
    preferences,
    pricing,
    quarantines,
    quotes,
    receipts,
    returns,
    revisions,
    sales,
    search,
    staff,
    statements,
    waiting,
)
from core import conversations, journal, orders
from core import identities as speaking
from core.errors import Comptoir
from core.orders import Order, OrderRevision
from core.parties import Staff

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.conversations import Button

#: Refusals after which the card that was pressed shows what is true now.
REPAINTED = frozenset({
    "order_version_changed", "order_blocked", "already_confirmed", "revision_already_decided",
    "duplicate_already_settled", "undo_too_late", "order_not_draft",
})  # fmt: skip
#: The changes of a draft whose difference is kept.
LINES_CHANGED = frozenset({
    "order_quantity_changed", "order_article_set", "order_line_removed", "order_lines_added",
    "order_delivery_date_changed",
})  # fmt: skip
Act = Callable[["Turn", dict[str, Any], Any], None]

#: action -> what it acts on (the kind of thing its arguments name), and the act.
ACTIONS: dict[str, tuple[str, Act]] = {
    **customers.ACTIONS,
    **sales.ACTIONS,
    **changing.ACTIONS,
    **edits.ACTIONS,
    **evidence.ACTIONS,
    **search.ACTIONS,
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
    **quarantines.ACTIONS,
    **payments.ACTIONS,
    **platforms.ACTIONS,
    **late.ACTIONS,
    **statements.ACTIONS,
    **agreements.ACTIONS,
    **disputes.ACTIONS,
    **folding.ACTIONS,
    **identities.ACTIONS,
    **groups.ACTIONS,
    **people.ACTIONS,
    **help_pages.ACTIONS,
    **inbox.ACTIONS,
    **waiting.ACTIONS,
    **contesting.ACTIONS,
    **following.ACTIONS,
    **preferences.ACTIONS,
}


def press(turn: Turn, token: str, *, chat_id: int | None = None) -> None:
    """One press: forged, foreign and expired buttons are answered too (T31 to T33); rights are read now (S12).

    `chat_id` is where the button stands when it is answered elsewhere: a group whose member is answered in private.
    """
    found = conversations.pressed(turn.session, token, chat_id=chat_id or turn.chat_id, at=turn.at)
    if found is None:
        turn.toast = texts.answer("button_unknown", turn.language)
        return
    button, args = found
    kind, act = ACTIONS.get(button.action, ("", None))
    if act is None:
        turn.toast = texts.answer("button_unknown", turn.language)
        return
    if identities.several(turn):
        _press_for_one(turn, kind, button, args, act)
    else:
        _act(turn, kind, button, args, act)


def _press_for_one(turn: Turn, kind: str, button: Button, args: dict[str, Any], act: Act) -> None:
    """A press of somebody who speaks for several customers: for the one whose thing it is, else for the chosen one."""
    whose = identities.of_thing(turn, kind, args, _thing(turn, kind, args, button.order_id))
    asked = button.action in identities.ACTIONS
    if whose is None and not asked and not turn.header and not speaking.chosen(turn.session, turn.link, at=turn.at):
        identities.ask_for_whom(turn)
        turn.toast = texts.answer("for_whom", turn.language)
        return
    identities.speak_as(turn, whose, lambda: _act(turn, kind, button, args, act))


def _act(turn: Turn, kind: str, button: Button, args: dict[str, Any], act: Act) -> None:
    thing = _thing(turn, kind, args, button.order_id)
    if not allowed(turn.link, button.action, thing):
        turn.not_allowed(button.action)
        return
    said, shown = turn.toast, len(turn.later)
    act(turn, args | {"version": button.version}, thing)
    if turn.toast == said and len(turn.later) == shown:
        turn.toast = texts.answer("done", turn.language)  # the card is repainted soon; the press is answered now


def _thing(turn: Turn, kind: str, args: dict[str, Any], order_id: int | None) -> Any:
    """What the button is about, locked when it is an order; None when it names nothing."""
    if kind == "order":
        number = order_id or args.get("order")
        return orders.lock(turn.session, int(number)) if number else None
    if kind == "document":
        if turn.link.customer is None or (identities.several(turn) and not turn.header):
            return None
        return customers.document(turn, str(args["number"]))
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
    if refusal.code == "order_version_changed" and turn.link.staff is not None:
        return _what_changed(turn, refusal) or texts.refusal(refusal, turn.language, **more)
    return texts.refusal(refusal, turn.language, **more)


def _what_changed(turn: Turn, refusal: Comptoir) -> str:
    """Who changed the order under the press, and its first change; empty where the last change was another kind."""
    order = orders.by_reference(turn.session, str(refusal.data.get("reference", "")))
    if order is None:
        return ""
    done = [one.action for one in journal.entries_of(turn.session, order.subject) if one.action.startswith("order_")]
    last = changes.last_of_draft(order)
    if not done or done[-1] not in LINES_CHANGED or not last["changes"]:
        return ""
    what = " ".join(texts.plain(texts.render("difference", change=last["changes"][0])).split())
    who = "customer" if last["changed_by_customer"] else "colleague"
    return texts.answer(f"changed_by_{who}", reference=order.reference, what=what)


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
        turn.show(recaps.recap_card(turn.session, order, house=turn.house, at=turn.at, language=turn.language))
