"""The control side: plain JSON over HTTP by which a person, a test or a page plays people and looks at their chats.

`GET /control` lists every route with its sentence. Bodies and answers are JSON; files go as multipart. An impossible
act answers 400 with `error`; a wait that times out answers 408.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox import acting, views
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.state import Callback

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from bot.sandbox.state import Json, Post, State

LONGEST_WAIT = 600.0


def _state(request: Request) -> State:
    state: State = request.app.state.sandbox
    return state


async def _given(request: Request) -> Json:
    body = await request.body()
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise acting.NotPossible("a JSON object is expected")
    return given


def _seen(state: State, post: Post, viewer: int) -> Response:
    return JSONResponse(views.seen(state, post, viewer))


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    return int(value) if value else None


def _user(request: Request) -> int:
    user = _number(request, "user")
    if user is None:
        raise acting.NotPossible("user is missing")
    return user


async def add_user(request: Request) -> Response:
    """Create somebody: first_name, and last_name, username, language_code, id if they matter."""
    given = await _given(request)
    person = acting.add_person(_state(request), given.pop("first_name"), person_id=given.pop("id", None), **given)
    return JSONResponse(views.person(person))


async def add_group(request: Request) -> Response:
    """Create a group with the bot in it: title, members (user ids, the first one makes it)."""
    given = await _given(request)
    room = acting.add_group(_state(request), given["title"], given["members"])
    return JSONResponse(views.room(room))


async def list_rooms(request: Request) -> Response:
    """Everybody and every group."""
    state = _state(request)
    return JSONResponse(
        {
            "users": [views.person(person) for person in state.people.values()],
            "groups": [views.room(room) for room in state.rooms.values() if room.group],
        }
    )


async def say(request: Request) -> Response:
    """Type a text: user, text; chat (a group), reply_to, forwarded_from."""
    given = await _given(request)
    return _seen(_state(request), acting.say(_state(request), **given), given["user"])


async def edit(request: Request) -> Response:
    """Change one's own message: user, message_id, text; chat."""
    given = await _given(request)
    return _seen(_state(request), acting.edit(_state(request), **given), given["user"])


async def send(request: Request) -> Response:
    """Send a file (multipart): user, kind (document, photo, voice), file.

    Also caption, chat, reply_to, media_group_id, size (a claim), seconds (of a voice message).
    """
    form = await request.form(max_part_size=1 << 20)
    given: Json = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            given[name] = int(value) if name in {"user", "chat", "reply_to", "size", "seconds"} else value
        else:
            given |= {"name": value.filename or "file", "content": await value.read()}
    return _seen(_state(request), acting.send_file(_state(request), **given), given["user"])


async def share(request: Request) -> Response:
    """Send a sticker, location, contact, venue, poll or dice: user, kind; details (fields), chat."""
    given = await _given(request)
    post = acting.share(_state(request), given["user"], given["kind"], given.get("details", {}), chat=given.get("chat"))
    return _seen(_state(request), post, given["user"])


async def press(request: Request) -> Response:
    """Press a button: user, label; chat, message_id, inaccessible.

    Or send any callback data, as a forger can: user, message_id, data; chat, label.
    """
    given, state = await _given(request), _state(request)
    if "data" in given:
        room = acting.room_for(state, given["user"], given.get("chat"))
        post = state.post(room.id, given["message_id"])
        if post is None:
            raise acting.NotPossible(f"no message {given['message_id']} in chat {room.id}")
        made: Callback | Post = acting.press_data(
            state, given["user"], post, given["data"], label=given.get("label", "")
        )
    else:
        made = acting.press(state, **given)
    callback = made.id if isinstance(made, Callback) else None
    message = made.message_id if isinstance(made, Callback) else made.id
    return JSONResponse({"callback_id": callback, "message_id": message})


async def block(request: Request) -> Response:
    """Stop the bot: user. Sends to them answer 403 until they unblock it or write again."""
    acting.block(_state(request), (await _given(request))["user"])
    return JSONResponse({})


