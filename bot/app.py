"""The composition root: what a running Comptoir is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from sqlalchemy import Engine
from telegram.ext import Application

from bot.limiter import Limiter
from core.clock import Clock
from core.settings import House, Settings
from intake.outgoing import SmtpSender

Result = TypeVar("Result")


def _no_checkpoint(_name: str) -> None:
    """A crash test replaces this: it kills the process at the point of that name."""


@dataclass(slots=True)
class App:
    """The firm's settings and database, the two ways out, and the clock; `loop` is the bot's own, in its own thread.

    `answering` counts updates under way: what they changed is committed before it is answered. `flights` is how many
    calls may be under way at once; with one, each is waited for in its turn.
    """

    settings: Settings
    engine: Engine
    clock: Clock
    application: Application[Any, Any, Any, Any, Any, Any]
    loop: asyncio.AbstractEventLoop
    smtp: SmtpSender | None = None
    checkpoint: Callable[[str], None] = field(default=_no_checkpoint)
    answering: int = 0
    limiter: Limiter | None = None
    flights: int = 1
    poller: httpx.Client | None = None

    @property
    def house(self) -> House:
        """The supplier itself."""
        return self.settings.house

    def call(self, work: Coroutine[Any, Any, Result], *, timeout: float = 120.0) -> Result:
        """Run a coroutine on the bot's loop from another thread and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)
