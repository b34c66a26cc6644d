"""Messages the bot changes or takes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.markup import checked
from bot.sandbox.refusals import bad_request
from bot.sandbox.sending import caption_content, open_room, show, text_content
from bot.sandbox.state import BOT_ID

if TYPE_CHECKING:
    from bot.sandbox.state import Json, Post, State

_DELETABLE_SECONDS = 48 * 3600
_TEXT = ("text", "entities", "link_preview_options")
_CAPTION = ("caption", "caption_entities", "show_caption_above_media")


def _editable(state: State, given: Json) -> Post:
    if "chat_id" not in given:
        raise bad_request("chat_id is empty")
    room = open_room(state, given["chat_id"])
    if "message_id" not in given:
        raise bad_request("message identifier is not specified")
    post = state.post(room.id, given["message_id"])
    if post is None:
        raise bad_request("message to edit not found")
    if post.author != BOT_ID or (post.markup is not None and "inline_keyboard" not in post.markup):
        raise bad_request("message can't be edited")
    return post


def _change(state: State, post: Post, given: Json, names: tuple[str, ...], content: Json) -> Json:
    """Replace the named fields and the keyboard; an edit without keyboard removes it."""
    markup = checked(given.get("reply_markup"))
    kept = {name: value for name, value in post.body.items() if name not in {*names, "reply_markup"}}
    changed = kept | content | ({"reply_markup": markup} if markup else {})
    if changed == post.body:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same "
            "as a current content and reply markup of the message"
        )
    if names:
        changed["edit_date"] = state.timestamp()
    post.body = changed
    post.markup = markup
    show(state, post, kind="edit")
    return post.body


async def edit_message_text(state: State, given: Json) -> Json:
    """A new text, and the keyboard given with it (none: it goes away)."""
    post = _editable(state, given)
    if "text" not in given:
        raise bad_request("message text is empty")
    content = text_content(given)
    if "text" not in post.body:
        raise bad_request("there is no text in the message to edit")
    return _change(state, post, given, _TEXT, content)


async def edit_message_caption(state: State, given: Json) -> Json:
    """A new caption (none: it goes away), and the keyboard given with it."""
    post = _editable(state, given)
    content = caption_content(given)
    if not post.body.keys() & {"document", "photo"}:
        raise bad_request("there is no caption in the message to edit")
    return _change(state, post, given, _CAPTION, content)


async def edit_message_reply_markup(state: State, given: Json) -> Json:
    """A new keyboard, or none; the client does not show the message as edited."""
    return _change(state, _editable(state, given), given, (), {})


async def delete_message(state: State, given: Json) -> bool:
    """Take a message away for everybody, within 48 hours."""
    room = open_room(state, given["chat_id"])
    post = state.post(room.id, given["message_id"])
    if post is None:
        raise bad_request("message to delete not found")
    old = state.timestamp() - int(post.body["date"]) > _DELETABLE_SECONDS
    if old or (room.group and post.author != BOT_ID):
        raise bad_request("message can't be deleted for everyone")
    remove(state, post, by=BOT_ID)
    return True


def remove(state: State, post: Post, *, by: int) -> None:
    """The message is gone; the chat remembers that it went."""
    post.deleted = True
    state.record(post.room, by, "delete", message_id=post.id, text="")
