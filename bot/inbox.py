"""What waits for a colleague, as he sees it: a message nobody could read, a call, and what others left too long."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import texts
from bot.access import allowed
from bot.cards import EXTRACT, Content
from bot.keyboards import Press
from core import calls, events, waiting
from core.calls import Call
from core.journal import JournalEntry
from core.messages import MAY_BE, Message, MessageState
from core.orders import Order
from core.outbox import OutboxRow, OutboxState
from core.parties import ChatLink, Customer, Role, Staff
from core.waiting import WHOSE, Waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

#: Things named in one message, things with a button of their own, and letters on such a button.
NAMED, OPENED, LABEL = 12, 6, 22
#: Which permission opens a waiting thing; a call is opened by whoever may take it.
NEEDED = {
    "draft": "show_order", "draft_customer": "show_order", "draft_sender": "show_order", "message": "quarantine",
    "message_customer": "quarantine", "override": "grant_override", "clause": "accept_clause",
    "revision": "accept_revision", "quote": "show_quote", "reserve": "decide_credit", "return": "agree_return",
    "refund": "approve_refund", "bank_entry": "settle_entry", "dispute": "settle_dispute", "notice": "approve_notice",
}  # fmt: skip
#: How a colleague was first told of a waiting thing.
FIRST_TOLD = {
    "override": "override_requested", "clause": "clause_asked", "revision": "revision_card", "quote": "quote_card",
    "reserve": "reserve_stated", "return": "return_requested", "refund": "refund_card", "dispute": "dispute_info",
    "bank_entry": "bank_entry_card", "notice": "legal_handover",
}  # fmt: skip


def message_card(session: Session, message: Message) -> Content:
    """A message and what became of it: why it waits, its words, what may be done with it now."""
    html = texts.render(
        "quarantine_card", message=message, customer=message.customer, reason=why(message), extract=_cut(message),
        whose=message.reason in WHOSE, taken_by=_taken_by(session, message),
        order=session.scalar(select(Order.reference).where(Order.message_id == message.id)),
    )  # fmt: skip
    args = {"message": message.id}
    look = Press("show_message", args)
    match message.state:
        case MessageState.QUARANTINED:
            rows = [[Press("take_message", args)], [Press("replay_message", args), Press("ignore_message", args)]]
            return Content(html, [*_whose(session, message), *rows, [look]])
        case MessageState.IGNORED:
            return Content(html, [[Press("process_anyway", args)], [look]])
        case MessageState.UNDERSTOOD if message.reason == "taken":
            return Content(html, [[look], [Press("replay_message", args)]])
    return Content(html, [[look]])


def why(message: Message) -> str:
    """Why the message waits, or why nobody needs to read it."""
    code = message.reason
    short = texts.short_finding(code)
    of_a_file = texts.sentence("reasons", "file_not_read" if short != code else "unknown")
    said = texts.sentence("reasons", code) or (of_a_file if message.state is MessageState.QUARANTINED else None)
    return texts.fill(said, code=code, finding=short) if said is not None else code


def _whose(session: Session, message: Message) -> list[list[Press]]:
    """The customers it may be from as buttons, then any other; nothing where that is no question."""
    if message.reason not in WHOSE:
        return []
    marked = [flag.removeprefix(MAY_BE) for flag in message.flags.split() if flag.startswith(MAY_BE)]
    wanted = select(Customer).where(Customer.code.in_(marked)).order_by(Customer.name).limit(4)
    found = ([message.customer] if message.customer is not None else []) + list(session.scalars(wanted))
    args = {"message": message.id}
    rows = [
        [Press("assign_customer", {**args, "customer": one.id}, {"code": one.code, "name": one.name})] for one in found
    ]
    return [*rows, [Press("search_customer", args, label_key="name_customer")]]


def _taken_by(session: Session, message: Message) -> str:
    """The colleague who answers it himself."""
    if message.state is not MessageState.UNDERSTOOD or message.reason != "taken":
        return ""
    actors = select(JournalEntry.actor).where(
        JournalEntry.subject == message.subject, JournalEntry.action == "message_understood"
    )
    kind, _, number = (session.scalar(actors.order_by(JournalEntry.seq.desc()).limit(1)) or "").partition(":")
    colleague = session.get(Staff, int(number)) if kind == "staff" and number.isdigit() else None
    return colleague.name if colleague is not None else ""


def _cut(message: Message) -> str:
    flat = " ".join(message.extract.split())
    return flat if len(flat) <= EXTRACT else f"{flat[: EXTRACT - 1]}…"


def calls_rows(session: Session, row: OutboxRow) -> list[list[Press]]:
    """The buttons of words that ask for a person: send it again, and take care of it; none once somebody does."""
    call = calls.last(session, row.template, row.subject) if row.audience != events.CUSTOMER else None
    if call is None or call.taken_at is not None or row.audience != call.role:
        return []  # who only is told of it need not take it
    rows = [[Press("take_call", {"call": call.id})]]
    kind, _, number = row.subject.partition(":")
    about = session.get(OutboxRow, int(number)) if kind == "outbox" and number.isdigit() else None
    if about is not None and about.state in {OutboxState.FAILED, OutboxState.AMBIGUOUS}:
        rows.insert(0, [Press("send_again", {"outbox": about.id})])
    return rows


def open_items(session: Session, items: Sequence[Sequence[str]], *, at: datetime) -> list[Waiting]:
    """Of what was found waiting, what still does."""
    wanted = {(str(kind), str(subject)) for kind, subject in items}
    return [one for one in waiting.found(session, before=at) if (one.family, one.subject) in wanted]


def still_waiting(session: Session, colleague: Staff, items: Sequence[Sequence[str]], *, at: datetime) -> Content:
    """What others have left too long, with a button to each thing that this colleague may decide."""
    found = open_items(session, items, at=at)
    rows = [
        [Press("open_waiting", {"kind": one.family, "subject": one.subject}, {"name": label(session, one)})]
        for one in found if may_open(colleague, one)
    ]  # fmt: skip
    shown = [{"what": kind_of(one), "who": called(session, one), "one": one} for one in found[:NAMED]]
    html = texts.render("still_waiting", shown=shown, more=len(found) - len(shown), roles=colleague.roles, at=at)
    return Content(html, rows[:OPENED])


def may_open(colleague: Staff, one: Waiting) -> bool:
    """Whether this colleague may see to it."""
    needed = NEEDED.get(one.kind)
    if needed is None:
        return one.role in colleague.roles or Role.MANAGER in colleague.roles
    return allowed(ChatLink(staff=colleague), needed)


def kind_of(one: Waiting) -> str:
    """What a waiting thing is, with a capital."""
    from bot import digests

    named = digests.named(one.kind)
    return named[0].upper() + named[1:]


def called(session: Session, one: Waiting) -> str:
    """What people call it: its reference and its customer, as far as it has them."""
    from bot.letters import thing_of

    if one.name or one.customer:
        return " · ".join(part for part in (one.name, one.customer) if part)
    thing: Any = thing_of(session, one.subject)
    customer = events.customer_of(thing)
    reference = str(getattr(thing, "reference", "") or getattr(thing, "number", ""))
    return " · ".join(part for part in (reference, customer.name if customer is not None else "") if part)


def label(session: Session, one: Waiting) -> str:
    """The same on a button."""
    text = one.name or called(session, one) or kind_of(one)
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"


def call_taken(call: Call, content: Content) -> Content:
    """The words of a call once somebody takes care of it."""
    name = call.taken_by.name if call.taken_by is not None else texts.word("colleague")
    said = texts.answer("call_taken_by", name=name, at=call.taken_at)
    keep = [row for row in content.rows if all(press.action not in {"take_call", "send_again"} for press in row)]
    return Content(f"{content.html}\n\n{texts.escape(said)}", keep, content.order, content.language)
