"""Texts, files and commands: a stranger's, a customer's, a colleague's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from telegram import BotCommand, BotCommandScopeChat, Message, Update
from telegram.error import BadRequest

from bot import texts
from bot.access import allowed
from bot.cards import Content
from bot.handlers import (
    agreements,
    commands,
    conformity,
    contesting,
    counts,
    credit,
    customers,
    deliveries,
    disputes,
    drafts,
    following,
    goods,
    invoices,
    learning,
    papers,
    payments,
    preferences,
    pricing,
    quotes,
    receipts,
    returns,
    revisions,
    sales,
    staff,
)
from bot.keyboards import Press
from bot.turns import Turn
from core import conversations, events, messages, orders, parties
from core.conversations import Card
from core.errors import Comptoir
from core.orders import OrderRevision
from intake.reading.words import plain
from intake.receive import receive_chat

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.app import App

MAX_DOWNLOAD = 20_000_000
ANSWERS: dict[str, Any] = {
    **customers.ANSWERS, **sales.ANSWERS, **learning.ANSWERS, **staff.ANSWERS, **credit.ANSWERS, **pricing.ANSWERS,
    **revisions.ANSWERS, **disputes.ANSWERS, **conformity.ANSWERS, **quotes.ANSWERS, **invoices.ANSWERS,
    **deliveries.ANSWERS, **receipts.ANSWERS, **returns.ANSWERS, **payments.ANSWERS, **contesting.ANSWERS,
}  # fmt: skip


def download(app: App, update: Update) -> list[tuple[str, bytes]]:
    """The files of a message, before any transaction; one that is too big is left where it is (T38)."""
    message = update.message
    if message is None:
        return []
    found = message.document or (message.photo[-1] if message.photo else None) or message.voice or message.audio
    if found is None or (found.file_size or 0) > MAX_DOWNLOAD:
        return []
    name = getattr(found, "file_name", None) or ("photo.jpg" if message.photo else "voice.ogg")

    async def get() -> bytes:
        return bytes(await (await found.get_file()).download_as_bytearray())

    try:
        return [(name, app.call(get()))]
    except BadRequest:  # the server says that it is too big, or that it is gone
        return []


def stranger(app: App, session: Session, update: Update, refusal: Comptoir | None = None) -> Turn | None:
    """Nobody we know: a code links the chat, anything else is told how to get one, and nothing is shown."""
    room, message = update.effective_chat, update.message
    if room is None or (message is None and update.callback_query is None):
        return None
    who = update.effective_user
    spoken = preferences.first_language(who.language_code if who is not None else None)
    link_of_none = parties.ChatLink(chat_id=room.id, language=spoken)
    turn = Turn(app, session, link_of_none, room.id, app.clock())
    turn.callback_id = update.callback_query.id if update.callback_query is not None else ""
    code = _code(message.text or "") if message is not None else ""
    if refusal is not None:
        turn.send(Content(texts.escape(texts.plain(texts.refusal(refusal, turn.language)))))
    elif code and room.type == "private" and not (message and message.from_user and message.from_user.is_bot):
        link(turn, code, spoken)
    else:
        turn.say("how_to_link", phone=turn.house.phone)
    return turn


def _code(text: str) -> str:
    found = re.fullmatch(r"/start(?:@\w+)?\s+(\S{4,64})\s*", text)
    return found[1] if found else ""


def link(turn: Turn, code: str, spoken: str = "") -> None:
    """Link the chat, say who it is for and that the bot is automatic, and give it its commands.

    The language is the one that its owner's client speaks, until he chooses another.
    """
    turn.link = parties.use_link_code(turn.session, code, chat_id=turn.chat_id, at=turn.at)
    turn.link.language = turn.link.language or spoken
    whom = turn.link.customer or turn.link.staff
    assert whom is not None  # noqa: S101 - a code names one of the two
    key = "linked_customer" if turn.link.customer is not None else "linked_staff"
    turn.say(key, name=whom.name, house=turn.house.name)
    if turn.link.customer is not None:
        turn.send(Content(texts.render("privacy", turn.language, house=turn.house), language=turn.language))
    events.emit(turn.session, "chat_linked", whom, at=turn.at, who=whom.name)
    roles = ["customer"] if turn.link.staff is None else sorted(role.value for role in turn.link.staff.roles)
    menu = texts.table("menus", turn.language)
    wanted = {name: menu["describe"][name] for role in roles for name in menu["menu"].get(role, [])}
    menu_shown = [BotCommand(name, text) for name, text in wanted.items()]
    bot, chat_id = turn.app.application.bot, turn.chat_id
    turn.later.append(lambda: bot.set_my_commands(menu_shown, scope=BotCommandScopeChat(chat_id)))


def message(turn: Turn, sent: Message, files: list[tuple[str, bytes]]) -> None:
    """A message of somebody we know: a new code, a command, an answer we wait for, an order, or words for a person."""
    text, turn.files = (sent.text or sent.caption or "").strip(), files
    if code := _code(text):
        link(turn, code)
        return
    if files and not text and (receipts.takes_photo(turn, files) or contesting.takes_piece(turn, sent, files)):
        return
    if text.startswith("/"):
        commands.run(turn, text)
        return
    if _in_any_state(turn, text):
        return
    answers = text and not (files and turn.link.staff is not None)  # a colleague's paper is no answer to a question
    asked = conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at) if answers else None
    if asked is not None:
        action, args = asked
        needed = staff.ASKED_BY[action]
        if not allowed(turn.link, needed):
            turn.not_allowed(needed)
            return
        if ANSWERS[action](turn, args, text) is not False:  # words that are no answer are read as any others
            return
    if turn.link.customer is not None:
        if files or not following.named(turn, text):
            _from_customer(turn, sent, text, files)
    else:
        _from_staff(turn, sent, text, files)


def _in_any_state(turn: Turn, text: str) -> bool:
    """Words that mean the same whatever is being asked: give up, a person, no more messages, another language (U05)."""
    bare = plain(re.sub("['\u2019]", " ", text)).strip(" .!")
    if text and bare in texts.spoken("give_up"):
        _give_up(turn)
        return True
    if turn.link.customer is None:
        return False
    if bare in texts.spoken("human"):
        customers.human(turn, {}, None)
        return True
    return preferences.said(turn, bare)


def _give_up(turn: Turn) -> None:
    waiting = conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at)
    if waiting is None and turn.link.customer is not None:  # « stop » may mean the messages themselves
        rows = [[Press("my_orders_list")], [Press("mute"), Press("human")]]
        turn.send(Content(texts.escape(texts.answer("nothing_waits", turn.language)), rows, language=turn.language))
        return
    turn.say("given_up" if waiting is not None else "nothing_waits")


def _from_customer(turn: Turn, sent: Message, text: str, files: list[tuple[str, bytes]]) -> None:
    """Stored first; what it means is found out by a job."""
    too_big = (sent.document is not None or sent.photo or sent.voice or sent.audio) and not files
    if too_big:
        turn.dead_end("file_too_big", email=turn.house.email)
        return
    if not re.search(r"\w", text) and not files:
        _unreadable(turn, sent)
        return
    received = receive_chat(
        turn.session, chat_id=turn.chat_id, message_id=sent.message_id, text=text, files=files, received_at=turn.at,
        customer_id=turn.link.customer_id, sender=sent.from_user.full_name if sent.from_user is not None else "",
        album=sent.media_group_id or "",
    )  # fmt: skip
    kind, about = _replied_to(turn)
    if kind == "order":
        received.flag(f"{messages.ABOUT}{about}")


def _unreadable(turn: Turn, sent: Message) -> None:
    """A place, a card or a poll is for a person; a sticker or signs alone say nothing, and what to do is said."""
    if sent.sticker is not None or sent.dice is not None or sent.text:
        turn.dead_end("no_words")
        return
    turn.say("not_read", by=turn.answered_by)
    assert turn.link.customer is not None  # noqa: S101 - only customers come here
    events.emit(turn.session, "unread_kind", turn.link.customer, at=turn.at, kind=_kind(sent))


def _kind(sent: Message) -> str:
    """What kind of message it is, as a word of `words.toml`."""
    for kind in ("location", "venue", "contact", "poll", "video", "video_note", "animation"):
        if getattr(sent, kind, None) is not None:
            return f"kind_{kind}"
    return "kind_other"


def edited(turn: Turn, sent: Message) -> None:
    """An edited message of a customer: its draft follows, what was registered does not (T37)."""
    text = (sent.text or sent.caption or "").strip()
    if turn.link.customer is not None and text and not text.startswith("/"):
        drafts.edited(turn, sent.message_id, text, sent.from_user.full_name if sent.from_user is not None else "")


def _from_staff(  # noqa: PLR0911 - one line a kind of message
    turn: Turn, sent: Message, text: str, files: list[tuple[str, bytes]]
) -> None:
    """A paper order, a telephone order or a quote, an edit in reply to a card, or words that no rule knows."""
    words = texts.table("menus", "fr")["words"]
    about = _replied_to(turn)
    if deliveries.takes(turn, text, files, about):
        return
    if (files or sent.document is not None or sent.photo) and _took_file(turn, sent, text, files):
        return
    kind, number = about
    if kind == "order":
        order = orders.lock(turn.session, number)
        if allowed(turn.link, "edit_draft", order):
            drafts.reply(turn, order, text)
            return
    if _about_papers(turn, kind, number, text):
        return
    if (found := re.match(words["order"], text, re.IGNORECASE)) and allowed(turn.link, "take_order"):
        commands.take_order(turn, text[found.end() :])
        return
    if (found := re.match(words["received"], text, re.IGNORECASE)) and allowed(turn.link, "receive_goods"):
        goods.receive(turn, text[found.end() :])
        return
    if (found := re.match(words["quote"], text, re.IGNORECASE)) and allowed(turn.link, "quotes"):
        quotes.run(turn, text[found.end() :])
        return
    if not counts.said(turn, text):
        turn.say("help_staff")


def _took_file(turn: Turn, sent: Message, text: str, files: list[tuple[str, bytes]]) -> bool:
    """A bank's file for accounting, a paper order for sales; False for a file that nobody asked for."""
    if allowed(turn.link, "import_statement") and payments.is_bank_file(files):
        payments.take_file(turn, files)
        return True
    if allowed(turn.link, "take_order"):
        if not agreements.signed_paper(turn, text, files):
            papers.take(turn, sent, text, files)
        return True
    return False


def _about_papers(turn: Turn, kind: str, number: int, text: str) -> bool:
    """Words in reply to the card of a quote or of an invoice; False where they are about something else."""
    if kind == "invoice" and allowed(turn.link, "ask_credit"):
        return invoices.reply(turn, number, text)
    if kind == "quote" and allowed(turn.link, "edit_quote"):
        quotes.reply(turn, number, text)
        return True
    return False


def _replied_to(turn: Turn) -> tuple[str, int]:
    """The kind and number of the thing whose card was answered; empty for any other message."""
    if not turn.reply_to:
        return "", 0
    card = turn.session.query(Card).filter_by(chat_id=turn.chat_id, telegram_message_id=turn.reply_to).first()
    kind, _, number = card.subject.partition(":") if card is not None else ("", "", "")
    if kind == "order_revision":  # the answer to a revision's card is about its order
        return "order", turn.session.get_one(OrderRevision, int(number)).order_id
    return (kind, int(number)) if number.isdigit() else ("", 0)
