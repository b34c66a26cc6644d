"""A turn: one update of one person, in one transaction; what is said in answer leaves after the commit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session
from telegram import ForceReply, ReplyParameters

from bot import access, discretion, keyboards, living, sheets, texts
from bot.app import App
from bot.cards import Content
from bot.keyboards import Press
from core import conversations, hours, journal
from core.groups import ChatGroup
from core.parties import ChatLink

if TYPE_CHECKING:
    from telegram import Bot

    from bot.keyboards import Rows
    from core.journal import Actor
    from core.settings import House

Later = Callable[[], Coroutine[Any, Any, Any]]


@dataclass(slots=True)
class Turn:
    """Who did what, where and when, the open session, and what is to be said once it is committed.

    In a group `group` is set: what is said there answers `message_id` and, unless an admin enabled it, names no money;
    questions are put in private. `header` names the customer for whom somebody speaks who speaks for several.
    """

    app: App
    session: Session
    link: ChatLink
    chat_id: int
    at: datetime
    callback_id: str = ""
    message_id: int = 0
    reply_to: int = 0
    update_id: int = 0
    toast: str = ""
    group: ChatGroup | None = None
    header: str = ""
    menus: bool = False
    files: list[tuple[str, bytes]] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)

    @property
    def by(self) -> Actor:
        """The person as the author of an act."""
        return self.link.as_actor()

    @property
    def house(self) -> House:
        """The supplier."""
        return self.app.house

    @property
    def language(self) -> str:
        """What the person reads: what was chosen in the chat, else what the customer's record says."""
        if self.link.staff_id is not None:
            return "fr"
        return self.link.language or (self.link.customer.language if self.link.customer is not None else "fr")

    @property
    def answered_by(self) -> str:
        """Until when a colleague answers what is asked now."""
        return texts.before(hours.answer_by(self.house, self.at), self.language, at=self.at)

    def say(self, key: str, **data: Any) -> None:
        """Answer with a sentence of `answers.toml`."""
        self.send(Content(texts.escape(texts.answer(key, self.language, **data)), language=self.language))

    def dead_end(self, key: str, **data: Any) -> None:
        """Answer with a sentence after which nothing follows by itself: a person is one press away (U03)."""
        said = texts.escape(texts.answer(key, self.language, **data))
        self.send(Content(said, [[Press("human")]] if self.link.customer is not None else (), language=self.language))

    def send(self, content: Content) -> None:
        """Answer with a new message."""
        markup = keyboards.markup(
            self.session, self._rows(content), chat_id=self.chat_id, at=self.at, language=content.language,
            order=content.order,
        )  # fmt: skip
        bot: Bot = self.app.application.bot
        html = sheets.shortened(self._fit(content.html))
        chat_id, answered = self.chat_id, self._answered()
        self.later.append(
            lambda: bot.send_message(chat_id, html, parse_mode="HTML", reply_markup=markup, reply_parameters=answered)
        )

    def show(self, content: Content) -> None:
        """Change the message whose button was pressed, or say it anew where that one is in another chat.

        A side of an order's card goes onto that card.
        """
        if not self.message_id:
            self.send(content)
            return
        if living.taken(self, content):
            return
        markup = keyboards.markup(
            self.session, self._rows(content), chat_id=self.chat_id, at=self.at, language=content.language,
            order=content.order,
        )  # fmt: skip
        bot: Bot = self.app.application.bot
        html = sheets.shortened(self._fit(content.html))
        self.later.append(
            lambda: bot.edit_message_text(
                html, chat_id=self.chat_id, message_id=self.message_id, parse_mode="HTML", reply_markup=markup
            )
        )

    def picture(self, content: bytes, key: str = "", **data: Any) -> None:
        """Show a picture, with a sentence of `answers.toml` under it."""
        bot: Bot = self.app.application.bot
        chat_id = self.link.chat_id if self.discreet else self.chat_id
        under = texts.answer(key, self.language, **data) if key else None
        self.later.append(lambda: bot.send_photo(chat_id, content, caption=under))

    def not_allowed(self, action: str) -> None:
        """Say no to somebody without the right, and keep that he tried (S11)."""
        whom = f"customer:{self.link.customer_id}" if self.link.customer_id else "stranger"
        whom = f"staff:{self.link.staff_id}" if self.link.staff_id else whom
        journal.write(self.session, "press_refused", subject=whom, by=self.by, at=self.at, pressed=action)
        roles = access.reserved_to(action) if self.link.staff_id else []
        told = {"roles": tuple(texts.word(role) for role in roles)} if roles else {}
        key = "reserved" if roles else "not_allowed"
        if self.callback_id:
            self.toast = texts.answer(key, self.language, **told)
        else:
            self.say(key, **told)

    def expect(self, action: str, **args: Any) -> int:
        """Take the next text of this person's chat as an answer, across restarts; which chat that is."""
        chat_id = self.chat_id if self.group is None else self.link.chat_id  # in a group anybody could answer
        if self.header:  # the answer is about the customer for whom he speaks now, whomever he chooses later
            args |= {"for_customer": self.link.customer_id}
        conversations.ask(self.session, chat_id=chat_id, action=action, at=self.at, **args)
        return chat_id

    def ask(self, action: str, key: str, **args: Any) -> None:
        """Put a question whose answer is the next text of this chat, across restarts."""
        chat_id = self.expect(action, **args)
        text = texts.escape(texts.answer(key, self.language, **args))
        bot: Bot = self.app.application.bot
        self.later.append(lambda: bot.send_message(chat_id, text, reply_markup=ForceReply()))
        if self.group is not None:
            self.toast = texts.answer("asked_in_private", self.language)

    def in_private(self) -> None:
        """From here on the person is answered in his own chat; the group hears that he is."""
        if self.group is None:
            return
        said = texts.answer("answered_in_private", self.language)
        if self.callback_id:
            self.toast = said
        else:
            self.say("answered_in_private")
        self.group, self.chat_id, self.message_id, self.reply_to = None, self.link.chat_id, 0, 0

    @property
    def discreet(self) -> bool:
        """What is said here is read by others too, and names no money."""
        return self.group is not None and not self.group.shows_money

    def _rows(self, content: Content) -> Rows:
        return discretion.without_priced(content.rows, content.language) if self.discreet else content.rows

    def _fit(self, html: str) -> str:
        """The text as it may be read where it is said."""
        if self.discreet:
            html = discretion.without_money(html)
        return f"<b>{texts.escape(self.header)}</b>\n{html}" if self.header else html

    def _answered(self) -> ReplyParameters | None:
        if self.group is None or not self.message_id:
            return None
        return ReplyParameters(self.message_id, allow_sending_without_reply=True)
