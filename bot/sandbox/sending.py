"""Messages from the bot: to whom it may write, what it may send, and what the chat then shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox import pictures
from bot.sandbox.arguments import Upload, check_object
from bot.sandbox.entities import CAPTION_UNITS, TEXT_UNITS, formatted
from bot.sandbox.limits import ALBUM, PHOTO_BYTES, UPLOAD_BYTES
from bot.sandbox.markup import checked, labels
from bot.sandbox.refusals import ApiError, bad_request, forbidden
from bot.sandbox.state import BOT_ID, StoredFile

if TYPE_CHECKING:
    from bot.sandbox.state import Json, Post, Room, State

_THUMBNAIL = 90
_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
_MEDIA = {"document": "InputMediaDocument", "photo": "InputMediaPhoto"}


def known_room(state: State, chat_id: Any) -> Room:
    """The chat of an id, whether or not the bot may write there now."""
    room = state.rooms.get(chat_id) if isinstance(chat_id, int) else None
    if room is None:
        raise bad_request("chat not found")
    return room


def open_room(state: State, chat_id: Any) -> Room:
    """The chat of an id, if the bot may write there now; 400 or 403 as the real server distinguishes them."""
    room = known_room(state, chat_id)
    if room.group:
        if room.migrated_to is not None:
            raise bad_request("group chat was upgraded to a supergroup chat", migrate_to_chat_id=room.migrated_to)
        if room.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {room.type} chat")
        if room.bot_status == "left":
            raise forbidden(f"bot is not a member of the {room.type} chat")
        return room
    person = state.people[room.id]
    if person.deactivated:
        raise forbidden("user is deactivated")
    if person.blocked:
        raise forbidden("bot was blocked by the user")
    if not person.started:
        if any(person.id in other.members for other in state.rooms.values() if other.group):
            raise forbidden("bot can't initiate conversation with a user")
        raise bad_request("chat not found")
    return room


def _reply(state: State, room: Room, given: Json) -> Post | None:
    wanted = given.get("reply_parameters")
    if wanted is None:
        return None
    post = state.post(wanted.get("chat_id", room.id), wanted["message_id"])
    if post is None and not wanted.get("allow_sending_without_reply", False):
        raise bad_request("message to be replied not found")
    return post


def _deliver(state: State, room: Room, content: Json, given: Json, *, kind: str, **details: Any) -> Json:
    reply = _reply(state, room, given)
    markup = checked(given.get("reply_markup"))
    if state.rates is not None:
        state.rates.take(room.id, group=room.group)
    if markup is not None and "inline_keyboard" in markup:
        content["reply_markup"] = markup
    elif markup is not None and "keyboard" in markup:
        room.keyboard = markup
    elif markup is not None and "remove_keyboard" in markup:
        room.keyboard = None
    if given.get("protect_content"):
        content["has_protected_content"] = True
    post = state.add_post(room, BOT_ID, content, reply_to=reply)
    post.markup = markup
    show(state, post, kind=kind, **details)
    return post.body


def show(state: State, post: Post, *, kind: str, **details: Any) -> None:
    """Write a message, or its new shape, into what its chat saw."""
    buttons = labels(post.body)
    if buttons:
        details["buttons"] = buttons
    event = state.record(post.room, post.author, kind, message_id=post.id, text=post.text, **details)
    post.seq = event["seq"]


async def send_message(state: State, given: Json) -> Json:
    """A text of 1 to 4096 UTF-16 units once parsed."""
    room = open_room(state, given["chat_id"])
    content = text_content(given)
    return _deliver(state, room, content, given, kind="message")


def text_content(given: Json) -> Json:
    """The text fields of a message or of an edit."""
    text, entities = formatted(
        given["text"],
        parse_mode=given.get("parse_mode"),
        entities=given.get("entities"),
        limit=TEXT_UNITS,
        what="message",
    )
    if not text.strip():
        raise bad_request("message text is empty")
    content: Json = {"text": text}
    if entities:
        content["entities"] = entities
    if given.get("link_preview_options"):
        content["link_preview_options"] = given["link_preview_options"]
    return content


def caption_content(given: Json) -> Json:
    """The caption fields of a message or of an edit: at most 1024 UTF-16 units once parsed."""
    text, entities = formatted(
        given.get("caption", ""),
        parse_mode=given.get("parse_mode"),
        entities=given.get("caption_entities"),
        limit=CAPTION_UNITS,
        what="message caption",
    )
    content: Json = {}
    if text:
        content["caption"] = text
        if entities:
            content["caption_entities"] = entities
        if given.get("show_caption_above_media"):
            content["show_caption_above_media"] = True
    return content


@dataclass(frozen=True, slots=True)
class _Medium:
    """A file on its way: new bytes or one the server already has."""

    kind: str
    upload: Upload | None = None
    stored: StoredFile | None = None

    @property
    def name(self) -> str:
        return self.upload.name if self.upload else self.stored.name if self.stored else ""

    def content(self, state: State) -> Json:
        stored = self.stored or self._store(state)
        if self.kind == "document":
            return {"document": document_object(stored)}
        return {"photo": photo_sizes(state, stored)}

    def _store(self, state: State) -> StoredFile:
        assert self.upload is not None  # noqa: S101 - a medium has one or the other
        width, height = pictures.size_of(self.upload.content) or (0, 0)
        return state.add_file(self.kind, self.upload.name, self.upload.content, width=width, height=height)


def document_object(stored: StoredFile) -> Json:
    """The Bot API's Document."""
    return stored.as_object() | {"file_name": stored.name, "mime_type": stored.media_type}


