"""Keyboards: rows of presses become inline buttons whose data is an opaque token kept in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot import texts
from core import conversations
from core.orders import Order

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MAX_LABEL = 60


@dataclass(frozen=True, slots=True)
class Press:
    """A button: the action of its token, the token's arguments, and what its label says."""

    action: str
    args: dict[str, Any] = field(default_factory=dict)
    label_data: dict[str, Any] = field(default_factory=dict)
    label_key: str = ""

    def label(self, language: str) -> str:
        """The text on the button, never longer than a chat shows."""
        text = texts.label(self.label_key or self.action, language, **self.label_data)
        return text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"


Rows = Sequence[Sequence[Press]]


def markup(
    session: Session, rows: Rows, *, chat_id: int, at: datetime, language: str = "fr", order: Order | None = None
) -> InlineKeyboardMarkup | None:
    """The keyboard of a message in one chat; each call makes new tokens, bound to that chat and the order's version."""
    order_id, version = (order.id, order.version) if order is not None else (None, None)
    made = [
        [
            InlineKeyboardButton(
                press.label(language),
                callback_data=conversations.make_button(
                    session, chat_id=chat_id, action=press.action, at=at, order_id=order_id, version=version,
                    **press.args,
                ),
            )
            for press in row
        ]
        for row in rows
        if row
    ]  # fmt: skip
    return InlineKeyboardMarkup(made) if made else None
