"""Messages that nobody could read, with what may be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from bot import texts
from bot.cards.contents import Content
from bot.keyboards import Press
from core.messages import MAY_BE, Message, MessageState
from core.parties import Customer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


EXTRACT = 400


def _of_a_file(code: str) -> str | None:
    """Why a file was not read, where a finding says so."""
    short = texts.short_finding(code)
    return texts.sentence("reasons", "file_not_read") if short != code else texts.sentence("reasons", "unknown")


def quarantine_card(session: Session, message: Message) -> Content:
    """A message that nobody could read: the reason, its words, what may be done with it."""
    reason = texts.sentence("reasons", message.reason) or _of_a_file(message.reason) or message.reason
    why = texts.fill(reason, code=message.reason, finding=texts.short_finding(message.reason))
    extract = _cut(message.extract)
    html = texts.render("quarantine_card", message=message, customer=message.customer, reason=why, extract=extract)
    args = {"message": message.id}
    waits = message.state is MessageState.QUARANTINED
    whose = _whose(session, message) if message.reason in WHOSE else []
    rows = [*whose, [Press("take_message", args)], [Press("replay_message", args), Press("ignore_message", args)]]
    return Content(html, rows if waits else ())


#: Why a message waits whose customer a colleague can name.
WHOSE = frozenset({"customer_unknown", "customer_ambiguous", "customer_to_confirm"})


def _whose(session: Session, message: Message) -> list[list[Press]]:
    """The customers it may be from as buttons, then any other."""
    marked = [flag.removeprefix(MAY_BE) for flag in message.flags.split() if flag.startswith(MAY_BE)]
    wanted = select(Customer).where(Customer.code.in_(marked)).order_by(Customer.name).limit(4)
    found = ([message.customer] if message.customer is not None else []) + list(session.scalars(wanted))
    args = {"message": message.id}
    rows = [
        [Press("assign_customer", {**args, "customer": one.id}, {"code": one.code, "name": one.name})] for one in found
    ]
    return [*rows, [Press("search_customer", args, label_key="name_customer")]]


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXTRACT else f"{flat[: EXTRACT - 1]}…"
