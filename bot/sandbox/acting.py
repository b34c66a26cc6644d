"""What people do: write, send files, press buttons, block the bot, delete, change groups.

Each act reaches the bot as the updates Telegram would send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox import pictures
from bot.sandbox.editing import remove
from bot.sandbox.entities import CAPTION_UNITS, TEXT_UNITS, arrange, clean, detected, units
from bot.sandbox.markup import button_named
from bot.sandbox.sending import document_object, photo_sizes, show
from bot.sandbox.state import BOT_ID, Callback, Person, Room

if TYPE_CHECKING:
    from bot.sandbox.state import Json, Post, State

FIRST_PERSON = 5000001
FIRST_GROUP = -4000001
FIRST_SUPERGROUP = -1002000000001
SHARED = frozenset({"sticker", "location", "contact", "poll", "venue", "dice"})


class NotPossible(Exception):  # noqa: N818 - told to whoever plays, not an error of the bot
    """No client would let a person do this; the text says why."""


def add_person(
    state: State,
    first_name: str,
    *,
    person_id: int | None = None,
    last_name: str = "",
    username: str = "",
    language_code: str = "fr",
) -> Person:
    """Somebody new, who has not written to the bot yet."""
    number = FIRST_PERSON + len(state.people) if person_id is None else person_id
    if number in state.rooms:
        raise NotPossible(f"chat {number} exists")
    person = Person(number, first_name, last_name, username, language_code)
    state.people[number] = person
    state.rooms[number] = Room(id=number, type="private", members=[number])
    return person


def person(state: State, number: int) -> Person:
    """The person of an id."""
    found = state.people.get(number)
    if found is None:
        raise NotPossible(f"no user {number}")
    return found


def room_for(state: State, user: int, chat: int | None) -> Room:
    """The chat somebody acts in: theirs with the bot unless another one is named."""
    person(state, user)
    room = state.rooms.get(user if chat is None else chat)
    if room is None or user not in room.members:
        raise NotPossible(f"user {user} is not in chat {chat}")
    return room


def add_group(state: State, title: str, members: list[int]) -> Room:
    """A group made by its first member, with the bot in it."""
    if not members:
        raise NotPossible("a group needs a member")
    for member in members:
        person(state, member)
    number = FIRST_GROUP - sum(room.group for room in state.rooms.values())
    room = Room(id=number, type="group", members=list(members), title=title)
    state.rooms[number] = room
    _bot_membership(state, room, members[0], "left", "member")
    post = state.add_post(room, members[0], {"group_chat_created": True})
    _arrive(state, post, "service")
    return room


def _bot_membership(state: State, room: Room, by: int, before: str, after: str) -> None:
    def status(name: str) -> Json:
        return {"status": name, "user": state.bot} | ({"until_date": 0} if name == "kicked" else {})

    state.emit(
        "my_chat_member",
        {
            "chat": state.chat_object(room),
            "from": state.author_object(by),
            "date": state.timestamp(),
            "old_chat_member": status(before),
            "new_chat_member": status(after),
        },
    )


def _arrive(state: State, post: Post, kind: str, **details: Any) -> Post:
    """A person's message is shown, and reaches the bot if it is in the chat and not blocked."""
    if not post.room.group:
        somebody = state.people[post.author]
        somebody.started = True
        if somebody.blocked:
            unblock(state, post.author)
    show(state, post, kind=kind, **details)
    if post.room.bot_status == "member":
        state.emit("message", post.body)
    return post


def _replied(state: State, room: Room, reply_to: int | None) -> Post | None:
    if reply_to is None:
        return None
    post = state.post(room.id, reply_to)
    if post is None:
        raise NotPossible(f"no message {reply_to} in chat {room.id}")
    return post


def _typed(text: str, limit: int, names: tuple[str, str]) -> Json:
    text, _ = arrange(clean(text), [])
    if units(text) > limit:
        raise NotPossible(f"a client cuts a text of {units(text)} into pieces of {limit}: send them one by one")
    found = detected(text)
    return ({names[0]: text} if text else {}) | ({names[1]: found} if found else {})


