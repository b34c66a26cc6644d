"""What can be seen of the sandbox from outside: chats as a person sees them, toasts, transcripts, calls, conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from bot.sandbox.acting import NotPossible, room_for, sender_of
from bot.sandbox.entities import to_html
from bot.sandbox.markup import labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.sandbox.state import Json, Person, Post, Room, State

_KINDS = ("document", "photo", "voice", "sticker", "location", "contact", "venue", "poll", "dice")
_FLATTENED = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " "})


def person(somebody: Person) -> Json:
    """A person as control answers them."""
    return {
        "id": somebody.id,
        "first_name": somebody.first_name,
        "last_name": somebody.last_name,
        "username": somebody.username,
        "language_code": somebody.language_code,
        "started": somebody.started,
        "blocked": somebody.blocked,
    }


def room(group: Room) -> Json:
    """A group as control answers it."""
    return {"id": group.id, "type": group.type, "title": group.title, "members": group.members}


def seen(state: State, post: Post, viewer: int) -> Json:
    """A message as somebody sees it."""
    body = post.body
    shown: Json = {
        "message_id": post.id,
        "chat": post.room.id,
        "who": sender_of(state, post),
        "mine": post.author == viewer,
        "kind": next((kind for kind in _KINDS if kind in body), "text" if "text" in body else "service"),
        "at": datetime.fromtimestamp(body["date"], UTC).isoformat(),
        "text": post.text,
        "html": to_html(post.text, post.entities),
        "buttons": labels(body),
        "data": [[button.get("callback_data") for button in row] for row in _inline(body)],
        "markup": _markup(post),
        "edited": "edit_date" in body,
        "reply_to": body.get("reply_to_message", {}).get("message_id"),
        "media_group_id": body.get("media_group_id"),
        "file": None,
        "file_id": None,
        "size": None,
        "seq": post.seq,
    }
    medium = body["photo"][-1] if "photo" in body else body.get("document", body.get("voice"))
    if medium:
        stored = state.files[medium["file_id"]]
        shown |= {"file": stored.name, "file_id": stored.id, "size": stored.size}
    return shown


def _inline(body: Json) -> list[list[Json]]:
    rows: list[list[Json]] = body.get("reply_markup", {}).get("inline_keyboard", [])
    return rows


def _markup(post: Post) -> str | None:
    """Which kind of markup came with it, by its deciding field."""
    names = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
    return next((name for name in names if post.markup and name in post.markup), None)


def transcript(state: State, user: int, chat: int | None) -> list[Json]:
    """The events of somebody's chats in order, ready for a line of JSON each."""
    if chat is None:
        rooms = {room.id for room in state.rooms.values() if user in room.members}
    else:
        rooms = {room_for(state, user, chat).id}
    return [
        {name: value for name, value in event.items() if name != "only_for"}
        for event in state.events
        if event["chat"] in rooms and event["only_for"] in {None, user}
    ]


def toasts(state: State, user: int) -> list[Json]:
    """The bot's answers to somebody's presses; one without text only ends the progress."""
    return [
        {name: event[name] for name in ("seq", "callback_id", "message_id", "label", "text", "alert")}
        for event in state.events
        if event["kind"] == "toast" and event["only_for"] == user
    ]


def calls(state: State, method: str | None, after: int) -> list[Json]:
    """The API calls after a number; polls only when asked for by name."""
    return [
        call
        for call in state.calls
        if call["seq"] > after and (call["method"] == method if method else call["method"] != "getUpdates")
    ]


def _contains(text: str, wanted: str) -> bool:
    """Whether a text holds another one; French thin and hard spaces count as spaces."""
    return wanted.translate(_FLATTENED) in text.translate(_FLATTENED)


def condition(state: State, query: dict[str, str]) -> Callable[[], Any]:
    """A function that gives what a wait waits for, or nothing yet."""
    after = int(query.get("after") or 0)
    match query.get("for", "message"):
        case "message":
            viewer, chat = int(query["user"]), query.get("chat")
            place = room_for(state, viewer, int(chat) if chat else None)
            return lambda: _last(
                [
                    one
                    for one in (seen(state, post, viewer) for post in state.posts_of(place.id) if post.seq > after)
                    if not one["mine"] and _shows(one, query)
                ]
            )
        case "toast":
            viewer, text = int(query["user"]), query.get("contains", "")
            return lambda: _last(
                [toast for toast in toasts(state, viewer) if toast["seq"] > after and _contains(toast["text"], text)]
            )
        case "calls":
            method, count = query["method"], int(query.get("count", "1"))
            return lambda: _enough(calls(state, method, after), count)
        case "read":
            return lambda: None if state.pending else {"read": True}
        case "news":
            return lambda: news(state, after)
    raise NotPossible(f"nothing waits for {query['for']!r}: message, toast, calls, read, news")


def news(state: State, after: int) -> Json | None:
    """What happened after a number: the chats in which something changed, and the toasts; None when nothing did."""
    events = list(takewhile(lambda event: event["seq"] > after, reversed(state.events)))[::-1]
    if not events:
        return None
    return {
        "seq": events[-1]["seq"],
        "chats": sorted({event["chat"] for event in events}),
        "toasts": [event for event in events if event["kind"] == "toast"],
    }


def _shows(one: Json, query: dict[str, str]) -> bool:
    wanted, button = query.get("contains", ""), query.get("button")
    flat = [label for row in one["buttons"] for label in row]
    return (
        _contains(one["text"], wanted)
        and (button is None or any(button in label for label in flat))
        and ("without_button" not in query or not any(query["without_button"] in label for label in flat))
        and ("file" not in query or _contains(one["file"] or "", query["file"]))
        and ("kind" not in query or one["kind"] == query["kind"])
        and ("edited" not in query or one["edited"] == (query["edited"] == "true"))
        and ("message_id" not in query or one["message_id"] == int(query["message_id"]))
    )


def _enough(made: list[Json], count: int) -> list[Json] | None:
    return made if len(made) >= count else None


def _last(found: list[Json]) -> Json | None:
    return max(found, key=lambda one: int(one["seq"])) if found else None
