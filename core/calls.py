"""Calls for a person: what only a colleague can answer and that has no state of its own, open until one takes it.

A draft or a request waits in its own table; a customer's question, a payment he says he made or a message that could
not be sent only left words in a chat. Each becomes a row here with the words, so that nobody's silence loses it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import journal
from core.db import Base, choice
from core.errors import Refused
from core.journal import Actor
from core.parties import Role, Staff


class Call(Base):
    """One call: `template` names the words in which its role was told, `subject` the thing it is about."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(primary_key=True)
    template: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    opened_at: Mapped[datetime]
    taken_at: Mapped[datetime | None] = mapped_column(index=True)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    taken_by: Mapped[Staff | None] = relationship()


def note(session: Session, template: str, subject: str, role: Role, *, at: datetime) -> Call:
    """Open a call, or give back the one of the same words about the same thing that is still open."""
    known = last(session, template, subject)
    if known is not None and known.taken_at is None:
        return known
    made = Call(template=template, subject=subject, role=role, opened_at=at)
    session.add(made)
    session.flush()
    return made


def last(session: Session, template: str, subject: str) -> Call | None:
    """The last call of these words about that thing."""
    query = select(Call).where(Call.subject == subject, Call.template == template)
    return session.scalar(query.order_by(Call.id.desc()).limit(1))


def unanswered(session: Session) -> list[Call]:
    """The open calls, oldest first."""
    return list(session.scalars(select(Call).where(Call.taken_at.is_(None)).order_by(Call.id)))


def take(session: Session, call: Call, *, by: Actor, at: datetime) -> None:
    """A colleague takes care of it; refuses when another one already does."""
    session.refresh(call, with_for_update={"of": Call})
    if call.taken_at is not None:
        raise Refused("call_taken", by=call.taken_by_id, at=call.taken_at)
    call.taken_at, call.taken_by_id = at, by.id
    journal.write(session, "call_taken", subject=call.subject, by=by, at=at, template=call.template)
    session.flush()
    session.refresh(call)


def close(session: Session, template: str, subject: str, *, by: Actor, at: datetime) -> None:
    """What it was about was dealt with otherwise; nothing happens where no call is open."""
    known = last(session, template, subject)
    if known is not None and known.taken_at is None:
        known.taken_at, known.taken_by_id = at, by.id
        journal.write(session, "call_closed", subject=subject, by=by, at=at, template=template)
