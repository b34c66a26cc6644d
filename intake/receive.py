"""Storing what arrives: committed raw, under a physical and a logical key, before anybody tries to understand it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select

from core import events, jobs, messages
from core.db import transaction
from core.messages import MailboxHealth, MailReceipt, Message, MessageChannel, MessageState
from intake.mime import canonical_hash, message_id

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

OVERSIZED = "oversized"
ID_REUSE = "id_reuse"
#: How many characters of a message staff are shown.
EXTRACT = 600


@dataclass(frozen=True, slots=True)
class MailboxSubject:
    """A mailbox as the subject of an event."""

    account: str

    @property
    def subject(self) -> str:
        """The mailbox's own name in outbox rows."""
        return f"mailbox:{self.account}"


class DatabaseMailStore:
    """Where `intake.mailbox.Mailbox` commits: our own tables."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self.engine = engine
        self.now = now

    def last_uid(self, account: str, folder: str, uidvalidity: int) -> int:
        """The UID up to which nothing is missing; below one whose download is to be tried again."""
        with transaction(self.engine) as session:
            here = _receipts(account, folder, uidvalidity)
            again = session.scalar(
                select(func.min(MailReceipt.uid)).where(
                    *here, MailReceipt.message_id.is_(None), MailReceipt.failures < messages.MAX_ATTEMPTS
                )
            )
            if again is not None:
                return again - 1
            return session.scalar(select(func.max(MailReceipt.uid)).where(*here)) or 0

    def known(self, account: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, str]:
        """The fingerprint each UID was last stored with; '' for one given up after its last failure."""
        with transaction(self.engine) as session:
            query = (
                select(MailReceipt)
                .where(*_receipts(account, folder, uidvalidity), MailReceipt.uid.in_(uids))
                .order_by(MailReceipt.id)
            )
            return {
                receipt.uid: receipt.fingerprint
                for receipt in session.scalars(query)
                if receipt.message_id is not None or receipt.failures >= messages.MAX_ATTEMPTS
            }

    def store(
        self,
        *,
        account: str,
        folder: str,
        uidvalidity: int,
        uid: int,
        raw: bytes,
        fingerprint: str,
        received_at: datetime,
        oversized: bool = False,
    ) -> None:
        """Commit one copy of a mail; the same mail in two mailboxes is one message with two receipts (E11)."""
        at = self.now()
        with transaction(self.engine) as session:
            place = (*_receipts(account, folder, uidvalidity), MailReceipt.uid == uid)
            known = session.scalar(select(MailReceipt).where(*place, MailReceipt.fingerprint == fingerprint))
            if known is not None and known.message_id is not None:
                return
            message = _mail(session, raw, received_at=received_at, oversized=oversized)
            failed = session.scalar(select(MailReceipt).where(*place, MailReceipt.message_id.is_(None)))
            receipt = known or failed or MailReceipt(account=account, folder=folder, uidvalidity=uidvalidity, uid=uid)
            receipt.fingerprint, receipt.message_id, receipt.stored_at = fingerprint, message.id, at
            session.add(receipt)
            jobs.ring(session, "understand", f"message:{message.id}:{message.attempts}", at=at, now=at)

    def failed(self, *, account: str, folder: str, uidvalidity: int, uid: int, reason: str) -> int:
        """Count a failed download; after the third the UID is shown to a person and passed over."""
        at = self.now()
        with transaction(self.engine) as session:
            place = (*_receipts(account, folder, uidvalidity), MailReceipt.uid == uid)
            receipt = session.scalar(select(MailReceipt).where(*place, MailReceipt.message_id.is_(None)))
            if receipt is None:
                receipt = MailReceipt(
                    account=account, folder=folder, uidvalidity=uidvalidity, uid=uid, fingerprint="", stored_at=at,
                    failures=0,
                )  # fmt: skip
                session.add(receipt)
            receipt.failures += 1
            if receipt.failures == messages.MAX_ATTEMPTS:
                whence = MailboxSubject(account)
                events.emit(session, "mailbox_alarm", whence, at=at, code="mail_unreadable", uid=uid, reason=reason)
            return receipt.failures

    def alarm(self, account: str, code: str, **data: object) -> None:
        """Tell a person, once per kind of trouble, that this mailbox is not read any more."""
        at = self.now()
        with transaction(self.engine) as session:
            health = session.get(MailboxHealth, account) or MailboxHealth(account=account, alarm="")
            if health.alarm == code:
                return
            health.alarm, health.alarm_since = code, at
            session.add(health)
            events.emit(session, "mailbox_alarm", MailboxSubject(account), at=at, code=code, details=data)

    def healthy(self, account: str, at: datetime) -> None:
        """Note that the mailbox answered to the end."""
        with transaction(self.engine) as session:
            health = session.get(MailboxHealth, account) or MailboxHealth(account=account)
            health.last_ok, health.alarm, health.alarm_since = at, "", None
            session.add(health)


def _receipts(account: str, folder: str, uidvalidity: int) -> tuple[ColumnElement[bool], ...]:
    return (MailReceipt.account == account, MailReceipt.folder == folder, MailReceipt.uidvalidity == uidvalidity)


def _mail(session: Session, raw: bytes, *, received_at: datetime, oversized: bool) -> Message:
    """The message these bytes are: the known one when its content is the same, else a new one (E07, E08)."""
    key = f"mail:{canonical_hash(raw)}"
    known = session.scalar(select(Message).where(Message.key == key))
    if known is not None:
        return known
    identifier = message_id(raw)
    message = Message(
        channel=MessageChannel.MAIL, key=key, received_at=received_at, raw_sha256=messages.keep(session, raw),
        message_id=identifier, flags=OVERSIZED if oversized else "",
    )  # fmt: skip
    if identifier and session.scalar(select(Message.id).where(Message.message_id == identifier).limit(1)):
        message.flag(ID_REUSE)
    session.add(message)
    session.flush()
    return message


def receive_chat(
    session: Session,
    *,
    chat_id: int,
    message_id: int,
    text: str,
    received_at: datetime,
    customer_id: int | None,
    files: Sequence[tuple[str, bytes]] = (),
    sender: str = "",
) -> Message:
    """Store what a linked customer wrote or dropped in chat, once, in the caller's transaction."""
    key = f"chat:{chat_id}:{message_id}"
    known = session.scalar(select(Message).where(Message.key == key))
    if known is not None:
        return known
    kept = [{"name": name, "sha256": messages.keep(session, content)} for name, content in files]
    raw = json.dumps({"text": text, "files": kept}, ensure_ascii=False).encode()
    message = Message(
        channel=MessageChannel.CHAT, key=key, received_at=received_at, raw_sha256=messages.keep(session, raw),
        chat_id=chat_id, customer_id=customer_id, sender=sender,
    )  # fmt: skip
    session.add(message)
    session.flush()
    jobs.ring(session, "understand", f"message:{message.id}:{message.attempts}", at=received_at, now=received_at)
    return message


def replay(session: Session, message: Message, *, at: datetime) -> None:
    """Put a message back where it waits to be understood, with fresh attempts."""
    message.state, message.reason, message.attempts, message.next_try = MessageState.STORED, "", 0, None
    jobs.ring(session, "understand", f"message:{message.id}:replay:{at.isoformat()}", at=at, now=at)


def reword(session: Session, message: Message, text: str, *, at: datetime) -> None:
    """Give a chat message its edited words and let it be understood again; the raw updates keep both."""
    said = json.loads(messages.content_of(session, message.raw_sha256)) if message.raw_sha256 else {"files": []}
    raw = json.dumps({"text": text, "files": said["files"]}, ensure_ascii=False).encode()
    message.raw_sha256 = messages.keep(session, raw)
    replay(session, message, at=at)
