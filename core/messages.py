"""Everything that reached us, committed before anybody tries to understand it.

Two keys, never one: the physical key says that *this copy* was stored (mailbox position, or `update_id`), the logical
key that *this message* was (hash of the canonical mail, or chat and message number). A reused Message-ID with other
content is another message, flagged, never dropped (E07).
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Text, UniqueConstraint, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal
from core.db import Base, choice
from core.errors import IllegalTransition
from core.journal import Actor
from core.parties import Customer

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ATTEMPTS = 3
RETRY_AFTER = timedelta(minutes=1)
#: Marks on a message: a colleague said whose it is, only clues do, no person wrote it, whose it may be (by code).
ASSIGNED, PROPOSED, MACHINE, MAY_BE = "assigned", "proposed", "machine", "may_be:"
#: The mark of a message whose files came as an album, with the number that the chat server gave it.
ALBUM = "album:"
#: The mark of a chat message that answers the card of an order, with the order's number.
ABOUT = "about:"
#: The mark of a message that a colleague wants treated although a rule says that nobody needs to read it.
WANTED = "wanted"
#: The mark of a message with a recording to which only a person can listen.
UNHEARD = "unheard"


class MessageChannel(StrEnum):
    """How it reached us; `ORAL` is an order staff took by telephone or at the counter, `PAPER` one they dropped in."""

    MAIL = "mail"
    CHAT = "chat"
    ORAL = "oral"
    PAPER = "paper"


class MessageState(StrEnum):
    """What became of a stored message."""

    STORED = "stored"
    UNDERSTOOD = "understood"
    QUARANTINED = "quarantined"
    IGNORED = "ignored"


NEXT: dict[MessageState, frozenset[MessageState]] = {
    MessageState.STORED: frozenset({MessageState.UNDERSTOOD, MessageState.QUARANTINED, MessageState.IGNORED}),
    MessageState.QUARANTINED: frozenset({MessageState.UNDERSTOOD, MessageState.IGNORED, MessageState.STORED}),
    MessageState.UNDERSTOOD: frozenset({MessageState.STORED}),
    MessageState.IGNORED: frozenset({MessageState.STORED}),
}
assert set(NEXT) == set(MessageState)  # noqa: S101 - the table is complete


class Blob(Base):
    """Bytes kept once, by their SHA-256."""

    __tablename__ = "blob"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]


class Message(Base):
    """One message, whatever the number of copies that reached us.

    A paper or faxed order that a colleague dropped in chat keeps him as `taken_by_id`, and who gave it to him.
    """

    __tablename__ = "message"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[MessageChannel] = mapped_column(choice(MessageChannel))
    key: Mapped[str] = mapped_column(unique=True)
    state: Mapped[MessageState] = mapped_column(choice(MessageState), default=MessageState.STORED, index=True)
    reason: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")
    flags: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    raw_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    message_id: Mapped[str] = mapped_column(default="", index=True)
    sender: Mapped[str] = mapped_column(default="")
    mail_subject: Mapped[str] = mapped_column(Text, default="")
    extract: Mapped[str] = mapped_column(Text, default="")
    reply_email: Mapped[str] = mapped_column(default="")
    chat_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_from: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime | None]
    customer: Mapped[Customer | None] = relationship()

    @property
    def subject(self) -> str:
        """Its own name in journal lines and outbox rows; what a mail calls its subject is `mail_subject`."""
        return f"message:{self.id}"

    @property
    def reply_chat_id(self) -> int | None:
        """The chat in which it is answered."""
        return self.chat_id

    @property
    def thread_message_id(self) -> str:
        """The Message-ID that an answer refers to."""
        return self.message_id

    @property
    def thread_subject(self) -> str:
        """The subject of the mail thread it belongs to."""
        return self.mail_subject

    def flag(self, name: str) -> None:
        """Mark the message with a short word, once."""
        known = (self.flags or "").split()  # the default is there only once the row was flushed
        if name not in known:
            self.flags = " ".join([*known, name])

    def unflag(self, name: str) -> None:
        """Take a mark off; it need not be there."""
        self.flags = " ".join(known for known in (self.flags or "").split() if known != name)


class MailReceipt(Base):
    """One copy of a mail in a mailbox; the fingerprint tells a reused UID from the old one (E02)."""

    __tablename__ = "mail_receipt"
    __table_args__ = (UniqueConstraint("account", "folder", "uidvalidity", "uid", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    folder: Mapped[str]
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[str]
    message_id: Mapped[int | None] = mapped_column("message_row", ForeignKey("message.id"))
    failures: Mapped[int] = mapped_column(default=0)
    stored_at: Mapped[datetime]


class ChatUpdate(Base):
    """One raw update of the chat server, stored under its number before the offset moves."""

    __tablename__ = "chat_update"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    raw: Mapped[str] = mapped_column(Text)
    chat_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    state: Mapped[MessageState] = mapped_column(choice(MessageState), default=MessageState.STORED, index=True)
    reason: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]


class MailboxHealth(Base):
    """When a mailbox last answered, and what is wrong with it now."""

    __tablename__ = "mailbox_health"

    account: Mapped[str] = mapped_column(primary_key=True)
    last_ok: Mapped[datetime | None]
    alarm: Mapped[str] = mapped_column(default="")
    alarm_since: Mapped[datetime | None]


def keep(session: Session, content: bytes) -> str:
    """Keep the bytes, once; returns their SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    kept = insert(Blob).values(sha256=sha256, content=content, size=len(content))
    session.execute(kept.on_conflict_do_nothing())  # two copies may arrive at the same time
    return sha256