async def unblock(request: Request) -> Response:
    """Start the bot again: user."""
    acting.unblock(_state(request), (await _given(request))["user"])
    return JSONResponse({})


async def deactivate(request: Request) -> Response:
    """The account no longer exists: user."""
    acting.deactivate(_state(request), (await _given(request))["user"])
    return JSONResponse({})


async def delete(request: Request) -> Response:
    """Delete a message for everybody: user, message_id; chat. The bot is not told."""
    acting.delete(_state(request), **(await _given(request)))
    return JSONResponse({})


async def kick(request: Request) -> Response:
    """Throw the bot out of a group: user, chat."""
    acting.remove_bot(_state(request), **(await _given(request)))
    return JSONResponse({})


async def upgrade(request: Request) -> Response:
    """Make a supergroup of a group: user, chat. Answers the new chat."""
    return JSONResponse(views.room(acting.upgrade(_state(request), **(await _given(request)))))


async def chat(request: Request) -> Response:
    """A chat as a user sees it now (?user=&chat=)."""
    state = _state(request)
    room = acting.room_for(state, _user(request), _number(request, "chat"))
    return JSONResponse([views.seen(state, post, _user(request)) for post in state.posts_of(room.id)])


async def transcript(request: Request) -> Response:
    """All a user saw, in order, deleted and edited things too (?user=&chat=)."""
    return JSONResponse(views.transcript(_state(request), _user(request), _number(request, "chat")))


async def toasts(request: Request) -> Response:
    """The answers to a user's presses (?user=)."""
    return JSONResponse(views.toasts(_state(request), _user(request)))


async def download(request: Request) -> Response:
    """The bytes of a file."""
    stored = _state(request).files.get(request.path_params["file_id"])
    if stored is None:
        raise acting.NotPossible("no such file")
    return Response(stored.content, media_type=stored.media_type)


async def commands(request: Request) -> Response:
    """The command menu a user sees (?user=)."""
    return JSONResponse(acting.commands_of(_state(request), _user(request)))


async def add_fault(request: Request) -> Response:
    """Plant a fault: method (or *), kind; retry_after, text, seconds, times, skip, chat_id, parameters."""
    given = await _given(request)
    given["kind"] = FaultKind(given["kind"])
    _state(request).faults.append(Fault(**given))
    return JSONResponse({})


async def list_faults(request: Request) -> Response:
    """The faults that nobody has met yet."""
    faults = _state(request).faults
    return JSONResponse([{"method": each.method, "kind": each.kind, "times": each.times} for each in faults])


async def clear_faults(request: Request) -> Response:
    """Forget the faults that nobody has met yet."""
    _state(request).faults.clear()
    return JSONResponse({})


async def calls(request: Request) -> Response:
    """The API calls so far: ?method=&after=SEQ. Without a method, polls (getUpdates) are left out."""
    method, after = request.query_params.get("method"), _number(request, "after") or 0
    return JSONResponse(views.calls(_state(request), method, after))


async def add_update(request: Request) -> Response:
    """Queue a raw update, however malformed; without update_id it gets the next one."""
    state, update = _state(request), await _given(request)
    update.setdefault("update_id", state.next_update_id)
    state.queue(update)
    return JSONResponse({"update_id": update["update_id"]})


async def list_updates(request: Request) -> Response:
    """The updates: all that were ever queued, and those the bot has not confirmed."""
    state = _state(request)
    return JSONResponse({"emitted": state.emitted, "pending": state.pending, "next": state.next_update_id})


async def next_update(request: Request) -> Response:
    """Go on counting updates from: next. It may be lower than before (T08)."""
    _state(request).next_update_id = (await _given(request))["next"]
    return JSONResponse({})


