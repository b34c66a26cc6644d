"""What happens in group chats: who they belong to, who acts there, and what may be said in them (S04, U11, T17, T33).

Whoever presses or writes in a group is judged by his own account. What names money, and every question, goes to his
private chat; a stranger is told how to be known, and reads nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot import texts
from bot.access import PERMISSIONS
from bot.handlers import buttons, chat, identities
from bot.handlers.groups import show_group
from bot.turns import Turn
from core import conversations, groups
from core.identities import customers_of
from core.journal import SYSTEM
from core.parties import ChatLink, Role

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from telegram import Message, Update

    from bot.app import App


def is_group(update: Update) -> bool:
    """Whether the update comes from a group or a supergroup."""
    room = update.effective_chat
    return room is not None and room.type in {"group", "supergroup"}


def turn_of(app: App, session: Session, update: Update) -> Turn:
    """The turn of whoever acts in a group, with his own rights; of nobody's when he is not known here."""
    room, user, message = update.effective_chat, update.effective_user, update.effective_message
    assert room is not None  # noqa: S101 - only updates of groups come here
    link = session.get(ChatLink, user.id) if user is not None else None
    if link is None or (link.staff is not None and not link.staff.active):
        link = ChatLink(chat_id=user.id if user is not None else room.id)
    query, answered = update.callback_query, update.message.reply_to_message if update.message is not None else None
    return Turn(
        app, session, link, room.id, app.clock(), callback_id=query.id if query is not None else "",
        message_id=message.message_id if message is not None else 0,
        reply_to=answered.message_id if answered is not None else 0, update_id=update.update_id,
        group=groups.met(session, room.id, room.title or ""),
    )  # fmt: skip


def treat(app: App, session: Session, update: Update, files: list[tuple[str, bytes]]) -> Turn | None:
    """One update of a group: the bot comes or goes, the group moves, somebody presses or writes."""
    message, room = update.message, update.effective_chat
    assert room is not None  # noqa: S101 - only updates of groups come here
    if message is not None and message.migrate_to_chat_id:
        groups.move(session, room.id, message.migrate_to_chat_id, at=app.clock())
        return None
    if message is not None and message.migrate_from_chat_id:
        groups.move(session, message.migrate_from_chat_id, room.id, at=app.clock())
        return None
    turn = turn_of(app, session, update)
    if update.my_chat_member is not None:
        _membership(turn, update.my_chat_member.new_chat_member.status)
    elif update.callback_query is not None:
        _press(turn, update.callback_query.data or "")
    elif message is not None and (text := _said_to_us(turn, message)) is not None:
        _message(turn, message, text, files)
    elif (changed := update.edited_message) is not None and turn.link.staff is None and belongs(turn):
        whose = turn.group.customer if turn.group is not None else None
        identities.speak_as(turn, whose, lambda: chat.edited(turn, changed))
    return turn


def _membership(turn: Turn, status: str) -> None:
    assert turn.group is not None  # noqa: S101 - the turn of a group
    if status in {"left", "kicked", "banned"}:
        groups.left(turn.session, turn.group, at=turn.at)
        return
    turn.group.left_at, turn.message_id, turn.menus = None, 0, True
    turn.say("group_hello" if turn.group.bound else "group_unbound")


def belongs(turn: Turn) -> bool:
    """Whether he who acts may act in this group: a colleague anywhere, a contact in the group of his customer."""
    assert turn.group is not None  # noqa: S101 - the turn of a group
    if turn.link.staff is not None:
        return True
    theirs = turn.group.customer
    return theirs is not None and theirs in customers_of(turn.session, turn.link)


def _press(turn: Turn, token: str) -> None:
    if not belongs(turn):
        turn.toast = texts.answer("group_stranger", turn.language)
        return
    group_id, group = turn.chat_id, turn.group
    found = conversations.pressed(turn.session, token, chat_id=group_id, at=turn.at)
    if found is not None and not _open(turn, found[0].action):
        turn.in_private()
    identities.speak_as(turn, group.customer if group else None, lambda: buttons.press(turn, token, chat_id=group_id))


def _open(turn: Turn, action: str) -> bool:
    """Whether the answer may be read by all who are in this group: a customer never sees what we do for others."""
    group = turn.group
    if group is None or action.startswith("group_"):
        return True
    if group.customer_id is not None and turn.link.staff is not None:
        return False
    return group.shows_money or public(action)


def public(action: str) -> bool:
    """Whether what this action answers may be read by all who are in a group without prices: goods, never money."""
    who = PERMISSIONS.get(action, frozenset())
    return action in _PUBLIC or (Role.WAREHOUSE in who and action not in _FOR_ONE)


#: What customers and colleagues may do before everybody's eyes, beside the work of the warehouse.
_PUBLIC = frozenset({
    "accept_recap", "edit_line", "change_date", "cancel_order", "confirm_cancel", "no_cancel", "human", "take_order",
    "edit_draft", "group_card", "group_bind", "group_customer", "group_money", "group_pushes", "group_unbind",
    "group_bind_customer", "open_private",
})  # fmt: skip
#: What the warehouse may do too and that is for one reader alone.
_FOR_ONE = frozenset({"link_yes", "link_no", "speak_for", "show_photos", "help", "help_section", "run_command"})


def _said_to_us(turn: Turn, sent: Message) -> str | None:
    """What the bot is told: a command, an answer to it, its name, or an order in a customer's own group; else None."""
    text = (sent.text or sent.caption or "").strip()
    ours = str(turn.app.application.bot.username).lower()
    if text.startswith("/"):
        addressed = re.match(r"/\w+@(\w+)", text)
        return text if addressed is None or addressed[1].lower() == ours else None
    called = re.compile(rf"@{re.escape(ours)}\b[\s,:]*", re.IGNORECASE)
    answered = sent.reply_to_message
    if called.search(text):
        return called.sub("", text).strip()
    author = answered.from_user.username if answered is not None and answered.from_user is not None else None
    if author is not None and author.lower() == ours:
        return text
    of_customer = turn.group is not None and turn.group.customer_id is not None
    return text if of_customer and turn.link.staff is None and _has_content(sent) else None


def _has_content(sent: Message) -> bool:
    return bool(sent.text or sent.caption or sent.document or sent.photo or sent.voice or sent.audio)


def _message(turn: Turn, sent: Message, text: str, files: list[tuple[str, bytes]]) -> None:
    group = turn.group
    assert group is not None  # noqa: S101 - the turn of a group
    if code := chat.code_in(text):
        _take_code(turn, code)
        return
    if not belongs(turn):
        turn.say("group_stranger")
        return
    action = "take_order"
    if text.startswith("/"):
        name = re.split(r"[\s@]", text[1:], maxsplit=1)[0].lower()
        action = texts.table("menus", "fr")["commands"].get(name, "help")
    if not _open(turn, action):
        turn.in_private()
    identities.speak_as(turn, group.customer, lambda: chat.message(turn, sent, files, text))


def _take_code(turn: Turn, code: str) -> None:
    """A code for this group binds it; one that was made for a person is good in a private chat alone."""
    assert turn.group is not None  # noqa: S101 - the turn of a group
    by = turn.by if turn.link.staff is not None or turn.link.customer is not None else SYSTEM
    groups.use_code(turn.session, turn.group, code, by=by, at=turn.at)
    turn.menus = True
    show_group(turn, turn.group)
