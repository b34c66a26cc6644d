"""Keyboards: rows of presses become inline buttons whose data is an opaque token kept in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot import texts
from core import conversations
from core.clock import PARIS
from core.orders import Order
from core.parties import ChatLink
from core.quotes import Quote

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MAX_LABEL = 60
#: What a button shows whole at 360 pixels, alone in its row (U07).
NARROW = 24


@dataclass(frozen=True, slots=True)
class Press:
    """A button: the action of its token, the token's arguments, what its label says, and how long that may be."""

    action: str
    args: dict[str, Any] = field(default_factory=dict)
    label_data: dict[str, Any] = field(default_factory=dict)
    label_key: str = ""
    most: int = MAX_LABEL

    def label(self, language: str, most: int = MAX_LABEL) -> str:
        """The text on the button; of a longer one the beginning and the end, where what tells articles apart stands."""
        text = texts.label(self.label_key or self.action, language, **self.label_data)
        ends, most = most == NARROW, min(most, self.most)
        if len(text) <= most:
            return text
        end = _last_words(text, most // 2) if ends else ""
        return f"{text[: most - 1 - len(end)].rstrip()}…{end}"


def _last_words(text: str, most: int) -> str:
    """As many whole words from the end as fit; nothing where the last one does not."""
    kept = ""
    for word in reversed(text.split(" ")):
        longer = f"{word} {kept}".rstrip()
        if len(longer) > most:
            break
        kept = longer
    return kept


Rows = Sequence[Sequence[Press]]


def markup(
    session: Session, rows: Rows, *, chat_id: int, at: datetime, language: str = "fr", order: Order | None = None
) -> InlineKeyboardMarkup | None:
    """The keyboard of a message in one chat; each call makes new tokens, bound to that chat and the order's version."""
    order_id, version = (order.id, order.version) if order is not None else (None, None)
    link = session.get(ChatLink, chat_id)
    most = NARROW if link is not None and link.customer_id is not None else MAX_LABEL
    made = [
        [
            InlineKeyboardButton(
                press.label(language, most),
                callback_data=conversations.make_button(
                    session, chat_id=chat_id, action=press.action, at=at, order_id=order_id, version=version,
                    lives_until=_offered_until(session, press), **press.args,
                ),
            )
            for press in row
        ]
        for row in rows
        if row
    ]  # fmt: skip
    return InlineKeyboardMarkup(made) if made else None


def _offered_until(session: Session, press: Press) -> datetime | None:
    """The end of the last day of the quote that a press is about; None for any other press."""
    quote = session.get(Quote, press.args["quote"]) if "quote" in press.args else None
    if quote is None or quote.valid_until is None:
        return None
    return datetime.combine(quote.valid_until + timedelta(days=1), time(), PARIS)
