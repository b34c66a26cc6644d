"""How fast we may speak: 30 messages a second in all, one a second in a chat, 20 a minute in a group.

A sliding window per limit, and one pause for the whole bot when the server asks for it. Time is a function so that
tests need not wait; nothing here sleeps: the caller is told how long to wait.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

Window = tuple[int, float]

OVERALL: Window = (30, 1.0)
PER_CHAT: Window = (1, 1.0)
PER_GROUP: Window = (20, 60.0)


class Limiter:
    """Counts what left; `wait` says how many seconds a message to a chat must wait, `note` counts one that leaves."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._sent: defaultdict[int | None, deque[float]] = defaultdict(deque)
        self._paused_until = 0.0

    def wait(self, chat_id: int) -> float:
        """Seconds before a message to this chat may leave; zero when it may leave now."""
        now = self._now()
        waits = [self._paused_until - now, self._left(None, OVERALL, now), self._left(chat_id, PER_CHAT, now)]
        if chat_id < 0:
            waits.append(self._left(chat_id, PER_GROUP, now))
        return max(0.0, *waits)

    def note(self, chat_id: int) -> None:
        """Count a message that leaves now."""
        now = self._now()
        for key in (None, chat_id):
            sent = self._sent[key]
            sent.append(now)
            while sent and sent[0] <= now - PER_GROUP[1]:
                sent.popleft()

    def pause(self, seconds: float) -> None:
        """Obey the server: nobody is written to before this many seconds."""
        self._paused_until = max(self._paused_until, self._now() + seconds)

    def _left(self, key: int | None, window: Window, now: float) -> float:
        count, seconds = window
        recent = [at for at in self._sent[key] if at > now - seconds]
        return 0.0 if len(recent) < count else recent[-count] + seconds - now