def say(
    state: State,
    user: int,
    text: str,
    *,
    chat: int | None = None,
    reply_to: int | None = None,
    forwarded_from: int | None = None,
) -> Post:
    """Type a text, or forward one of somebody else's."""
    room = room_for(state, user, chat)
    content = _typed(text, TEXT_UNITS, ("text", "entities"))
    if not content:
        raise NotPossible("an empty text can not be sent")
    if forwarded_from is not None:
        origin = {"type": "user", "date": state.timestamp(), "sender_user": state.author_object(forwarded_from)}
        content["forward_origin"] = origin
    post = state.add_post(room, user, content, reply_to=_replied(state, room, reply_to))
    return _arrive(state, post, "message")


def edit(state: State, user: int, message_id: int, text: str, *, chat: int | None = None) -> Post:
    """Change one's own text (or the caption of one's own file)."""
    room = room_for(state, user, chat)
    post = state.post(room.id, message_id)
    if post is None or post.author != user:
        raise NotPossible(f"message {message_id} is not user {user}'s to edit")
    names = ("text", "entities") if "text" in post.body else ("caption", "caption_entities")
    limit = TEXT_UNITS if names[0] == "text" else CAPTION_UNITS
    kept = {name: value for name, value in post.body.items() if name not in names}
    post.body = kept | _typed(text, limit, names) | {"edit_date": state.timestamp()}
    show(state, post, kind="edit")
    if room.bot_status == "member":
        state.emit("edited_message", post.body)
    return post


def send_file(
    state: State,
    user: int,
    kind: str,
    name: str,
    content: bytes,
    *,
    size: int | None = None,
    caption: str = "",
    chat: int | None = None,
    reply_to: int | None = None,
    media_group_id: str | None = None,
    seconds: int = 3,
) -> Post:
    """Send a document, a photo or a voice message; `size` claims more bytes than are there."""
    room = room_for(state, user, chat)
    width, height = pictures.size_of(content) or (1280, 960)
    stored = state.add_file(kind, name, content, size=size, width=width, height=height)
    if kind == "document":
        body: Json = {"document": document_object(stored)}
    elif kind == "photo":
        body = {"photo": photo_sizes(state, stored)}
    elif kind == "voice":
        body = {"voice": stored.as_object() | {"duration": seconds, "mime_type": "audio/ogg"}}
    else:
        raise NotPossible(f"no client sends a {kind}: document, photo or voice")
    body |= _typed(caption, CAPTION_UNITS, ("caption", "caption_entities"))
    if media_group_id is not None:
        body["media_group_id"] = media_group_id
    post = state.add_post(room, user, body, reply_to=_replied(state, room, reply_to))
    return _arrive(state, post, kind, file=stored.name)


def share(state: State, user: int, kind: str, details: Json, *, chat: int | None = None) -> Post:
    """Send what is neither text nor file; `details` replace the fields of a plausible one."""
    room = room_for(state, user, chat)
    if kind not in SHARED:
        raise NotPossible(f"no client sends a {kind}: {', '.join(sorted(SHARED))}")
    post = state.add_post(room, user, {kind: _sample(state, user, kind) | details})
    return _arrive(state, post, kind)


def _sample(state: State, user: int, kind: str) -> Json:
    if kind == "sticker":
        stored = state.add_file("sticker", "sticker.webp", b"RIFF\x00\x00\x00\x00WEBP")
        looks = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return stored.as_object() | looks | {"emoji": "👍"}
    location = {"latitude": 45.764, "longitude": 4.8357}
    samples: dict[str, Json] = {
        "location": location,
        "venue": {"location": location, "title": "Entrepôt", "address": "1 quai des Docks"},
        "contact": {"phone_number": "+33600000000", "first_name": state.people[user].first_name, "user_id": user},
        "dice": {"emoji": "🎲", "value": 4},
        "poll": {
            "id": str(state.next_seq()),
            "question": "?",
            "options": [{"text": text, "voter_count": 0, "persistent_id": text} for text in ("1", "2")],
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
            "allows_revoting": False,
            "members_only": False,
        },
    }
    return samples[kind]