async def set_clock(request: Request) -> Response:
    """Stop the clock that dates messages at an instant: at (ISO 8601 with offset), or null to let it run."""
    at = (await _given(request))["at"]
    instant = None if at is None else datetime.fromisoformat(at)
    if instant is not None and instant.tzinfo is None:
        raise acting.NotPossible("an instant needs an offset")
    _state(request).fixed_time = instant
    return JSONResponse({"at": _state(request).now().isoformat()})


async def expire(request: Request) -> Response:
    """Presses so far can no longer be answered (« query is too old »)."""
    for callback in _state(request).callbacks.values():
        callback.expired = True
    return JSONResponse({})


async def wait(request: Request) -> Response:
    """Wait until something is there: ?for=message|toast|calls|read|news, its conditions, after=SEQ, timeout=SECONDS."""
    state, query = _state(request), dict(request.query_params)
    seconds = min(float(query.pop("timeout", "10")), LONGEST_WAIT)
    wanted = views.condition(state, query)
    found = await state.until(wanted, seconds)
    if found:
        return JSONResponse(found)
    tail = views.transcript(state, int(query["user"]), None)[-8:] if "user" in query else []
    return JSONResponse({"error": f"not within {seconds:g} s: {query}", "transcript": tail}, status_code=408)


async def mark(request: Request) -> Response:
    """The number of the last thing that happened; `after=` it in a wait means « new from now on »."""
    return JSONResponse({"seq": _state(request).next_seq()})


async def offline(request: Request) -> Response:
    """Refuse connections to the Bot API, as when Telegram can not be reached; control stays up."""
    await request.app.state.listeners.offline()
    return JSONResponse({})


async def online(request: Request) -> Response:
    """Accept connections to the Bot API again, on the same port."""
    await request.app.state.listeners.online()
    return JSONResponse({})


async def index(_: Request) -> Response:
    """List every route."""
    routes = [(*sorted(route.methods or ()), route.path, route.endpoint.__doc__) for route in ROUTES]
    return JSONResponse([{"method": row[0], "path": row[-2], "does": row[-1]} for row in routes])


def _route(method: str, path: str, does: Callable[[Request], Awaitable[Response]]) -> Route:
    async def guarded(request: Request) -> Response:
        try:
            return await does(request)
        except (acting.NotPossible, KeyError, TypeError, ValueError) as problem:
            text = f"missing {problem}" if isinstance(problem, KeyError) else str(problem)
            return JSONResponse({"error": text}, status_code=400)

    guarded.__doc__ = does.__doc__
    route = Route(f"/control{path}", guarded, methods=[method])
    (route.methods or set()).discard("HEAD")
    return route


_TABLE: tuple[tuple[str, str, Any], ...] = (
    ("GET", "", index),
    ("GET", "/rooms", list_rooms),
    ("POST", "/users", add_user),
    ("POST", "/groups", add_group),
    ("POST", "/say", say),
    ("POST", "/edit", edit),
    ("POST", "/send", send),
    ("POST", "/share", share),
    ("POST", "/press", press),
    ("POST", "/block", block),
    ("POST", "/unblock", unblock),
    ("POST", "/deactivate", deactivate),
    ("POST", "/delete", delete),
    ("POST", "/kick", kick),
    ("POST", "/upgrade", upgrade),
    ("GET", "/chat", chat),
    ("GET", "/transcript", transcript),
    ("GET", "/toasts", toasts),
    ("GET", "/files/{file_id}", download),
    ("GET", "/commands", commands),
    ("POST", "/faults", add_fault),
    ("GET", "/faults", list_faults),
    ("DELETE", "/faults", clear_faults),
    ("GET", "/calls", calls),
    ("POST", "/updates", add_update),
    ("GET", "/updates", list_updates),
    ("POST", "/updates/next", next_update),
    ("POST", "/clock", set_clock),
    ("POST", "/callbacks/expire", expire),
    ("GET", "/wait", wait),
    ("GET", "/mark", mark),
    ("POST", "/offline", offline),
    ("POST", "/online", online),
)
ROUTES = [_route(*row) for row in _TABLE]
