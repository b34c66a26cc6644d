"""Commands people type, and the telephone orders that colleagues take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import cards, living, texts
from bot.access import allowed
from bot.handlers import (
    automation,
    counts,
    customers,
    deliveries,
    dunning,
    following,
    goods,
    groups,
    health,
    help_pages,
    identities,
    inbox,
    invoices,
    late,
    learning,
    people,
    platforms,
    preferences,
    quarantines,
    quotes,
    returns,
    search,
    staff,
    statements,
)
from bot.handlers import payments as money
from core import orders
from core.deliveries import Delivery, DeliveryState
from core.errors import Refused

if TYPE_CHECKING:
    from bot.turns import Turn

SHOWN = 5


def run(turn: Turn, text: str) -> None:
    """A command by its French name; one that does not exist, or is not the person's, is told what there is."""
    word, _, rest = text[1:].partition(" ")
    action = texts.table("menus", "fr")["commands"].get(word.partition("@")[0].lower())
    if action is not None and not allowed(turn.link, action):
        turn.not_allowed(action)
        return
    if action is None:
        help_pages.run(turn)
        return
    COMMANDS[action](turn, rest.strip())


def drafts_waiting(turn: Turn, _rest: str = "") -> None:
    """The draft that has waited longest, as its card."""
    waiting = orders.open_drafts(turn.session, at=turn.at)
    if not waiting:
        turn.say("no_draft")
        return
    living.bring(turn, waiting[0], showing="")


def _learned(turn: Turn, rest: str) -> None:
    learning.show_learned(turn, quotes.customer_named(turn, rest))


def _account(turn: Turn, rest: str) -> None:
    search.account(turn, rest)


def _payment(turn: Turn, rest: str) -> None:
    document, _, said = rest.partition(" ")
    if not document:
        raise Refused("payment_words")
    if said.strip():
        staff.settle(turn, document, said)
    else:  # how much is never guessed
        turn.ask("payment_amount", "how_much", number=document)


def _to_prepare(turn: Turn, _rest: str) -> None:
    query = select(Delivery).where(Delivery.state == DeliveryState.PREPARING).order_by(Delivery.id).limit(SHOWN)
    found = list(turn.session.scalars(query))
    for delivery in found:
        turn.send(cards.preparation_card(delivery))
    if not found:
        turn.say("nothing_to_prepare_now")


def _human(turn: Turn, _rest: str) -> None:
    customers.human(turn, {}, None)


COMMANDS: dict[str, Any] = {
    **help_pages.COMMANDS,
    **identities.COMMANDS,
    **groups.COMMANDS,
    **people.COMMANDS,
    **dunning.COMMANDS,
    **health.COMMANDS,
    "drafts": drafts_waiting,
    "show_account": _account,
    "learned": _learned,
    "record_payment": _payment,
    **invoices.COMMANDS,
    **following.COMMANDS,
    **preferences.COMMANDS,
    "to_prepare": _to_prepare,
    **inbox.COMMANDS,
    "human": _human,
    "take_order": search.take_order,
    **goods.COMMANDS,
    **money.COMMANDS,
    **counts.COMMANDS,
    **platforms.COMMANDS,
    **late.COMMANDS,
    "automation": automation.show,
    "quotes": quotes.run,
    **deliveries.COMMANDS,
    **returns.COMMANDS,
    **quarantines.COMMANDS,
    "make_statement": statements.run,
}
