"""Words that change a draft: a colleague's reply to its card, a customer's correction, an edited message."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot import texts
from core import events, messages, orders
from core.clock import business_date
from core.messages import Message, MessageState
from core.orders import LineWish, Order, OrderState, Wanted, revisions
from intake import changes, receive
from intake.incoming import Address, Channel, Incoming
from intake.reading import Reading, read
from intake.understand import joins
from intake.understand.drafts import lines_about, lines_of
from intake.understand.opened import Desk

if TYPE_CHECKING:
    from bot.turns import Turn

#: So much of the words is kept with what they ask for.
REASON = 400
POSITION = re.compile(r"[Ll](\d+)\s*[\s:=\u2192]\s*(\d+(?:[.,]\d+)?)")


def reading(turn: Turn, text: str, *, on: date | None = None) -> Reading:
    """What the words ask for, today, or said on another day."""
    return read(Incoming(Channel.CHAT, Address(""), turn.at, text), today=on or business_date(turn.at))


def change(turn: Turn, order: Order, text: str, *, on: date | None = None) -> bool:
    """`L2 140` sets that line, known articles theirs, others are added, a day is taken over; False for other words."""
    if (found := POSITION.fullmatch(text.strip())) is not None:
        quantity = Decimal(found[2].replace(",", "."))
        orders.set_quantity(turn.session, order, int(found[1]), quantity, by=turn.by, at=turn.at)
        return True
    said = reading(turn, text, on=on)
    lines = lines_about(turn.session, order, said.lines)
    if lines and re.match(texts.table("menus", "fr")["words"]["add"], text, re.IGNORECASE):
        orders.append_lines(turn.session, order, lines, by=turn.by, at=turn.at)
        return True
    return changes.merge(turn.session, order, lines, said.requested_delivery_date, by=turn.by, at=turn.at)


def revise(turn: Turn, order: Order, text: str) -> bool:
    """Words about a registered order become a redline for an agent; False when they ask for no change."""
    if (found := POSITION.fullmatch(text.strip())) is not None:
        wish = Wanted((LineWish(int(found[1]), Decimal(found[2].replace(",", "."))),))
    else:
        said = reading(turn, text)
        lines = lines_about(turn.session, order, said.lines)
        adding = re.match(texts.table("menus", "fr")["words"]["add"], text, re.IGNORECASE) is not None
        wish = changes.wanted(order, lines, said.requested_delivery_date, adding=adding)
    if not wish:
        return False
    words = text[:REASON] if turn.link.staff is not None else ""  # a customer's words are kept with his messages only
    revisions.propose(turn.session, order, wish, by=turn.by, at=turn.at, reason=words)
    return True


def edited(turn: Turn, message_id: int, text: str, sender: str) -> None:
    """An edited message: its draft follows, what was registered does not and a person is told (T37)."""
    first = turn.session.scalar(select(Message).where(Message.key == f"chat:{turn.chat_id}:{message_id}"))
    if first is not None and first.state in {MessageState.STORED, MessageState.QUARANTINED}:
        receive.reword(turn.session, first, text, at=turn.at)
        return
    order = _draft_of(turn, first) if first is not None else None
    if first is not None and order is not None and _follow(turn, order, first, text):
        return
    told = receive.receive_chat(
        turn.session, chat_id=turn.chat_id, message_id=-turn.update_id, text=text, received_at=turn.at,
        customer_id=turn.link.customer_id, sender=sender,
    )  # fmt: skip
    if told.state is MessageState.STORED:
        told.extract = text[: receive.EXTRACT]
        messages.move(turn.session, told, MessageState.UNDERSTOOD, by=turn.by, at=turn.at, reason="edited")
        events.emit(turn.session, "message_for_staff", told, at=turn.at)
        events.emit(turn.session, "message_kept", told, at=turn.at)


def _draft_of(turn: Turn, first: Message) -> Order | None:
    """The draft the message became or joined, locked; None once it is registered or given up."""
    own = turn.session.scalar(select(Order.id).where(Order.message_id == first.id))
    since = first.received_at - changes.SAME_ORDER
    joined = select(Order.id).where(Order.reply_chat_id == turn.chat_id, Order.customer_id == first.customer_id)
    joined = joined.where(Order.state == OrderState.DRAFT, Order.created_at.between(since, first.received_at))
    joined = joined.order_by(Order.id.desc()).limit(1)
    number = own if own is not None else turn.session.scalar(joined)
    order = orders.lock(turn.session, number) if number is not None else None
    return order if order is not None and order.state is OrderState.DRAFT else None


def _follow(turn: Turn, order: Order, first: Message, text: str) -> bool:
    now = reading(turn, text)
    raw = messages.content_of(turn.session, first.raw_sha256) if first.raw_sha256 else b"{}"
    said = str(json.loads(raw).get("text", ""))
    if (wanted := joins.correction(text)) is not None:  # « plutôt 6 » became « plutôt 7 »: the line that now says 6
        first_said = joins.correction(said)
        wanted = replace(wanted, old=first_said.new if first_said is not None else wanted.old)
        return joins.correct(turn.session, first, order, wanted, by=turn.by, desk=Desk(turn.app.settings, turn.at))
    if not now.lines:
        return False
    before = lines_of(turn.session, order.customer, reading(turn, said).lines)
    lines = lines_about(turn.session, order, now.lines)
    changes.withdraw(turn.session, order, before, lines, by=turn.by, at=turn.at)
    return changes.merge(turn.session, order, lines, now.requested_delivery_date, by=turn.by, at=turn.at)
