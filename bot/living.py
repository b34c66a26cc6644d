"""One living card of an order in each chat: what is shown of it goes onto that message, or onto a new one at the end.

A side of the card that is asked for by another message (an answer, a list of choices, an older card) is never a second
card there: the one card moves to the end of the chat, and what it leaves behind points to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import texts
from core import conversations, events

if TYPE_CHECKING:
    from bot.cards import Content
    from bot.turns import Turn
    from core.orders import Order


def taken(turn: Turn, content: Content) -> bool:
    """Keep which side the card shows; True when it was brought to the end, since another message was pressed."""
    order = content.order
    if order is None or content.view is None or turn.link.staff is None:
        return False
    card = conversations.card_of(turn.session, chat_id=turn.chat_id, subject=order.subject)
    if card is not None:
        card.showing = content.view
    if card is not None and card.telegram_message_id == turn.message_id:
        return False
    if conversations.card_at(turn.session, chat_id=turn.chat_id, message_id=turn.message_id) is None:
        _without_buttons(turn)
    bring(turn, order)
    return True


def bring(turn: Turn, order: Order, *, showing: str | None = None) -> None:
    """The order's card at the end of this chat; where it stood, a line says that it is further down."""
    card = conversations.card_of(turn.session, chat_id=turn.chat_id, subject=order.subject)
    if card is not None and showing is not None:
        card.showing = showing
    if card is not None and card.telegram_message_id:
        _point_down(turn, order, card.telegram_message_id)
    events.bring_card(turn.session, order, chat_id=turn.chat_id, at=turn.at)


def _point_down(turn: Turn, order: Order, message_id: int) -> None:
    chat_id, bot = turn.chat_id, turn.app.application.bot
    said = texts.escape(texts.answer("card_below", reference=order.reference, customer=order.customer.name))
    turn.later.append(lambda: bot.edit_message_text(said, chat_id=chat_id, message_id=message_id))


def _without_buttons(turn: Turn) -> None:
    """What was chosen from cannot be chosen from again."""
    chat_id, bot, message_id = turn.chat_id, turn.app.application.bot, turn.message_id
    if turn.callback_id and message_id:
        turn.later.append(lambda: bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id))
