"""What must leave: rows written in the same transaction as the change that causes them.

The text of a row is rendered and re-checked when it leaves, not when it is written. A row is SENDING before the call
and found SENDING at start-up it is AMBIGUOUS: documents are resent once, marked; reminders never.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Text, and_, func, not_, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import jobs, journal
from core.conversations import Card
from core.db import Base, choice
from core.errors import IllegalTransition, Refused
from core.journal import SYSTEM, Actor

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_ATTEMPTS = 8
#: Wait before try 2, 3, ...; the last one repeats.
BACKOFF = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600))
RESEND_AFTER = timedelta(minutes=2)


class OutboxState(StrEnum):
    """Where a row stands; SENDING is committed before the call is made."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    MOOT = "moot"


NEXT: dict[OutboxState, frozenset[OutboxState]] = {
    OutboxState.WAITING: frozenset({OutboxState.SENDING, OutboxState.MOOT, OutboxState.FAILED}),
    OutboxState.SENDING: frozenset(
        {OutboxState.SENT, OutboxState.FAILED, OutboxState.AMBIGUOUS, OutboxState.WAITING, OutboxState.MOOT}
    ),
    OutboxState.AMBIGUOUS: frozenset({OutboxState.WAITING, OutboxState.SENT, OutboxState.MOOT}),
    OutboxState.FAILED: frozenset({OutboxState.WAITING, OutboxState.MOOT}),
    OutboxState.SENT: frozenset(),
    OutboxState.MOOT: frozenset(),
}
assert set(NEXT) == set(OutboxState)  # noqa: S101 - the table is complete


class OutboxChannel(StrEnum):
    """By which way a row leaves."""

    CHAT = "chat"
    MAIL = "mail"


class Resend(StrEnum):
    """What to do when nobody knows whether a row left: repaint a card, resend a document once, or leave it alone."""

    REPAINT = "repaint"
    MARKED = "marked"
    NEVER = "never"


class OutboxRow(Base):
    """One message to one recipient; `template` names its text, `subject` the thing it is about (`order:12`).

    `enclosure_sha256` is a PDF that goes with it beside the paper: a version of our terms of sale.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    channel: Mapped[OutboxChannel] = mapped_column(choice(OutboxChannel))
    audience: Mapped[str]
    chat_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    email: Mapped[str] = mapped_column(default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    template: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    params: Mapped[str] = mapped_column(Text, default="{}")
    paper_id: Mapped[int | None] = mapped_column(ForeignKey("paper.id"))
    enclosure_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    card: Mapped[bool] = mapped_column(default=False)
    resend: Mapped[Resend] = mapped_column(choice(Resend), default=Resend.MARKED)
    state: Mapped[OutboxState] = mapped_column(choice(OutboxState), default=OutboxState.WAITING, index=True)
    attempt: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    provider_id: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    resent: Mapped[bool] = mapped_column(default=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters of the text."""
        value: dict[str, Any] = json.loads(self.params)
        return value


def put(session: Session, rows: list[OutboxRow]) -> list[OutboxRow]:
    """Add rows, all at once, and ring for them."""
    session.add_all(rows)
    session.flush()
    for row in rows:
        jobs.ring(session, "deliver", f"outbox:{row.id}:{row.attempt}", at=row.not_before, now=row.created_at)
    return rows


