"""How fast we may speak: 30 messages a second in all, one a second in a chat, 20 a minute in a group.

A message counts from the start of its call until a window after its end, so that the limits hold in any window of the
server's own clock, however long its way there took. Every call of the bot passes here: what a job sends and what a
press is answered with. An edit is no new message in a private chat: a card is repainted at once.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError
from telegram.ext import BaseRateLimiter

Window = tuple[int, float]

OVERALL: Window = (30, 1.0)
PER_CHAT: Window = (1, 1.0)
PER_GROUP: Window = (20, 60.0)
#: A call waits for its turn this long; a longer wait is told as the server would, and the row comes back later.
PATIENCE = 20.0
#: While the server is away one call is made after so many seconds, then twice as many, and no more than the last.
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0
#: How many quiet chats are remembered before they are forgotten.
REMEMBERED = 2000
CONNECT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_Key = tuple[int | None, Window]


class Limiter:
    """Counts what leaves; asked from any thread. Time is a function so that tests need not wait."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.now = monotonic
        self._lock = threading.Lock()
        self._ends: dict[_Key, deque[float]] = {}
        self._flying: dict[_Key, int] = {}
        self._paused_until = 0.0
        self._failures = 0
        self._failed_at = -math.inf

    def wait(self, chat_id: int, *, edit: bool = False) -> float:
        """Seconds before a message to this chat may leave; zero when it may leave now."""
        with self._lock:
            return self._wait(_keys(chat_id, edit=edit), 1)

    def take(self, chat_id: int, *, edit: bool = False, count: int = 1) -> float:
        """Zero, and `count` messages are counted as leaving; or the seconds to wait, and nothing is."""
        keys = _keys(chat_id, edit=edit)
        with self._lock:
            wait = self._wait(keys, count)
            if wait <= 0:
                for key in keys:
                    self._flying[key] = self._flying.get(key, 0) + count
            return wait

    def done(self, chat_id: int, *, edit: bool = False, count: int = 1) -> None:
        """The call of messages that were taken has ended, well or not."""
        with self._lock:
            now = self.now()
            for key in _keys(chat_id, edit=edit):
                self._flying[key] -= count
                if not self._flying[key]:
                    del self._flying[key]
                self._ends.setdefault(key, deque()).extend([now] * count)
            if len(self._ends) > REMEMBERED:
                self._forget(now)

    def note(self, chat_id: int) -> None:
        """Count a message that left at this moment."""
        self.take(chat_id)
        self.done(chat_id)

    def room(self, chat_id: int) -> int:
        """How many messages a group may still get in this minute."""
        key = (chat_id, PER_GROUP)
        with self._lock:
            self._recent(key, self.now())
            return PER_GROUP[0] - len(self._ends.get(key, ())) - self._flying.get(key, 0)

    def pause(self, seconds: float) -> None:
        """Obey the server: nobody is written to before this many seconds."""
        with self._lock:
            self._paused_until = max(self._paused_until, self.now() + seconds)

    def failed(self, began: float) -> None:
        """A call begun then found the server away: the next one waits, twice as long each time."""
        with self._lock:
            if began <= self._failed_at:
                return  # it left beside the one that told us
            self._failed_at = self.now()
            self._failures += 1
            seconds = min(FIRST_PAUSE * 2 ** (self._failures - 1), LAST_PAUSE)
            self._paused_until = max(self._paused_until, self._failed_at + seconds)

    def succeeded(self) -> None:
        """The server is there."""
        self._failures = 0

    def _wait(self, keys: tuple[_Key, ...], count: int) -> float:
        now = self.now()
        return max(0.0, self._paused_until - now, *(self._left(key, count, now) for key in keys))

    def _left(self, key: _Key, count: int, now: float) -> float:
        most, seconds = key[1]
        self._recent(key, now)
        ends, flying = self._ends.get(key, ()), self._flying.get(key, 0)
        over = flying + len(ends) + count - most
        if over <= 0 or not (flying or ends):  # an album larger than a window leaves when the window is empty
            return 0.0
        if over > len(ends):  # it must wait for a call under way, and then for its window
            return seconds
        return ends[over - 1] + seconds - now

    def _recent(self, key: _Key, now: float) -> None:
        ends = self._ends.get(key)
        while ends and ends[0] + key[1][1] <= now:
            ends.popleft()

    def _forget(self, now: float) -> None:
        for key in list(self._ends):
            self._recent(key, now)
            if not self._ends[key]:
                del self._ends[key]


def _keys(chat_id: int, *, edit: bool) -> tuple[_Key, ...]:
    if chat_id < 0:
        return ((None, OVERALL), (chat_id, PER_GROUP)) + (() if edit else ((chat_id, PER_CHAT),))
    return ((None, OVERALL),) if edit else ((None, OVERALL), (chat_id, PER_CHAT))


class Turnstile(BaseRateLimiter[None]):
    """The limiter where the library asks for one: each call of the bot waits here for its turn."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter

    async def initialize(self) -> None:
        """Nothing to begin."""

    async def shutdown(self) -> None:
        """Nothing to end."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,  # noqa: ARG002 - the library's own signature
    ) -> Any:
        """Make the call at its turn and learn from how it ended."""
        chat_id = data.get("chat_id")
        edit = endpoint.startswith("edit")
        counted = edit or (endpoint.startswith(("send", "copy", "forward")) and endpoint != "sendChatAction")
        if not counted or not isinstance(chat_id, int):
            return await self._watched(callback, args, kwargs)
        count = len(data["media"]) if endpoint == "sendMediaGroup" else 1
        while (wait := self.limiter.take(chat_id, edit=edit, count=count)) > 0:
            if wait > PATIENCE:
                raise OwnLimit(math.ceil(wait))
            await asyncio.sleep(wait)
        try:
            return await self._watched(callback, args, kwargs)
        finally:
            self.limiter.done(chat_id, edit=edit, count=count)

    async def _watched(self, callback: Callable[..., Coroutine[Any, Any, Any]], args: Any, kwargs: Any) -> Any:
        began = self.limiter.now()
        try:
            answer = await callback(*args, **kwargs)
        except RetryAfter as error:
            self.limiter.pause(seconds_of(error))
            raise
        except NetworkError as error:
            if not isinstance(error, BadRequest):
                self.limiter.failed(began)
            raise
        self.limiter.succeeded()
        return answer


class OwnLimit(RetryAfter):
    """Our own counting says that this chat must wait: no word of the server's, and nobody else's business."""


def seconds_of(error: RetryAfter) -> float:
    """How long the server wants peace."""
    wait: Any = error.retry_after
    return float(wait.total_seconds() if hasattr(wait, "total_seconds") else wait)


def is_away(error: NetworkError) -> bool:
    """Nothing was done: the server could not be reached, or answered that it could not (502, be it with a page)."""
    return error.__cause__ is None or isinstance(error.__cause__, TelegramError) or never_reached(error)


def never_reached(error: NetworkError) -> bool:
    """Not a byte of the call arrived anywhere."""
    return isinstance(error.__cause__, CONNECT_ERRORS)
