"""A turn: one update of one person, in one transaction; what is said in answer leaves after the commit."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session
from telegram import ForceReply

from bot import keyboards, sheets, texts
from bot.app import App
from bot.cards import Content
from bot.keyboards import Press
from core import conversations, hours, journal
from core.parties import ChatLink

if TYPE_CHECKING:
    from telegram import Bot

    from core.journal import Actor
    from core.settings import House

Later = Callable[[], Coroutine[Any, Any, Any]]


@dataclass(slots=True)
class Turn:
    """Who did what, where and when, the open session, and what is to be said once it is committed."""

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
            self.session, content.rows, chat_id=self.chat_id, at=self.at, language=content.language, order=content.order
        )
        bot: Bot = self.app.application.bot
        html = sheets.shortened(content.html)
        self.later.append(lambda: bot.send_message(self.chat_id, html, parse_mode="HTML", reply_markup=markup))

    def show(self, content: Content) -> None:
        """Change the message whose button was pressed."""
        markup = keyboards.markup(
            self.session, content.rows, chat_id=self.chat_id, at=self.at, language=content.language, order=content.order
        )
        bot: Bot = self.app.application.bot
        html = sheets.shortened(content.html)
        self.later.append(
            lambda: bot.edit_message_text(
                html, chat_id=self.chat_id, message_id=self.message_id, parse_mode="HTML", reply_markup=markup
            )
        )

    def picture(self, content: bytes, key: str = "", **data: Any) -> None:
        """Show a picture, with a sentence of `answers.toml` under it."""
        bot: Bot = self.app.application.bot
        under = texts.answer(key, self.language, **data) if key else None
        self.later.append(lambda: bot.send_photo(self.chat_id, content, caption=under))

    def not_allowed(self, action: str) -> None:
        """Say no to somebody without the right, and keep that he tried (S11)."""
        whom = f"staff:{self.link.staff_id}" if self.link.staff_id else f"customer:{self.link.customer_id}"
        journal.write(self.session, "press_refused", subject=whom, by=self.by, at=self.at, pressed=action)
        if self.callback_id:
            self.toast = texts.answer("not_allowed", self.language)
        else:
            self.say("not_allowed")

    def ask(self, action: str, key: str, **args: Any) -> None:
        """Put a question whose answer is the next text of this chat, across restarts."""
        conversations.ask(self.session, chat_id=self.chat_id, action=action, at=self.at, **args)
        text = texts.escape(texts.answer(key, self.language))
        bot: Bot = self.app.application.bot
        self.later.append(lambda: bot.send_message(self.chat_id, text, reply_markup=ForceReply()))
