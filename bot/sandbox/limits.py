"""Sizes and rates beyond which the sandbox refuses, and the sliding windows that count messages.

The rates are the ones people observe (Telegram documents them vaguely): 30 messages a second in all, one a second to
one chat with short bursts allowed, 20 a minute to one group.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from bot.sandbox.refusals import too_many

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1024 * 1024
UPLOAD_BYTES = 50 * MEGABYTE
PHOTO_BYTES = 10 * MEGABYTE
DOWNLOAD_BYTES = 20 * MEGABYTE
CALLBACK_DATA_BYTES = 64
TOAST_UNITS = 200
ALBUM = range(2, 11)
BUTTONS = 100

Window = tuple[int, float]
OVERALL: Window = (30, 1.0)
CHAT: Window = (3, 3.0)
GROUP: Window = (20, 60.0)


class Rates:
    """Counts messages in sliding windows on a monotonic clock in seconds; a full one answers 429."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._sent: dict[str, deque[float]] = defaultdict(deque)

    def take(self, chat_id: int, *, group: bool, messages: int = 1) -> None:
        """Let this many messages to a chat through, or refuse all of them with the seconds to wait."""
        now = self._monotonic()
        windows = {"all": OVERALL, f"chat {chat_id}": CHAT}
        if group:
            windows[f"group {chat_id}"] = GROUP
        wait = max(self._wait(name, window, now, messages) for name, window in windows.items())
        if wait > 0:
            raise too_many(math.ceil(wait))
        for name in windows:
            self._sent[name].extend([now] * messages)

    def _wait(self, name: str, window: Window, now: float, messages: int) -> float:
        most, seconds = window
        sent = self._sent[name]
        while sent and sent[0] <= now - seconds:
            sent.popleft()
        over = len(sent) + messages - most
        if over <= 0 or not sent:  # an album larger than a window passes when the window is empty
            return 0.0
        return sent[min(over, len(sent)) - 1] + seconds - now
