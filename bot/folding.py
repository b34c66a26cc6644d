"""Many new order cards for one chat at once become one message that opens each of them (T15)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.keyboards import Press
from core import outbox
from core.orders import Order, OrderState
from core.outbox import OutboxRow, OutboxState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from bot.turns import Turn

#: The text of the rows that may be told together, and that of the row that tells them.
FOLDED, FOLDING = "order_card", "order_cards"
#: No more buttons than a chat shows without scrolling.
SHOWN = 10


def fold(session: Session, row_ids: list[int], *, at: datetime) -> None:
    """Put one row in the place of these, which all wait for one chat; those that left meanwhile stay as they are."""
    query = select(OutboxRow).where(OutboxRow.id.in_(row_ids), OutboxRow.state == OutboxState.WAITING)
    rows = [row for row in session.scalars(query.order_by(OutboxRow.id).with_for_update()) if _may_fold(session, row)]
    if len(rows) < 2:
        return
    first = rows[0]
    for row in rows:
        outbox.move(session, row, OutboxState.MOOT, at=at, error="told together")
    told = [int(row.subject.partition(":")[2]) for row in rows]
    together = OutboxRow(
        key=f"folded:{first.id}:{first.attempt}", channel=first.channel, audience=first.audience,
        chat_id=first.chat_id, template=FOLDING, subject=f"chat:{first.chat_id}",
        params=json.dumps({"orders": told}), not_before=at, created_at=at,
    )  # fmt: skip
    outbox.put(session, [together])


def _may_fold(session: Session, row: OutboxRow) -> bool:
    """A draft that came by itself: who opened a card wants that one, and what is registered has its undo button."""
    order = session.get(Order, int(row.subject.partition(":")[2]))
    return not row.key.startswith("opened:") and order is not None and order.state is OrderState.DRAFT


def made(session: Session, row: OutboxRow) -> tuple[dict[str, Any], list[list[Press]]]:
    """The drafts of a message that tells many, as they stand now, and a button for each of the first."""
    query = select(Order).where(Order.id.in_(row.arguments["orders"]), Order.state == OrderState.DRAFT)
    found = list(session.scalars(query.order_by(Order.id)))
    buttons = [
        [Press("open_card", {"order": order.id}, {"reference": order.reference}, "open_card")]
        for order in found[:SHOWN]
    ]
    return {"orders": found, "shown": found[:SHOWN]}, buttons


def open_card(turn: Turn, _args: dict[str, Any], order: Order) -> None:
    """The living card of one of them, here."""
    row = OutboxRow(
        key=f"opened:{order.id}:{turn.chat_id}:{turn.update_id}", channel=outbox.OutboxChannel.CHAT, audience="sales",
        chat_id=turn.chat_id, template=FOLDED, subject=order.subject, card=True, resend=outbox.Resend.REPAINT,
        not_before=turn.at, created_at=turn.at,
    )  # fmt: skip
    outbox.put(turn.session, [row])


ACTIONS = {"open_card": ("order", open_card)}
