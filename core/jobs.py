"""Durable work: the only module that knows DBOS.

A job is a doorbell: it treats every unfinished row of its kind, whose state in our tables is the truth. Job ids derive
from the row and its attempt, so ringing twice is harmless. Whoever has no engine connected (tests of the trade) rings
nothing; the rows are found by the next sweep.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    Bell = Callable[[Session, str, str, float], None]

_bells: WeakKeyDictionary[Engine, Bell] = WeakKeyDictionary()


def ring(session: Session, name: str, job_id: str, *, at: datetime, now: datetime) -> None:
    """Enqueue job `name` in the caller's own transaction, to start at `at`."""
    bell = _bells.get(session.get_bind().engine)
    if bell is not None:
        bell(session, name, job_id, max((at - now).total_seconds(), 0.0))