def photo_sizes(state: State, stored: StoredFile) -> list[Json]:
    """The Bot API's PhotoSize array, smallest first: a grey thumbnail, then the picture itself."""
    full = stored.as_object() | {"width": stored.width, "height": stored.height}
    if max(stored.width, stored.height) <= _THUMBNAIL:
        return [full]
    scale = _THUMBNAIL / max(stored.width, stored.height)
    width, height = max(1, round(stored.width * scale)), max(1, round(stored.height * scale))
    small = state.add_file("thumbnail", "thumbnail.png", pictures.grey(width, height), width=width, height=height)
    return [small.as_object() | {"width": width, "height": height}, full]


def _medium(state: State, kind: str, value: Upload | str) -> _Medium:
    if isinstance(value, Upload):
        _check_upload(kind, value)
        return _Medium(kind, upload=value)
    stored = state.files.get(value)
    if stored is not None:
        if stored.kind != kind:
            raise bad_request(f"can't use file of type {stored.kind.capitalize()} as {kind.capitalize()}")
        return _Medium(kind, stored=stored)
    if value.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    raise bad_request("wrong remote file identifier specified: Wrong string length")


def _check_upload(kind: str, upload: Upload) -> None:
    if not upload.content:
        raise bad_request("file must be non-empty")
    if len(upload.content) > UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo":
        if len(upload.content) > PHOTO_BYTES:
            raise bad_request("file is too big")
        size = pictures.size_of(upload.content)
        if size is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        width, height = size
        if not width or not height or width + height > 10_000 or max(size) > 20 * min(size):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")


async def send_document(state: State, given: Json) -> Json:
    """A file of at most 50 MB with its caption."""
    return _send_file(state, given, "document")


async def send_photo(state: State, given: Json) -> Json:
    """A picture of at most 10 MB with its caption."""
    return _send_file(state, given, "photo")


def _send_file(state: State, given: Json, kind: str) -> Json:
    room = open_room(state, given["chat_id"])
    medium = _medium(state, kind, given[kind])
    caption = caption_content(given)
    checked(given.get("reply_markup"))
    return _deliver(state, room, medium.content(state) | caption, given, kind=kind, file=medium.name)


async def send_media_group(state: State, given: Json) -> list[Json]:
    """An album of 2 to 10 documents or 2 to 10 photos: all of it or nothing."""
    room = open_room(state, given["chat_id"])
    media = given["media"]
    if len(media) not in ALBUM:
        raise bad_request("an album must include 2-10 items")
    items = []
    for item in media:
        declared = _MEDIA.get(item.get("type", ""))
        if declared is None:
            raise bad_request(f'the sandbox does not support albums of type "{item.get("type")}"')
        check_object(
            declared, {name: value for name, value in item.items() if not isinstance(value, Upload)} | {"media": ""}
        )
        items.append((_medium(state, item["type"], item.get("media", "")), caption_content(item)))
    if len({medium.kind for medium, _ in items}) > 1:
        raise bad_request("Document can't be mixed with other media types")
    if state.rates is not None:
        state.rates.take(room.id, group=room.group, messages=len(items))
    reply = _reply(state, room, given)
    group = str(state.next_seq() + 13_000_000_000_000_000)
    posts = []
    for medium, caption in items:
        post = state.add_post(room, BOT_ID, medium.content(state) | caption | {"media_group_id": group}, reply_to=reply)
        show(state, post, kind=medium.kind, file=medium.name)
        posts.append(post.body)
    return posts


async def send_chat_action(state: State, given: Json) -> bool:
    """« is typing… »: nothing stays of it."""
    open_room(state, given["chat_id"])
    if given["action"] not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True
