"""What the sandbox knows: people, chats, messages, files, updates and what each chat saw.

Everything here belongs to one event loop and is touched from that loop only; other threads and processes go through
HTTP. Nothing is written to disk: the state lives as long as its process.
"""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, TypeVar

from bot.sandbox.faults import Fault
from bot.sandbox.limits import Rates

Json = dict[str, Any]
T = TypeVar("T")

BOT_ID = 7000000001
TOKEN = f"{BOT_ID}:SANDBOX-sandbox-SANDBOX-sandbox-12"
BOT_NAME = "comptoir_sandbox_bot"
FIRST_UPDATE = 100000001
CALLBACK_SECONDS = 15.0
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}


@dataclass(slots=True)
class Person:
    """Somebody with a Telegram account; `started` once they wrote to the bot, which may only then write to them."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = "fr"
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    @property
    def name(self) -> str:
        """First and last name, as a chat shows it."""
        return f"{self.first_name} {self.last_name}".strip()

    def as_user(self) -> Json:
        """The Bot API's User."""
        user = {"id": self.id, "is_bot": False, "first_name": self.first_name, "language_code": self.language_code}
        return user | {name: getattr(self, name) for name in ("last_name", "username") if getattr(self, name)}


@dataclass(slots=True)
class Room:
    """A chat: private (its id is the person's) or a group."""

    id: int
    type: str
    members: list[int]
    title: str = ""
    bot_status: str = "member"
    migrated_to: int | None = None
    keyboard: Json | None = None

    @property
    def group(self) -> bool:
        """Whether several people are there."""
        return self.type != "private"


@dataclass(slots=True)
class Post:
    """A message: `body` is the Bot API's Message, `seq` the number of its last change."""

    room: Room
    body: Json
    author: int
    seq: int = 0
    deleted: bool = False
    markup: Json | None = None

    @property
    def id(self) -> int:
        """Its message_id."""
        return int(self.body["message_id"])

    @property
    def text(self) -> str:
        """Its text or caption."""
        return str(self.body.get("text") or self.body.get("caption") or "")

    @property
    def entities(self) -> list[Json]:
        """The entities of its text or caption."""
        return list(self.body.get("entities") or self.body.get("caption_entities") or [])


@dataclass(slots=True)
class StoredFile:
    """A file the server keeps; `size` may exceed the content when a test only claims a big file."""

    id: str
    kind: str
    name: str
    media_type: str
    content: bytes
    size: int
    path: str
    width: int = 0
    height: int = 0

    def as_object(self) -> Json:
        """What every file object of the Bot API has in common."""
        return {"file_id": self.id, "file_unique_id": f"u{self.id[-12:]}", "file_size": self.size}


@dataclass(slots=True)
class Callback:
    """A press that waits for the bot's answer."""

    id: str
    user: int
    room: Room
    message_id: int
    label: str
    at: datetime
    answered: bool = False
    expired: bool = False


