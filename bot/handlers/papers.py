"""Paper and faxed orders that colleagues drop in chat: stored first, then read as any message of that customer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot import texts
from bot.handlers import search
from core import parties
from core.errors import Refused
from intake.receive import receive_chat

if TYPE_CHECKING:
    from telegram import Message

    from bot.turns import Turn


def take(turn: Turn, sent: Message, caption: str, files: list[tuple[str, bytes]]) -> None:
    """Store the picture or file for the customer whom the caption names: « CUSTOMER (FROM WHOM) : more words ».

    Where the caption names none or several, the paper itself may; else a card asks. Refuses a closed customer.
    """
    if not files:
        turn.say("file_too_big", email=turn.house.email)
        return
    name, mark, rest = caption.partition(":")
    words, whom = search.told_by(_without_order(name))
    found = parties.search_customers(turn.session, words) if words else []
    if not found and words and len(closed := parties.search_customers(turn.session, words, active=False)) == 1:
        raise Refused("customer_account_closed", customer=closed[0].name)
    customer = found[0] if len(found) == 1 else None
    said = rest.strip() if customer is not None and mark else "" if customer is not None else caption
    assert turn.link.staff_id is not None  # noqa: S101 - only colleagues come here
    message = receive_chat(
        turn.session, chat_id=turn.chat_id, message_id=sent.message_id, text=said, files=files, received_at=turn.at,
        customer_id=customer.id if customer is not None else None, album=sent.media_group_id or "",
        sender=turn.link.staff.name if turn.link.staff is not None else "", taken_by_id=turn.link.staff_id,
        taken_from=whom,
    )  # fmt: skip
    first = message.key == f"chat:{turn.chat_id}:{sent.message_id}"
    if first and customer is not None:  # the further pages of an album are the same paper
        turn.say("paper_received", customer=customer.name)
    elif first:
        turn.say("paper_whose")


def _without_order(name: str) -> str:
    """The caption's name without « commande » before it."""
    return re.sub(texts.table("menus", "fr")["words"]["order"], "", name.strip(), count=1, flags=re.IGNORECASE)
