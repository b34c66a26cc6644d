"""Nothing waits in silence: what its role has left for a quarter of an hour is told to others, once, in one message.

The time runs while the house is open, and nobody is told while it is closed. What waits again later is another wait.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, journal, settled_calls, waiting
from core.db import Base
from core.journal import SYSTEM
from core.outbox import OutboxRow
from core.parties import ChatLink, Role, Staff, staff_with
from core.waiting import Waiting

if TYPE_CHECKING:
    from core.clock import Hours

AFTER = timedelta(minutes=15)
#: What comes of age within this time of the last telling is told together.
GROUPED = timedelta(minutes=5)


class Escalation(Base):
    """That one wait of one thing was told to others; `since` is when that wait began."""

    __tablename__ = "escalation"
    __table_args__ = (UniqueConstraint("subject", "kind", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    since: Mapped[datetime]
    told_at: Mapped[datetime]


def overdue(session: Session, *, hours: Hours, at: datetime) -> list[Waiting]:
    """What has waited too long and was told to nobody else yet, the longest wait first."""
    old = [one for one in waiting.found(session, before=at - AFTER) if hours.after(one.since, AFTER) <= at]
    if not old:
        return []
    query = select(Escalation.kind, Escalation.subject, Escalation.since)
    query = query.where(Escalation.subject.in_({one.subject for one in old}))
    known = {tuple(row) for row in session.execute(query)}
    return [one for one in old if one.key not in known]


def run(session: Session, *, hours: Hours, at: datetime) -> list[Staff]:
    """Tell the others of the role and the managers of what is overdue; returns who was told."""
    settled_calls.close(session, at=at)
    if not hours.open_at(at):
        return []
    last = session.scalar(select(func.max(Escalation.told_at)).where(Escalation.told_at <= at))
    if last is not None and at - last < GROUPED:
        return []
    fresh = overdue(session, hours=hours, at=at)
    told: dict[int, list[Waiting]] = {}
    people: dict[int, Staff] = {}
    reached = _reached(session, {one.subject for one in fresh})
    for one in fresh:
        others = _others(session, one, reached.get(one.subject, set()))
        for colleague in others:
            people[colleague.id] = colleague
            told.setdefault(colleague.id, []).append(one)
        session.add(Escalation(kind=one.family, subject=one.subject, since=one.since, told_at=at))
        journal.write(
            session, "escalated", subject=one.subject, by=SYSTEM, at=at, kind=one.kind, since=one.since,
            told=sorted(colleague.id for colleague in others),
        )  # fmt: skip
    for number, colleague in sorted(people.items()):
        items = [[one.family, one.subject] for one in told[number]]
        events.emit(session, "still_waiting", colleague, at=at, items=items)
    return list(people.values())


def _others(session: Session, one: Waiting, told: Collection[int]) -> list[Staff]:
    """Who else may see to it: the role's holders who were not told, and the managers; the admins for what is theirs."""
    above = staff_with(session, Role.MANAGER) if one.role is not Role.MANAGER else []
    above = above or staff_with(session, Role.ADMIN)
    beside = [colleague for colleague in staff_with(session, one.role) if colleague.id not in told]
    found = {colleague.id: colleague for colleague in (*beside, *above)}
    return list(found.values()) or staff_with(session, one.role)


def _reached(session: Session, subjects: Collection[str]) -> dict[str, set[int]]:
    """Of each thing, the colleagues to whom something about it was sent."""
    rows = select(OutboxRow.subject, OutboxRow.chat_id, OutboxRow.email).where(
        OutboxRow.subject.in_(subjects), OutboxRow.audience != events.CUSTOMER
    )
    by_chat = dict(session.execute(select(ChatLink.chat_id, ChatLink.staff_id)).all())
    by_mail = dict(session.execute(select(Staff.email, Staff.id)).all())
    reached: dict[str, set[int]] = {}
    for subject, chat_id, email in session.execute(rows):
        whom = by_chat.get(chat_id) if chat_id is not None else by_mail.get(email)
        if whom is not None:
            reached.setdefault(subject, set()).add(whom)
    return reached
