"""What a player gets to see of the sandbox, as values: people, messages, toasts, presses, API calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account; `started` once they wrote to the bot."""

    id: int
    first_name: str
    last_name: str
    username: str
    language_code: str
    started: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group or supergroup with its members' ids."""

    id: int
    type: str
    title: str
    members: list[int]


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as somebody sees it now.

    `who` is "bot" or a name, `kind` text, document, photo, voice, sticker, location, contact, venue, poll, dice or
    service; `buttons` the labels of the inline buttons row by row and `data` their callback data; `markup` the kind of
    markup it came with (inline_keyboard, keyboard, remove_keyboard, force_reply); `seq` the number of its last change.
    """

    message_id: int
    chat: int
    who: str
    mine: bool
    kind: str
    at: str
    text: str
    html: str
    buttons: list[list[str]]
    data: list[list[str | None]]
    markup: str | None
    edited: bool
    reply_to: int | None
    media_group_id: str | None
    file: str | None
    file_id: str | None
    size: int | None
    seq: int

    @property
    def labels(self) -> list[str]:
        """All button labels in reading order."""
        return [label for row in self.buttons for label in row]


@dataclass(frozen=True, slots=True)
class Toast:
    """The bot's answer to a press: `label` is the button's; without text it only ended the progress."""

    seq: int
    callback_id: str
    message_id: int
    label: str
    text: str
    alert: bool


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press: `callback_id` is None when the button was a key that types its label."""

    callback_id: str | None
    message_id: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Bot API: `code` 200 or the error's, 0 when dropped before it was done, None while under way."""

    seq: int
    at: str
    method: str
    params: Json
    fault: str | None
    code: int | None = None
    description: str = ""
    result: Any = None
