"""The morning digest of each colleague: what of the day's figures is his business, told once a day.

How it is worded and drawn is `bot.digests`. What was made is kept, words, picture and tables, so that all three say the
numbers of one instant.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, messages
from core.clock import PARIS, business_date
from core.db import Base
from core.journal import SYSTEM
from core.messages import Blob
from core.parties import Customer, Role, Staff
from core.reminders import Reminder

if TYPE_CHECKING:
    from core.clock import Hours

#: How long what was made for a digest is kept: no button of it works any longer.
KEPT = timedelta(days=31)
#: A desk that was down makes up for the morning's digest until then.
NOON = time(12)


class Section(StrEnum):
    """A part of the digest."""

    ORDERS = "orders"
    WAITING = "waiting"
    RECEIVABLES = "receivables"
    REMINDERS = "reminders"
    WAREHOUSE = "warehouse"
    HEALTH = "health"


#: Whose business each part is.
SHOWN: dict[Section, frozenset[Role]] = {
    Section.ORDERS: frozenset({Role.SALES, Role.MANAGER}),
    Section.WAITING: frozenset(Role),
    Section.RECEIVABLES: frozenset({Role.ACCOUNTING, Role.MANAGER}),
    Section.REMINDERS: frozenset({Role.ACCOUNTING, Role.LEGAL, Role.MANAGER}),
    Section.WAREHOUSE: frozenset({Role.WAREHOUSE, Role.MANAGER}),
    Section.HEALTH: frozenset({Role.MANAGER, Role.ADMIN}),
}
assert set(SHOWN) == set(Section)  # noqa: S101 - the table is complete


class Digest(Base):
    """What one colleague was told on one morning; `files` names the tables behind it by their hash."""

    __tablename__ = "digest"
    __table_args__ = (UniqueConstraint("staff_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    day: Mapped[date]
    made_at: Mapped[datetime]
    html: Mapped[str] = mapped_column(Text)
    picture_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    files: Mapped[str] = mapped_column(Text, default="{}")
    staff: Mapped[Staff] = relationship()

    @property
    def subject(self) -> str:
        """The digest as the subject of outbox rows."""
        return f"digest:{self.id}"

    @property
    def tables(self) -> dict[str, str]:
        """The hash of each table by its file name."""
        known: dict[str, str] = json.loads(self.files)
        return known


def sections(roles: Collection[Role]) -> frozenset[Section]:
    """What is the business of somebody with these roles."""
    return frozenset(section for section, whose in SHOWN.items() if whose & set(roles))


def due(session: Session, *, hours: Hours, at: datetime) -> list[Staff]:
    """Who has not had this morning's digest yet; nobody before the house opens, nor in the afternoon."""
    if not hours.open_at(at) or at.astimezone(PARIS).time() >= NOON:
        return []
    had = select(Digest.staff_id).where(Digest.day == business_date(at))
    query = select(Staff).where(Staff.active, Staff.id.not_in(had)).order_by(Staff.id)
    return [
        colleague for colleague in session.scalars(query)
        if colleague.roles and events.address_of_colleague(session, colleague) is not None
    ]  # fmt: skip


def keep(
    session: Session, colleague: Staff, *, at: datetime, html: str, picture: bytes | None, tables: Mapping[str, bytes]
) -> Digest:
    """Keep what a colleague is told this morning and send it; the database refuses a second one of that day."""
    kept = {name: messages.keep(session, content) for name, content in tables.items()}
    digest = Digest(
        staff=colleague, day=business_date(at), made_at=at, html=html, files=json.dumps(kept, sort_keys=True),
        picture_sha256=messages.keep(session, picture) if picture is not None else None,
    )  # fmt: skip
    session.add(digest)
    session.flush()
    journal.write(session, "digest_made", subject=digest.subject, by=SYSTEM, at=at, staff=colleague.id)
    events.emit(session, "digest_made", digest, at=at)
    return digest


def forget_old(session: Session, *, at: datetime) -> None:
    """Drop the digests that no button reaches any more, with their pictures and tables."""
    old = list(session.scalars(select(Digest).where(Digest.made_at < at - KEPT)))
    if not old:
        return
    used = {one.picture_sha256 for one in old} | {sha256 for one in old for sha256 in one.tables.values()}
    session.execute(delete(Digest).where(Digest.id.in_([one.id for one in old])))
    younger = list(session.scalars(select(Digest)))
    used -= {one.picture_sha256 for one in younger} | {sha256 for one in younger for sha256 in one.tables.values()}
    session.execute(delete(Blob).where(Blob.sha256.in_(used)))


def reminded(session: Session, day: date) -> list[tuple[Reminder, Customer]]:
    """The reminders of a day, the highest level first."""
    query = select(Reminder, Customer).join(Customer, Customer.id == Reminder.customer_id).where(Reminder.on == day)
    return list(session.execute(query.order_by(Reminder.level.desc(), Customer.name)))