def content_of(session: Session, sha256: str) -> bytes:
    """The bytes kept under that hash."""
    return session.get_one(Blob, sha256).content


def move(
    session: Session, message: Message, target: MessageState, *, by: Actor, at: datetime, reason: str = ""
) -> None:
    """Change what became of a message, with a journal line; an illegal move raises."""
    if target not in NEXT[message.state]:
        raise IllegalTransition(thing="message", state=message.state, target=target)
    message.state, message.reason = target, reason
    journal.write(session, f"message_{target}", subject=f"message:{message.id}", by=by, at=at, reason=reason)


def unfinished(session: Session, *, at: datetime) -> Sequence[Message]:
    """Stored messages that are due to be understood, in the order in which they arrived."""
    query = select(Message).where(Message.state == MessageState.STORED).order_by(Message.id)
    return [m for m in session.scalars(query) if m.next_try is None or m.next_try <= at]


def any_unfinished(session: Session, *, at: datetime) -> bool:
    """Whether a stored message is due to be understood."""
    tried = Message.next_try.is_(None) | (Message.next_try <= at)
    query = select(Message.id).where(Message.state == MessageState.STORED, tried).limit(1)
    return session.scalar(query) is not None


def waiting(session: Session, *, after: int = 0) -> list[Message]:
    """The messages in quarantine that arrived after that one, oldest first."""
    query = select(Message).where(Message.state == MessageState.QUARANTINED, Message.id > after)
    return list(session.scalars(query.order_by(Message.id)))


def ignored(session: Session, *, since: datetime, most: int) -> list[Message]:
    """The messages that nobody needs to read, as a rule or a colleague said, since that instant, newest first."""
    query = select(Message).where(Message.state == MessageState.IGNORED, Message.received_at >= since)
    return list(session.scalars(query.order_by(Message.id.desc()).limit(most)))


def forget_waits(session: Session) -> None:
    """Let every stored message be tried now: whoever had counted its last try may be dead."""
    session.execute(update(Message).where(Message.state == MessageState.STORED).values(next_try=None))


def keep_update(session: Session, number: int, *, raw: str, chat_id: int | None, at: datetime) -> bool:
    """Keep a raw update under its number; False when it is known, whoever stores it at this moment."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(ChatUpdate).values(
        update_id=number, raw=raw, chat_id=chat_id, received_at=at, state=MessageState.STORED, reason="", attempts=0
    )
    done = session.execute(row.on_conflict_do_nothing().returning(ChatUpdate.update_id))
    return done.scalar() is not None


def unfinished_updates(session: Session) -> Sequence[ChatUpdate]:
    """Stored updates that were not handled yet, in the server's order."""
    query = select(ChatUpdate).where(ChatUpdate.state == MessageState.STORED).order_by(ChatUpdate.update_id)
    return list(session.scalars(query))


def any_update(session: Session) -> bool:
    """Whether a stored update was not handled yet."""
    query = select(ChatUpdate.update_id).where(ChatUpdate.state == MessageState.STORED).limit(1)
    return session.scalar(query) is not None
