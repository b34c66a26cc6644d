"""The buttons of the morning digest and of what still waits: open it, take it, see the tables behind the figures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import cards, inbox, letters, texts
from bot.cards import Content
from bot.handlers.commands import drafts_waiting
from core import calls, digests, events, messages, outbox
from core.calls import Call
from core.clock import business_date
from core.digests import Digest
from core.errors import Refused
from core.messages import Message
from core.orders import Order
from core.outbox import OutboxRow
from core.parties import Role

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def open_waiting(turn: Turn, args: Args, _thing: Any) -> None:
    """The waiting thing as its role sees it; what was decided meanwhile is said."""
    found = inbox.open_items(turn.session, [(args["kind"], args["subject"])], at=turn.at)
    if not found:
        turn.toast = texts.answer("waits_no_more")
        return
    assert turn.link.staff is not None  # noqa: S101 - the table of access lets only colleagues here
    if not inbox.may_open(turn.link.staff, found[0]):
        turn.not_allowed("open_waiting")
        return
    turn.send(_shown(turn, found[0].kind, found[0].subject))


def _shown(turn: Turn, kind: str, subject: str) -> Content:
    thing = letters.thing_of(turn.session, subject)
    if isinstance(thing, Order) and kind != "clause":
        return cards.order_card(turn.session, thing, house=turn.house, at=turn.at)
    if isinstance(thing, Message) and kind in {"message", "message_customer"}:
        return inbox.message_card(turn.session, thing)
    return _told(turn, inbox.FIRST_TOLD.get(kind, kind), subject)


def _told(turn: Turn, template: str, subject: str) -> Content:
    """The words by which its role heard of it first, with what is true now."""
    rows = select(OutboxRow).where(
        OutboxRow.template == template, OutboxRow.subject == subject, OutboxRow.audience != events.CUSTOMER
    )
    row = turn.session.scalar(rows.order_by(OutboxRow.id.desc()).limit(1))
    if row is None:
        raise Refused("nothing_found", words=subject)
    return letters.content(turn.session, row, house=turn.house, at=turn.at)


def take_call(turn: Turn, _args: Args, call: Call) -> None:
    """I see to it: nobody else needs to, and nobody is told that it waits."""
    staff = turn.link.staff
    if staff is None or not staff.roles & {call.role, Role.MANAGER}:
        turn.not_allowed("take_call")
        return
    if call.taken_at is not None and call.taken_by_id is None:
        turn.toast = texts.answer("waits_no_more")
        return
    calls.take(turn.session, call, by=turn.by, at=turn.at)
    turn.toast = texts.answer("call_yours")
    turn.show(inbox.call_taken(call, _told(turn, call.template, call.subject)))


def send_again(turn: Turn, _args: Args, row: OutboxRow) -> None:
    """What failed is tried anew; the call about it is closed."""
    outbox.send_again(turn.session, row, by=turn.by, at=turn.at)
    for template in ("send_failed", "send_unsure"):
        calls.close(turn.session, template, f"outbox:{row.id}", by=turn.by, at=turn.at)
    turn.toast = texts.answer("sent_again")


def due_today(turn: Turn, _args: Args, _thing: Any) -> None:
    """The reminders of the day: to whom, at which step, what became of them."""
    rows = [
        {"customer": customer, "reminder": reminder}
        for reminder, customer in digests.reminded(turn.session, business_date(turn.at))
    ]
    turn.send(Content(texts.render("due_today", rows=rows, today=business_date(turn.at))))


def digest_detail(turn: Turn, _args: Args, digest: Digest) -> None:
    """The tables behind the figures, as they were when these were told; only his own."""
    if digest.staff_id != turn.link.staff_id:
        turn.not_allowed("digest_detail")
        return
    bot, chat_id = turn.app.application.bot, turn.chat_id
    for name, sha256 in digest.tables.items():
        content = messages.content_of(turn.session, sha256)
        turn.later.append(partial(bot.send_document, chat_id, content, filename=name))


ACTIONS: dict[str, tuple[str, Any]] = {
    "drafts": ("", lambda turn, _args, _thing: drafts_waiting(turn)),
    "open_waiting": ("", open_waiting),
    "take_call": ("call", take_call),
    "send_again": ("outbox", send_again),
    "due_today": ("", due_today),
    "digest_detail": ("digest", digest_detail),
}
