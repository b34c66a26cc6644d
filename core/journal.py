"""The journal: append-only, hash-chained, without personal data in what is hashed.

Each entry's hash covers all its fields and the previous hash; the head row is locked while an entry is added, so the
chain cannot fork. Personal text stands beside the hashed data and enters the chain only as a salted hash: erasing the
text and its salt (S37) leaves the chain whole. This is tamper-evident, not a proof: whoever owns the database can
rebuild a chain, so its head is printed elsewhere each day.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Text, select, update
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from core.db import Base
from core.money import Money

GENESIS = "0" * 64
#: Where a session keeps the transaction in which it took hold of the journal.
HELD = "journal_held"
#: Where it keeps the outermost transaction in which it asked for the journal.
BEGUN = "journal_begun"
#: Where it keeps the head that it holds: the innermost transaction then, the number, the hash.
HEAD = "journal_head"


class ActorKind(StrEnum):
    """Who can act."""

    STAFF = "staff"
    CUSTOMER = "customer"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a member of staff or a customer by row id, or the system."""

    kind: ActorKind
    id: int | None = None
    roles: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.kind.value if self.id is None else f"{self.kind.value}:{self.id}"


SYSTEM = Actor(ActorKind.SYSTEM)


class JournalEntry(Base):
    """One thing that happened, in the order in which it was committed."""

    __tablename__ = "journal"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]
    data: Mapped[str] = mapped_column(Text)
    private: Mapped[str | None] = mapped_column(Text)
    salt: Mapped[str | None]
    private_hash: Mapped[str | None]
    prev_hash: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(unique=True)


class JournalHead(Base):
    """The single row that whoever appends must hold."""

    __tablename__ = "journal_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str]


def _jsonable(value: Any) -> Any:
    if isinstance(value, Money | Decimal | datetime):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError(f"the journal cannot keep a {type(value).__name__}")


def canonical_json(value: Any) -> str:
    """One JSON text per value: keys sorted, no blanks, decimals and dates as text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_jsonable)


def _chained(entry: JournalEntry) -> str:
    instant = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = [entry.seq, instant, entry.action, entry.subject, entry.actor, entry.data, entry.private_hash]
    return hashlib.sha256(canonical_json([*parts, entry.prev_hash]).encode()).hexdigest()


def _private_hash(salt: str, private: str) -> str:
    return hashlib.sha256(f"{salt}{private}".encode()).hexdigest()


def _private_broken(entry: JournalEntry) -> bool:
    """The private text is neither the one that was written nor erased together with its salt."""
    if entry.private is None or entry.salt is None:
        return (entry.private is None) != (entry.salt is None)
    return _private_hash(entry.salt, entry.private) != entry.private_hash


def write(
    session: Session, action: str, *, subject: str, by: Actor, at: datetime, private: str | None = None, **data: Any
) -> JournalEntry:
    """Append one entry in the caller's transaction; `data` must hold no personal data, `private` may."""
    session.flush()
    last, prev_hash = _head(session)
    salt = secrets.token_hex(16) if private is not None else None
    entry = JournalEntry(
        seq=last + 1,
        at=at,
        action=action,
        subject=subject,
        actor=str(by),
        data=canonical_json(data),
        private=private,
        salt=salt,
        private_hash=_private_hash(salt, private) if salt is not None and private is not None else None,
        prev_hash=prev_hash,
    )
    entry.hash = _chained(entry)
    session.add(entry)
    session.execute(update(JournalHead).where(JournalHead.id == 1).values(seq=entry.seq, hash=entry.hash))
    session.flush()
    session.info[HEAD] = _innermost(session), entry.seq, entry.hash
    return entry


def first_broken(session: Session) -> int | None:
    """The sequence number of the first entry that does not fit the chain, or None when it is whole.

    A missing last entry shows against the head row, which is then named.
    """
    expected, previous = 1, GENESIS
    for entry in session.scalars(select(JournalEntry).order_by(JournalEntry.seq).execution_options(yield_per=500)):
        if _broken(entry, expected, previous):
            return expected
        expected, previous = expected + 1, entry.hash
    head = session.execute(select(JournalHead.seq, JournalHead.hash)).one()
    return None if head == (expected - 1, previous) else expected


