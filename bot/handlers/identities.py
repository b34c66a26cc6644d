"""Who writes: a code names whom it links and asks first; who speaks for several customers says for whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import texts
from bot.cards import Content
from bot.handlers import customers
from bot.keyboards import Press
from core import events, identities, jobs, parties
from core.conversations import Card, Prompt
from core.errors import Refused
from core.messages import ChatUpdate, Message, MessageState
from core.parties import Contact, Customer, LinkCode, Staff

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: Why an update waits: it is treated once its author has said for whom he speaks.
HELD = "which_customer"
#: Where a question remembers for whom somebody spoke when it was put.
FOR = "for_customer"


def ask_whether(turn: Turn, code: str) -> None:
    """Name whom the code links and ask; nothing is linked, and the code stays good, until the answer is yes (T40)."""
    found = parties.valid_code(turn.session, code, at=turn.at)
    whom = _whom(turn, found)
    tongue = whom.language if isinstance(whom, Customer) else "fr"
    before = turn.link.staff or turn.link.customer
    key = "link_customer" if isinstance(whom, Customer) else "link_staff"
    contact = turn.session.get(Contact, found.contact_id) if found.contact_id is not None else None
    who = f" ({contact.name})" if contact is not None and contact.name else ""
    said = [texts.answer(key, tongue, name=f"{whom.name}{who}", house=turn.house.name)]
    if before is not None and before is not whom:
        beside = isinstance(whom, Customer) and turn.link.staff is None
        said.append(texts.answer("link_beside" if beside else "link_instead", tongue, name=before.name))
    rows = [[Press("link_yes", {"code": found.code_hash})], [Press("link_no")]]
    turn.send(Content(texts.escape("\n".join(said)), rows, language=tongue))


def edited_for(turn: Turn, message_id: int) -> Customer | None:
    """The customer for whom an edited message spoke."""
    key = f"chat:{turn.chat_id}:{message_id}"
    known = turn.session.scalar(select(Message).where(Message.key == key))
    return known.customer if known is not None else None


def _whom(turn: Turn, code: LinkCode) -> Customer | Staff:
    if code.staff_id is not None:
        return turn.session.get_one(Staff, code.staff_id)
    return turn.session.get_one(Customer, code.customer_id)


def link_yes(turn: Turn, args: Args, _thing: Any) -> None:
    """Link the chat, say that the bot is automatic and what it keeps, and give the chat its commands."""
    spoken = turn.link.language
    turn.link = parties.use_link_code(turn.session, args["code"], chat_id=turn.link.chat_id, at=turn.at, hashed=True)
    turn.link.language = turn.link.language or spoken
    whom = turn.link.customer or turn.link.staff
    assert whom is not None  # noqa: S101 - a code names one of the two
    key = "linked_customer" if turn.link.customer is not None else "linked_staff"
    said = texts.answer(key, turn.language, name=whom.name, house=turn.house.name)
    turn.show(Content(texts.escape(said), language=turn.language))
    if turn.link.customer is not None:
        turn.send(Content(texts.render("privacy", turn.language, house=turn.house), language=turn.language))
    events.emit(turn.session, "chat_linked", whom, at=turn.at, who=whom.name)
    turn.menus = True


def link_no(turn: Turn, _args: Args, _thing: Any) -> None:
    """Nothing is linked; the code stays good for whom it was made."""
    turn.show(Content(texts.escape(texts.answer("link_refused", turn.language)), language=turn.language))


def several(turn: Turn) -> bool:
    """Whether this account may speak for more than one customer."""
    return turn.link.staff_id is None and len(identities.customers_of(turn.session, turn.link)) > 1


def treat(turn: Turn, text: str, act: Callable[[], None]) -> None:
    """Do what a text asks for once it is clear for whom it speaks; it waits until then, and its author is asked."""
    if not several(turn):
        identities.chosen(turn.session, turn.link, at=turn.at)
        act()
        return
    meant = _meant(turn, text)
    if meant is None and not identities.chosen(turn.session, turn.link, at=turn.at):
        _hold(turn)
        return
    if meant is None:
        turn.link.chosen_at = turn.at  # the session goes on
    speak_as(turn, meant, act)


def speak_as(turn: Turn, customer: Customer | None, act: Callable[[], None]) -> None:
    """One act for this customer, or for the chosen one; every answer names him."""
    with identities.speaking_for(turn.session, turn.link, customer):
        turn.header = turn.link.customer.name if turn.link.customer is not None and several(turn) else ""
        act()


def _hold(turn: Turn) -> None:
    held = select(ChatUpdate.update_id).where(
        ChatUpdate.chat_id == turn.link.chat_id, ChatUpdate.reason == HELD,
        ChatUpdate.received_at > turn.at - identities.SESSION,
    )  # fmt: skip
    first = turn.session.scalar(held.limit(1)) is None
    turn.session.get_one(ChatUpdate, turn.update_id).reason = HELD
    if first:
        ask_for_whom(turn)


def _meant(turn: Turn, text: str) -> Customer | None:
    """The customer whose card is answered, or about whom we asked."""
    prompt = turn.session.get(Prompt, turn.chat_id) if text and not text.startswith("/") else None
    if prompt is not None and prompt.expires_at >= turn.at:
        number = json.loads(prompt.args).get(FOR)
        return turn.session.get(Customer, number) if number is not None else None
    if not turn.reply_to:
        return None
    query = select(Card).where(Card.chat_id == turn.chat_id, Card.telegram_message_id == turn.reply_to)
    card = turn.session.scalar(query.limit(1))
    if card is None:
        return None
    from bot.letters import thing_of

    return events.customer_of(thing_of(turn.session, card.subject))


def ask_for_whom(turn: Turn) -> None:
    """Ask for which of his customers he speaks now."""
    rows = [
        [Press("speak_for", {"customer": one.id}, {"name": one.name})]
        for one in identities.customers_of(turn.session, turn.link)
    ]
    turn.header = ""
    turn.send(Content(texts.escape(texts.answer("for_whom", turn.language)), rows, language=turn.language))


def speak_for(turn: Turn, args: Args, _thing: Any) -> None:
    """He has chosen; what he wrote while he was asked is treated now."""
    customer = turn.session.get(Customer, args["customer"])
    if customer is None:
        raise Refused("not_your_customer")
    identities.choose(turn.session, turn.link, customer, at=turn.at)
    said = texts.answer("speaks_for", turn.language, name=customer.name)
    turn.show(Content(texts.escape(said), language=turn.language))
    turn.menus = True
    held = select(ChatUpdate).where(ChatUpdate.chat_id == turn.link.chat_id, ChatUpdate.reason == HELD)
    for waiting in turn.session.scalars(held.order_by(ChatUpdate.update_id)):
        waiting.state, waiting.reason, waiting.attempts = MessageState.STORED, "", 0
        jobs.ring(turn.session, "updates", f"update:{waiting.update_id}:{turn.update_id}", at=turn.at, now=turn.at)


def change(turn: Turn, _rest: str) -> None:
    """Choose again for whom to speak."""
    if len(identities.customers_of(turn.session, turn.link)) > 1:
        ask_for_whom(turn)
    else:
        turn.say("one_customer_only", name=turn.link.customer.name if turn.link.customer is not None else "")


def of_thing(turn: Turn, kind: str, args: Args, thing: Any) -> Customer | None:
    """Whose thing somebody who speaks for several customers has pressed; None for one of nobody's."""
    if kind != "document":
        return events.customer_of(thing) if thing is not None else None
    holders = []
    for one in identities.customers_of(turn.session, turn.link):
        with identities.speaking_for(turn.session, turn.link, one):
            try:
                customers.document(turn, str(args["number"]))
            except Refused:
                continue
        holders.append(one)
    return holders[0] if len(holders) == 1 else None


ACTIONS: dict[str, tuple[str, Any]] = {
    "link_yes": ("", link_yes),
    "link_no": ("", link_no),
    "speak_for": ("", speak_for),
}
COMMANDS: dict[str, Any] = {"change_customer": change}
