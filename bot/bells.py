"""When the sweep rings: once for each kind of work until its job begins, ever less often for what stays due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

#: A bell that nobody heard for so many seconds is rung again.
UNHEARD = 10.0
#: Work whose rows may stay due although their job did all it could; the pause doubles up to the last one.
STUBBORN = frozenset({"receipts", "papers", "automation"})
FIRST_PAUSE, LAST_PAUSE = 1.0, 60.0


@dataclass(slots=True)
class Bells:
    """What was rung and not heard yet, and when stubborn work is tried again."""

    monotonic: Callable[[], float] = time.monotonic
    _rung: dict[str, float] = field(default_factory=dict)
    _pauses: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wanted(self, due: Iterable[str]) -> list[str]:
        """The kinds of those due that must be rung for now."""
        now, known = self.monotonic(), set(due)
        for name in self._pauses.keys() - known:
            del self._pauses[name]
        return [name for name in sorted(known) if self._is_wanted(name, now)]

    def _is_wanted(self, name: str, now: float) -> bool:
        if now - self._rung.get(name, -UNHEARD) < UNHEARD:
            return False
        return name not in self._pauses or now >= self._pauses[name][0]

    def rung(self, name: str) -> None:
        """It was rung for, and committed."""
        now = self.monotonic()
        self._rung[name] = now
        if name in STUBBORN:
            pause = min(2 * self._pauses[name][1], LAST_PAUSE) if name in self._pauses else FIRST_PAUSE
            self._pauses[name] = (now + pause, pause)

    def heard(self, name: str) -> None:
        """Its job begins: what becomes due from now on needs another ring."""
        self._rung.pop(name, None)