def _broken(entry: JournalEntry, expected: int, previous: str) -> bool:
    misplaced = entry.seq != expected or entry.prev_hash != previous
    return misplaced or entry.hash != _chained(entry) or _private_broken(entry)


def entries_of(session: Session, subject: str) -> list[JournalEntry]:
    """What happened to one subject (such as `order:12`), oldest first."""
    return list(session.scalars(select(JournalEntry).where(JournalEntry.subject == subject).order_by(JournalEntry.seq)))


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the journal as it was once, kept where whoever owns the database cannot reach it (S47).

    It is evidence of tampering, not a proof of anything: a chain that was rebuilt, or cut, no longer contains it.
    """

    position: int
    hash: str

    @property
    def subject(self) -> str:
        """The anchor as the subject of outbox rows."""
        return f"journal:{self.position}"

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"


def read_anchor(text: str) -> Anchor:
    """The anchor written `POSITION:HASH`; raises `ValueError` for anything else."""
    position, _, digest = text.strip().partition(":")
    if not position.isdecimal() or not re.fullmatch(r"[0-9a-f]{64}", digest.lower()):
        raise ValueError(f"an anchor is POSITION:HASH, with 64 hexadecimal figures: {text}")
    return Anchor(int(position), digest.lower())


def anchor(session: Session) -> Anchor:
    """The head of the journal now."""
    return Anchor(*session.execute(select(JournalHead.seq, JournalHead.hash)).one())


def followed(session: Session, known: Anchor, *, most: int) -> Anchor | None:
    """The chain followed from `known` over at most so many entries: the last of them, or None where one does not fit.

    A long journal is checked in pieces, so that nobody who writes waits for all of it; where nothing follows, `known`
    must be the head.
    """
    query = select(JournalEntry).where(JournalEntry.seq > known.position).order_by(JournalEntry.seq).limit(most)
    reached = known
    for entry in session.scalars(query):
        if _broken(entry, reached.position + 1, reached.hash):
            return None
        reached = Anchor(entry.seq, entry.hash)
    return None if reached == known and anchor(session) != known else reached


def contains(session: Session, anchor: Anchor) -> bool:
    """The journal still holds the entry that was its head then; `first_broken` says whether the chain is whole."""
    known = select(JournalEntry.hash).where(JournalEntry.seq == anchor.position)
    return session.scalar(known) == anchor.hash if anchor.position else anchor.hash == GENESIS


def hold(session: Session) -> None:
    """Wait for whoever appends now, and append next: what is locked after the journal is locked so by everybody."""
    if not held(session):
        _head(session)


def held(session: Session) -> bool:
    """Whether this transaction has taken hold of the journal; a savepoint that was rolled back let go of it."""
    holder = session.info.get(HELD)
    return holder is not None and holder.is_active and holder in _under_way(session)


def begun(session: Session) -> bool:
    """Whether this transaction has asked for the journal at all, be it in a savepoint that ended: it may hold it."""
    outermost = session.info.get(BEGUN)
    return outermost is not None and outermost is session.get_transaction()


def _head(session: Session) -> tuple[int, str]:
    """The number and the hash of the last entry, which nobody else can follow before this transaction ends.

    They are known from the last time they were asked for, unless a savepoint began or ended since.
    """
    known = session.info.get(HEAD)
    if known is not None and known[0] is _innermost(session):
        return known[1], known[2]
    session.info[BEGUN] = session.get_transaction()
    head = select(JournalHead.seq, JournalHead.hash).where(JournalHead.id == 1).with_for_update()
    last, digest = session.execute(head).one()
    if not held(session):
        session.info[HELD] = _innermost(session)
    session.info[HEAD] = _innermost(session), last, digest
    return last, digest


def _innermost(session: Session) -> SessionTransaction | None:
    return next(_under_way(session), None)


def _under_way(session: Session) -> Iterator[SessionTransaction]:
    """The transaction that a statement is part of now, innermost savepoint first."""
    inner = session.get_nested_transaction() or session.get_transaction()
    while inner is not None:
        yield inner
        inner = inner.parent


def position(session: Session) -> int:
    """The number of the last entry: it grows with everything that happens, whatever the clock says."""
    known = session.info.get(HEAD)
    if known is not None and known[0] is _innermost(session):
        return int(known[1])
    return session.scalars(select(JournalHead.seq)).one()