def move(session: Session, row: OutboxRow, target: OutboxState, *, at: datetime, error: str = "") -> None:
    """Change where a row stands; ends that a person may ask about leave a journal line; an illegal move raises."""
    if target not in NEXT[row.state]:
        raise IllegalTransition(thing="outbox", state=row.state, target=target)
    row.state, row.error = target, error
    if target in {OutboxState.SENT, OutboxState.FAILED, OutboxState.AMBIGUOUS, OutboxState.MOOT}:
        journal.write(
            session, f"outbox_{target}", subject=row.subject, by=SYSTEM, at=at,
            row=row.id, template=row.template, attempt=row.attempt, error=error,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Due:
    """A row that may leave now, as far as the choice of the next one needs it; `edits` says that its card stands."""

    id: int
    channel: OutboxChannel
    chat_id: int | None
    email: str
    audience: str
    template: str
    edits: bool

    @property
    def lane(self) -> int | str:
        """Rows of one lane leave one after the other: a chat, or the mails to one address."""
        return self.chat_id if self.channel is OutboxChannel.CHAT and self.chat_id is not None else self.email.lower()


def _is_due(at: datetime) -> ColumnElement[bool]:
    """Waiting and its time has come; a paper's row waits until its bytes are stored."""
    from core.papers import Paper

    unmade = select(Paper.id).where(Paper.id == OutboxRow.paper_id, Paper.pdf_sha256.is_(None)).exists()
    return and_(OutboxRow.state == OutboxState.WAITING, OutboxRow.not_before <= at, not_(unmade))


def due(session: Session, *, at: datetime) -> list[Due]:
    """Rows that may leave now, oldest first, without those behind a row of their chat that is tried again."""
    stands = select(Card.id).where(Card.chat_id == OutboxRow.chat_id, Card.subject == OutboxRow.subject).exists()
    query = (
        select(
            OutboxRow.id, OutboxRow.channel, OutboxRow.chat_id, OutboxRow.email, OutboxRow.audience,
            OutboxRow.template, and_(OutboxRow.card, stands),
        )
        .where(_is_due(at))
        .order_by(OutboxRow.id)
    )  # fmt: skip
    found = [Due(*row) for row in session.execute(query)]
    held = _held_chats(session) if found else {}
    return [row for row in found if row.channel is OutboxChannel.MAIL or held.get(row.chat_id or 0, row.id) >= row.id]


def _held_chats(session: Session) -> dict[int, int]:
    """Chats in which a row is under way or waits for its next try, by that row: later ones stay behind it."""
    again = and_(OutboxRow.state == OutboxState.WAITING, OutboxRow.attempt > 0, OutboxRow.resent.is_(False))
    query = (
        select(OutboxRow.chat_id, func.min(OutboxRow.id))
        .where(OutboxRow.channel == OutboxChannel.CHAT, or_(OutboxRow.state == OutboxState.SENDING, again))
        .group_by(OutboxRow.chat_id)
    )  # fmt: skip
    return {chat_id: row_id for chat_id, row_id in session.execute(query) if chat_id is not None}


def any_due(session: Session, channels: Collection[OutboxChannel], *, at: datetime) -> bool:
    """Whether any row may leave now by one of these ways."""
    query = select(OutboxRow.id).where(_is_due(at), OutboxRow.channel.in_(channels)).limit(1)
    return session.scalar(query) is not None


def hold_chats(session: Session, *, until: datetime) -> None:
    """Let no waiting chat row leave before `until`."""
    waiting = (
        OutboxRow.channel == OutboxChannel.CHAT, OutboxRow.state == OutboxState.WAITING, OutboxRow.not_before < until,
    )  # fmt: skip
    session.execute(update(OutboxRow).where(*waiting).values(not_before=until))


def found_sending(session: Session, *, at: datetime) -> list[OutboxRow]:
    """Rows a dead process left SENDING: nobody knows whether they left, so they become AMBIGUOUS."""
    rows = list(session.scalars(select(OutboxRow).where(OutboxRow.state == OutboxState.SENDING)))
    for row in rows:
        ambiguous(session, row, at=at, error="found sending at start-up")
    return rows


def ambiguous(session: Session, row: OutboxRow, *, at: datetime, error: str) -> None:
    """Note that a row may have left; a document gets one more try, later and marked, a card is painted again.

    A reminder rests, and so does a row that was tried too often.
    """
    move(session, row, OutboxState.AMBIGUOUS, at=at, error=error)
    if row.resend is not Resend.NEVER and not row.resent and row.attempt < MAX_ATTEMPTS:
        row.resent = row.resend is Resend.MARKED
        move(session, row, OutboxState.WAITING, at=at, error=error)
        again = timedelta(0) if row.attempt == 1 else BACKOFF[min(row.attempt - 1, len(BACKOFF)) - 1]
        row.not_before = at + (RESEND_AFTER if row.resend is Resend.MARKED else again)


def retry(session: Session, row: OutboxRow, *, at: datetime, error: str, after: timedelta | None = None) -> None:
    """Put a row that certainly did not leave back in the queue, or give it up after the last try."""
    if row.attempt >= MAX_ATTEMPTS:
        move(session, row, OutboxState.FAILED, at=at, error=error)
        return
    move(session, row, OutboxState.WAITING, at=at, error=error)
    row.not_before = at + (after or pause(row.attempt))


def pause(attempt: int) -> timedelta:
    """How long a row waits after that try."""
    return BACKOFF[min(max(attempt, 1), len(BACKOFF)) - 1]


def is_known(session: Session, subject: str) -> bool:
    """Whether the outbox holds anything about `subject`."""
    return session.scalar(select(OutboxRow.id).where(OutboxRow.subject == subject).limit(1)) is not None


def send_again(session: Session, row: OutboxRow, *, by: Actor, at: datetime) -> None:
    """A person has a row tried anew that failed, or that may have left; the second kind goes marked.

    Refuses a row that is on its way or has left.
    """
    if row.state not in {OutboxState.FAILED, OutboxState.AMBIGUOUS}:
        raise Refused("nothing_to_send_again")
    row.resent = row.resent or row.state is OutboxState.AMBIGUOUS
    move(session, row, OutboxState.WAITING, at=at)
    row.attempt, row.not_before = 0, at
    journal.write(session, "outbox_again", subject=row.subject, by=by, at=at, row=row.id, template=row.template)
    jobs.ring(session, "deliver", f"outbox:{row.id}:again:{at.timestamp():.0f}", at=at, now=at)


def was_told(session: Session, subject: str) -> bool:
    """Whether anything about `subject` has left or may have."""
    told = (OutboxState.SENDING, OutboxState.SENT, OutboxState.AMBIGUOUS)
    query = select(OutboxRow.id).where(OutboxRow.subject == subject, OutboxRow.state.in_(told))
    return session.scalar(query.limit(1)) is not None


def cancel_waiting(
    session: Session, subject: str, *, at: datetime, reason: str, audience: str | None = None,
    since: datetime | None = None,
) -> int:  # fmt: skip
    """Make the rows about `subject` that have not begun to leave MOOT, those written since then; returns how many."""
    query = select(OutboxRow).where(OutboxRow.subject == subject, OutboxRow.state == OutboxState.WAITING)
    if since is not None:
        query = query.where(OutboxRow.created_at >= since)
    rows = [row for row in session.scalars(query) if audience is None or row.audience == audience]
    for row in rows:
        move(session, row, OutboxState.MOOT, at=at, error=reason)
    return len(rows)
