"""Texts, files and commands: a stranger's, a customer's, a colleague's."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from telegram import BotCommand, BotCommandScopeChat, Message, Update

from bot import cards, texts
from bot.access import allowed
from bot.cards import Content
from bot.handlers import customers, sales, staff
from bot.turns import Turn
from core import catalogue, conversations, events, orders, parties, stock
from core.clock import business_date
from core.conversations import Card
from core.errors import Comptoir, Refused
from core.messages import MessageChannel
from core.orders import Asked, Order
from core.parties import Customer
from intake import catalogues
from intake.incoming import Address, Channel, Incoming
from intake.reading import read
from intake.reading.words import plain
from intake.receive import receive_chat

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.app import App

MAX_DOWNLOAD = 20_000_000
ANSWERS: dict[str, Any] = {**customers.ANSWERS, **sales.ANSWERS, **staff.ANSWERS}


def download(app: App, update: Update) -> list[tuple[str, bytes]]:
    """The files of a message, before any transaction; one that is too big is left where it is (T38)."""
    message = update.message
    if message is None:
        return []
    found = message.document or (message.photo[-1] if message.photo else None) or message.voice
    if found is None or (found.file_size or 0) > MAX_DOWNLOAD:
        return []
    name = getattr(found, "file_name", None) or ("photo.jpg" if message.photo else "voice.ogg")

    async def get() -> bytes:
        return bytes(await (await found.get_file()).download_as_bytearray())

    return [(name, app.call(get()))]


def stranger(app: App, session: Session, update: Update, refusal: Comptoir | None = None) -> Turn | None:
    """Nobody we know: a code links the chat, anything else is told how to get one, and nothing is shown."""
    room, message = update.effective_chat, update.message
    if room is None or (message is None and update.callback_query is None):
        return None
    turn = Turn(app, session, parties.ChatLink(chat_id=room.id), room.id, app.clock())
    turn.callback_id = update.callback_query.id if update.callback_query is not None else ""
    code = _code(message.text or "") if message is not None else ""
    if refusal is not None:
        turn.send(Content(texts.escape(texts.plain(texts.refusal(refusal)))))
    elif code and room.type == "private":
        link(turn, code)
    else:
        turn.say("how_to_link")
    return turn


def _code(text: str) -> str:
    found = re.fullmatch(r"/start(?:@\w+)?\s+(\S{4,64})\s*", text)
    return found[1] if found else ""


def link(turn: Turn, code: str) -> None:
    """Link the chat, say who it is for and that the bot is automatic, and give it its commands."""
    turn.link = parties.use_link_code(turn.session, code, chat_id=turn.chat_id, at=turn.at)
    whom = turn.link.customer or turn.link.staff
    assert whom is not None  # noqa: S101 - a code names one of the two
    key = "linked_customer" if turn.link.customer is not None else "linked_staff"
    turn.say(key, name=whom.name, house=turn.house.name)
    events.emit(turn.session, "chat_linked", _Linked(whom), at=turn.at, who=whom.name)
    roles = ["customer"] if turn.link.staff is None else sorted(role.value for role in turn.link.staff.roles)
    menu = texts.table("menus", turn.language)
    wanted = {name: menu["describe"][name] for role in roles for name in menu["menu"].get(role, [])}
    commands = [BotCommand(name, text) for name, text in wanted.items()]
    bot, chat_id = turn.app.application.bot, turn.chat_id
    turn.later.append(lambda: bot.set_my_commands(commands, scope=BotCommandScopeChat(chat_id)))


class _Linked:
    """Who was linked, as the subject of an event."""

    def __init__(self, whom: Any) -> None:
        self.subject = f"{'customer' if isinstance(whom, Customer) else 'staff'}:{whom.id}"


def message(turn: Turn, sent: Message, files: list[tuple[str, bytes]]) -> None:
    """A message of somebody we know: a new code, a command, an answer we wait for, an order, or words for a person."""
    text = (sent.text or sent.caption or "").strip()
    if code := _code(text):
        link(turn, code)
        return
    if text.startswith("/"):
        _command(turn, text)
        return
    if text and plain(text).strip(" .!") in texts.table("menus", turn.language)["words"]["give_up"]:
        _give_up(turn)
        return
    asked = conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at) if text else None
    if asked is not None:
        action, args = asked
        if not allowed(turn.link, staff.ASKED_BY[action]):
            turn.say("not_allowed")
            return
        ANSWERS[action](turn, args, text)
        return
    if turn.link.customer is not None:
        _from_customer(turn, sent, text, files)
    else:
        _from_staff(turn, text)


def _give_up(turn: Turn) -> None:
    waiting = conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at)
    turn.say("given_up" if waiting is not None else "nothing_waits")


def _from_customer(turn: Turn, sent: Message, text: str, files: list[tuple[str, bytes]]) -> None:
    """Stored first; what it means is found out by a job."""
    too_big = (sent.document is not None or sent.photo) and not files
    if too_big:
        turn.say("file_too_big", email=turn.house.email)
        return
    if not text and not files:
        turn.say("not_read")
        customers.human(turn, {}, None)
        return
    receive_chat(
        turn.session, chat_id=turn.chat_id, message_id=sent.message_id, text=text, files=files, received_at=turn.at,
        customer_id=turn.link.customer_id, sender=sent.from_user.full_name if sent.from_user is not None else "",
    )  # fmt: skip
    if sent.voice is not None:
        turn.say("voice_kept")


def edited(turn: Turn, sent: Message) -> None:
    """An edited message is read again as a later bubble: a draft follows it, what was registered does not (T37)."""
    if turn.link.customer is None:
        return
    receive_chat(
        turn.session, chat_id=turn.chat_id, message_id=-sent.message_id, text=(sent.text or sent.caption or "").strip(),
        received_at=turn.at, customer_id=turn.link.customer_id,
        sender=sent.from_user.full_name if sent.from_user is not None else "",
    )  # fmt: skip


def _from_staff(turn: Turn, text: str) -> None:
    """A telephone order, an edit in reply to a card, or words that no rule knows."""
    words = texts.table("menus", "fr")["words"]
    order = _replied_to(turn)
    if order is not None and allowed(turn.link, "edit_draft", order):
        _edit_draft(turn, order, text)
        return
    if (found := re.match(words["order"], text, re.IGNORECASE)) and allowed(turn.link, "take_order"):
        take_order(turn, text[found.end() :])
        return
    turn.say("help_staff")


def _replied_to(turn: Turn) -> Order | None:
    if not turn.reply_to:
        return None
    card = turn.session.query(Card).filter_by(chat_id=turn.chat_id, telegram_message_id=turn.reply_to).first()
    if card is None or not card.subject.startswith("order:"):
        return None
    return orders.lock(turn.session, int(card.subject.partition(":")[2]))


def _edit_draft(turn: Turn, order: Order, text: str) -> None:
    """`L2 140` sets a quantity, anything else adds what it reads."""
    found = re.fullmatch(r"[Ll](\d+)\s+(\d+(?:[.,]\d+)?)", text.strip())
    if found is not None:
        quantity = Decimal(found[2].replace(",", "."))
        orders.set_quantity(turn.session, order, int(found[1]), quantity, by=turn.by, at=turn.at)
        return
    reading = _read(turn, text)
    if reading.lines:
        matcher = catalogues.article_matcher(turn.session, order.customer)
        asked = tuple(matcher.asked(line) for line in reading.lines)
        orders.append_lines(turn.session, order, asked, by=turn.by, at=turn.at)
    elif reading.requested_delivery_date is not None:
        orders.set_delivery_date(turn.session, order, reading.requested_delivery_date, by=turn.by, at=turn.at)
    else:
        raise Refused("nothing_to_change", reference=order.reference)


def _read(turn: Turn, text: str) -> Any:
    incoming = Incoming(Channel.CHAT, Address(""), turn.at, text)
    return read(incoming, today=business_date(turn.at))


def take_order(turn: Turn, said: str) -> None:
    """An order taken by telephone: `CUSTOMER : LINES`; who took it is kept."""
    name, _, what = said.partition(":")
    found = parties.search_customers(turn.session, name.strip())
    if len(found) != 1:
        names = ", ".join(customer.name for customer in found)
        raise Refused("customer_not_one" if found else "customer_unknown", customer=name.strip(), found=names)
    reading = _read(turn, what)
    if not reading.lines:
        raise Refused("no_lines_read", text=what.strip()[:60])
    matcher = catalogues.article_matcher(turn.session, found[0])
    asked = Asked(
        customer=found[0], channel=MessageChannel.ORAL, lines=tuple(matcher.asked(line) for line in reading.lines),
        requested_delivery_date=reading.requested_delivery_date, taken_by_id=turn.link.staff_id,
    )  # fmt: skip
    orders.draft(turn.session, asked, by=turn.by, at=turn.at)


def _command(turn: Turn, text: str) -> None:
    """A command by its French name; one that does not exist, or is not the person's, is told what there is."""
    word, _, rest = text[1:].partition(" ")
    action = texts.table("menus", "fr")["commands"].get(word.partition("@")[0].lower())
    if action is None or not allowed(turn.link, action):
        turn.say("help_customer" if turn.link.customer is not None else "help_staff")
        return
    COMMANDS[action](turn, rest.strip())


