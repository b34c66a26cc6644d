"""A client of the sandbox's control side, for tests, the demo and pages: play anybody, look at their chats, wait.

Synchronous on purpose: in an async test run the waiting calls in `asyncio.to_thread`, or the bot under test, if it
lives in the same loop, will never get to answer.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from bot.sandbox.faults import ANY, FaultKind
from bot.sandbox.seen import Call, Group, Json, Pressed, Seen, Toast, User

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

T = TypeVar("T")

WAIT = 10.0
_SLACK = 10.0


class SandboxRefused(Exception):  # noqa: N818 - the sandbox refused what the player asked
    """No client of Telegram could do that; the text says why."""


def _made(kind: type[T], body: Json) -> T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in body.items() if name in known})


def _some(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}


class SandboxClient:
    """Plays people against a sandbox at `control_url`; a context manager, safe to use from several threads."""

    def __init__(self, control_url: str) -> None:
        self.control_url = control_url
        # plain HTTP: loading the machine's certificates would take longer than most tests
        self._http = httpx.Client(base_url=control_url, trust_env=False, timeout=30.0, verify=False)  # noqa: S501

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _get(self, path: str, **query: Any) -> Any:
        return self._read(self._http.get(path, params=query))

    def _wait(self, what: str, seconds: float, **query: Any) -> Any:
        params = {"for": what, "timeout": seconds, **query}
        return self._read(self._http.get("/wait", params=params, timeout=seconds + _SLACK))

    def _post(self, path: str, body: Json | None = None) -> Any:
        return self._read(self._http.post(path, json=body or {}))

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        if answer.status_code == httpx.codes.REQUEST_TIMEOUT:
            problem = answer.json()
            tail = "\n".join(json.dumps(event, ensure_ascii=False) for event in problem["transcript"])
            raise TimeoutError(f"{problem['error']}\nlast seen:\n{tail}")
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise SandboxRefused(answer.json()["error"])
        answer.raise_for_status()
        return answer.json()

    # People and chats

    def add_user(
        self,
        first_name: str,
        *,
        last_name: str | None = None,
        username: str | None = None,
        language_code: str | None = None,
        id: int | None = None,  # noqa: A002 - Telegram's own word
    ) -> User:
        """Create somebody; the bot can not write to them before they wrote to it."""
        body = _some(first_name=first_name, last_name=last_name, username=username, language_code=language_code, id=id)
        return _made(User, self._post("/users", body))

    def add_group(self, title: str, members: list[int]) -> Group:
        """Create a group with the bot in it, made by its first member."""
        return _made(Group, self._post("/groups", {"title": title, "members": members}))

    def users(self) -> list[User]:
        """Everybody there is."""
        return [_made(User, each) for each in self._get("/rooms")["users"]]

    def groups(self) -> list[Group]:
        """Every group there is."""
        return [_made(Group, each) for each in self._get("/rooms")["groups"]]

    def kick_bot(self, user: int, chat: int) -> None:
        """Throw the bot out of a group."""
        self._post("/kick", {"user": user, "chat": chat})

    def upgrade_group(self, user: int, chat: int) -> Group:
        """Make a supergroup of a group; the old id answers `migrate_to_chat_id` from now on."""
        return _made(Group, self._post("/upgrade", {"user": user, "chat": chat}))

    def block(self, user: int) -> None:
        """Stop the bot: its sends get 403 « bot was blocked by the user »."""
        self._post("/block", {"user": user})

    def unblock(self, user: int) -> None:
        """Start the bot again; writing to it does the same."""
        self._post("/unblock", {"user": user})

    def deactivate(self, user: int) -> None:
        """Delete the account: sends get 403 « user is deactivated »."""
        self._post("/deactivate", {"user": user})

    # Acting

    def say(
        self,
        user: int,
        text: str,
        *,
        chat: int | None = None,
        reply_to: int | None = None,
        forwarded_from: int | None = None,
    ) -> Seen:
        """Type a text of at most 4096 units (a client cuts longer ones itself)."""
        body = _some(user=user, text=text, chat=chat, reply_to=reply_to, forwarded_from=forwarded_from)
        return _made(Seen, self._post("/say", body))

    def edit(self, user: int, message_id: int, text: str, *, chat: int | None = None) -> Seen:
        """Change one's own earlier text or caption."""
        return _made(Seen, self._post("/edit", _some(user=user, message_id=message_id, text=text, chat=chat)))

    def send_document(self, user: int, file: Path | tuple[str, bytes], **options: Any) -> Seen:
        """Send a file: a path or (name, bytes). Options: caption, chat, reply_to, media_group_id, size (a claim)."""
        return self._send(user, "document", file, options)

    def send_photo(self, user: int, file: Path | tuple[str, bytes], **options: Any) -> Seen:
        """Send a picture (PNG or JPEG); the same options. Photos of one `media_group_id` are an album."""
        return self._send(user, "photo", file, options)

    def send_voice(self, user: int, file: Path | tuple[str, bytes], **options: Any) -> Seen:
        """Send a voice message; the same options, and `seconds`."""
        return self._send(user, "voice", file, options)

    def _send(self, user: int, kind: str, file: Path | tuple[str, bytes], options: Json) -> Seen:
        name, content = file if isinstance(file, tuple) else (file.name, file.read_bytes())
        data = {key: str(value) for key, value in _some(user=user, kind=kind, **options).items()}
        return _made(Seen, self._read(self._http.post("/send", data=data, files={"file": (name, content)})))

    def share(self, user: int, kind: str, *, chat: int | None = None, **details: Any) -> Seen:
        """Send a sticker, location, contact, venue, poll or dice; details replace fields of a plausible one."""
        return _made(Seen, self._post("/share", _some(user=user, kind=kind, chat=chat, details=details)))

    def press(
        self,
        user: int,
        label: str,
        *,
        chat: int | None = None,
        message_id: int | None = None,
        inaccessible: bool = False,
    ) -> Pressed:
        """Press the button of that label (else the only one that holds it), on the last message that has one."""
        body = _some(user=user, label=label, chat=chat, message_id=message_id, inaccessible=inaccessible)
        return _made(Pressed, self._post("/press", body))

    def press_data(
        self, user: int, message_id: int, data: str, *, chat: int | None = None, label: str | None = None
    ) -> Pressed:
        """Send any callback data, as a modified client can."""
        body = _some(user=user, message_id=message_id, data=data, chat=chat, label=label)
        return _made(Pressed, self._post("/press", body))

    def delete(self, user: int, message_id: int, *, chat: int | None = None) -> None:
        """Delete a message for everybody; the bot is not told."""
        self._post("/delete", _some(user=user, message_id=message_id, chat=chat))

    # Looking

    def chat(self, user: int, *, chat: int | None = None) -> list[Seen]:
        """The messages somebody sees now, oldest first."""
        return [_made(Seen, each) for each in self._get("/chat", **_some(user=user, chat=chat))]

    def last(self, user: int, *, chat: int | None = None) -> Seen:
        """The newest message of the bot there."""
        return next(seen for seen in reversed(self.chat(user, chat=chat)) if seen.who == "bot")

    def download(self, seen: Seen) -> bytes:
        """The bytes of a message's file."""
        answer = self._http.get(f"/files/{seen.file_id}")
        answer.raise_for_status()
        return answer.content

    def toasts(self, user: int) -> list[Toast]:
        """The answers to their presses, oldest first."""
        return [_made(Toast, each) for each in self._get("/toasts", user=user)]

    def commands(self, user: int) -> list[Json]:
        """The command menu somebody sees: the narrowest scope that has one."""
        return list(self._get("/commands", user=user))

    def transcript(self, user: int, *, chat: int | None = None) -> list[Json]:
        """All somebody saw, in order: seq, at, chat, who, who_id, kind, message_id, text; buttons, file, alert if any.

        `kind`: message, document, photo, voice, sticker…, edit, press, toast, delete, service. Things that were edited
        or deleted later stand as they were.
        """
        return list(self._get("/transcript", **_some(user=user, chat=chat)))

    # Waiting

    def mark(self) -> int:
        """The number of now: give it as `after` to wait for something newer."""
        return int(self._get("/mark")["seq"])

    def wait_for(
        self,
        user: int,
        contains: str = "",
        *,
        chat: int | None = None,
        button: str | None = None,
        without_button: str | None = None,
        file: str | None = None,
        kind: str | None = None,
        edited: bool | None = None,
        message_id: int | None = None,
        after: int = 0,
        timeout: float = WAIT,
    ) -> Seen:
        """The newest message of somebody else in the chat that meets all conditions, waiting for one; TimeoutError.

        `contains` and `file` look inside (a hard or thin space counts as a space), `button` is a label or a
        part of one, `after` wants the message sent or changed after that number.
        """
        query = _some(
            user=user,
            contains=contains,
            chat=chat,
            button=button,
            without_button=without_button,
            file=file,
            kind=kind,
            edited=None if edited is None else str(edited).lower(),
            message_id=message_id,
            after=after,
        )
        return _made(Seen, self._wait("message", timeout, **query))

    def wait_for_toast(self, user: int, contains: str = "", *, after: int = 0, timeout: float = WAIT) -> Toast:
        """The newest answer to a press of theirs with that text, waiting for one."""
        return _made(Toast, self._wait("toast", timeout, user=user, contains=contains, after=after))

    def wait_for_calls(self, method: str, count: int = 1, *, after: int = 0, timeout: float = WAIT) -> list[Call]:
        """The calls of a method, once there are that many (refused and dropped ones count)."""
        return [_made(Call, each) for each in self._wait("calls", timeout, method=method, count=count, after=after)]

    def news(self, after: int, *, timeout: float = WAIT) -> Json | None:
        """What happened since a number, waiting for something: seq, chats, toasts; None when nothing did."""
        try:
            return dict(self._wait("news", timeout, after=after))
        except TimeoutError:
            return None

    def wait_until_read(self, *, timeout: float = WAIT) -> None:
        """Return once the bot confirmed every update."""
        self._wait("read", timeout)

    # Faults, calls, updates, time

    def fault(
        self,
        method: str = ANY,
        kind: FaultKind = FaultKind.BAD_GATEWAY,
        *,
        retry_after: int = 1,
        text: str = "",
        seconds: float = 60.0,
        times: int = 1,
        skip: int = 0,
        chat_id: int | None = None,
        parameters: Json | None = None,
    ) -> None:
        """Plant a fault for the next `times` calls of a method after `skip` good ones.

        `*` is any method but getUpdates; "download" is a file's. A poll under way is not touched: the fault meets the
        next one. `text` replaces the description after its "Bad Request: ".
        """
        self._post(
            "/faults",
            {
                "method": method,
                "kind": str(kind),
                "retry_after": retry_after,
                "text": text,
                "seconds": seconds,
                "times": times,
                "skip": skip,
                "chat_id": chat_id,
                "parameters": parameters or {},
            },
        )

    def faults_left(self) -> list[Json]:
        """The faults nobody has met yet: method, kind, times."""
        return list(self._get("/faults"))

    def clear_faults(self) -> None:
        """Forget the faults nobody has met yet."""
        self._read(self._http.delete("/faults"))

    def offline(self) -> None:
        """Refuse connections to the Bot API (and cut those there are) until `online`."""
        self._post("/offline")

    def online(self) -> None:
        """Accept connections to the Bot API again, on the same port."""
        self._post("/online")

    def calls(self, method: str | None = None, *, after: int = 0) -> list[Call]:
        """The calls so far; without a method, polls are left out."""
        return [_made(Call, each) for each in self._get("/calls", **_some(method=method, after=after))]

    def inject_raw_update(self, update: Json) -> int:
        """Queue any object as an update, however malformed (T04), or one already seen (T02, T05); its id."""
        return int(self._post("/updates", update)["update_id"])

    def updates(self) -> list[Json]:
        """Every update ever queued."""
        return list(self._get("/updates")["emitted"])

    def pending_updates(self) -> list[Json]:
        """The updates the bot has not confirmed."""
        return list(self._get("/updates")["pending"])

    def next_update_id(self, number: int) -> None:
        """Go on counting updates from a number, even a lower one (T08)."""
        self._post("/updates/next", {"next": number})

    def set_time(self, at: datetime | None) -> None:
        """Stop the clock that dates messages at an instant; None lets it run again."""
        self._post("/clock", {"at": None if at is None else at.isoformat()})

    def expire_presses(self) -> None:
        """Answering any press so far will say « query is too old »."""
        self._post("/callbacks/expire")
