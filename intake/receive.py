"""Storing what arrives: committed raw, under a physical and a logical key, before anybody tries to understand it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select

from core import events, jobs, messages
from core.db import transaction
from core.messages import ALBUM, MailboxHealth, MailReceipt, Message, MessageChannel, MessageState
from intake.mime import canonical_hash, message_id

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

OVERSIZED = "oversized"
ID_REUSE = "id_reuse"
#: How many characters of a message staff are shown.
EXTRACT = 600
#: How long the next part of an album, or of a text that a client cut, is waited for.
MORE_FILES, MORE_TEXT = timedelta(seconds=12), timedelta(seconds=3)
#: A client cuts a text at the server's limit; one that is nearly as long may have been cut at a blank.
TEXT_LIMIT, CUT = 4096, 4000


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
    album: str = "",
    taken_by_id: int | None = None,
    taken_from: str = "",
) -> Message:
    """Store what a linked customer wrote or dropped in chat, once, in the caller's transaction.

    `taken_by_id` is the colleague who drops a paper of that customer in his own chat, `taken_from` who gave it to him.

    The parts of an album, and the pieces into which a client cuts a long text, are one message as long as nobody has
    begun to understand it: no server says which part is the last (T34, T35).
    """
    key = f"chat:{chat_id}:{message_id}"
    known = session.scalar(select(Message).where(Message.key == key))
    if known is not None:
        return known
    kept = [{"name": name, "sha256": messages.keep(session, content)} for name, content in files]
    whole = _begun(session, chat_id, text, kept, album=album, at=received_at)
    if whole is not None:
        _add_part(session, whole, message_id, text, kept, at=received_at)
        return whole
    message = Message(
        channel=MessageChannel.CHAT, key=key, received_at=received_at, chat_id=chat_id, customer_id=customer_id,
        raw_sha256=_said(session, text, kept, [message_id]), sender=sender, taken_by_id=taken_by_id,
        taken_from=taken_from,
    )  # fmt: skip
    if album:
        message.flag(f"{ALBUM}{album}")
    session.add(message)
    session.flush()
    _await_more(session, message, text, at=received_at)
    return message


def _said(session: Session, text: str, files: list[dict[str, str]], parts: list[int]) -> str:
    raw = json.dumps({"text": text, "files": files, "parts": parts}, ensure_ascii=False).encode()
    return messages.keep(session, raw)


def _begun(
    session: Session, chat_id: int, text: str, files: list[dict[str, str]], *, album: str, at: datetime
) -> Message | None:
    """The message that this one goes on with, when nobody has begun to understand it."""
    query = select(Message).where(
        Message.chat_id == chat_id, Message.channel == MessageChannel.CHAT, Message.state == MessageState.STORED,
        Message.attempts == 0,
    )  # fmt: skip
    last = session.scalar(query.order_by(Message.id.desc()).limit(1).with_for_update(of=Message))
    if last is None or last.raw_sha256 is None:
        return None
    if album:
        return last if f"{ALBUM}{album}" in last.flags.split() else None
    said = json.loads(messages.content_of(session, last.raw_sha256))
    cut = not files and text and not said["files"] and len(said["text"]) >= CUT * len(said["parts"])
    return last if cut and last.next_try is not None and at <= last.next_try else None


def _add_part(
    session: Session, whole: Message, message_id: int, text: str, files: list[dict[str, str]], *, at: datetime
) -> None:
    said = json.loads(messages.content_of(session, whole.raw_sha256)) if whole.raw_sha256 else {}
    if message_id in said["parts"]:
        return
    joint = "" if len(said["text"]) % TEXT_LIMIT == 0 else "\n"  # a client that cuts at its limit cuts within words
    both = joint.join(part for part in (said["text"], text) if part)
    whole.raw_sha256 = _said(session, both, [*said["files"], *files], [*said["parts"], message_id])
    _await_more(session, whole, text, at=at)


def _await_more(session: Session, message: Message, text: str, *, at: datetime) -> None:
    """Understand it at once, unless more of it is to be expected."""
    album = any(flag.startswith(ALBUM) for flag in message.flags.split())
    wait = MORE_FILES if album else MORE_TEXT if len(text) >= CUT else timedelta()
    message.next_try = at + wait if wait else None
    parts = len(json.loads(messages.content_of(session, message.raw_sha256))["parts"]) if message.raw_sha256 else 1
    jobs.ring(session, "understand", f"message:{message.id}:{message.attempts}:{parts}", at=at + wait, now=at)


def replay(session: Session, message: Message, *, at: datetime) -> None:
    """Put a message back where it waits to be understood, with fresh attempts."""
    message.state, message.reason, message.attempts, message.next_try = MessageState.STORED, "", 0, None
    jobs.ring(session, "understand", f"message:{message.id}:replay:{at.isoformat()}", at=at, now=at)


def reword(session: Session, message: Message, text: str, *, at: datetime) -> None:
    """Give a chat message its edited words and let it be understood again; the raw updates keep both."""
    said = json.loads(messages.content_of(session, message.raw_sha256)) if message.raw_sha256 else {"files": []}
    message.raw_sha256 = _said(session, text, said["files"], said.get("parts", []))
    replay(session, message, at=at)