def _help(turn: Turn, _rest: str) -> None:
    turn.say("help_customer" if turn.link.customer is not None else "help_staff")


def _drafts(turn: Turn, _rest: str) -> None:
    waiting = orders.open_drafts(turn.session)
    if not waiting:
        turn.say("no_draft")
        return
    turn.send(cards.order_card(turn.session, waiting[0], house=turn.house, at=turn.at))


def _stock(turn: Turn, rest: str) -> None:
    found = catalogue.search_articles(turn.session, rest)
    if not found:
        raise Refused("nothing_found", words=rest)
    lines = [f"{a.sku} {a.name} : {texts.shown(stock.available(turn.session, a.id))} {a.unit}" for a in found]
    turn.send(Content(texts.escape("\n".join(lines))))


def _account(turn: Turn, rest: str) -> None:
    found = parties.search_customers(turn.session, rest)
    if len(found) != 1:
        names = ", ".join(customer.name for customer in found)
        raise Refused("customer_not_one" if found else "customer_unknown", customer=rest, found=names)
    staff.show_account(turn, {}, found[0])


def _payment(turn: Turn, rest: str) -> None:
    number, _, amount = rest.partition(" ")
    if not number:
        raise Refused("payment_words")
    staff.settle(turn, number, amount)


def _my_orders(turn: Turn, _rest: str) -> None:
    query = turn.session.query(Order).filter(Order.customer_id == turn.link.customer_id).order_by(Order.id.desc())
    rows = [
        (order.reference, texts.word(order.state.value, turn.language), order.totals.net) for order in query.limit(8)
    ]
    turn.send(Content(texts.render("my_orders", turn.language, rows=rows), language=turn.language))


COMMANDS: dict[str, Any] = {
    "help": _help,
    "drafts": _drafts,
    "stock_of": _stock,
    "show_account": _account,
    "record_payment": _payment,
    "credit_line": staff.credit_line,
    "my_orders": _my_orders,
    "human": lambda turn, _rest: customers.human(turn, {}, None),
    "take_order": take_order,
}
