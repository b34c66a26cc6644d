"""Messages that wait or were ignored, and senders nobody vouched for: shown with reason and original, and decided."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bot import cards, inbox, texts
from bot.cards import Content
from bot.keyboards import Press
from core import events, messages, revising
from core.messages import WANTED, Message, MessageChannel, MessageState
from core.orders import Order, senders
from intake import receive
from intake.understand import incoming_of

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]
#: Cards shown at once; ignored messages listed, and how far back; files and letters of an original.
SHOWN, LISTED, BACK, FILES, WORDS = 5, 8, timedelta(days=7), 5, 3500


def show(turn: Turn, _rest: str = "") -> None:
    """What waits to be read, card by card, then what was ignored lately and why: « why is my mail not here »."""
    _cards(turn, after=0)
    ignored = messages.ignored(turn.session, since=turn.at - BACK, most=LISTED)
    if ignored:
        rows = [
            [Press("show_ignored", {"message": one.id}, {"number": number, "sender": _sender(one)})]
            for number, one in enumerate(ignored, start=1)
        ]
        listed = [{"message": one, "sender": _sender(one), "why": inbox.why(one)} for one in ignored]
        turn.send(Content(texts.render("ignored_messages", listed=listed, days=BACK.days), rows))


def more(turn: Turn, args: Args, _thing: Any) -> None:
    """The next cards."""
    _cards(turn, after=args["after"])


def _cards(turn: Turn, *, after: int) -> None:
    found = messages.waiting(turn.session, after=after)
    for message in found[:SHOWN]:
        turn.send(inbox.message_card(turn.session, message))
    if len(found) > SHOWN:
        left = len(found) - SHOWN
        rows = [[Press("more_messages", {"after": found[SHOWN - 1].id}, {"count": left})]]
        turn.send(Content(texts.escape(texts.answer("more_to_read", count=left)), rows))
    if not found:
        turn.say("nothing_to_read")


def _sender(message: Message) -> str:
    return message.customer.name if message.customer is not None else message.sender


def show_ignored(turn: Turn, _args: Args, message: Message) -> None:
    """One ignored message, as its card."""
    turn.send(inbox.message_card(turn.session, message))


def show_message(turn: Turn, _args: Args, message: Message) -> None:
    """What was really sent: the words, and the files as they came; a mail that cannot be opened, whole."""
    bot, chat_id = turn.app.application.bot, turn.chat_id
    try:
        incoming = incoming_of(turn.session, message, settings=turn.app.settings)
    except Exception:  # noqa: BLE001 - it may be in quarantine because of exactly this
        raw = messages.content_of(turn.session, message.raw_sha256) if message.raw_sha256 else b""
        name = f"message-{message.id}.{'eml' if message.channel is MessageChannel.MAIL else 'json'}"
        if raw:
            turn.later.append(partial(bot.send_document, chat_id, raw, filename=name))
        else:
            turn.say("no_words_kept")
        return
    words = incoming.text.strip() or message.extract.strip()
    if words:
        turn.send(Content(f"<blockquote>{texts.escape(words[:WORDS])}</blockquote>"))
    for sent in incoming.attachments[:FILES]:
        turn.later.append(partial(bot.send_document, chat_id, sent.content, filename=sent.name))
    if not words and not incoming.attachments:
        turn.say("no_words_kept")


def replay_message(turn: Turn, _args: Args, message: Message) -> None:
    """Try to understand the message again."""
    receive.replay(turn.session, message, at=turn.at)
    events.emit(turn.session, "message_decided", message, at=turn.at)
    turn.toast = texts.answer("replayed")


def process_anyway(turn: Turn, _args: Args, message: Message) -> None:
    """A person wants it treated, whatever a rule thinks of it."""
    if message.state is MessageState.IGNORED:
        message.flag(WANTED)
        messages.move(turn.session, message, MessageState.STORED, by=turn.by, at=turn.at, reason="wanted")
        receive.replay(turn.session, message, at=turn.at)
    turn.toast = texts.answer("processed_anyway")
    turn.session.flush()
    turn.show(inbox.message_card(turn.session, message))


def ignore_message(turn: Turn, _args: Args, message: Message) -> None:
    """Why? The next text is the reason that is kept."""
    turn.ask("ignore_reason", "why_ignore", message=message.id)


def ignore_reason(turn: Turn, args: Args, text: str) -> None:
    """The message is ignored for that reason."""
    message = turn.session.get_one(Message, args["message"])
    messages.move(turn.session, message, MessageState.IGNORED, by=turn.by, at=turn.at, reason=text[:100])
    events.emit(turn.session, "message_decided", message, at=turn.at)
    turn.say("ignored")


def take_message(turn: Turn, _args: Args, message: Message) -> None:
    """The agent answers it himself: his colleagues see that he does."""
    messages.move(turn.session, message, MessageState.UNDERSTOOD, by=turn.by, at=turn.at, reason="taken")
    events.emit(turn.session, "message_decided", message, at=turn.at)
    turn.show(inbox.message_card(turn.session, message))


def vouch_sender(turn: Turn, _args: Args, order: Order) -> None:
    """It was he: the colleague has asked him."""
    senders.vouch(turn.session, order, by=turn.by, at=turn.at)
    turn.toast = texts.answer("sender_vouched")
    turn.session.flush()
    turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def disown_sender(turn: Turn, _args: Args, order: Order) -> None:
    """It was not he? A second press, with the consequence in its label."""
    rows = [[Press("confirm_disown", label_data={"reference": order.reference})], [Press("no_cancel")]]
    turn.send(Content(texts.escape(texts.answer("really_disown", reference=order.reference)), rows, order))


def confirm_disown(turn: Turn, _args: Args, order: Order) -> None:
    """Nobody at that address is told; the message and the reason are kept."""
    senders.disown(turn.session, order, by=turn.by, at=turn.at)
    reason = texts.word("sender_disowned")
    revising.cancel(turn.session, order.id, reason=reason, house=turn.house, by=turn.by, at=turn.at)
    turn.toast = texts.answer("sender_disowned", reference=order.reference)


COMMANDS: dict[str, Any] = {"quarantine": show}
ACTIONS: dict[str, tuple[str, Any]] = {
    "quarantine": ("", lambda turn, _args, _thing: show(turn)),
    "more_messages": ("", more),
    "show_ignored": ("message", show_ignored),
    "show_message": ("message", show_message),
    "process_anyway": ("message", process_anyway),
    "replay_message": ("message", replay_message),
    "ignore_message": ("message", ignore_message),
    "take_message": ("message", take_message),
    "vouch_sender": ("order", vouch_sender),
    "disown_sender": ("order", disown_sender),
    "confirm_disown": ("order", confirm_disown),
}
ANSWERS: dict[str, Any] = {"ignore_reason": ignore_reason}
