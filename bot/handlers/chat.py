"""Texts, files and commands: a stranger's, a customer's, a colleague's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from telegram import BotCommandScopeChat, Message, Update
from telegram.error import BadRequest

from bot import texts
from bot.access import PERMISSIONS, STRANGER, allowed
from bot.cards import Content
from bot.handlers import (
    agreements,
    buttons,
    changing,
    commands,
    conformity,
    contesting,
    counts,
    credit,
    customers,
    deliveries,
    disputes,
    drafts,
    edits,
    following,
    goods,
    groups,
    help_pages,
    identities,
    inbox,
    invoices,
    learning,
    papers,
    payments,
    people,
    preferences,
    pricing,
    quarantines,
    quotes,
    receipts,
    returns,
    revisions,
    sales,
    search,
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
    **deliveries.ANSWERS, **receipts.ANSWERS, **returns.ANSWERS, **quarantines.ANSWERS, **payments.ANSWERS,
    **groups.ANSWERS, **people.ANSWERS, **help_pages.ANSWERS,
    **inbox.ANSWERS,
    **changing.ANSWERS, **search.ANSWERS,
    **contesting.ANSWERS,
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
    """Nobody we know: a code is asked about, anything else is told how to get one, and nothing is shown."""
    room, message = update.effective_chat, update.message
    if room is None or (message is None and update.callback_query is None):
        return None
    who = update.effective_user
    spoken = preferences.first_language(who.language_code if who is not None else None)
    left = session.get(parties.ChatLink, room.id)  # a colleague who works here no more
    turn = Turn(app, session, left or parties.ChatLink(chat_id=room.id, language=spoken), room.id, app.clock())
    turn.callback_id = update.callback_query.id if update.callback_query is not None else ""
    key = "how_to_link" if left is None else "account_inactive"
    code = code_in(message.text or "") if message is not None else ""
    if refusal is not None:
        said = texts.plain(texts.refusal(refusal, turn.language))
        turn.toast = said
        if message is not None:
            turn.send(Content(texts.escape(said)))
    elif code and not (message and message.from_user and message.from_user.is_bot):
        identities.ask_whether(turn, code)
    elif update.callback_query is not None:
        turn.message_id = message_id_of(update)
        token = update.callback_query.data or ""
        found = conversations.pressed(session, token, chat_id=room.id, at=turn.at)
        buttons.press(turn, token)
        if found is not None and STRANGER not in PERMISSIONS.get(found[0].action, ()):
            turn.toast = texts.answer(key)
    else:
        turn.say(key, phone=turn.house.phone)
        bot, scope = app.application.bot, BotCommandScopeChat(room.id)  # the commands of a link that is no more
        if left is None and (message is not None and (message.text or "").startswith("/")):
            turn.later.append(lambda: bot.delete_my_commands(scope=scope))
    return turn


def message_id_of(update: Update) -> int:
    """The message that an update is about."""
    return update.effective_message.message_id if update.effective_message is not None else 0


def code_in(text: str) -> str:
    """The one-time code that a `/start` brings, or nothing."""
    found = re.fullmatch(r"/start(?:@\w+)?\s+(\S{4,64})\s*", text)
    return found[1] if found else ""


def message(turn: Turn, sent: Message, files: list[tuple[str, bytes]], text: str) -> None:
    """A message of somebody we know: a new code, a command, an answer we wait for, an order, or words for a person."""
    turn.files = files
    if code := code_in(text):
        identities.ask_whether(turn, code)
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
            edits.reply(turn, order, text)
            return
    if _about_papers(turn, kind, number, text) or search.words(turn, text) or search.reference(turn, text):
        return
    if (found := re.match(words["order"], text, re.IGNORECASE)) and allowed(turn.link, "take_order"):
        search.take_order(turn, text[found.end() :])
        return
    if (found := re.match(words["received"], text, re.IGNORECASE)) and allowed(turn.link, "receive_goods"):
        goods.receive(turn, text[found.end() :])
        return
    if (found := re.match(words["quote"], text, re.IGNORECASE)) and allowed(turn.link, "quotes"):
        quotes.run(turn, text[found.end() :])
        return
    if counts.said(turn, text) or (allowed(turn.link, "edit_draft") and edits.anywhere(turn, text)):
        return
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
