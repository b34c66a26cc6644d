"""The command menu of each chat: at most six of the commands its people may use, the rest a touch away in the help.

What a chat was given is kept beside it (`menu`), so that it is given again exactly when roles, links or languages have
changed, whoever changed them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select
from telegram import (
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
)
from telegram.error import BadRequest, Forbidden, TelegramError

from bot import texts
from bot.access import allowed
from core import identities
from core.db import transaction
from core.groups import ChatGroup
from core.parties import ChatLink, Role
from core.settings import flag, raise_flag

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.app import App

log = logging.getLogger(__name__)

SHOWN = 6
#: How many chats are given a menu in one go: whoever calls has other work to do.
MOST = 20
#: The flag that says which commands strangers and groups of nobody were given last.
EVERYBODY = "menus_of_everybody"


def usable(link: ChatLink) -> dict[str, str]:
    """Every command he may use, with its action, in the order of the table."""
    known = texts.table("menus", "fr")["commands"]
    table = texts.table("menus", "fr")["menu"]
    customers = set(table["customer"]) - {"aide"} if link.staff is not None else set()
    # one of two spellings is shown, and colleagues are not told how customers say « help »
    return {
        name: action
        for name, action in known.items()
        if name.isascii() and name not in customers and allowed(link, action)
    }


def names_for(session: Session, link: ChatLink) -> list[str]:
    """The commands in the menu of a linked person: a fair share of each of his roles, help last."""
    table = texts.table("menus", "fr")["menu"]
    if link.staff is not None:
        return _shared([table[role.value] for role in Role if role in link.staff.roles])
    if link.customer is None:
        return []
    names = list(table["customer"])
    if len(identities.customers_of(session, link)) > 1:
        names.insert(len(names) - 1, "changer")
    return names


def _shared(lists: list[list[str]]) -> list[str]:
    """Names taken from each list in turn, none twice, as many as fit, with the help at the end."""
    longest = max(map(len, lists), default=0)
    turns = [one[index] for index in range(longest) for one in lists if index < len(one)]
    names = [name for name in dict.fromkeys(turns) if name != "aide"][: SHOWN - 1]
    return [*names, "aide"] if lists else []


def described(names: Iterable[str], language: str) -> list[tuple[str, str]]:
    """The commands with what each does, in that language."""
    french, spoken = texts.table("menus", "fr")["describe"], texts.table("menus", language)["describe"]
    return [(name, str(spoken.get(name, french.get(name, name)))) for name in names]


def refresh(app: App) -> int:
    """Give every chat whose menu is not what it should be its own; returns how many were given one."""
    given = _everybody(app)
    with transaction(app.engine) as session:
        wanted = {link.chat_id: _of_person(session, link) for link in session.scalars(select(ChatLink))
                  if link.blocked_at is None}  # fmt: skip
        known = {link.chat_id: link.menu for link in session.scalars(select(ChatLink))}
        for group in session.scalars(select(ChatGroup).where(ChatGroup.left_at.is_(None))):
            wanted[group.chat_id], known[group.chat_id] = _of_group(group), group.menu
    for chat_id, names in wanted.items():
        mark = _mark(names)
        if mark == known[chat_id]:
            continue
        if not _set(app, BotCommandScopeChat(chat_id), names):
            break  # the server is away or wants peace: the rest comes later
        given += 1
        with transaction(app.engine) as session:
            holder = session.get(ChatLink, chat_id) or session.get(ChatGroup, chat_id)
            if holder is not None:
                holder.menu = mark
        if given >= MOST:
            break
    return given


def _of_person(session: Session, link: ChatLink) -> list[tuple[str, str]]:
    language = link.customer.language if link.customer is not None else "fr"
    return described(names_for(session, link), language)


def _of_group(group: ChatGroup) -> list[tuple[str, str]]:
    table = texts.table("menus", "fr")["menu"]
    if group.customer is not None:
        return described(["commander", "contact", "aide"], group.customer.language)
    return described(table[group.role.value] if group.role is not None else table["group"], "fr")


def _everybody(app: App) -> int:
    """What strangers see, in each language, and groups that belong to nobody."""
    table = texts.table("menus", "fr")["menu"]
    scopes: list[tuple[BotCommandScope, list[tuple[str, str]], str]] = [
        (BotCommandScopeDefault(), described(table["stranger"], language), "" if language == "fr" else language)
        for language in texts.LANGUAGES
    ]
    scopes.append((BotCommandScopeAllGroupChats(), described(table["group"], "fr"), ""))
    mark = _mark([pair for _, names, _ in scopes for pair in names])
    with transaction(app.engine) as session:
        if flag(session, EVERYBODY) == mark:
            return 0
    done = [_set(app, scope, names, language) for scope, names, language in scopes]
    if all(done):
        with transaction(app.engine) as session:
            raise_flag(session, EVERYBODY, mark, at=app.clock())
    return len(scopes)


def _mark(names: list[tuple[str, str]]) -> str:
    """A short name of a menu; none for none, which is also what a chat has that was never given one."""
    said = "\n".join(f"{name} {text}" for name, text in names)
    return hashlib.sha256(said.encode()).hexdigest()[:16] if names else ""


def _set(app: App, scope: BotCommandScope, names: list[tuple[str, str]], language: str = "") -> bool:
    """Whether the chat has this menu now, or can have none any more; what failed otherwise is tried again later."""
    bot = app.application.bot
    commands = [BotCommand(name, text) for name, text in names]
    try:
        if commands:
            app.call(bot.set_my_commands(commands, scope=scope, language_code=language or None))
        else:
            app.call(bot.delete_my_commands(scope=scope))
    except (BadRequest, Forbidden) as error:
        log.info("menu_refused error=%s", error.message)
    except TelegramError as error:
        log.info("menu_not_set error=%s", error.message)
        return False
    return True
