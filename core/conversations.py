"""What a chat must remember across restarts: buttons, the question it waits an answer to, the living cards.

A button carries an opaque token, never a command; rights, version and state are evaluated again at each press. A
token may be pressed twice: the verb behind it decides, and the second press is told what the first one did.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Text, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base

BUTTON_LIFETIME = timedelta(days=30)
PROMPT_LIFETIME = timedelta(hours=12)


class Button(Base):
    """One button shown in one chat: what it does, to which version of which order."""

    __tablename__ = "button"

    token: Mapped[str] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    action: Mapped[str]
    args: Mapped[str] = mapped_column(Text)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"), index=True)
    version: Mapped[int | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Prompt(Base):
    """The question whose answer the next free text of this chat is."""

    __tablename__ = "prompt"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    action: Mapped[str]
    args: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime]


class Card(Base):
    """The living card of one thing in one chat: the message that is edited in place."""

    __tablename__ = "card"
    __table_args__ = (UniqueConstraint("chat_id", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(index=True)
    telegram_message_id: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]


def make_button(
    session: Session,
    *,
    chat_id: int,
    action: str,
    at: datetime,
    order_id: int | None = None,
    version: int | None = None,
    lives_until: datetime | None = None,
    **args: Any,
) -> str:
    """The callback data of a new button: 24 characters, far below the 64 bytes that Telegram allows.

    It may be pressed for thirty days, or longer where what it offers does.
    """
    usual = at + BUTTON_LIFETIME
    token = f"v1:{secrets.token_urlsafe(16)[:21]}"
    session.add(
        Button(
            token=token,
            chat_id=chat_id,
            action=action,
            args=json.dumps(args, sort_keys=True),
            order_id=order_id,
            version=version,
            expires_at=max(usual, lives_until) if lives_until is not None else usual,
        )
    )
    return token


def pressed(session: Session, token: str, *, chat_id: int, at: datetime) -> tuple[Button, dict[str, Any]] | None:
    """The button behind a callback, or None for a forged, foreign or expired one."""
    button = session.get(Button, token)
    if button is None or button.chat_id != chat_id or button.expires_at < at:
        return None
    return button, json.loads(button.args)


def ask(session: Session, *, chat_id: int, action: str, at: datetime, **args: Any) -> None:
    """Remember that the next text of this chat answers `action`; an older question is dropped."""
    session.merge(
        Prompt(chat_id=chat_id, action=action, args=json.dumps(args, sort_keys=True), expires_at=at + PROMPT_LIFETIME)
    )


def answered(session: Session, *, chat_id: int, at: datetime) -> tuple[str, dict[str, Any]] | None:
    """The question this chat owes an answer to, taken off the table; None when there is none."""
    prompt = session.get(Prompt, chat_id)
    if prompt is None:
        return None
    session.delete(prompt)
    return None if prompt.expires_at < at else (prompt.action, json.loads(prompt.args))


def card_of(session: Session, *, chat_id: int, subject: str) -> Card | None:
    """The living card of `subject` (such as `order:12`) in this chat."""
    return session.scalar(select(Card).where(Card.chat_id == chat_id, Card.subject == subject))


def chats_with_card(session: Session, subject: str) -> list[int]:
    """The chats in which a card of `subject` stands."""
    return list(session.scalars(select(Card.chat_id).where(Card.subject == subject).order_by(Card.id)))


def forget_expired(session: Session, *, at: datetime) -> None:
    """Drop buttons and questions nobody can use any more."""
    session.execute(delete(Button).where(Button.expires_at < at))
    session.execute(delete(Prompt).where(Prompt.expires_at < at))