def press(
    state: State,
    user: int,
    label: str,
    *,
    chat: int | None = None,
    message_id: int | None = None,
    inaccessible: bool = False,
) -> Callback | Post:
    """Press the button of that label on a message, or on the last message that has one.

    A key of the keyboard below the text field types its label. `inaccessible` makes the update carry no message
    text, as for very old messages.
    """
    room = room_for(state, user, chat)
    one = state.post(room.id, message_id) if message_id is not None else None
    posts = list(reversed(state.posts_of(room.id))) if message_id is None else [one] if one else []
    post = next((each for each in posts if button_named(each.body, label, exactly=True)), None)
    post = post or next((each for each in posts if button_named(each.body, label)), None)
    button = button_named(post.body, label) if post else None
    if post is None or button is None:
        if message_id is None and _has_key(room, label):
            return say(state, user, label, chat=chat)
        raise NotPossible(f"user {user} sees no button {label!r} in chat {room.id}")
    if "callback_data" not in button:
        raise NotPossible(f"button {label!r} does not call the bot: {sorted(button)}")
    return press_data(state, user, post, button["callback_data"], label=button["text"], inaccessible=inaccessible)


def _has_key(room: Room, label: str) -> bool:
    rows = (room.keyboard or {}).get("keyboard", [])
    return any((key if isinstance(key, str) else key["text"]) == label for row in rows for key in row)


def press_data(
    state: State, user: int, post: Post, data: str, *, label: str = "", inaccessible: bool = False
) -> Callback:
    """Send any callback data under a message, as a modified client can (T31)."""
    number = f"{user}{state.next_seq():010d}"
    callback = Callback(number, user, post.room, post.id, label, state.now())
    state.callbacks[number] = callback
    state.record(post.room, user, "press", only_for=user, message_id=post.id, text=label, callback_id=number)
    message = post.body
    if inaccessible:
        message = {"chat": message["chat"], "message_id": post.id, "date": 0}
    state.emit(
        "callback_query",
        {
            "id": number,
            "from": state.author_object(user),
            "message": message,
            "chat_instance": str(abs(post.room.id) * 7919),
            "data": data,
        },
    )
    return callback


def block(state: State, user: int) -> None:
    """The person stops the bot: sends to them get 403 from now on."""
    somebody = person(state, user)
    if not somebody.blocked:
        somebody.blocked = True
        _bot_membership(state, state.rooms[user], user, "member", "kicked")
        state.ring()


def unblock(state: State, user: int) -> None:
    """The person starts the bot again."""
    somebody = person(state, user)
    if somebody.blocked:
        somebody.blocked = False
        _bot_membership(state, state.rooms[user], user, "kicked", "member")
        state.ring()


def deactivate(state: State, user: int) -> None:
    """The account is gone: sends get 403 « user is deactivated »."""
    person(state, user).deactivated = True
    state.ring()


def delete(state: State, user: int, message_id: int, *, chat: int | None = None) -> None:
    """Delete a message for everybody; the bot is not told (T28)."""
    room = room_for(state, user, chat)
    post = state.post(room.id, message_id)
    if post is None:
        raise NotPossible(f"no message {message_id} in chat {room.id}")
    remove(state, post, by=user)


def remove_bot(state: State, user: int, chat: int) -> None:
    """Kick the bot out of a group."""
    room = room_for(state, user, chat)
    room.bot_status = "kicked"
    _bot_membership(state, room, user, "member", "kicked")
    state.ring()


def upgrade(state: State, user: int, chat: int) -> Room:
    """Make a supergroup of a group: a new id, two service messages, and an error for who uses the old id (T17)."""
    old = room_for(state, user, chat)
    if old.type != "group" or old.migrated_to is not None:
        raise NotPossible(f"chat {chat} is not a group to upgrade")
    number = FIRST_SUPERGROUP - sum(room.type == "supergroup" for room in state.rooms.values())
    new = Room(id=number, type="supergroup", members=list(old.members), title=old.title)
    state.rooms[number] = new
    old.migrated_to = number
    _arrive(state, state.add_post(old, user, {"migrate_to_chat_id": number}), "service")
    _arrive(state, state.add_post(new, user, {"migrate_from_chat_id": old.id}), "service")
    return new


def commands_of(state: State, user: int) -> list[Json]:
    """The commands a person sees in the bot's menu: the narrowest scope that has some, their language first."""
    somebody = person(state, user)
    scopes = (f'{{"chat_id": {user}, "type": "chat"}}', '{"type": "all_private_chats"}', '{"type": "default"}')
    for scope in scopes:
        for language in (somebody.language_code, ""):
            found = state.commands.get((scope, language))
            if found:
                return found
    return []


def sender_of(state: State, post: Post) -> str:
    """Whose name a chat shows above a message."""
    return "bot" if post.author == BOT_ID else state.people[post.author].name
