"""Commands people type, and the telephone orders that colleagues take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import cards, texts
from bot.access import allowed
from bot.handlers import (
    automation,
    counts,
    customers,
    deliveries,
    drafts,
    following,
    goods,
    invoices,
    learning,
    platforms,
    preferences,
    quotes,
    returns,
    staff,
    statements,
)
from bot.handlers import payments as money
from core import orders
from core.deliveries import Delivery, DeliveryState
from core.errors import Refused
from core.messages import Message, MessageChannel, MessageState
from core.orders import Asked
from intake.understand.drafts import lines_of

if TYPE_CHECKING:
    from bot.turns import Turn

SHOWN = 5


def run(turn: Turn, text: str) -> None:
    """A command by its French name; one that does not exist, or is not the person's, is told what there is."""
    word, _, rest = text[1:].partition(" ")
    action = texts.table("menus", "fr")["commands"].get(word.partition("@")[0].lower())
    if action is None or not allowed(turn.link, action):
        explain(turn)
        return
    COMMANDS[action](turn, rest.strip())


def explain(turn: Turn, _rest: str = "") -> None:
    """What one can do here."""
    turn.say("help_customer" if turn.link.customer is not None else "help_staff")


def take_order(turn: Turn, said: str) -> None:
    """An order taken by telephone: `CUSTOMER (FROM WHOM) : LINES`; who took it, from whom and when is kept."""
    name, _, what = said.partition(":")
    words, whom = told_by(name)
    customer = quotes.customer_named(turn, words)
    reading = drafts.reading(turn, what)
    if not reading.lines:
        raise Refused("no_lines_read", text=what.strip()[:60])
    if any(line.quantity is not None and line.quantity <= 0 for line in reading.lines):
        raise Refused("quantity_not_positive")
    asked = Asked(
        customer=customer, channel=MessageChannel.ORAL, lines=lines_of(turn.session, customer, reading.lines),
        requested_delivery_date=reading.requested_delivery_date, taken_by_id=turn.link.staff_id, taken_from=whom,
        taken_at=turn.at,
    )  # fmt: skip
    orders.draft(turn.session, asked, by=turn.by, at=turn.at)


def told_by(name: str) -> tuple[str, str]:
    """A customer's name and who spoke for him: « CUSTOMER (WHO) »; empty where nobody is named."""
    found = re.search(texts.table("menus", "fr")["words"]["from_whom"], name, re.IGNORECASE)
    if found is None:
        return name.strip(), ""
    return name[: found.start()].strip(), " ".join((found["bracketed"] or found["said"]).split())


def _drafts(turn: Turn, _rest: str) -> None:
    waiting = orders.open_drafts(turn.session)
    if not waiting:
        turn.say("no_draft")
        return
    turn.send(cards.order_card(turn.session, waiting[0], house=turn.house, at=turn.at))


def _learned(turn: Turn, rest: str) -> None:
    learning.show_learned(turn, quotes.customer_named(turn, rest))


def _account(turn: Turn, rest: str) -> None:
    staff.show_account(turn, {}, quotes.customer_named(turn, rest))


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


def _quarantine(turn: Turn, _rest: str) -> None:
    query = select(Message).where(Message.state == MessageState.QUARANTINED).order_by(Message.id).limit(SHOWN)
    found = list(turn.session.scalars(query))
    for message in found:
        turn.send(cards.quarantine_card(turn.session, message))
    if not found:
        turn.say("nothing_to_read")


def _human(turn: Turn, _rest: str) -> None:
    customers.human(turn, {}, None)


COMMANDS: dict[str, Any] = {
    "help": explain,
    "drafts": _drafts,
    "show_account": _account,
    "learned": _learned,
    "record_payment": _payment,
    **invoices.COMMANDS,
    **following.COMMANDS,
    **preferences.COMMANDS,
    "to_prepare": _to_prepare,
    "quarantine": _quarantine,
    "human": _human,
    "take_order": take_order,
    **goods.COMMANDS,
    **money.COMMANDS,
    **counts.COMMANDS,
    **platforms.COMMANDS,
    "automation": automation.show,
    "quotes": quotes.run,
    **deliveries.COMMANDS,
    **returns.COMMANDS,
    "make_statement": statements.run,
}
