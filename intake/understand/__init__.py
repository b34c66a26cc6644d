"""Understanding what was stored: a job that can be run again at will, one message at a time.

An attempt is counted and committed before the message is touched, so that one that kills the process is counted too
(E20). What cannot be understood is a row in quarantine with its reason, shown to staff; one bad message never holds
the next one up (E15).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from core import conversations, events, messages
from core.db import transaction
from core.errors import NotUnderstood
from core.journal import SYSTEM
from core.messages import Message, MessageState
from core.settings import Settings
from intake import voice
from intake.understand.opened import Desk, Opened, incoming_of, load
from intake.understand.outcomes import acknowledge, treat
from intake.voice import Transcribe

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

__all__ = ["Desk", "incoming_of", "understand"]

log = logging.getLogger(__name__)


def understand(
    engine: Engine, *, settings: Settings, at: datetime, checkpoint: Callable[[str], None] = lambda _name: None,
    transcribe: Transcribe | None = None,
) -> int:  # fmt: skip
    """Treat every stored message that is due, in the order in which they arrived; returns how many were tried.

    `transcribe` listens to voice notes; unless given, what the settings name does.
    """
    with transaction(engine) as session:
        waiting = [message.id for message in messages.unfinished(session, at=at)]
    for message_id in waiting:
        _one(engine, message_id, Desk(settings, at, transcribe or voice.transcriber(settings.reading)), checkpoint)
    return len(waiting)


def _one(engine: Engine, message_id: int, desk: Desk, checkpoint: Callable[[str], None]) -> None:
    with transaction(engine) as session:
        message = _held(session, message_id)
        if message is None:
            return
        message.attempts += 1
        message.next_try = desk.at + messages.RETRY_AFTER * message.attempts
        if message.attempts > messages.MAX_ATTEMPTS:
            _quarantine(session, message, "gave_up", desk)
            return
    checkpoint("attempt_counted")
    opened: Opened | None = None
    try:
        with transaction(engine) as session:
            message = _held(session, message_id)
            loaded = load(session, message, desk) if message is not None else None
        if loaded is None:
            return
        opened = loaded.read(desk)  # outside any transaction: a long file must hold nobody up
        with transaction(engine) as session:
            message = _held(session, message_id)
            if message is not None:
                treat(session, message, opened, desk)
                _repaint(session, message, desk)
    except NotUnderstood as reason:
        _set_aside(engine, message_id, reason.code, opened, desk)
    except Exception:
        log.exception("understanding_failed message=%s", message_id)
        with transaction(engine) as session:
            tried = session.get_one(Message, message_id).attempts
        if tried >= messages.MAX_ATTEMPTS:
            _set_aside(engine, message_id, "processing_failed", opened, desk)
    checkpoint("understood")


def _repaint(session: Session, message: Message, desk: Desk) -> None:
    """Show on the card of a message that had waited what became of it."""
    if conversations.chats_with_card(session, message.subject):
        events.emit(session, "message_decided", message, at=desk.at)


def _held(session: Session, message_id: int) -> Message | None:
    """The message, locked, when it still waits to be understood."""
    query = select(Message).where(Message.id == message_id).with_for_update(of=Message)
    message = session.scalar(query)
    return message if message is not None and message.state is MessageState.STORED else None


def _set_aside(engine: Engine, message_id: int, reason: str, opened: Opened | None, desk: Desk) -> None:
    """What the undone transaction knew of the sender is written again."""
    with transaction(engine) as session:
        message = _held(session, message_id)
        if message is None:
            return
        if opened is not None:
            opened.note(session, message)
        else:
            _describe(session, message, desk)
        _quarantine(session, message, reason, desk)


def _quarantine(session: Session, message: Message, reason: str, desk: Desk) -> None:
    """Keep it for a person, tell staff, and tell the customer when we know that it is him."""
    messages.move(session, message, MessageState.QUARANTINED, by=SYSTEM, at=desk.at, reason=reason)
    events.emit(session, "message_quarantined", message, at=desk.at)
    acknowledge(session, message, at=desk.at)


def _describe(session: Session, message: Message, desk: Desk) -> None:
    """Fill in, as far as it can be read, who wrote a message that was not understood."""
    try:
        load(session, message, desk).describe(session, message)
    except Exception:  # noqa: BLE001 - the message may be in quarantine because of exactly this
        log.warning("message_not_described message=%s", message.id)
