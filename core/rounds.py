"""The same work for many things in one transaction: one that fails holds no other, and who runs the desk is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core import events
from core.outbox import OutboxRow

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

T = TypeVar("T", bound=events.Thing)

log = logging.getLogger(__name__)

#: How long nobody is told again that the same work on the same thing fails.
TOLD_AGAIN_AFTER = timedelta(hours=20)


def each(
    session: Session, work: str, things: Iterable[T], act: Callable[[T], object], *, at: datetime,
    failed: Callable[[T], object] = lambda _thing: None,
) -> None:  # fmt: skip
    """Do `act` to each thing, each in a savepoint of its own; what it wrote before it failed is undone.

    `failed` then notes that it did: work that is looked for all the time must not find it again at once. A database
    that is gone or busy ends the whole round: it is tried again as one.
    """
    for thing in things:
        subject = thing.subject
        try:
            with session.begin_nested():
                act(thing)
        except OperationalError:
            raise
        except Exception as error:
            log.exception("work_failed", extra={"work": work, "subject": subject})
            failed(thing)
            if not _told(session, work, subject, at=at):
                code = getattr(error, "code", "") or type(error).__name__
                events.emit(session, "work_failed", thing, at=at, work=work, code=code, about=subject)


def _told(session: Session, work: str, subject: str, *, at: datetime) -> bool:
    before = select(OutboxRow).where(
        OutboxRow.template == "work_failed", OutboxRow.subject == subject,
        OutboxRow.created_at > at - TOLD_AGAIN_AFTER,
    )  # fmt: skip
    return any(row.arguments.get("work") == work for row in session.scalars(before))