@dataclass(slots=True)
class Webhook:
    """Where updates are posted instead of being polled."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    ip_address: str = ""
    last_error_at: datetime | None = None
    last_error: str = ""


@dataclass(slots=True)
class State:
    """The whole of it; `clock` dates messages, `monotonic` measures rates."""

    clock: Callable[[], datetime]
    rates: Rates | None = None
    token: str = TOKEN
    people: dict[int, Person] = field(default_factory=dict)
    rooms: dict[int, Room] = field(default_factory=dict)
    posts: dict[tuple[int, int], Post] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    callbacks: dict[str, Callback] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    pending: list[Json] = field(default_factory=list)
    emitted: list[Json] = field(default_factory=list)
    next_update_id: int = FIRST_UPDATE
    allowed_updates: list[str] = field(default_factory=list)
    webhook: Webhook | None = None
    poll: int = 0
    events: list[Json] = field(default_factory=list)
    calls: deque[Json] = field(default_factory=lambda: deque(maxlen=100_000))
    faults: list[Fault] = field(default_factory=list)
    fixed_time: datetime | None = None
    closing: bool = False
    _last_seq: int = 0
    _last_message: int = 0
    _last_file: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bot(self) -> Json:
        """The bot's own User."""
        return {"id": BOT_ID, "is_bot": True, "first_name": "Comptoir (sandbox)", "username": BOT_NAME}

    def now(self) -> datetime:
        """The instant that dates what happens."""
        return self.fixed_time or self.clock().astimezone(UTC)

    def timestamp(self) -> int:
        """The same in the seconds of the Bot API."""
        return int(self.now().timestamp())

    # Waiting

    def ring(self) -> None:
        """Wake everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, wanted: Callable[[], T | None], seconds: float) -> T | None:
        """The first non-empty value of `wanted`, tried again at each change; None when time is up or we close."""
        end = time.monotonic() + seconds
        while True:
            changed = self._changed
            value = wanted()
            if value or self.closing:
                return value
            left = end - time.monotonic()
            if left <= 0:
                return None
            try:
                await asyncio.wait_for(changed.wait(), left)
            except TimeoutError:
                return wanted()

    def next_seq(self) -> int:
        """Number the next thing that happens."""
        self._last_seq += 1
        return self._last_seq

    # People and chats

    def chat_object(self, room: Room) -> Json:
        """The Bot API's Chat."""
        if room.group:
            return {"id": room.id, "type": room.type, "title": room.title}
        user = self.people[room.id].as_user()
        return {"id": room.id, "type": "private"} | {
            name: user[name] for name in ("first_name", "last_name", "username") if name in user
        }

    def author_object(self, author: int) -> Json:
        """The Bot API's User of who wrote."""
        return self.bot if author == BOT_ID else self.people[author].as_user()

    # Messages

    def add_post(self, room: Room, author: int, content: Json, *, reply_to: Post | None = None) -> Post:
        """A new message in a chat; `content` holds the fields of its kind."""
        self._last_message += 1
        body: Json = {
            "message_id": self._last_message,
            "from": self.author_object(author),
            "chat": self.chat_object(room),
            "date": self.timestamp(),
        }
        if reply_to is not None:
            body["reply_to_message"] = {k: v for k, v in reply_to.body.items() if k != "reply_to_message"}
        post = Post(room, body | content, author, self.next_seq())
        self.posts[room.id, post.id] = post
        return post

    def post(self, chat_id: int, message_id: int) -> Post | None:
        """A message that still exists."""
        post = self.posts.get((chat_id, message_id))
        return None if post is None or post.deleted else post

    def posts_of(self, chat_id: int) -> list[Post]:
        """The messages a chat still has, oldest first."""
        return [post for (chat, _), post in self.posts.items() if chat == chat_id and not post.deleted]

    def record(self, room: Room, who: int, kind: str, *, only_for: int | None = None, **details: Any) -> Json:
        """One line of what a chat saw; `only_for` keeps presses and toasts to the person concerned."""
        event = {
            "seq": self.next_seq(),
            "at": self.now().isoformat(),
            "chat": room.id,
            "who": "bot" if who == BOT_ID else self.people[who].name,
            "who_id": who,
            "kind": kind,
            "only_for": only_for,
        } | details
        self.events.append(event)
        self.ring()
        return event

    # Files

    def add_file(self, kind: str, name: str, content: bytes, *, size: int | None = None, **shape: int) -> StoredFile:
        """Keep a file; its media type follows from its name, as on the real server."""
        self._last_file += 1
        name = PurePath(name).name or kind
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        suffix = PurePath(name).suffix
        stored = StoredFile(
            id=f"SBX{kind[:3].upper()}{self._last_file:012d}",
            kind=kind,
            name=name,
            media_type=media_type,
            content=content,
            size=len(content) if size is None else size,
            path=f"{kind}s/file_{self._last_file}{suffix}",
            **shape,
        )
        self.files[stored.id] = stored
        return stored

    # Updates

    def emit(self, kind: str, body: Json) -> None:
        """Queue an update for the bot, unless it asked not to get this kind."""
        wanted = kind in self.allowed_updates if self.allowed_updates else kind not in NOT_BY_DEFAULT
        if wanted:
            self.queue({"update_id": self.next_update_id, kind: body})

    def queue(self, update: Json) -> None:
        """Put a whole update in the queue, in the order of its id, whatever it holds."""
        self.next_update_id = max(self.next_update_id, update["update_id"] + 1)
        self.pending.append(update)
        self.pending.sort(key=lambda each: int(each["update_id"]))
        self.emitted.append(update)
        self.ring()
